/** One feature of an ID register, and which of two values is safe to promise (arm64_ftr_bits). */
export interface FeatureField {
  readonly shift: number;
  readonly width: number;
  readonly signed: boolean;
  readonly safe: 'lower' | 'higher' | 'higher-or-zero' | 'exact';
  /** The only value but the host's own that an exact field may have. */
  readonly otherwise: bigint;
}

type Options = Partial<Omit<FeatureField, 'shift'>>;

const f = (shift: number, options: Options = {}): FeatureField => ({
  shift,
  width: 4,
  signed: false,
  safe: 'lower',
  otherwise: 0n,
  ...options,
});
const all = (...shifts: number[]): FeatureField[] => shifts.map((shift) => f(shift));
const signed: Options = { signed: true };

/** Eight fields of four bits (ftr_generic_32bits). */
const WORD: readonly FeatureField[] = all(28, 24, 20, 16, 12, 8, 4, 0);

/**
 * Features by register (ftr_id_* in cpufeature.c); bits that no field has are hidden from everyone. KVM takes
 * ID_AA64DFR0_EL1's PMUVer and DebugVer and ID_DFR0_EL1's PerfMon as lower-safe.
 */
export const FEATURE_FIELDS: Readonly<Record<string, readonly FeatureField[]>> = {
  ID_PFR0_EL1: all(24, 16, 12, 8, 4, 0),
  ID_PFR1_EL1: WORD,
  ID_PFR2_EL1: all(4, 0),
  ID_DFR0_EL1: all(24, 20, 16, 12, 8, 4, 0),
  ID_DFR1_EL1: [f(0, signed)],
  ID_MMFR0_EL1: [f(28, signed), ...all(24, 20, 16, 12), f(8, signed), ...all(4, 0)],
  ID_MMFR1_EL1: WORD,
  ID_MMFR2_EL1: WORD,
  ID_MMFR3_EL1: WORD,
  ID_MMFR4_EL1: [...all(28, 24, 20, 16, 12, 8, 4), f(0, { safe: 'higher' })],
  ID_MMFR5_EL1: all(0),
  ID_ISAR0_EL1: all(24, 20, 16, 12, 8, 4, 0),
  ID_ISAR1_EL1: WORD,
  ID_ISAR2_EL1: WORD,
  ID_ISAR3_EL1: WORD,
  ID_ISAR4_EL1: WORD,
  ID_ISAR5_EL1: all(24, 16, 12, 8, 4, 0),
  ID_ISAR6_EL1: all(24, 20, 16, 12, 8, 4, 0),
  MVFR0_EL1: WORD,
  MVFR1_EL1: WORD,
  MVFR2_EL1: all(4, 0),
  ID_AA64PFR0_EL1: [...all(60, 56, 48, 44, 40, 36, 32, 28, 24), f(20, signed), f(16, signed), ...all(12, 8, 4, 0)],
  ID_AA64PFR1_EL1: all(24, 16, 12, 8, 4, 0),
  ID_AA64PFR2_EL1: all(32),
  ID_AA64ZFR0_EL1: all(56, 52, 44, 40, 32, 24, 20, 16, 4, 0),
  ID_AA64FPFR0_EL1: [31, 30, 29, 28, 1, 0].map((shift) => f(shift, { width: 1, safe: 'exact' })),
  ID_AA64DFR0_EL1: [f(36, signed), ...all(32, 28, 20, 12, 8, 0)],
  ID_AA64DFR1_EL1: [],
  ID_AA64ISAR0_EL1: all(60, 56, 52, 48, 44, 40, 36, 32, 28, 20, 16, 12, 8, 4),
  ID_AA64ISAR1_EL1: [
    ...all(56, 52, 48, 44, 40, 36, 32, 28, 24, 20, 16, 12),
    f(8, { safe: 'exact' }),
    f(4, { safe: 'exact' }),
    f(0),
  ],
  ID_AA64ISAR2_EL1: [...all(56, 52, 48, 28, 20, 16), f(12, { safe: 'exact' }), ...all(8, 4, 0)],
  ID_AA64MMFR0_EL1: [
    ...all(60, 56, 44),
    ...[40, 36, 32].map((shift) => f(shift, { safe: 'exact', otherwise: 1n })),
    f(28, signed),
    f(24, signed),
    ...all(20, 16, 12, 8, 4, 0),
  ],
  ID_AA64MMFR1_EL1: [...all(60, 52, 44, 40, 36, 32, 28), f(24, { safe: 'higher' }), ...all(20, 16, 12, 8, 4, 0)],
  ID_AA64MMFR2_EL1: all(60, 56, 52, 48, 40, 36, 32, 28, 24, 20, 16, 12, 8, 4, 0),
  ID_AA64MMFR3_EL1: all(16, 8, 0),
  ID_AA64MMFR4_EL1: [f(24, signed)],
  CTR_EL0: [
    f(31, { width: 1, safe: 'exact', otherwise: 1n }),
    f(29, { width: 1 }),
    f(28, { width: 1 }),
    f(24, { safe: 'higher-or-zero' }),
    f(20, { safe: 'higher-or-zero' }),
    f(16),
    f(14, { width: 2, safe: 'exact', otherwise: 2n }),
    f(0),
  ],
};

/** All bits of a register that a field has. */
export function featureMask(register: string): bigint {
  const fields = FEATURE_FIELDS[register];
  if (!fields) return 0xffff_ffff_ffff_ffffn;
  return fields.reduce((mask, { shift, width }) => mask | (((1n << BigInt(width)) - 1n) << BigInt(shift)), 0n);
}
