import { getField, setField, withoutAbsent } from './absent.ts';
import { featuresOf, type CpuFeatures, type IdRegisters } from './features.ts';
import { addressSizeEncoding } from './translation/limits.ts';
import type { GranuleName } from './translation/format.ts';

export type CpuPresetName = 'max' | 'cortex-a53' | 'cortex-a57' | 'cortex-a72' | 'neoverse-n1';

/** What a configuration may change of a preset's hardware. */
export interface CpuOptions {
  readonly paBits?: 32 | 36 | 40 | 42 | 44 | 48 | 52;
  readonly lpa2?: boolean;
  /** FEAT_LVA. */
  readonly lva?: boolean;
  /** All granules that a stage has; absent: as the preset says, which for stage 2 may be: those of stage 1. */
  readonly stage1Granules?: readonly GranuleName[];
  readonly stage2Granules?: readonly GranuleName[];
}

export interface CpuModel {
  readonly name: CpuPresetName;
  readonly id: IdRegisters;
  readonly features: CpuFeatures;
}

/**
 * ID registers as the CPU has them: what a guest was seen to read on each, with the fields that a hypervisor takes away from
 * guests put back (EL2 and EL3, debug and performance monitors, the GIC's registers). `withoutAbsent` then takes what is not here.
 */
const PRESETS: Readonly<Record<CpuPresetName, IdRegisters>> = {
  max: {
    MIDR_EL1: 0x000f0510n,
    ID_AA64PFR0_EL1: 0x1101_0010_2111_1112n,
    ID_AA64PFR1_EL1: 0x21n,
    ID_AA64DFR0_EL1: 0x1030_5609n,
    ID_AA64ISAR0_EL1: 0x1221_1111_1021_2120n,
    ID_AA64ISAR1_EL1: 0x0011_1111_0121_1012n,
    ID_AA64MMFR0_EL1: 0x0000_0323_1020_1126n,
    ID_AA64MMFR1_EL1: 0x0000_0110_1021_1122n,
    ID_AA64MMFR2_EL1: 0x1021_0110_1001_1011n,
    CTR_EL0: 0x9444_c004n,
    DCZID_EL0: 4n,
    CLIDR_EL1: 0x0a20_0023n,
  },
  'cortex-a53': {
    MIDR_EL1: 0x410f_d034n,
    ID_AA64PFR0_EL1: 0x0000_0000_0000_2222n,
    ID_AA64DFR0_EL1: 0x1030_5106n,
    ID_AA64ISAR0_EL1: 0x0001_1120n,
    ID_AA64MMFR0_EL1: 0x0000_1122n,
    CTR_EL0: 0x8444_8004n,
    DCZID_EL0: 4n,
    CLIDR_EL1: 0x0a20_0023n,
  },
  'cortex-a57': {
    MIDR_EL1: 0x411f_d070n,
    ID_AA64PFR0_EL1: 0x0000_0000_0000_2222n,
    ID_AA64DFR0_EL1: 0x1030_5106n,
    ID_AA64ISAR0_EL1: 0x0001_1120n,
    ID_AA64MMFR0_EL1: 0x0000_1124n,
    CTR_EL0: 0x8444_c004n,
    DCZID_EL0: 4n,
    CLIDR_EL1: 0x0a20_0023n,
  },
  'cortex-a72': {
    MIDR_EL1: 0x410f_d083n,
    ID_AA64PFR0_EL1: 0x0000_0000_0000_2222n,
    ID_AA64DFR0_EL1: 0x1030_5106n,
    ID_AA64ISAR0_EL1: 0x0001_1120n,
    ID_AA64MMFR0_EL1: 0x0000_1124n,
    CTR_EL0: 0x8444_c004n,
    DCZID_EL0: 4n,
    CLIDR_EL1: 0x0a20_0023n,
  },
  'neoverse-n1': {
    MIDR_EL1: 0x414f_d0c1n,
    ID_AA64PFR0_EL1: 0x1100_0000_1111_1112n,
    ID_AA64PFR1_EL1: 0x20n,
    ID_AA64DFR0_EL1: 0x1_1030_5408n,
    ID_AA64ISAR0_EL1: 0x0000_1000_1021_1120n,
    ID_AA64ISAR1_EL1: 0x0010_0001n,
    ID_AA64MMFR0_EL1: 0x0010_1125n,
    ID_AA64MMFR1_EL1: 0x1021_2122n,
    ID_AA64MMFR2_EL1: 0x1011n,
    CTR_EL0: 0x9444_c004n,
    DCZID_EL0: 4n,
    CLIDR_EL1: 0x0a20_0023n,
  },
};

/** ID_AA64MMFR2_EL1.VARange. */
const VA_RANGE = 16;

/** The CPU that a host is built with. Throws RangeError for an address size that no field can say. */
export function cpuModel(name: CpuPresetName, options: CpuOptions = {}): CpuModel {
  const id = withoutAbsent(PRESETS[name]);
  let mmfr0 = id.ID_AA64MMFR0_EL1 ?? 0n;
  if (options.lpa2 === false) mmfr0 = withoutLpa2(mmfr0);
  mmfr0 = withGranules(mmfr0, options);
  if (options.paBits !== undefined) {
    const encoded = addressSizeEncoding(options.paBits);
    if (encoded < 0) throw new RangeError(`no PARange of ${options.paBits} bits`);
    mmfr0 = setField(mmfr0, 0, encoded);
  }
  id.ID_AA64MMFR0_EL1 = mmfr0;
  if (options.lva === false) id.ID_AA64MMFR2_EL1 = setField(id.ID_AA64MMFR2_EL1 ?? 0n, VA_RANGE, 0);
  return { name, id, features: featuresOf(id) };
}

interface GranuleField {
  readonly granule: GranuleName;
  readonly lo: number;
  readonly absent: number;
  readonly plain: number;
}

/** ID_AA64MMFR0_EL1.TGranX, and TGranX_2, whose 0 says that stage 2 has what stage 1 has. FEAT_LPA2 is one more than `plain`. */
const STAGE1: readonly GranuleField[] = [
  { granule: '4K', lo: 28, absent: 15, plain: 0 },
  { granule: '16K', lo: 20, absent: 0, plain: 1 },
  { granule: '64K', lo: 24, absent: 15, plain: 0 },
];
const STAGE2: readonly GranuleField[] = [
  { granule: '4K', lo: 40, absent: 1, plain: 2 },
  { granule: '16K', lo: 32, absent: 1, plain: 2 },
  { granule: '64K', lo: 36, absent: 1, plain: 2 },
];

/** Granules as options have them; one that a stage had keeps its FEAT_LPA2. */
function withGranules(mmfr0: bigint, { stage1Granules, stage2Granules }: CpuOptions): bigint {
  const had = featuresOf({ ID_AA64MMFR0_EL1: mmfr0 });
  let value = mmfr0;
  const set = (fields: readonly GranuleField[], has: readonly GranuleName[], lpa2: readonly GranuleName[]) => {
    for (const { granule, lo, absent, plain } of fields)
      value = setField(value, lo, has.includes(granule) ? plain + (lpa2.includes(granule) ? 1 : 0) : absent);
  };
  if (stage1Granules) set(STAGE1, stage1Granules, had.lpa2Stage1);
  if (stage2Granules) set(STAGE2, stage2Granules, had.lpa2Stage2);
  return value;
}

/** ID_AA64MMFR0_EL1 without FEAT_LPA2: TGran4 and TGran16 of both stages one less; 52 bits are then for 64K alone. */
function withoutLpa2(mmfr0: bigint): bigint {
  let value = mmfr0;
  for (const { lo, lpa2, plain } of [
    { lo: 28, lpa2: 1, plain: 0 },
    { lo: 20, lpa2: 2, plain: 1 },
    { lo: 40, lpa2: 3, plain: 2 },
    { lo: 32, lpa2: 3, plain: 2 },
  ]) {
    if (getField(value, lo) === lpa2) value = setField(value, lo, plain);
  }
  return value;
}
