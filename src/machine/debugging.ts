import type { MissExit } from '../engine/engine.ts';
import { decode } from '../isa/a64/table.ts';
import { accessAddress } from './access.ts';
import { DebugUnit, guestRegisters, isLocked, type DebugRegisters } from './debug.ts';
import { ABORT, debugEsr, EC, STEP } from './esr.ts';
import { exception, PSTATE, type Exception } from './exceptions.ts';
import type { CpuParts } from './parts.ts';
import { ACCESSORS } from './translation/parameters.ts';

const PAGE = 4096;

/**
 * How the comparators are had from the engine: breakpoints are planted in its code, pages with watched bytes have no entry
 * in its TLB but while one instruction is done, and what is stepped is run one by one.
 */
export class Debugging {
  readonly unit: DebugUnit;
  /** Software step was active as the engine was entered. */
  stepping = false;
  /** The last instruction was stepped: bits of the ISS. */
  stepped = 0;
  readonly #parts: CpuParts;
  #host: DebugRegisters | null = null;
  /** Addresses where whoever runs the machine wants it to stop. */
  #breakpoints: readonly bigint[] = [];
  #planted = '';
  #watching = false;
  #opened: { readonly lo: number; readonly hi: number }[] = [];

  constructor(parts: CpuParts) {
    this.#parts = parts;
    const { engine, el2 } = parts;
    this.unit = new DebugUnit({ state: engine.state, el2, read: (name) => parts.read(name) });
  }

  /** The registers have changed, or others are to be compared with. */
  sync(): void {
    const { engine, read } = this.#parts;
    // The guest's OS lock is the guest's: EL2 keeps the CPU's own.
    this.unit.use(this.#host ?? guestRegisters(read), this.#host === null && isLocked(read));
    this.#plant();
    const { watches } = this.unit;
    if (!watches && !this.#watching) return;
    this.#watching = watches;
    engine.tlb.setRefilled(watches ? ['fetch'] : ['read', 'write', 'fetch']);
    engine.tlb.flush();
  }
  /** See Cpu.debugWith. */
  set host(registers: DebugRegisters | null) {
    if (registers === null && this.#host === null) return;
    this.#host = registers;
    this.sync();
  }
  set breakpoints(addresses: readonly bigint[]) {
    this.#breakpoints = addresses;
    this.#plant();
  }
  isBreakpoint(pc: bigint): boolean {
    return this.#breakpoints.includes(pc);
  }

  /** The engine is about to run: whether it may do one instruction alone, and what `done` is told of it then. */
  enter(): { readonly single: boolean; readonly exclusive: number } {
    this.stepping = this.unit.stepping;
    const single = this.stepping || this.unit.anywhere || this.#opened.length > 0;
    return { single, exclusive: this.stepping ? this.#exclusiveHere() : 0 };
  }

  /** An instruction was done; `exclusive`: STEP.EX where it was a load-exclusive. */
  done(exclusive = 0): void {
    this.close();
    if (!this.stepping) return;
    this.#parts.engine.state.pstate &= ~PSTATE.SS;
    this.stepped = STEP.ISV | exclusive;
  }

  /** Software step exceptions come before anything of the next instruction. */
  get stepIsPending(): boolean {
    return this.unit.stepping && (this.#parts.engine.state.pstate & PSTATE.SS) === 0;
  }
  /** A breakpoint on a context alone holds here; not where the instruction can't be fetched, which comes before it. */
  get contextHolds(): boolean {
    const { mmu, engine, kindHere } = this.#parts;
    const { state } = engine;
    if (!this.unit.anywhere || !this.unit.breakpointAt(state.pc)) return false;
    return mmu.translate(state.pcLow, state.pcHigh, { ...kindHere('fetch'), peek: true }).ok;
  }
  stepException(): Exception {
    return this.#exception(EC.SOFTSTEP_LOWER, this.stepped, null);
  }
  breakpointException(): Exception {
    return this.#exception(EC.BREAKPOINT_LOWER, 0, null);
  }

  /** A miss of data: the exception of a watchpoint, or where there are others in the page, it is opened for this instruction. */
  watch({ access, lo, hi, bytes, regime, word }: MissExit): Exception | null {
    if (!this.#watching) return null;
    const va = (BigInt(hi) << 32n) | BigInt(lo);
    const page = va & ~BigInt(PAGE - 1);
    if (!this.unit.isWatched(page, PAGE)) return null;
    const start = va === page ? (accessAddress(word, this.#parts.engine.state) ?? va) : va;
    const raised = this.watchpoint(start, bytes, access === 'write', ACCESSORS[regime]!.el === 1);
    if (!raised) this.#opened.push({ lo: (lo & -PAGE) >>> 0, hi });
    return raised;
  }

  watchpoint(va: bigint, bytes: number, write: boolean, privileged: boolean): Exception | null {
    const hit = this.unit.watchpointAt(va, bytes, write, privileged);
    return hit === null ? null : this.#exception(EC.WATCHPOINT_LOWER, write ? ABORT.WNR : 0, hit);
  }

  /** Pages with watched bytes are without entries again. */
  close(): void {
    if (this.#opened.length === 0) return;
    for (const { lo, hi } of this.#opened) this.#parts.engine.tlb.flushPage(lo, hi);
    this.#opened = [];
  }

  #plant(): void {
    const addresses = [...new Set([...this.#breakpoints, ...this.unit.addresses])];
    const planted = addresses.join();
    if (planted === this.#planted) return;
    this.#planted = planted;
    this.#parts.engine.setBreakpoints(addresses);
  }

  #exception(ec: number, iss: number, far: bigint | null): Exception {
    const { target } = this.unit;
    return exception(target, debugEsr(ec, this.#parts.engine.state.level < target, iss), far);
  }

  /** STEP.EX where the instruction at PC is a load-exclusive. */
  #exclusiveHere(): number {
    const { mmu, memory, engine, kindHere } = this.#parts;
    const result = mmu.translate(engine.state.pcLow, engine.state.pcHigh, { ...kindHere('fetch'), peek: true });
    const transfer = result.ok ? decode(memory.read32(result.pa))?.row.transfer : undefined;
    return transfer?.exclusive === true && transfer.access === 'load' ? STEP.EX : 0;
  }
}
