import type { CpuContext } from '../machine/context.ts';
import type { Cpu } from '../machine/cpu.ts';
import type { DebugRegisters } from '../machine/debug.ts';
import { HCR, type El2Registers } from '../machine/el2.ts';
import { ABORT, EC, esr } from '../machine/esr.ts';
import { PSTATE, vectorOffset } from '../machine/exceptions.ts';
import type { PhysicalMemory } from '../machine/memory.ts';
import type { Stop, TrapStop } from '../machine/stop.ts';
import { SCTLR } from '../machine/sysregs.ts';
import { vtcrEl2 } from '../machine/translation/registers.ts';
import { faultStatus } from '../machine/translation/fault.ts';
import type { HostCpu } from '../kvm/module.ts';

/** VTCR_EL2: 16K granule, and start level 0 with it. */
const TG0_16K = 2;
const SL0_LEVEL_0_OF_16K = 3;
const SSE = 1 << 21;
const PAGE = 4096n;

/**
 * The CPU as QEMU 7.2's TCG emulates it, on which the recorded kernel ran (oracle/arm64/README.md, "What is QEMU"), where that
 * differs from the architecture:
 *
 * - Unaligned accesses with stage 1 off are not faulted: memory is as if Normal. HCR_EL2.DC says just that of it.
 * - ESR_EL2.ISS.SSE is never set: KVM does not learn that a load extends the sign.
 * - Stage 2 with 16K pages has no start level 0 (check_s2_mmu_setup): every access is a translation fault, for ever.
 * - An atomic instruction's fault is a write's, even where a read would fault (ISS.WnR of ESR_EL1 and ESR_EL2).
 * - A store exclusive that has lost its monitor fails before it looks at its address.
 * - An exception to EL1 clears the condition flags.
 * - WFE gives way without a trap to EL2.
 * - DC and IC by address do nothing where stage 2 has no memory.
 * - Some registers of debug and RAS are not there: UNDEFINED, before a trap to EL2.
 * - AFSR0_EL1 and AFSR1_EL1 are zero.
 */
export class EmulatedCpu implements HostCpu {
  readonly #cpu: Cpu;
  readonly #memory: PhysicalMemory;
  /** Of whoever runs the machine; the CPU also stops at the guest's vectors. */
  #breakpoints: readonly bigint[] = [];

  constructor(cpu: Cpu, memory: PhysicalMemory) {
    this.#cpu = cpu;
    this.#memory = memory;
  }

  get el2(): El2Registers {
    return this.#cpu.el2;
  }
  get instructions(): number {
    return this.#cpu.instructions;
  }
  get el0Instructions(): number {
    return this.#cpu.el0Instructions;
  }
  get timerInterrupts(): Cpu['timerInterrupts'] {
    return this.#cpu.timerInterrupts;
  }
  load(context: CpuContext): void {
    this.#cpu.load(context);
    this.#cpu.write('AFSR0_EL1', 0n);
    this.#cpu.write('AFSR1_EL1', 0n);
  }
  save(context: CpuContext): void {
    this.#cpu.save(context);
  }
  retire(count: number): void {
    this.#cpu.retire(count);
  }
  physicalCount(): bigint {
    return this.#cpu.physicalCount();
  }
  invalidateStage2(vmid?: number): void {
    this.#cpu.invalidateStage2(vmid);
  }
  debugWith(registers: DebugRegisters | null): void {
    this.#cpu.debugWith(registers);
  }
  setBreakpoints(addresses: Iterable<bigint>): void {
    this.#breakpoints = [...addresses];
  }

  run(budget: number): Stop {
    const vtcr = vtcrEl2(this.el2.VTCR_EL2);
    if (vtcr.get('TG0') === TG0_16K && vtcr.get('SL0') === SL0_LEVEL_0_OF_16K) return this.#startLevelFault();
    const end = this.instructions + budget;
    for (;;) {
      const stop = this.#runOnce(end - this.instructions);
      if (stop.why === 'breakpoint' && !this.#breakpoints.includes(stop.address)) {
        if (this.instructions >= end) return { why: 'budget' };
        continue;
      }
      if (stop.why !== 'trap') return stop;
      if (isAbsent(stop)) return { ...stop, esr: esr(EC.UNKNOWN, 0) };
      if (!isDataAbort(stop)) return stop;
      const word = this.#instruction(this.#cpu.state.pc);
      const failed = isStoreExclusive(word) && isTranslationFault(stop);
      if (!failed && !isMaintenance(stop)) return asReported(stop, word);
      if (failed) this.#cpu.state.setX(statusRegister(word), 1n);
      this.#cpu.state.advance();
      this.#cpu.retire(1);
      if (this.instructions >= end) return { why: 'budget' };
    }
  }

  /** Without stage 1, by HCR_EL2.DC; the guest's writes that could turn it on are trapped meanwhile, and are KVM's to do. */
  #runOnce(budget: number): Stop {
    const { el2 } = this;
    const asked = el2.HCR_EL2;
    const flat = ((this.#cpu.read('SCTLR_EL1') >> BigInt(SCTLR.M)) & 1n) === 0n;
    if (flat) el2.HCR_EL2 |= HCR.DC | HCR.TVM;
    el2.HCR_EL2 &= ~HCR.TWE;
    const vectors = BigInt.asUintN(64, this.#cpu.read('VBAR_EL1'));
    this.#cpu.setBreakpoints([...this.#breakpoints, ...VECTOR_OFFSETS.map((offset) => vectors + offset)]);
    const before = this.instructions;
    const stop = this.#cpu.run(budget);
    if (this.instructions > before && this.#tookException(vectors)) {
      this.#cpu.setPstate(this.#cpu.state.pstate & ~PSTATE.NZCV);
      const syndrome = this.#cpu.read('ESR_EL1');
      if (isAbortAtEl1(syndrome) && isAtomic(this.#instruction(this.#cpu.read('ELR_EL1')))) {
        this.#cpu.write('ESR_EL1', syndrome | BigInt(ABORT.WNR));
      }
    }
    const ours = HCR.DC | HCR.TVM | HCR.TWE;
    el2.HCR_EL2 = (el2.HCR_EL2 & ~ours) | (asked & ours);
    return stop;
  }

  /** PC is at the vector, and PSTATE as it is there, of an exception with what SPSR_EL1 has. */
  #tookException(vectors: bigint): boolean {
    const { pc, pstate } = this.#cpu.state;
    const spsr = Number(this.#cpu.read('SPSR_EL1') & 0xffff_ffffn);
    const offset = Number(BigInt.asUintN(64, pc - vectors));
    const kinds = [0, 1, 2, 3].map((kind) => vectorOffset(spsr, 'sync') + VECTOR_BYTES * kind);
    if (!kinds.includes(offset) || ((pstate ^ spsr) & PSTATE.NZCV) !== 0 || (pstate & DAIF) !== DAIF) return false;
    // The GIC's registers are trapped there: it is KVM that makes the guest take the exception.
    return !isGicRegister(this.#instruction(this.#cpu.read('ELR_EL1')));
  }

  #instruction(address: bigint): number {
    const { state, mmu } = this.#cpu;
    const here = mmu.trace(address, { access: 'fetch', el: state.level === 0 ? 0 : 1, pan: false }).result;
    return here.ok ? this.#memory.read32(here.pa) : 0;
  }

  #startLevelFault(): TrapStop {
    const far = this.#cpu.state.pc;
    const syndrome = esr(EC.IABT_LOWER, faultStatus('translation', 0));
    return { why: 'trap', vector: 'sync', esr: syndrome, far, hpfar: (far / PAGE) << 4n };
  }
}

/** ISS of an MRS or MSR, without Rt and the direction. */
const REGISTER_BITS = 0x3f_fc1e;

const ABSENT: ReadonlySet<number> = new Set(
  [
    [2, 0, 1, 4, 4], // DBGPRCR_EL1
    [2, 0, 7, 8, 6], // DBGCLAIMSET_EL1
    [2, 0, 7, 9, 6], // DBGCLAIMCLR_EL1
    [2, 0, 7, 14, 6], // DBGAUTHSTATUS_EL1
    [2, 3, 0, 4, 0], // DBGDTR_EL0
    [2, 3, 0, 5, 0], // DBGDTRRX_EL0, DBGDTRTX_EL0
    [3, 0, 5, 3, 1], // ERRSELR_EL1
  ].map(([op0 = 0, op1 = 0, crn = 0, crm = 0, op2 = 0]) => {
    return (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | (crm << 1);
  }),
);

function isAbsent({ vector, esr: syndrome }: TrapStop): boolean {
  return vector === 'sync' && syndrome >>> 26 === EC.SYSREG && ABSENT.has(syndrome & REGISTER_BITS);
}

/** MRS or MSR of ICC_*_EL1: CRn 12 with CRm 8 and up, and ICC_PMR_EL1. */
const isGicRegister = (word: number): boolean =>
  (word & 0xffd8_f800) >>> 0 === 0xd518_c800 || (word & 0xffdf_ffe0) >>> 0 === 0xd518_4600;

const VECTOR_BYTES = 0x80;
const VECTOR_OFFSETS = Array.from({ length: 16 }, (_, n) => BigInt(VECTOR_BYTES * n));
const DAIF = 0x3c0;

/** A data abort that EL1 has taken, from itself or from EL0. */
function isAbortAtEl1(syndrome: bigint): boolean {
  const ec = Number((syndrome >> 26n) & 0x3fn);
  return ec === EC.DABT_SAME || ec === EC.DABT_LOWER;
}

function isDataAbort({ vector, esr: syndrome }: TrapStop): boolean {
  return vector === 'sync' && syndrome >>> 26 === EC.DABT_LOWER;
}

function isMaintenance(stop: TrapStop): boolean {
  return (stop.esr & (ABORT.CM | ABORT.S1PTW)) === ABORT.CM;
}

const isTranslationFault = (stop: TrapStop): boolean => (stop.esr & 0x3c) === 0x04;

/** STXR, STLXR, STXP and STLXP. */
const isStoreExclusive = (word: number): boolean =>
  (word & 0x3fe0_0000) === 0x0800_0000 || (word & 0xbfe0_0000) >>> 0 === 0x8820_0000;
const statusRegister = (word: number): number => (word >>> 16) & 31;

const LDAPR = 0xc000;

/** SWP, LDADD and their kin; CAS; CASP. */
const isAtomic = (word: number): boolean =>
  ((word & 0x3f20_0c00) === 0x3820_0000 && (word & 0xf000) !== LDAPR) ||
  (word & 0x3fa0_7c00) === 0x08a0_7c00 ||
  (word & 0xbfa0_7c00) >>> 0 === 0x0820_7c00;

function asReported(stop: TrapStop, word: number): TrapStop {
  const direction = isAtomic(word) && (stop.esr & ABORT.S1PTW) === 0 ? ABORT.WNR : 0;
  return { ...stop, esr: ((stop.esr & ~SSE) | direction) >>> 0 };
}
