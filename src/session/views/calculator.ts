/** What tables a size gives: by the same functions that KVM and the walker use, for a machine that need not be there. */
import { startLevel, vtcrEl2 } from '../../kvm/stage2/vtcr.ts';
import type { TranslationFeatures } from '../../machine/features.ts';
import {
  addressSizeEncoding,
  encodedStartLevel,
  stage1Regime,
  stage2Regime,
  TCR_EL1_FIELDS,
  VTCR_EL2_FIELDS,
  type ControlField,
  type Regime,
} from '../../machine/translation/control.ts';
import {
  granuleOfPageSize,
  LAST_LEVEL,
  levelShift,
  stage1StartLevel,
  type Granule,
} from '../../machine/translation/format.ts';
import type { CalculatorView, DescriptorField, TablesSize } from '../messages.ts';
import { concatenated } from './tables.ts';
import { entriesAt } from './trees.ts';

const GRANULES = ['4K', '16K', '64K'] as const;
const MOST_CONCATENATED = 16;
/** Fields of TCR_EL1 as Linux sets them for TTBR0: Write-Back tables, Inner Shareable, no walks from TTBR1. */
const TCR_AS_LINUX = { IRGN0: 1, ORGN0: 1, SH0: 3, EPD1: 1, AS: 1 } as const;
const TG0 = { '4K': 0, '64K': 1, '16K': 2 } as const;

/** A CPU with everything but what is asked about. */
function featuresOf({ granule, paBits, wide }: TablesSize): TranslationFeatures {
  const lpa2 = wide && granule !== 65536 ? (['4K', '16K'] as const) : [];
  return {
    paBits,
    stage1Granules: GRANULES,
    stage2Granules: GRANULES,
    lpa2Stage1: lpa2,
    lpa2Stage2: lpa2,
    largeVa: wide,
    smallTables: true,
    hierarchicalDisable: true,
    e0pd: true,
    hardwareAccessFlag: true,
    hardwareDirty: true,
    stage2ExecuteByEl: true,
    forcedWriteBack: true,
    branchTargets: true,
  };
}

function fieldsOf(rows: readonly ControlField[], value: bigint): DescriptorField[] {
  return rows.map(({ name, hi, lo, meaning }) => {
    const field = Number((value >> BigInt(lo)) & ((1n << BigInt(hi - lo + 1)) - 1n));
    return { name, bits: hi === lo ? `${hi}` : `${hi}:${lo}`, value: BigInt(field), meaning: meaning(field) };
  });
}

function tcrEl1({ inputBits, paBits, granule: pageSize, wide }: TablesSize, granule: Granule): bigint {
  const fields: Readonly<Record<string, number>> = {
    ...TCR_AS_LINUX,
    T0SZ: 64 - inputBits,
    TG0: TG0[granule.name],
    IPS: addressSizeEncoding(pageSize !== 65536 && !wide ? Math.min(48, paBits) : paBits),
    DS: wide && pageSize !== 65536 ? 1 : 0,
  };
  return TCR_EL1_FIELDS.reduce((value, { name, lo }) => value | (BigInt(fields[name] ?? 0) << BigInt(lo)), 0n);
}

/** What KVM would refuse before it comes to VTCR_EL2 (kvm_arm_setup_stage2, kvm_get_vtcr). */
const FEWEST_IPA_BITS = 32;

interface Answer {
  readonly regime: Regime;
  readonly problem: string | null;
  readonly chosen: number;
  readonly register: CalculatorView['registers'][number];
}

function stage1(size: TablesSize, granule: Granule): Answer {
  const value = tcrEl1(size, granule);
  const regime = stage1Regime(value, 0n, 0, featuresOf(size));
  return {
    regime,
    problem: regime.broken?.why ?? null,
    chosen: regime.tables.startLevel,
    register: { name: 'TCR_EL1', value, fields: fieldsOf(TCR_EL1_FIELDS, value) },
  };
}

function stage2(size: TablesSize, granule: Granule): Answer {
  const { inputBits, paBits, wide } = size;
  const lpa2 = wide && granule.name !== '64K';
  const host = {
    features: { paRange: addressSizeEncoding(paBits), lpa2, vmidBits: 16 as const },
    granule,
    host: { kernel: { paBits: 52, vaBits: 52 } as const },
  };
  const value = vtcrEl2(host, inputBits);
  const regime = stage2Regime(value, 0n, featuresOf(size));
  const limit = lpa2 || granule.name === '64K' ? paBits : Math.min(48, paBits);
  const tooMany = inputBits > limit ? `an IPA has at most ${limit} bits here` : null;
  const tooFew = inputBits < FEWEST_IPA_BITS ? `KVM gives a VM at least ${FEWEST_IPA_BITS} bits of IPA` : null;
  return {
    regime,
    problem: tooMany ?? tooFew ?? regime.broken?.why ?? null,
    chosen: startLevel(granule, inputBits),
    register: { name: 'VTCR_EL2', value, fields: fieldsOf(VTCR_EL2_FIELDS, value) },
  };
}

/** Start levels that the architecture allows: at stage 2 those with up to 16 tables side by side, that SL0 and SL2 can say. */
function startsOf(stage: 1 | 2, granule: Granule, inputBits: number, lpa2: boolean): number[] {
  const plain = stage1StartLevel(granule, inputBits);
  if (stage === 1) return [plain];
  const encodable = new Set(
    [0, 1].flatMap((sl2) =>
      [0, 1, 2, 3].map((sl0) => encodedStartLevel(granule.name, sl0, lpa2 ? sl2 : 0, lpa2, true)),
    ),
  );
  const beside = (level: number) => 2 ** (inputBits - levelShift(granule, level) - granule.bitsPerLevel);
  const levels: number[] = [];
  for (let level = plain; level <= LAST_LEVEL && beside(level) <= MOST_CONCATENATED; level++) {
    if (encodable.has(level)) levels.push(level);
  }
  return levels;
}

export function calculatorView(size: TablesSize): CalculatorView {
  const granule = granuleOfPageSize(size.granule);
  const { regime, problem, chosen, register } = size.stage === 1 ? stage1(size, granule) : stage2(size, granule);
  const { format } = regime.tables;
  const base = { view: 'calculator', problem, format: format.name } as const;
  if (problem !== null) return { ...base, starts: [], levels: [], registers: [] };
  const { inputBits } = size;
  const lpa2 = size.wide && granule.name !== '64K';
  const starts = startsOf(size.stage, granule, inputBits, lpa2).map((level) => {
    const tables = { format, root: 0, startLevel: level, inputBits };
    const entries = entriesAt(tables, level);
    return {
      level,
      levels: LAST_LEVEL - level + 1,
      concatenated: concatenated(tables),
      entries,
      rootBytes: BigInt(entries) * 8n,
      chosen: level === chosen,
    };
  });
  return { ...base, starts, levels: levelsOf(size, granule, chosen, regime), registers: [register] };
}

function levelsOf(
  { inputBits }: TablesSize,
  granule: Granule,
  first: number,
  { tables: { format } }: Regime,
): CalculatorView['levels'] {
  const blocks = granule.blockLevels[format.addressBits];
  return Array.from({ length: LAST_LEVEL - first + 1 }, (_, below) => {
    const level = first + below;
    const lo = levelShift(granule, level);
    const hi = below === 0 ? inputBits - 1 : lo + granule.bitsPerLevel - 1;
    return {
      level,
      bits: hi <= lo ? `${lo}` : `${hi}:${lo}`,
      entries: entriesAt({ format, root: 0, startLevel: first, inputBits }, level),
      entrySize: 1n << BigInt(lo),
      leaf: level === LAST_LEVEL ? ('page' as const) : blocks.includes(level) ? ('block' as const) : null,
      contiguous: 2 ** (granule.contiguous[level] ?? 0),
    };
  });
}
