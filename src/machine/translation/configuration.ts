import type { TranslationFeatures } from '../features.ts';
import { stage1Regime, stage2Regime, withBase, type Stage1Regime, type Stage2Regime } from './control.ts';
import { tcrEl1 } from './registers.ts';

/** The registers that govern the EL1&0 translation regime. */
export const TRANSLATION_REGISTERS = [
  'SCTLR_EL1',
  'TCR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'MAIR_EL1',
  'HCR_EL2',
  'VTCR_EL2',
  'VTTBR_EL2',
] as const;
export type TranslationRegisters = Readonly<Record<(typeof TRANSLATION_REGISTERS)[number], bigint>>;

const SCTLR_M = 1n << 0n;
const SCTLR_A = 1n << 1n;
const SCTLR_C = 1n << 2n;
const SCTLR_I = 1n << 12n;
const SCTLR_WXN = 1n << 19n;
const HCR_VM = 1n << 0n;
const HCR_PTW = 1n << 2n;
const HCR_DC = 1n << 12n;
const HCR_FWB = 1n << 46n;

/** What of the registers that hold more than that a translation depends on: values that differ elsewhere are the same to it. */
export const TRANSLATION_BITS = {
  SCTLR_EL1: SCTLR_M | SCTLR_A | SCTLR_C | SCTLR_I | SCTLR_WXN,
  HCR_EL2: HCR_VM | HCR_PTW | HCR_DC | HCR_FWB,
} as const;

/** The EL1&0 translation regime as its registers have it, taken apart. */
export interface Configuration {
  /** Stage 1 by half; null where it is off: SCTLR_EL1.M, HCR_EL2.DC. */
  readonly stage1: readonly [Stage1Regime, Stage1Regime] | null;
  /** null where it is off: HCR_EL2.VM, HCR_EL2.DC. */
  readonly stage2: Stage2Regime | null;
  /** TCR_EL1.TBI0 and TBI1, which hold with stage 1 off too. */
  readonly topByteIgnored: readonly [boolean, boolean];
  readonly mair: bigint;
  /** SCTLR_EL1.A: data accesses have to be aligned. */
  readonly aligned: boolean;
  readonly writeExecuteNever: boolean;
  /** SCTLR_EL1.C and I: without them Normal memory is Non-cacheable, for data and for instructions. */
  readonly cachedData: boolean;
  readonly cachedFetch: boolean;
  readonly defaultCacheable: boolean;
  /** HCR_EL2.PTW: no stage 1 tables in Device memory. */
  readonly protectedWalk: boolean;
  readonly forcedWriteBack: boolean;
  readonly asid: number;
  /** TCR_EL1.AS: the bits that an ASID has. */
  readonly asidMask: number;
  readonly vmid: number;
}

export function configurationOf(registers: TranslationRegisters, features: TranslationFeatures): Configuration {
  const { SCTLR_EL1, TCR_EL1, TTBR0_EL1, TTBR1_EL1, HCR_EL2, VTCR_EL2, VTTBR_EL2 } = registers;
  const defaultCacheable = (HCR_EL2 & HCR_DC) !== 0n;
  const stage1 = (SCTLR_EL1 & SCTLR_M) !== 0n && !defaultCacheable;
  const stage2 = (HCR_EL2 & (HCR_VM | HCR_DC)) !== 0n;
  const tcr = tcrEl1(TCR_EL1);
  return {
    stage1: stage1
      ? [stage1Regime(TCR_EL1, TTBR0_EL1, 0, features), stage1Regime(TCR_EL1, TTBR1_EL1, 1, features)]
      : null,
    stage2: stage2 ? stage2Regime(VTCR_EL2, VTTBR_EL2, features) : null,
    topByteIgnored: [tcr.get('TBI0') === 1, tcr.get('TBI1') === 1],
    mair: registers.MAIR_EL1,
    aligned: (SCTLR_EL1 & SCTLR_A) !== 0n,
    writeExecuteNever: (SCTLR_EL1 & SCTLR_WXN) !== 0n,
    cachedData: (SCTLR_EL1 & SCTLR_C) !== 0n,
    cachedFetch: (SCTLR_EL1 & SCTLR_I) !== 0n,
    defaultCacheable,
    protectedWalk: (HCR_EL2 & HCR_PTW) !== 0n,
    forcedWriteBack: (HCR_EL2 & HCR_FWB) !== 0n && features.forcedWriteBack,
    asid: asidOf(registers),
    asidMask: asidMask(TCR_EL1),
    vmid: Number((VTTBR_EL2 >> 48n) & 0xffffn),
  };
}

/** The configuration of registers that differ from those of `base` in TTBR0_EL1 and TTBR1_EL1 alone. */
export function withTables(base: Configuration, registers: TranslationRegisters): Configuration {
  const { TTBR0_EL1, TTBR1_EL1 } = registers;
  const stage1 = base.stage1 && ([withBase(base.stage1[0], TTBR0_EL1), withBase(base.stage1[1], TTBR1_EL1)] as const);
  return { ...base, stage1, asid: asidOf(registers) };
}

/** TCR_EL1.AS. */
const asidMask = (tcr: bigint) => (((tcr >> 36n) & 1n) !== 0n ? 0xffff : 0xff);

/** TCR_EL1.A1 says which of both registers has it. */
function asidOf({ TCR_EL1, TTBR0_EL1, TTBR1_EL1 }: TranslationRegisters): number {
  const ttbr = ((TCR_EL1 >> 22n) & 1n) !== 0n ? TTBR1_EL1 : TTBR0_EL1;
  return Number(ttbr >> 48n) & asidMask(TCR_EL1);
}
