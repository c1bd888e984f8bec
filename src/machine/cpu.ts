import type { Engine, ExceptionExit, Exit, MissExit, WaitExit, AlignmentExit, CpuState } from '../engine/engine.ts';
import { decode } from '../isa/a64/table.ts';
import { CpuContext, resetContext, systemIndex } from './context.ts';
import { HCR, MDCR, resetEl2, type El2Registers } from './el2.ts';
import type { DebugRegisters } from './debug.ts';
import { Debugging } from './debugging.ts';
import { ABORT, EC, esr, STEP, waitIss, fpIss } from './esr.ts';
import { handlerPstate, PSTATE, returnPstate, vectorOffset, type Exception } from './exceptions.ts';
import type { CpuFeatures, IdRegister } from './features.ts';
import type { PhysicalMemory } from './memory.ts';
import type { CpuModel } from './presets.ts';
import type { Stop } from './stop.ts';
import { isLandingPad } from './landing.ts';
import { authenticatedReturn, branchAddress, KEY_REGISTERS, pointersWord, usesPointerKey } from './pointers.ts';
import {
  countsToTimer,
  SCTLR,
  STORED_REGISTERS,
  SYSTEM_REGISTERS,
  type RegisterFile,
  type StoredRegister,
  type SystemRegister,
} from './sysregs.ts';
import type { Fields, Transfer } from '../isa/row.ts';
import { dataAbortIss } from '../isa/a64/syndrome.ts';
import { exception, executeSystem, undefinedInstruction } from './system.ts';
import { faultStatus, type Fault } from './translation/fault.ts';
import type { TranslationRegisters } from './translation/configuration.ts';
import { Mmu, type AccessKind, type Access } from './translation/mmu.ts';
import { ACCESSORS, REGIME } from './translation/parameters.ts';
import { AddressSpaces } from './translation/spaces.ts';

const PAGE = 4096;
const BLOCK_BYTES = 64;
/** Exception returns, with the key that they authenticate ELR_EL1 with. */
const RETURNS: ReadonlyMap<number, 'IA' | 'IB' | null> = new Map([
  [0xd69f03e0, null],
  [0xd69f0bff, 'IA'],
  [0xd69f0fff, 'IB'],
]);
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
  /** EL2 has the virtual timer's interrupt enabled: where CNTV_CTL_EL0 raises it, HCR_EL2.IMO takes it to EL2. */
  timerInterrupt = false;
  /** Instructions completed or ended by an exception to EL1, since the machine was made. */
  instructions = 0;
  /** Those of `instructions` that were done at EL0. */
  el0Instructions = 0;
  /** Counts of the generic timer that passed without an instruction. */
  #idleCounts = 0n;
  readonly #memory: PhysicalMemory;
  readonly #engine: Engine;
  /** The system registers of the loaded context; its general part is in the engine while it is loaded. */
  readonly #live = new CpuContext();
  /** What `instructions` is when the virtual timer's interrupt is taken; Infinity where nothing raises it. */
  #timerDue = Infinity;
  #passing: bigint | null = null;
  readonly #debug: Debugging;
  /** PSTATE.BTYPE of an instruction that the engine runs without: it has been checked. */
  #landed = 0;
  readonly #spaces: AddressSpaces;
  /** What the engine's control word `pointers` was made of. */
  #pointersOf: TranslationRegisters | null = null;

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
    this.#debug = new Debugging({
      memory,
      engine,
      mmu: this.mmu,
      el2: this.el2,
      read: (name) => this.read(name),
      kindHere: (access) => this.#kindHere(access),
    });
    this.load(resetContext());
  }

  /** World switch: the whole of a guest's registers into the CPU. */
  load(context: CpuContext): void {
    const sameKeys = this.#live.agrees(context, KEY_INDEXES);
    const sameDebug = this.#live.agrees(context, DEBUG_INDEXES);
    this.#live.copyFrom(context);
    const { state } = this;
    state.pstate = returnPstate(Number(context.pstate & 0xffff_ffffn), state.pstate, this.features);
    state.general.set(context.x);
    state.vectors.set(context.v);
    state.setSp(0, context.spEl0);
    state.setSp(1, context.read('SP_EL1'));
    state.pc = context.pc;
    state.fpcr = context.fpcr;
    state.fpsr = context.fpsr;
    state.clearExclusive();
    if (!sameKeys) this.#syncKeys();
    this.#debug.stepped = 0;
    this.#landed = 0;
    if (!sameDebug) this.#debug.sync();
    if (this.#debug.unit.returnsStepping(Number(context.pstate & 0xffff_ffffn), false)) state.pstate |= PSTATE.SS;
  }

  /** World switch: the whole of the guest's registers out of the CPU. */
  save(context: CpuContext): void {
    context.copyFrom(this.#live);
    const { state } = this;
    context.x.set(state.general);
    context.v.set(state.vectors);
    context.spEl0 = state.sp(0);
    context.write('SP_EL1', state.sp(1));
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
    this.#retranslate();
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
      this.#settleBranch();
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
    if (effect === 'translation') this.#guestRetranslates();
    else if (effect === 'control') this.#syncControl();
    else if (effect === 'keys') this.#syncKeys();
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
    this.#syncControl();
  }

  /* ------------------------------------------------------------------ operations, for the rows of sysops.ts */

  /** TLBI by EL1, with its operand. Pages are forgotten whatever their ASID. */
  invalidate(scope: 'all' | 'asid' | 'page' | 'range', operand: bigint): void {
    const { tlb } = this.#engine;
    if (scope === 'all') this.#spaces.flush(null);
    else if (scope === 'asid') this.#spaces.flush(Number(operand >> 48n));
    else {
      const wide = ((this.read('TCR_EL1') >> TCR_DS) & 1n) !== 0n;
      const pages = scope === 'page' ? [BigInt.asIntN(56, operand << 12n)] : rangePages(operand, wide);
      if (pages === null) this.#spaces.flush(null);
      else for (const page of pages) tlb.flushPage(lowOf(page), highOf(page));
    }
  }

  /** Cache maintenance by address: nothing to do but to fault where an access would, PSTATE.PAN aside (D8.4.1.2). */
  maintain(va: bigint, access: 'read' | 'write'): Exception | null {
    const kind = { ...this.#kindHere(access), pan: false, peek: true };
    const result = this.mmu.translate(lowOf(va), highOf(va), kind);
    return result.ok ? null : this.#abort(result, va, ABORT.CM | ABORT.WNR, 0);
  }

  /** DC ZVA: the naturally aligned block around the address. */
  zeroBlock(va: bigint): Exception | null {
    const result = this.mmu.translate(lowOf(va), highOf(va), { ...this.#kindHere('write'), unaligned: true });
    if (!result.ok) return this.#abort(result, va, ABORT.WNR, 0);
    const watched = this.#debug.watchpoint(va & ~BigInt(BLOCK_BYTES - 1), BLOCK_BYTES, true, this.state.level > 0);
    if (watched) return watched;
    const start = result.pa - (result.pa % BLOCK_BYTES);
    return this.#memory.fill(start, BLOCK_BYTES, 0) ? null : this.#externalAbort('write', va);
  }

  /** AT: stage 1 of the address into PAR_EL1 (Arm ARM D17.2.107). */
  translateInto(
    va: bigint,
    what: { readonly access: Access; readonly el: 0 | 1; readonly pan: boolean },
  ): Exception | null {
    const pan = what.pan && (this.state.pstate & PSTATE.PAN) !== 0;
    const result = this.mmu.translateStage1(lowOf(va), highOf(va), { ...what, pan, peek: true });
    const RES1 = 1n << 11n;
    if (result.ok) {
      const { mair, shareability } = result.attributes;
      const page = BigInt(result.ipa - (result.ipa % PAGE));
      this.write('PAR_EL1', (BigInt(mair) << 56n) | page | RES1 | (1n << 9n) | (BigInt(shareability) << 7n));
      return null;
    }
    if (result.stage === 2) return this.#abort(result, va, ABORT.CM | ABORT.WNR, 0);
    this.write('PAR_EL1', RES1 | (BigInt(faultStatus(result.type, result.level)) << 1n) | 1n);
    return null;
  }

  /** Where an FP instruction goes now: the level that traps it, or null where none does (CPACR_EL1.FPEN, CPTR_EL2). */
  fpTrapTarget(): 1 | 2 | null {
    const fpen = Number((this.read('CPACR_EL1') >> 20n) & 3n);
    if ((fpen & 1) === 0 || (fpen === 1 && this.state.level === 0)) return 1;
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
        return this.#exceptionInstruction(exit);
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

  /** What the engine's BTYPE means, after a run. */
  #settleBranch(): void {
    const { state } = this;
    if (this.#engine.executed === 0) {
      if (this.#landed !== 0) state.btype = this.#landed;
    } else if (state.btype !== 0) {
      if (!this.features.branchTargets) state.btype = 0;
      else if (state.btype === 3) {
        const from = state.branchedFrom;
        const page = this.mmu.translate(lowOf(from), highOf(from), { ...this.#kindHere('fetch'), peek: true });
        if (!(page.ok && page.guarded)) state.btype = 1;
      }
    }
    this.#landed = 0;
  }

  /** AArch64.CheckBranchTarget() of an instruction in a guarded page; what the engine can't allow, it is told to pass. */
  #land(pa: number): Exception | null {
    const { btype } = this.state;
    if (btype === 0) return null;
    const strict = this.#sctlr(this.state.level === 0 ? SCTLR.BT0 : SCTLR.BT1);
    if (!isLandingPad(this.#memory.read32(pa), btype, strict)) return exception(1, esr(EC.BRANCH_TARGET, btype));
    this.#landed = btype;
    this.state.btype = 0;
    return null;
  }

  #miss(exit: MissExit): Exception | null {
    if (exit.access === 'fetch' && this.#branched()) return null;
    const { access, lo, hi, regime } = exit;
    const kind: AccessKind = {
      access,
      ...ACCESSORS[regime]!,
      unaligned: access !== 'fetch' && lo % elementBytes(exit.word) !== 0,
    };
    // AArch64.CheckAlignment() comes before translation.
    if (kind.unaligned && this.#sctlr(SCTLR.A)) return this.#alignment({ ...exit, kind: 'alignment', of: 'data' });
    const result = this.mmu.translate(lo, hi, kind);
    const va = (BigInt(hi) << 32n) | BigInt(lo);
    if (!result.ok) return this.#abort(result, va, access === 'write' ? ABORT.WNR : 0, exit.word, access);
    const offset = this.#memory.offset(result.pa);
    if (offset < 0) return this.#externalAbort(access, va);
    const watched = access === 'fetch' ? null : this.#debug.watch(exit);
    if (watched) return watched;
    const aligned = result.attributes.type === 'device' || this.#sctlr(SCTLR.A);
    this.#engine.tlb.fill(access, lo, hi, offset, regime, aligned, result.size, result.guarded);
    return access === 'fetch' && result.guarded ? this.#land(result.pa) : null;
  }

  /** PC without a top byte that branches ignore; whether that has changed it. No address with one is in the TLB. */
  #branched(): boolean {
    const { pc } = this.state;
    const address = branchAddress(pc, this.state.control('pointers'));
    this.state.pc = address;
    return address !== pc;
  }

  /** A translation fault as an exception: stage 1 to EL1, stage 2 to EL2 (AArch64.Abort). */
  #abort(fault: Fault, va: bigint, iss: number, word: number, access: Access = 'read'): Exception {
    const status = faultStatus(fault.type, fault.level);
    const lower = this.state.level === 0;
    if (fault.stage === 1) {
      const ec = access === 'fetch' ? (lower ? EC.IABT_LOWER : EC.IABT_SAME) : lower ? EC.DABT_LOWER : EC.DABT_SAME;
      return exception(1, esr(ec, status | iss), va);
    }
    const walk = fault.s1ptw ? ABORT.S1PTW : 0;
    const valid = access !== 'fetch' && !fault.s1ptw && word !== 0;
    const syndrome = esr(
      access === 'fetch' ? EC.IABT_LOWER : EC.DABT_LOWER,
      status | iss | walk | (valid ? registerIss(word) : 0),
    );
    return {
      target: 2,
      vector: 'sync',
      esr: syndrome,
      far: va,
      hpfar: BigInt(Math.floor(fault.ipa / PAGE)) << 4n,
      after: false,
    };
  }

  /** An access to a physical address where nothing answers; HCR_EL2.TEA takes it to EL2. */
  #externalAbort(access: Access, va: bigint): Exception {
    const status = faultStatus('externalAbort', 0) | (access === 'write' ? ABORT.WNR : 0);
    const target = (this.el2.HCR_EL2 & HCR.TEA) !== 0n ? 2 : 1;
    const lower = target === 2 || this.state.level === 0;
    const ec = access === 'fetch' ? (lower ? EC.IABT_LOWER : EC.IABT_SAME) : lower ? EC.DABT_LOWER : EC.DABT_SAME;
    return exception(target, esr(ec, status), va);
  }

  #alignment(exit: AlignmentExit): Exception {
    if (exit.of === 'pc') this.#branched();
    const va = exit.of === 'pc' ? this.state.pc : (BigInt(exit.hi) << 32n) | BigInt(exit.lo);
    if (exit.of === 'pc') return exception(1, esr(EC.PC_ALIGNMENT, 0), va);
    if (exit.of === 'sp') return exception(1, esr(EC.SP_ALIGNMENT, 0));
    const direction = exit.access === 'write' ? ABORT.WNR : 0;
    const transfer = decode(exit.word)?.row.transfer;
    // Device memory is the only other reason, and may be stage 2's.
    if (!this.#sctlr(SCTLR.A) && !isOrdered(transfer)) {
      const regime = transfer?.unprivileged === true ? this.state.unprivileged : this.state.regime;
      const kind = { access: exit.access, ...ACCESSORS[regime]!, unaligned: true, peek: true };
      const result = this.mmu.translate(exit.lo, exit.hi, kind);
      if (!result.ok) return this.#abort(result, va, direction, exit.word, exit.access);
    }
    const iss = faultStatus('alignment', 0) | direction;
    return exception(1, esr(this.state.level === 0 ? EC.DABT_LOWER : EC.DABT_SAME, iss), va);
  }

  #exceptionInstruction({ cause, immediate }: ExceptionExit): Exception {
    const level = this.state.level;
    const hcr = this.el2.HCR_EL2;
    switch (cause) {
      case 'svc':
        return { ...exception(1, esr(EC.SVC64, immediate)), after: true };
      case 'hvc':
        if (level === 0 || (hcr & HCR.HCD) !== 0n) return undefinedInstruction();
        return { ...exception(2, esr(EC.HVC64, immediate)), after: true };
      case 'smc':
        // No EL3: UNDEFINED unless EL2 traps it.
        if (level === 0 || (hcr & HCR.TSC) === 0n) return undefinedInstruction();
        return exception(2, esr(EC.SMC64, immediate));
      case 'brk':
        return exception((this.el2.MDCR_EL2 & MDCR.TDE) !== 0n ? 2 : 1, esr(EC.BRK64, immediate));
      default:
        // HLT, DCPSn: halting debug is not allowed.
        return undefinedInstruction();
    }
  }

  #wait(exit: WaitExit): Exception | null {
    const forEvent = exit.for === 'wfe' || exit.for === 'wfet';
    if (!forEvent && this.#virtualInterruptPending()) return this.#finish(null);
    const iss = waitIss(exit.for);
    if (this.state.level === 0 && !this.#sctlr(forEvent ? SCTLR.nTWE : SCTLR.nTWI))
      return exception(1, esr(EC.WFX, iss));
    const trap = forEvent ? HCR.TWE : HCR.TWI;
    if ((this.el2.HCR_EL2 & trap) !== 0n) return exception(2, esr(EC.WFX, iss));
    return this.#finish(null);
  }

  /* ------------------------------------------------------------------ exceptions */

  /** What is taken before the next instruction: an interrupt of the machine, an illegal state, a virtual interrupt. */
  #pendingException(): Exception | null {
    const hcr = this.el2.HCR_EL2;
    if (this.lines.fiq && (hcr & HCR.FMO) !== 0n) return interrupt(2, 'fiq');
    if ((this.lines.irq && (hcr & HCR.IMO) !== 0n) || this.instructions >= this.#timerDue) return interrupt(2, 'irq');
    const pstate = this.state.pstate;
    if (this.#debug.stepIsPending) return this.#debug.stepException();
    if (this.#debug.contextHolds) return this.#debug.breakpointException();
    if ((pstate & PSTATE.IL) !== 0) return exception(1, esr(EC.ILLEGAL_STATE, 0));
    if ((hcr & HCR.VSE) !== 0n && (hcr & HCR.AMO) !== 0n && (pstate & PSTATE.A) === 0) {
      this.el2.HCR_EL2 = hcr & ~HCR.VSE;
      return { ...interrupt(1, 'serror'), esr: esr(EC.SERROR, Number(this.el2.VSESR_EL2 & 0x1ff_ffffn)) };
    }
    if ((hcr & HCR.VF) !== 0n && (hcr & HCR.FMO) !== 0n && (pstate & PSTATE.F) === 0) return interrupt(1, 'fiq');
    if ((hcr & HCR.VI) !== 0n && (hcr & HCR.IMO) !== 0n && (pstate & PSTATE.I) === 0) return interrupt(1, 'irq');
    return null;
  }

  #virtualInterruptPending(): boolean {
    const hcr = this.el2.HCR_EL2;
    const pending = (line: bigint, route: bigint) => (hcr & line) !== 0n && (hcr & route) !== 0n;
    return pending(HCR.VI, HCR.IMO) || pending(HCR.VF, HCR.FMO) || pending(HCR.VSE, HCR.AMO);
  }

  /** Takes an exception; a stop where it goes to EL2. */
  #take(raised: Exception): Stop | null {
    this.#debug.close();
    this.#debug.stepped = 0;
    this.#landed = 0;
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

  /** When the virtual timer's interrupt comes: its registers, EL2's or the time itself have changed. */
  #syncTimer(): void {
    this.#timerDue = Infinity;
    if (!this.timerInterrupt || (this.el2.HCR_EL2 & HCR.IMO) === 0n) return;
    const counts = countsToTimer(this);
    if (counts === 0n) this.#timerDue = this.instructions;
    else if (counts !== null)
      this.#timerDue = Number(this.physicalCount() + counts - this.#idleCounts) * INSTRUCTIONS_PER_COUNT;
  }

  #sctlr(bit: number): boolean {
    return ((this.read('SCTLR_EL1') >> BigInt(bit)) & 1n) !== 0n;
  }

  #kindHere(access: Access): AccessKind {
    const el = this.state.level === 0 ? 0 : 1;
    return { access, el, pan: el === 1 && (this.state.pstate & PSTATE.PAN) !== 0 };
  }

  /** What the engine has to know of the level and the control registers. */
  #syncControl(): void {
    const { state } = this;
    const el0 = state.level === 0;
    state.regime = el0 ? REGIME.EL0 : (state.pstate & PSTATE.PAN) !== 0 ? REGIME.EL1_PAN : REGIME.EL1;
    state.unprivileged = (state.pstate & PSTATE.UAO) !== 0 ? state.regime : REGIME.EL0;
    state.checksSp = this.#sctlr(el0 ? SCTLR.SA0 : SCTLR.SA);
    state.fpTrapped = this.fpTrapTarget() !== null;
  }

  /** The word is made anew only where what it is made of has changed: processes are switched often. */
  #syncPointers(registers: TranslationRegisters): void {
    const before = this.#pointersOf;
    const { SCTLR_EL1, TCR_EL1, HCR_EL2 } = registers;
    if (before?.SCTLR_EL1 === SCTLR_EL1 && before.TCR_EL1 === TCR_EL1 && before.HCR_EL2 === HCR_EL2) return;
    this.#pointersOf = registers;
    this.state.setControl('pointers', pointersWord(registers, this.features));
  }

  #syncKeys(): void {
    for (const [word, register] of KEY_REGISTERS) this.state.setControl(word, this.read(register));
  }

  /** A guest that turns its MMU on finds nothing of the tables that it had before: many forget the TLBI. */
  #guestRetranslates(): void {
    const wasOff = !this.mmu.stage1On;
    this.#retranslate();
    const { tlb } = this.#engine;
    if (wasOff && this.mmu.stage1On) tlb.flush(tlb.space);
  }

  /** The translation registers as they are now: another address space if one has changed. */
  #retranslate(): void {
    const { el2 } = this;
    const registers: TranslationRegisters = {
      SCTLR_EL1: this.read('SCTLR_EL1'),
      TCR_EL1: this.read('TCR_EL1'),
      TTBR0_EL1: this.read('TTBR0_EL1'),
      TTBR1_EL1: this.read('TTBR1_EL1'),
      MAIR_EL1: this.read('MAIR_EL1'),
      HCR_EL2: el2.HCR_EL2,
      VTCR_EL2: el2.VTCR_EL2,
      VTTBR_EL2: el2.VTTBR_EL2,
    };
    const configuration = this.#spaces.use(registers);
    if (configuration) this.mmu.use(configuration);
    this.#syncPointers(registers);
    this.#syncControl();
  }
}

/** What `#syncKeys` and `Debugging.sync` look at: a world switch that leaves these as they are need not ask them. */
const KEY_INDEXES = KEY_REGISTERS.map(([, register]) => systemIndex(register));
const DEBUG_INDEXES = STORED_REGISTERS.filter(
  (name) => name === 'OSLSR_EL1' || SYSTEM_REGISTERS.get(name)?.effect === 'debug',
).map(systemIndex);

const TCR_DS = 59n;
/** Pages that a TLBI of a range forgets one by one. */
const MOST_PAGES = 64n;

/** The pages that the operand of TLBI RVAE1 and its kin names (Arm ARM C5.5, TLBIRange); null: too many, or a reserved granule. */
function rangePages(operand: bigint, wide: boolean): bigint[] | null {
  const shift = [null, 12n, 14n, 16n][Number((operand >> 46n) & 3n)] ?? null;
  const scale = (operand >> 44n) & 3n;
  const count = (((operand >> 39n) & 0x1fn) + 1n) << (5n * scale + 1n);
  if (shift === null || count > MOST_PAGES) return null;
  const base = BigInt.asIntN(37, operand) << (wide ? 16n : shift);
  return Array.from({ length: Number(count) }, (_, page) => base + (BigInt(page) << shift));
}

const interrupt = (target: 1 | 2, vector: Exception['vector']): Exception => ({
  ...exception(target, 0),
  esr: null,
  vector,
});

const lowOf = (va: bigint) => Number(va & 0xffff_ffffn);
const highOf = (va: bigint) => Number((va >> 32n) & 0xffff_ffffn);

/** Accesses that have to be aligned whatever the memory is. */
function isOrdered(transfer: Transfer | undefined): boolean {
  if (!transfer) return false;
  return transfer.exclusive || transfer.acquire || transfer.release || transfer.access === 'loadStore';
}

/** What a load or store is aligned to: the bytes of one register, or of its elements. */
const elementBytes = ofLastWord((word) => {
  const decoded = decode(word);
  const transfer = decoded?.row.transfer;
  if (!transfer) return 1;
  const fields: Fields = decoded.fields;
  return transfer.element === undefined ? transfer.bytes : 2 ** fields[transfer.element]!;
});

/** ISV, SAS, SSE, SRT, SF and AR of a stage 2 data abort, where the instruction gives them. */
const registerIss = ofLastWord((word) => {
  const { isv, sas, sse, srt, sf, ar } = dataAbortIss(word);
  return isv === 1 ? (1 << 24) | (sas << 22) | (sse << 21) | (srt << 16) | (sf << 15) | (ar << 14) : 0;
});

/** What faults again and again is mostly one instruction: it is decoded once. */
function ofLastWord(of: (word: number) => number): (word: number) => number {
  let last = NaN;
  let known = 0;
  return (word) => {
    if (word !== last) {
      known = of(word);
      last = word;
    }
    return known;
  };
}
