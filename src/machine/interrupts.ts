/** Interrupts of the machine, which EL2 takes, and the virtual ones that it gives its guest (HCR_EL2.VI, VF, VSE). */
import { HCR, type El2Registers } from './el2.ts';
import { EC, esr } from './esr.ts';
import { exception, PSTATE, type Exception } from './exceptions.ts';
import type { CpuParts } from './parts.ts';

/** ISS and IDS of an SError, in VSESR_EL2 and DISR_EL1. */
const SYNDROME = 0x1ff_ffffn;

const interrupt = (target: 1 | 2, vector: Exception['vector']): Exception => ({
  ...exception(target, 0),
  esr: null,
  vector,
});

const VIRTUAL = HCR.VI | HCR.VF | HCR.VSE;

/** Taken between two instructions whatever PSTATE masks: it is EL1's and EL0's. */
export function physicalInterrupt(
  lines: { readonly irq: boolean; readonly fiq: boolean },
  timer: boolean,
  hcr: bigint,
): Exception | null {
  if (lines.fiq && (hcr & HCR.FMO) !== 0n) return interrupt(2, 'fiq');
  return timer || (lines.irq && (hcr & HCR.IMO) !== 0n) ? interrupt(2, 'irq') : null;
}

/**
 * What EL1 takes before the next instruction. A virtual SError is pending no longer then. Which of several comes first is
 * IMPLEMENTATION DEFINED (Arm ARM D1.3.5); this is the order of the CPU that the recorded kernel ran on.
 */
export function virtualInterrupt(el2: El2Registers, pstate: number): Exception | null {
  const hcr = el2.HCR_EL2;
  if ((hcr & VIRTUAL) === 0n) return null;
  if ((hcr & HCR.VI) !== 0n && (hcr & HCR.IMO) !== 0n && (pstate & PSTATE.I) === 0) return interrupt(1, 'irq');
  if ((hcr & HCR.VF) !== 0n && (hcr & HCR.FMO) !== 0n && (pstate & PSTATE.F) === 0) return interrupt(1, 'fiq');
  if ((hcr & HCR.VSE) !== 0n && (hcr & HCR.AMO) !== 0n && (pstate & PSTATE.A) === 0) {
    el2.HCR_EL2 = hcr & ~HCR.VSE;
    return { ...interrupt(1, 'serror'), esr: esr(EC.SERROR, Number(el2.VSESR_EL2 & SYNDROME)) };
  }
  return null;
}

const DEFERRED = 1n << 31n;

/**
 * ESB: a virtual SError that PSTATE.A masks is pending no longer; VDISR_EL2, which is the guest's DISR_EL1, keeps its syndrome
 * (AArch64.vESBOperation).
 */
export function deferVirtualError({ el2, write }: Pick<CpuParts, 'el2' | 'write'>, pstate: number): void {
  const hcr = el2.HCR_EL2;
  if ((hcr & HCR.VSE) === 0n || (hcr & HCR.AMO) === 0n || (pstate & PSTATE.A) === 0) return;
  write('DISR_EL1', DEFERRED | (el2.VSESR_EL2 & SYNDROME));
  el2.HCR_EL2 = hcr & ~HCR.VSE;
}

/** One is there, masked or not: what ends WFI. */
export function virtualInterruptPending(hcr: bigint): boolean {
  const pending = (line: bigint, route: bigint) => (hcr & line) !== 0n && (hcr & route) !== 0n;
  return pending(HCR.VI, HCR.IMO) || pending(HCR.VF, HCR.FMO) || pending(HCR.VSE, HCR.AMO);
}
