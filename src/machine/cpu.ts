import type { AlignmentExit, CpuState, Engine, Exit, MissExit, WaitExit } from '../engine/engine.ts';
import { decode } from '../isa/a64/table.ts';
import { alignmentAbort, direction, externalAbort, translationAbort } from './aborts.ts';
import { addressOf, elementBytes, isOrdered } from './access.ts';
import { CpuContext, resetContext, systemIndex } from './context.ts';
import type { DebugRegisters } from './debug.ts';
import { Debugging } from './debugging.ts';
import { HCR, resetEl2, type El2Registers } from './el2.ts';
import { EngineControl } from './engine-control.ts';
import { EC, esr, fpIss, STEP } from './esr.ts';
import {
  exception,
  handlerPstate,
  PSTATE,
  returnPstate,
  undefinedInstruction,
  vectorOffset,
  type Exception,
} from './exceptions.ts';
import type { CpuFeatures, IdRegister } from './features.ts';
import { generatedException, isForEvent, trappedWait } from './generated.ts';
import { deferVirtualError, physicalInterrupt, virtualInterrupt, virtualInterruptPending } from './interrupts.ts';
import { BranchTargets } from './landing.ts';
import { Maintenance } from './maintenance.ts';
import type { PhysicalMemory } from './memory.ts';
import type { CpuParts } from './parts.ts';
import { authenticatedReturn, branchAddress, KEY_REGISTERS, usesPointerKey } from './pointers.ts';
import type { CpuModel } from './presets.ts';
import type { Stop } from './stop.ts';
import {
  countsToTimer,
  SCTLR,
  STORED_REGISTERS,
  SYSTEM_REGISTERS,
  type RegisterFile,
  type StoredRegister,
  type SystemRegister,
} from './sysregs.ts';
import { executeSystem } from './system.ts';
import type { Fault } from './translation/fault.ts';
import { Mmu, type Access, type AccessKind } from './translation/mmu.ts';
import { ACCESSORS } from './translation/parameters.ts';
import { AddressSpaces } from './translation/spaces.ts';

/** Exception returns, with the key that they authenticate ELR_EL1 with. */
const RETURNS: ReadonlyMap<number, 'IA' | 'IB' | null> = new Map([
  [0xd69f03e0, null],
  [0xd69f0bff, 'IA'],
  [0xd69f0fff, 'IB'],
]);
const ESB = 0xd503221f;
/** Virtual time: a count of the generic timer every so many instructions. */
export const INSTRUCTIONS_PER_COUNT = 16;
/** Misses in a row that count as an instruction, so that a run ends even if the TLB keeps no entry. */
const MOST_MISSES = 16;
const LONGEST_SLICE = 0x4000_0000;

/**
 * The physical CPU as a hypervisor sees it: EL1 and EL0 run here, EL2 is whoever calls `run`. What the architecture
 * takes to EL1 happens inside; what it takes to EL2 stops the run with the syndrome that EL2's registers would show.
 */
export class Cpu implements RegisterFile {
  readonly model: CpuModel;
  readonly features: CpuFeatures;
  readonly state: CpuState;
  /** EL2's registers; whoever is EL2 writes them, and they hold from the next `run` on. */
  readonly el2: El2Registers = resetEl2();
  readonly mmu: Mmu;
  /** Interrupt lines of the machine; taken to EL2 (HCR_EL2.IMO, FMO) between two instructions. */
  readonly lines = { irq: false, fiq: false };
  /** EL2 has the interrupts of EL1's timers enabled: where CNTV_CTL_EL0 or CNTP_CTL_EL0 raises one, HCR_EL2.IMO takes it to EL2. */
  readonly timerInterrupts = { virtual: false, physical: false };
  /** Instructions completed or ended by an exception to EL1, since the machine was made. */
  instructions = 0;
  /** Those of `instructions` that were done at EL0. */
  el0Instructions = 0;
  /** Counts of the generic timer that passed without an instruction. */
  #idleCounts = 0n;
  readonly #memory: PhysicalMemory;
  readonly #engine: Engine;
  readonly #parts: CpuParts;
  /** The system registers of the loaded context; its general part is in the engine while it is loaded. */
  readonly #live = new CpuContext();
  /** What `instructions` is when a timer's interrupt is taken; Infinity where nothing raises one. */
  #timerDue = Infinity;
  #passing: bigint | null = null;
  readonly #debug: Debugging;
  readonly #branches: BranchTargets;
  readonly #control: EngineControl;
  /** What SYS does: TLBI, DC, AT. */
  readonly maintenance: Maintenance;
  readonly #spaces: AddressSpaces;

  constructor(memory: PhysicalMemory, engine: Engine, model: CpuModel) {
    this.#memory = memory;
    this.#engine = engine;
    this.model = model;
    this.features = model.features;
    this.state = engine.state;
    this.mmu = new Mmu(memory, model.features);
    this.#spaces = new AddressSpaces(engine.tlb, memory.memory, model.features);
    engine.tlb.setRefilled(['read', 'write', 'fetch']);
    this.state.lse2 = model.features.lse2;
    this.#parts = {
      memory,
      engine,
      mmu: this.mmu,
      el2: this.el2,
      features: model.features,
      context: this.#live,
      read: (name) => this.read(name),
      write: (name, value) => this.write(name, value),
      sctlr: (bit) => this.#sctlr(bit),
      kindHere: (access) => this.#kindHere(access),
    };
    this.#debug = new Debugging(this.#parts);
    this.#branches = new BranchTargets(this.#parts);
    this.#control = new EngineControl(this.#parts, this.#spaces, () => this.fpTrapTarget() !== null);
    this.maintenance = new Maintenance(this.#parts, this.#spaces, this.#debug);
    this.load(resetContext());
  }

  /** World switch: the whole of a guest's registers into the CPU. */
  load(context: CpuContext): void {
    const same = this.#live.edition === context.edition;
    const sameKeys = same || this.#live.agrees(context, KEY_INDEXES);
    const sameDebug = same || this.#live.agrees(context, DEBUG_INDEXES);
    this.#live.copySystem(context);
    const { state } = this;
    const pstate = context.pstateBits;
    state.pstate = returnPstate(pstate, state.pstate, this.features);
    state.general.set(context.x);
    state.vectors.set(context.v);
    state.setSp(0, context.spEl0);
    state.setSp(1, context.spEl1);
    state.pc = context.pc;
    state.fpcr = context.fpcr;
    state.fpsr = context.fpsr;
    state.clearExclusive();
    if (!sameKeys) this.#control.syncKeys();
    this.#debug.stepped = 0;
    this.#branches.forget();
    if (!sameDebug) this.#debug.sync();
    if (this.#debug.unit.returnsStepping(pstate, false)) state.pstate |= PSTATE.SS;
  }

  /** World switch: the whole of the guest's registers out of the CPU. */
  save(context: CpuContext): void {
    context.copySystem(this.#live);
    const { state } = this;
    context.x.set(state.general);
    context.v.set(state.vectors);
    context.spEl0 = state.sp(0);
    context.spEl1 = state.sp(1);
    context.pc = state.pc;
    context.pstate = BigInt(state.pstate);
    context.fpcr = state.fpcr;
    context.fpsr = state.fpsr;
  }

  /**
   * Runs the guest from PC until `budget` instructions are done, a breakpoint is met or an exception is taken to EL2.
   * An exception taken to EL1 uses up one of the budget, so every run ends whatever the guest does.
   */
  run(budget: number): Stop {
    this.#control.retranslate();
    this.#syncTimer();
    const end = this.instructions + budget;
    let misses = 0;
    while (this.instructions < end) {
      const pending = this.#pendingException();
      if (pending) {
        const stop = this.#take(pending);
        if (stop) return stop;
        continue;
      }
      if (this.#passing !== null) {
        if (this.#passing !== this.state.pc) this.#passing = null;
        else if (!this.#debug.unit.addresses.includes(this.#passing)) this.#engine.stepOff();
      }
      const { single, exclusive } = this.#debug.enter();
      const left = Math.min(end, this.#timerDue) - this.instructions;
      const exit = this.#engine.run(single ? 1 : Math.min(left, LONGEST_SLICE));
      this.#count(this.#engine.executed);
      this.#branches.settle();
      if (this.#engine.executed > 0) {
        misses = 0;
        this.#passing = null;
        this.#debug.done(exclusive);
      }
      // With the budget used up, an exit is the next instruction's: it comes again when that is run.
      if (exit.kind === 'budget' || this.instructions >= end) continue;
      if (exit.kind === 'breakpoint') {
        const { pc } = this.state;
        if (this.#passing !== pc && this.#debug.isBreakpoint(pc)) {
          this.#passing = pc;
          return { why: 'breakpoint', address: pc };
        }
        if (!this.#debug.unit.breakpointAt(pc)) {
          this.#engine.stepOff();
          continue;
        }
        const stop = this.#take(this.#debug.breakpointException());
        if (stop) return stop;
        continue;
      }
      if (exit.kind === 'miss' && ++misses === MOST_MISSES) {
        misses = 0;
        this.#count(1);
        continue;
      }
      const raised = this.#handle(exit);
      if (raised) {
        misses = 0;
        const stop = this.#take(raised);
        if (stop) return stop;
      }
    }
    return { why: 'budget' };
  }

  /** Virtual addresses where `run` stops before the instruction. */
  setBreakpoints(addresses: Iterable<bigint>): void {
    this.#debug.breakpoints = [...addresses];
  }

  /**
   * EL2 debugs the guest: its comparators are used instead of the guest's registers, which stay as they are (EL2 traps
   * accesses by MDCR_EL2.TDA). Their exceptions go to EL2 where MDCR_EL2.TDE is set. null: the guest has its own again.
   * Before `load`, which takes PSTATE.SS over only where these registers step.
   */
  debugWith(registers: DebugRegisters | null): void {
    this.#debug.host = registers;
  }

  /**
   * Virtual time passes as if the guest had done `count` instructions more: those that EL2 did in its stead, or the time
   * that it slept. Whole counts of the timer are kept beside the instructions, whose number so stays exact: a guest can
   * sleep for 2^53 of them in a second.
   */
  retire(count: number): void {
    const counts = Math.floor(count / INSTRUCTIONS_PER_COUNT);
    this.#idleCounts += BigInt(counts);
    this.instructions += count - counts * INSTRUCTIONS_PER_COUNT;
  }

  /** TLBI as EL2 does it after it has changed stage 2 tables: everything of the VMID, whatever the address; absent: of all. */
  invalidateStage2(vmid?: number): void {
    if (vmid === undefined) this.#engine.tlb.flush();
    else this.#spaces.flushVmid(vmid);
  }

  /* ------------------------------------------------------------------ registers, for the rows of sysregs.ts */

  read(name: StoredRegister): bigint {
    return this.#live.read(name);
  }
  /** Sets a register as if nothing depended on it; `changed` says what does. */
  write(name: StoredRegister, value: bigint): void {
    this.#live.write(name, value);
  }
  changed(effect: NonNullable<SystemRegister['effect']>): void {
    if (effect === 'translation') this.#control.guestRetranslates();
    else if (effect === 'control') this.#control.sync();
    else if (effect === 'keys') this.#control.syncKeys();
    else if (effect === 'timer') this.#syncTimer();
    else this.#debug.sync();
  }
  id(name: IdRegister): bigint {
    return this.model.id[name] ?? 0n;
  }
  physicalCount(): bigint {
    return this.#idleCounts + BigInt(Math.floor(this.instructions / INSTRUCTIONS_PER_COUNT));
  }
  setPstate(value: number): void {
    this.state.pstate = value;
    this.#control.sync();
  }

  /** Where an FP instruction goes now: the level that traps it, or null where none does (CPACR_EL1.FPEN, CPTR_EL2). */
  fpTrapTarget(): 1 | 2 | null {
    const enabled = this.#live.bit(CPACR_EL1, 20);
    if (!enabled || (!this.#live.bit(CPACR_EL1, 21) && this.state.level === 0)) return 1;
    const cptr = this.el2.CPTR_EL2;
    const e2h = (this.el2.HCR_EL2 & HCR.E2H) !== 0n;
    const trapped = e2h ? ((cptr >> 20n) & 1n) === 0n : ((cptr >> 10n) & 1n) !== 0n;
    return trapped ? 2 : null;
  }

  /* ------------------------------------------------------------------ exits of the engine */

  #handle(exit: Exclude<Exit, { kind: 'budget' | 'breakpoint' }>): Exception | null {
    switch (exit.kind) {
      case 'miss':
        return this.#miss(exit);
      case 'exception':
        return generatedException(exit, this.state.level, this.el2);
      case 'system':
        return this.#system(exit.word >>> 0);
      case 'undefined':
        return undefinedInstruction();
      case 'alignment':
        return this.#alignment(exit);
      case 'fp': {
        const target = this.fpTrapTarget();
        return target === null ? undefinedInstruction() : exception(target, esr(EC.FP, fpIss()));
      }
      case 'wait':
        return this.#wait(exit);
    }
  }

  #system(word: number): Exception | null {
    const key = RETURNS.get(word);
    if (key !== undefined) return this.#exceptionReturn(key);
    if (word === ESB) {
      deferVirtualError(this.#parts, this.state.pstate);
      return this.#finish(null);
    }
    if (usesPointerKey(word)) return exception(2, esr(EC.PAC, 0));
    return this.#finish(executeSystem(this, word));
  }

  /** Past an instruction that the machine has done. */
  #finish(raised: Exception | null): Exception | null {
    if (raised) return raised;
    this.state.advance();
    this.state.btype = 0;
    this.#count(1);
    this.#debug.done();
    return null;
  }

  #miss(exit: MissExit): Exception | null {
    if (exit.access === 'fetch' && this.#branched()) return null;
    const { access, lo, hi, regime } = exit;
    const { el, pan } = ACCESSORS[regime]!;
    const unaligned = access !== 'fetch' && (lo & (elementBytes(exit.word) - 1)) !== 0;
    const kind: AccessKind = { access, el, pan, unaligned };
    // AArch64.CheckAlignment() comes before translation.
    if (kind.unaligned && this.#sctlr(SCTLR.A)) return this.#alignment({ ...exit, kind: 'alignment', of: 'data' });
    const result = this.mmu.translate(lo, hi, kind);
    if (!result.ok) return this.#abort(result, addressOf(lo, hi), exit);
    const offset = this.#memory.offset(result.pa);
    if (offset < 0) return externalAbort(access, addressOf(lo, hi), this.state.level, this.el2.HCR_EL2);
    const watched = access === 'fetch' ? null : this.#debug.watch(exit);
    if (watched) return watched;
    const aligned = result.attributes.type === 'device' || this.#sctlr(SCTLR.A);
    this.#engine.tlb.fill(access, lo, hi, offset, regime, aligned, result.size, result.guarded);
    return access === 'fetch' && result.guarded ? this.#branches.check(result.pa) : null;
  }

  /** PC without a top byte that branches ignore; whether that has changed it. No address with one is in the TLB. */
  #branched(): boolean {
    const { pc } = this.state;
    const address = branchAddress(pc, this.state.control('pointers'));
    this.state.pc = address;
    return address !== pc;
  }

  #alignment(exit: AlignmentExit): Exception {
    if (exit.of === 'pc') this.#branched();
    const va = exit.of === 'pc' ? this.state.pc : addressOf(exit.lo, exit.hi);
    if (exit.of === 'pc') return exception(1, esr(EC.PC_ALIGNMENT, 0), va);
    if (exit.of === 'sp') return exception(1, esr(EC.SP_ALIGNMENT, 0));
    // Device memory is the only other reason, and may be stage 2's.
    if (!this.#sctlr(SCTLR.A) && !isOrdered(exit.word)) {
      const unprivileged = decode(exit.word)?.row.transfer?.unprivileged === true;
      const regime = unprivileged ? this.state.unprivileged : this.state.regime;
      const kind = { access: exit.access, ...ACCESSORS[regime]!, unaligned: true, peek: true };
      const result = this.mmu.translate(exit.lo, exit.hi, kind);
      if (!result.ok) return this.#abort(result, va, exit);
    }
    return alignmentAbort(exit.access, va, this.state.level);
  }

  #abort(fault: Fault, va: bigint, { access, word }: { readonly access: Access; readonly word: number }): Exception {
    const failed = { access, va, word, iss: direction(access) };
    return translationAbort(fault, failed, this.state.level, this.el2.HCR_EL2);
  }

  #wait(exit: WaitExit): Exception | null {
    if (!isForEvent(exit.for) && virtualInterruptPending(this.el2.HCR_EL2)) return this.#finish(null);
    return trappedWait(exit.for, this.state.level, this.#parts) ?? this.#finish(null);
  }

  /* ------------------------------------------------------------------ exceptions */

  /** What is taken before the next instruction: an interrupt of the machine, an illegal state, a virtual interrupt. */
  #pendingException(): Exception | null {
    const { el2, state } = this;
    const physical = physicalInterrupt(this.lines, this.instructions >= this.#timerDue, el2.HCR_EL2);
    if (physical) return physical;
    if (this.#debug.stepIsPending) return this.#debug.stepException();
    if (this.#debug.contextHolds) return this.#debug.breakpointException();
    if ((state.pstate & PSTATE.IL) !== 0) return exception(1, esr(EC.ILLEGAL_STATE, 0));
    return virtualInterrupt(el2, state.pstate);
  }

  /** Takes an exception; a stop where it goes to EL2. */
  #take(raised: Exception): Stop | null {
    this.#debug.close();
    this.#debug.stepped = 0;
    this.#branches.forget();
    if (raised.after) {
      this.state.advance();
      if (this.#debug.stepping) this.state.pstate &= ~PSTATE.SS;
      if (raised.target === 2) this.#count(1);
    }
    if (raised.target === 2) {
      this.state.clearExclusive();
      return { why: 'trap', vector: raised.vector, esr: raised.esr ?? 0, far: raised.far ?? 0n, hpfar: raised.hpfar };
    }
    this.#count(1);
    const { pc, pstate } = this.state;
    this.write('ELR_EL1', pc);
    this.write('SPSR_EL1', BigInt(pstate));
    if (raised.esr !== null) this.write('ESR_EL1', BigInt(raised.esr));
    if (raised.far !== null) this.write('FAR_EL1', raised.far);
    this.state.clearExclusive();
    this.setPstate(handlerPstate(pstate, this.#sctlr(SCTLR.SPAN), this.#sctlr(SCTLR.DSSBS), this.features));
    this.state.pc = BigInt.asUintN(64, this.read('VBAR_EL1') + BigInt(vectorOffset(pstate, raised.vector)));
    return null;
  }

  #exceptionReturn(key: 'IA' | 'IB' | null): Exception | null {
    if (this.state.level === 0) return undefinedInstruction();
    let target = this.read('ELR_EL1');
    if (key !== null) {
      const checked = authenticatedReturn(this.#engine, target, key);
      if (checked === null) return exception(2, esr(EC.PAC, 0));
      target = checked;
    }
    const spsr = Number(this.read('SPSR_EL1') & 0xffff_ffffn);
    const enabled = this.#debug.unit.enabledFrom(this.state.level, this.state.pstate);
    const returned = returnPstate(spsr, this.state.pstate, this.features);
    const steps = (returned & PSTATE.IL) === (spsr & PSTATE.IL) && this.#debug.unit.returnsStepping(spsr, enabled);
    const pstate = (steps ? returned | PSTATE.SS : returned) >>> 0;
    this.#debug.stepped = this.#debug.stepping ? STEP.ISV : 0;
    this.state.clearExclusive();
    this.#count(1);
    this.setPstate(pstate);
    this.state.pc = target;
    return null;
  }

  /* ------------------------------------------------------------------ derived state */

  /** Instructions that were done at the level that the CPU is at. */
  #count(instructions: number): void {
    this.instructions += instructions;
    if (this.state.level === 0) this.el0Instructions += instructions;
  }

  /** When a timer's interrupt comes: the timers' registers, EL2's or the time itself have changed. */
  #syncTimer(): void {
    this.#timerDue = Infinity;
    if ((this.el2.HCR_EL2 & HCR.IMO) === 0n) return;
    const { virtual, physical } = this.timerInterrupts;
    this.#timerDue = Math.min(virtual ? this.#due('virtual') : Infinity, physical ? this.#due('physical') : Infinity);
  }

  #due(kind: 'virtual' | 'physical'): number {
    const counts = countsToTimer(this, kind);
    if (counts === null) return Infinity;
    if (counts === 0n) return this.instructions;
    return Number(this.physicalCount() + counts - this.#idleCounts) * INSTRUCTIONS_PER_COUNT;
  }

  #sctlr(bit: number): boolean {
    return this.#live.bit(SCTLR_EL1, bit);
  }

  #kindHere(access: Access): AccessKind {
    const el = this.state.level === 0 ? 0 : 1;
    return { access, el, pan: el === 1 && (this.state.pstate & PSTATE.PAN) !== 0 };
  }
}

const SCTLR_EL1 = systemIndex('SCTLR_EL1');
const CPACR_EL1 = systemIndex('CPACR_EL1');
/** What `EngineControl.syncKeys` and `Debugging.sync` look at: a world switch that leaves these as they are need not ask them. */
const KEY_INDEXES = KEY_REGISTERS.map(([, register]) => systemIndex(register));
const DEBUG_INDEXES = STORED_REGISTERS.filter(
  (name) => name === 'OSLSR_EL1' || SYSTEM_REGISTERS.get(name)?.effect === 'debug',
).map(systemIndex);
