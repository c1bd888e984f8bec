/** Taking exceptions to EL1 and returning from them (Arm ARM D1.3, D1.4; AArch64.TakeException, AArch64.ExceptionReturn). */
import { EC, esr } from './esr.ts';
import type { CpuFeatures } from './features.ts';

/** PSTATE's bits where SPSR_ELx has them. */
export const PSTATE = {
  SP: 1 << 0,
  EL: 3 << 2,
  AARCH32: 1 << 4,
  F: 1 << 6,
  I: 1 << 7,
  A: 1 << 8,
  D: 1 << 9,
  BTYPE: 3 << 10,
  SSBS: 1 << 12,
  IL: 1 << 20,
  SS: 1 << 21,
  PAN: 1 << 22,
  UAO: 1 << 23,
  DIT: 1 << 24,
  TCO: 1 << 25,
  NZCV: 0xf0000000,
} as const;

const MODE = 0x1f;
const EL0T = 0x0;
const EL1T = 0x4;
const EL1H = 0x5;
const DAIF = PSTATE.D | PSTATE.A | PSTATE.I | PSTATE.F;

/** An exception on its way: nothing of the instruction has been done where it is synchronous. */
export interface Exception {
  readonly target: 1 | 2;
  readonly vector: 'sync' | 'irq' | 'fiq' | 'serror';
  /** null: an interrupt, ESR_ELx stays as it is. */
  readonly esr: number | null;
  /** null: FAR_ELx stays as it is. */
  readonly far: bigint | null;
  /** HPFAR_EL2, for target 2. */
  readonly hpfar: bigint;
  /** Preferred return is the next instruction: SVC, HVC. */
  readonly after: boolean;
}

/** A synchronous exception whose preferred return is the instruction. */
export function exception(target: 1 | 2, syndrome: number, far: bigint | null = null, hpfar = 0n): Exception {
  return { target, vector: 'sync', esr: syndrome, far, hpfar, after: false };
}

export const undefinedInstruction = (): Exception => exception(1, esr(EC.UNKNOWN, 0));

const VECTORS = { sync: 0x000, irq: 0x080, fiq: 0x100, serror: 0x180 } as const;

/** Offset from VBAR_EL1 for an exception taken in this state. */
export function vectorOffset(pstate: number, vector: Exception['vector']): number {
  const from = (pstate & PSTATE.EL) === 0 ? 0x400 : (pstate & PSTATE.SP) !== 0 ? 0x200 : 0;
  return from + VECTORS[vector];
}

/** PSTATE in the handler at EL1. `span` and `dssbs` are SCTLR_EL1's bits of these names. */
export function handlerPstate(pstate: number, span: boolean, dssbs: boolean, features: CpuFeatures): number {
  let next = (pstate & ~(MODE | PSTATE.BTYPE | PSTATE.SS | PSTATE.IL | PSTATE.UAO | PSTATE.SSBS)) | DAIF | EL1H;
  if (features.pan && !span) next |= PSTATE.PAN;
  if (features.ssbs && dssbs) next |= PSTATE.SSBS;
  return next >>> 0;
}

/** The bits of an SPSR that this CPU has a PSTATE bit for. */
function returnMask(features: CpuFeatures): number {
  let mask = PSTATE.NZCV | DAIF | PSTATE.SS | PSTATE.IL | MODE;
  if (features.pan) mask |= PSTATE.PAN;
  if (features.uao) mask |= PSTATE.UAO;
  if (features.dit) mask |= PSTATE.DIT;
  if (features.ssbs) mask |= PSTATE.SSBS;
  if (features.branchTargets) mask |= PSTATE.BTYPE;
  return mask;
}

/**
 * PSTATE after ERET from EL1. A mode that EL1 can't return to (EL2, EL3, AArch32, EL0 with SP_EL1) is an illegal return:
 * the level and stack pointer stay and PSTATE.IL is set (D1.4.1).
 */
export function returnPstate(spsr: number, pstate: number, features: CpuFeatures): number {
  const wanted = spsr & returnMask(features) & ~PSTATE.SS;
  const mode = spsr & MODE;
  if (mode === EL0T || mode === EL1T || mode === EL1H) return wanted >>> 0;
  return ((wanted & ~MODE) | (pstate & MODE) | PSTATE.IL) >>> 0;
}
