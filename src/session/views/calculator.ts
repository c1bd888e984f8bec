/** What tables a size gives: by the same functions that KVM and the walker use, for a machine that need not be there. */
import { startLevel, vtcrEl2 } from '../../kvm/stage2/vtcr.ts';
import type { TranslationFeatures } from '../../machine/features.ts';
import { stage1Regime, stage2Regime, type Regime } from '../../machine/translation/control.ts';
import {
  concatenatedTables,
  granuleOfPageSize,
  LAST_LEVEL,
  levelShift,
  stage1StartLevel,
  type Granule,
} from '../../machine/translation/format.ts';
import {
  addressSizeEncoding,
  encodedStartLevel,
  startLevelFields,
  startLevelMisfit,
} from '../../machine/translation/limits.ts';
import { ControlValue, TCR_EL1_FIELDS, vtcrEl2 as vtcrFields } from '../../machine/translation/registers.ts';
import { PA_BITS, type CalculatorView, type TablesSize } from '../messages.ts';
import type { Inspected } from './inspected.ts';
import { entriesAt, treesOf } from './trees.ts';

const GRANULES = ['4K', '16K', '64K'] as const;
const FIRST_LEVEL = -1;
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
    pointerAuthentication: true,
    vmidBits: 16,
  };
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

/** What KVM would refuse before it comes to VTCR_EL2 (kvm_init_ipa_range, kvm_get_vtcr). */
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
    register: { name: 'TCR_EL1', value, fields: new ControlValue(TCR_EL1_FIELDS, value).describe(featuresOf(size)) },
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
    register: { name: 'VTCR_EL2', value, fields: vtcrFields(value).describe(featuresOf(size)) },
  };
}

type Start = CalculatorView['starts'][number];

/** Start levels of the granule, and why those that are no good are refused: by their size, or by what SL0 and SL2 can say on this CPU. */
function startsOf(size: TablesSize, granule: Granule, { tables: { format } }: Regime, chosen: number): Start[] {
  const { stage, inputBits } = size;
  const lpa2 = size.wide && granule.name !== '64K';
  const starts: Start[] = [];
  for (let level = FIRST_LEVEL; level <= LAST_LEVEL; level++) {
    const fields = stage === 1 ? null : startLevelFields(granule.name, level, lpa2);
    const plain = level === stage1StartLevel(granule, inputBits);
    if (stage === 1 ? !plain : fields === null) continue;
    const tables = { format, root: 0, startLevel: level, inputBits };
    const entries = entriesAt(tables, level);
    starts.push({
      level,
      levels: LAST_LEVEL - level + 1,
      concatenated: concatenatedTables(granule, level, inputBits),
      entries,
      rootBytes: BigInt(entries) * 8n,
      encoded: fields && (granule.name === '4K' && lpa2 ? `SL2 ${fields.sl2}, SL0 ${fields.sl0}` : `SL0 ${fields.sl0}`),
      chosen: level === chosen,
      refused:
        fields &&
        (startLevelMisfit(granule.name, level, inputBits) ??
          encodedStartLevel(granule.name, fields, lpa2, featuresOf(size)).reserved),
    });
  }
  return starts;
}

const PAGE_SIZES = { '4K': 4096, '16K': 16384, '64K': 65536 } as const;

/** The sizes of the tables of a VM's stage 2 and a vCPU's stage 1, as questions to the calculator; each once. */
export function sizesHere(
  inspected: Inspected,
  { vm: vmFd, vcpu: vcpuFd }: { vm?: number; vcpu?: number },
): TablesSize[] {
  const vm = vmFd === undefined ? null : inspected.vm(vmFd);
  const vcpu = vcpuFd === undefined ? null : inspected.vcpu(vcpuFd);
  const sizes = [vm, vcpu].flatMap((owner) => {
    if (!owner) return [];
    const { features } = (owner.kind === 'vm' ? owner : owner.vm).kvm.host.model;
    return treesOf(inspected, owner).map(({ tables: { format, inputBits } }): TablesSize => ({
      stage: format.stage,
      granule: PAGE_SIZES[format.granule.name],
      inputBits,
      paBits: PA_BITS.find((bits) => bits === features.paBits) ?? 52,
      wide: format.granule.name === '64K' ? features.largeVa : format.addressBits === 52,
    }));
  });
  const key = (size: TablesSize) => JSON.stringify(size);
  return sizes.filter((size, index) => sizes.findIndex((other) => key(other) === key(size)) === index);
}

export function calculatorView(size: TablesSize, here: readonly TablesSize[] = []): CalculatorView {
  const granule = granuleOfPageSize(size.granule);
  const { regime, problem, chosen, register } = size.stage === 1 ? stage1(size, granule) : stage2(size, granule);
  const { format } = regime.tables;
  const base = { view: 'calculator', problem, format: format.name, here } as const;
  if (problem !== null) return { ...base, starts: [], levels: [], registers: [] };
  const starts = startsOf(size, granule, regime, chosen);
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
    const entries = entriesAt({ format, root: 0, startLevel: first, inputBits }, level);
    const joined = 2 ** (granule.contiguous[level] ?? 0);
    return {
      level,
      bits: hi <= lo ? `${lo}` : `${hi}:${lo}`,
      entries,
      entrySize: 1n << BigInt(lo),
      leaf: level === LAST_LEVEL ? ('page' as const) : blocks.includes(level) ? ('block' as const) : null,
      // A start level may have fewer entries than the bit joins: setting it there is misprogramming (D8.7.1.3).
      contiguous: joined <= entries ? joined : 1,
    };
  });
}
