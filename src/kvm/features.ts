import type { HostModel } from './module.ts';
import type { GranuleName } from '../machine/translation/format.ts';
import { pmuVersionLimit } from './pmu.ts';
import { mitigation, type Mitigation } from './spectre.ts';

/** What the kernel's feature detection finds of the hardware (cpufeature.c), as far as KVM asks. */
export interface KernelFeatures {
  /** ID_AA64MMFR0_EL1.PARange, the field. */
  readonly paRange: number;
  /** FEAT_LPA2 at both stages for the kernel's page size: system_supports_lpa2. */
  readonly lpa2: boolean;
  /** FEAT_LVA. */
  readonly largeVa: boolean;
  /** Stage 2 has tables of the kernel's page size (ID_AA64MMFR0_EL1.TGranX_2). */
  readonly stage2PageSize: boolean;
  readonly vmidBits: 8 | 16;
  /** FEAT_TTCNP. */
  readonly commonNotPrivate: boolean;
  /** FEAT_S2FWB: stage 2 makes RAM cacheable by itself. */
  readonly stage2ForceWriteBack: boolean;
  /** CTR_EL0.DIC: no instruction cache maintenance, so RAM is mapped executable at once. */
  readonly cacheDic: boolean;
  /** FEAT_TLBIRANGE, and FEAT_TTL: a TLBI tells the level of the entry. */
  readonly tlbRange: boolean;
  readonly tlbLevel: boolean;
  readonly ras: boolean;
  readonly vhe: boolean;
  /** AArch32 at EL1 and at EL0. */
  readonly aarch32El1: boolean;
  readonly aarch32El0: boolean;
  /** Pointer authentication of addresses and generic, by one and the same algorithm. */
  readonly pointerAuthentication: boolean;
  /** A PMU that KVM can give to guests, and its event counters. */
  readonly pmu: boolean;
  readonly pmuCounters: number;
  readonly mitigation: Mitigation;
}

/** PMCR_EL0.N of all these cores. */
const EVENT_COUNTERS = 6;

const AARCH32_TOO = 2n;

/** kvm_has_full_ptr_auth, by ID_AA64ISAR1_EL1's APA, API, GPA and GPI. */
function fullPointerAuthentication(isar1: bigint): boolean {
  const has = (lo: bigint): boolean => ((isar1 >> lo) & 0xfn) !== 0n;
  const [apa, api, gpa, gpi] = [has(4n), has(8n), has(24n), has(28n)];
  return apa === gpa && api === gpi && apa !== api;
}

export function kernelFeatures(model: HostModel, granule: GranuleName): KernelFeatures {
  const { id, features } = model;
  const pmu = pmuVersionLimit(id.ID_AA64DFR0_EL1 ?? 0n) !== 0n;
  const pfr0 = id.ID_AA64PFR0_EL1 ?? 0n;
  return {
    paRange: Number((id.ID_AA64MMFR0_EL1 ?? 0n) & 0xfn),
    lpa2: features.lpa2Stage1.includes(granule) && features.lpa2Stage2.includes(granule),
    largeVa: features.largeVa,
    stage2PageSize: features.stage2Granules.includes(granule),
    vmidBits: features.vmidBits,
    commonNotPrivate: ((id.ID_AA64MMFR2_EL1 ?? 0n) & 0xfn) !== 0n,
    stage2ForceWriteBack: features.forcedWriteBack,
    cacheDic: (((id.CTR_EL0 ?? 0n) >> 29n) & 1n) !== 0n,
    tlbRange: features.tlbiRange,
    tlbLevel: (((id.ID_AA64MMFR2_EL1 ?? 0n) >> 48n) & 0xfn) !== 0n,
    ras: features.ras,
    vhe: features.vhe,
    aarch32El1: ((pfr0 >> 4n) & 0xfn) === AARCH32_TOO,
    aarch32El0: (pfr0 & 0xfn) === AARCH32_TOO,
    pointerAuthentication: fullPointerAuthentication(id.ID_AA64ISAR1_EL1 ?? 0n),
    pmu,
    pmuCounters: pmu ? EVENT_COUNTERS : 0,
    mitigation: mitigation(id.MIDR_EL1 ?? 0n, pfr0),
  };
}
