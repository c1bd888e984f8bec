import type { GranuleName } from './translation/format.ts';
import { addressSizeBits } from './translation/limits.ts';

/** The ID registers that a CPU answers with, by the architecture's names; a register that is not here reads as 0. */
export type IdRegisters = Readonly<Partial<Record<IdRegister, bigint>>>;

export const ID_REGISTERS = [
  'MIDR_EL1',
  'MPIDR_EL1',
  'REVIDR_EL1',
  'ID_AA64PFR0_EL1',
  'ID_AA64PFR1_EL1',
  'ID_AA64DFR0_EL1',
  'ID_AA64ISAR0_EL1',
  'ID_AA64ISAR1_EL1',
  'ID_AA64ISAR2_EL1',
  'ID_AA64MMFR0_EL1',
  'ID_AA64MMFR1_EL1',
  'ID_AA64MMFR2_EL1',
  'CTR_EL0',
  'DCZID_EL0',
  'CLIDR_EL1',
] as const;
export type IdRegister = (typeof ID_REGISTERS)[number];

/** What of the architecture's options the walker asks for. */
export interface TranslationFeatures {
  /** ID_AA64MMFR0_EL1.PARange in bits: 32 to 52. */
  readonly paBits: number;
  readonly stage1Granules: readonly GranuleName[];
  readonly stage2Granules: readonly GranuleName[];
  /** FEAT_LPA2: granules whose descriptors can have 52 bits by TCR_ELx.DS. */
  readonly lpa2Stage1: readonly GranuleName[];
  readonly lpa2Stage2: readonly GranuleName[];
  /** FEAT_LVA. */
  readonly largeVa: boolean;
  /** FEAT_TTST. */
  readonly smallTables: boolean;
  /** FEAT_HPDS. */
  readonly hierarchicalDisable: boolean;
  /** FEAT_E0PD. */
  readonly e0pd: boolean;
  /** FEAT_HAFDBS. */
  readonly hardwareAccessFlag: boolean;
  readonly hardwareDirty: boolean;
  /** FEAT_XNX. */
  readonly stage2ExecuteByEl: boolean;
  /** FEAT_S2FWB. */
  readonly forcedWriteBack: boolean;
  /** FEAT_BTI. */
  readonly branchTargets: boolean;
  /** FEAT_PAuth. */
  readonly pointerAuthentication: boolean;
  /** FEAT_VMID16. */
  readonly vmidBits: 8 | 16;
}

export interface CpuFeatures extends TranslationFeatures {
  readonly pan: boolean;
  readonly uao: boolean;
  readonly dit: boolean;
  readonly ras: boolean;
  readonly ssbs: boolean;
  /** FEAT_LOR. */
  readonly orderingRegions: boolean;
  /** FEAT_CSV2_2: SCXTNUM_ELx. */
  readonly csv2_2: boolean;
  /** FEAT_PAN2: AT S1E1RP and AT S1E1WP. */
  readonly panTranslate: boolean;
  /** FEAT_TLBIOS and FEAT_TLBIRANGE. */
  readonly tlbiOuter: boolean;
  readonly tlbiRange: boolean;
  /** FEAT_DPB and FEAT_DPB2. */
  readonly persistence: boolean;
  readonly deepPersistence: boolean;
  /** FEAT_SPECRES. */
  readonly predictionRestriction: boolean;
  /** FEAT_LSE2. */
  readonly lse2: boolean;
  /** FEAT_IDST: an ID register read at EL0 has EC 0x18 and not 0. */
  readonly idTrapSyndrome: boolean;
  readonly vhe: boolean;
  /** FEAT_PMUv3p4: PMMIR_EL1. */
  readonly pmuMachineId: boolean;
  /** FEAT_BBML1 and FEAT_BBML2, 0 without either: how a block may become a table, or the reverse. */
  readonly bbmLevel: number;
}

/** Where an ID register tells of a feature: a 4-bit field from bit `lo`. */
function field(id: IdRegisters, register: IdRegister, lo: number): number {
  return Number(((id[register] ?? 0n) >> BigInt(lo)) & 0xfn);
}

interface GranuleFields {
  readonly granule: GranuleName;
  readonly stage1: number;
  readonly stage2: number;
  readonly here: number;
  readonly withLpa2: number;
}

/** ID_AA64MMFR0_EL1.TGranX and TGranX_2: signed for 4K and 64K, unsigned for 16K. */
const GRANULE_FIELDS: readonly GranuleFields[] = [
  { granule: '4K', stage1: 28, stage2: 40, here: 0, withLpa2: 1 },
  { granule: '64K', stage1: 24, stage2: 36, here: 0, withLpa2: NaN },
  { granule: '16K', stage1: 20, stage2: 32, here: 1, withLpa2: 2 },
];

const PMUV3P4 = 5;
/** ID_AA64DFR0_EL1.PMUVer of at least `least`; 15 is a PMU that is not the architecture's. */
const hasPmu = (version: number, least: number): boolean => version >= least && version !== 15;

/** A CPU's features as its ID registers say, so that what is advertised and what is done can't differ. */
export function featuresOf(id: IdRegisters): CpuFeatures {
  const stage1Granules: GranuleName[] = [];
  const stage2Granules: GranuleName[] = [];
  const lpa2Stage1: GranuleName[] = [];
  const lpa2Stage2: GranuleName[] = [];
  for (const row of GRANULE_FIELDS) {
    const stage1 = field(id, 'ID_AA64MMFR0_EL1', row.stage1);
    const stage2 = field(id, 'ID_AA64MMFR0_EL1', row.stage2);
    const has1 = stage1 === row.here || stage1 === row.withLpa2;
    if (has1) stage1Granules.push(row.granule);
    if (stage1 === row.withLpa2) lpa2Stage1.push(row.granule);
    // TGranX_2: 0 as stage 1, 1 not there, 2 there, 3 with LPA2.
    if (stage2 === 0 ? has1 : stage2 >= 2) stage2Granules.push(row.granule);
    if (stage2 === 0 ? stage1 === row.withLpa2 : stage2 === 3) lpa2Stage2.push(row.granule);
  }
  const hafdbs = field(id, 'ID_AA64MMFR1_EL1', 0);
  return {
    paBits: addressSizeBits(field(id, 'ID_AA64MMFR0_EL1', 0)),
    stage1Granules,
    stage2Granules,
    lpa2Stage1,
    lpa2Stage2,
    largeVa: field(id, 'ID_AA64MMFR2_EL1', 16) >= 1,
    smallTables: field(id, 'ID_AA64MMFR2_EL1', 28) >= 1,
    hierarchicalDisable: field(id, 'ID_AA64MMFR1_EL1', 12) >= 1,
    e0pd: field(id, 'ID_AA64MMFR2_EL1', 60) >= 1,
    hardwareAccessFlag: hafdbs >= 1,
    hardwareDirty: hafdbs >= 2,
    stage2ExecuteByEl: field(id, 'ID_AA64MMFR1_EL1', 28) >= 1,
    forcedWriteBack: field(id, 'ID_AA64MMFR2_EL1', 40) >= 1,
    branchTargets: field(id, 'ID_AA64PFR1_EL1', 0) >= 1,
    pan: field(id, 'ID_AA64MMFR1_EL1', 20) >= 1,
    uao: field(id, 'ID_AA64MMFR2_EL1', 4) >= 1,
    dit: field(id, 'ID_AA64PFR0_EL1', 48) >= 1,
    panTranslate: field(id, 'ID_AA64MMFR1_EL1', 20) >= 2,
    tlbiOuter: field(id, 'ID_AA64ISAR0_EL1', 56) >= 1,
    tlbiRange: field(id, 'ID_AA64ISAR0_EL1', 56) >= 2,
    persistence: field(id, 'ID_AA64ISAR1_EL1', 0) >= 1,
    deepPersistence: field(id, 'ID_AA64ISAR1_EL1', 0) >= 2,
    predictionRestriction: field(id, 'ID_AA64ISAR1_EL1', 40) >= 1,
    lse2: field(id, 'ID_AA64MMFR2_EL1', 32) >= 1,
    ras: field(id, 'ID_AA64PFR0_EL1', 28) >= 1,
    orderingRegions: field(id, 'ID_AA64MMFR1_EL1', 16) >= 1,
    ssbs: field(id, 'ID_AA64PFR1_EL1', 4) >= 2,
    csv2_2: field(id, 'ID_AA64PFR0_EL1', 56) >= 2,
    idTrapSyndrome: field(id, 'ID_AA64MMFR2_EL1', 36) >= 1,
    vhe: field(id, 'ID_AA64MMFR1_EL1', 8) >= 1,
    pointerAuthentication: [4, 8, 24, 28].some((lo) => field(id, 'ID_AA64ISAR1_EL1', lo) !== 0),
    pmuMachineId: hasPmu(field(id, 'ID_AA64DFR0_EL1', 8), PMUV3P4),
    vmidBits: field(id, 'ID_AA64MMFR1_EL1', 4) >= 2 ? 16 : 8,
    bbmLevel: field(id, 'ID_AA64MMFR2_EL1', 52),
  };
}
