/** The registers that govern translation, as fields and as what a walk needs of them (Arm ARM D17.2.131 TCR_EL1, D17.2.152 VTCR_EL2). */
import {
  extract,
  GRANULES,
  LAST_LEVEL,
  levelShift,
  stage1StartLevel,
  tableFormat,
  type GranuleName,
} from './format.ts';
import type { TranslationFeatures } from '../features.ts';
import type { Tables } from './walk.ts';

export interface ControlField {
  readonly name: string;
  readonly hi: number;
  readonly lo: number;
  readonly meaning: (value: number) => string;
}

const PA_SIZES = [32, 36, 40, 42, 44, 48, 52] as const;

/** Bits of a physical address size field: PARange, IPS, PS. Reserved values are as the largest. */
export function addressSizeBits(encoded: number): number {
  return PA_SIZES[encoded] ?? 52;
}
/** The encoding of an address size, or -1 where there is none of that many bits. */
export function addressSizeEncoding(bits: number): number {
  return (PA_SIZES as readonly number[]).indexOf(bits);
}

const TG0: readonly (GranuleName | null)[] = ['4K', '64K', '16K', null];
const TG1: readonly (GranuleName | null)[] = [null, '16K', '4K', '64K'];
const CACHEABILITY = [
  'Non-cacheable',
  'Write-Back, Read and Write-Allocate',
  'Write-Through, Read-Allocate',
  'Write-Back, Read-Allocate',
];
const SHAREABILITY = ['Non-shareable', 'reserved', 'Outer Shareable', 'Inner Shareable'];

const size = (value: number) => `${64 - value} bits of input address`;
const bits = (value: number) => `${addressSizeBits(value)} bits${PA_SIZES[value] ? '' : ' (reserved)'}`;
const onOff = (on: string, off: string) => (value: number) => (value ? on : off);
const cacheability = (value: number) => `table walks ${CACHEABILITY[value]!}`;
const shareability = (value: number) => `table walks ${SHAREABILITY[value]!}`;

export const TCR_EL1_FIELDS = [
  { name: 'T0SZ', hi: 5, lo: 0, meaning: size },
  { name: 'EPD0', hi: 7, lo: 7, meaning: onOff('no walks from TTBR0', 'walks from TTBR0') },
  { name: 'IRGN0', hi: 9, lo: 8, meaning: cacheability },
  { name: 'ORGN0', hi: 11, lo: 10, meaning: cacheability },
  { name: 'SH0', hi: 13, lo: 12, meaning: shareability },
  { name: 'TG0', hi: 15, lo: 14, meaning: (value) => TG0[value] ?? 'reserved' },
  { name: 'T1SZ', hi: 21, lo: 16, meaning: size },
  { name: 'A1', hi: 22, lo: 22, meaning: (value) => `ASID from TTBR${value}_EL1` },
  { name: 'EPD1', hi: 23, lo: 23, meaning: onOff('no walks from TTBR1', 'walks from TTBR1') },
  { name: 'IRGN1', hi: 25, lo: 24, meaning: cacheability },
  { name: 'ORGN1', hi: 27, lo: 26, meaning: cacheability },
  { name: 'SH1', hi: 29, lo: 28, meaning: shareability },
  { name: 'TG1', hi: 31, lo: 30, meaning: (value) => TG1[value] ?? 'reserved' },
  { name: 'IPS', hi: 34, lo: 32, meaning: bits },
  { name: 'AS', hi: 36, lo: 36, meaning: onOff('16-bit ASID', '8-bit ASID') },
  { name: 'TBI0', hi: 37, lo: 37, meaning: onOff('top byte ignored', 'top byte used') },
  { name: 'TBI1', hi: 38, lo: 38, meaning: onOff('top byte ignored', 'top byte used') },
  { name: 'HA', hi: 39, lo: 39, meaning: onOff('Access flag by hardware', 'Access flag by software') },
  { name: 'HD', hi: 40, lo: 40, meaning: onOff('dirty state by hardware', 'dirty state by software') },
  { name: 'HPD0', hi: 41, lo: 41, meaning: onOff('no hierarchical permissions', 'hierarchical permissions') },
  { name: 'HPD1', hi: 42, lo: 42, meaning: onOff('no hierarchical permissions', 'hierarchical permissions') },
  { name: 'TBID0', hi: 51, lo: 51, meaning: onOff('TBI0 for data alone', 'TBI0 for data and instructions') },
  { name: 'TBID1', hi: 52, lo: 52, meaning: onOff('TBI1 for data alone', 'TBI1 for data and instructions') },
  { name: 'E0PD0', hi: 55, lo: 55, meaning: onOff('EL0 access faults', 'EL0 access allowed') },
  { name: 'E0PD1', hi: 56, lo: 56, meaning: onOff('EL0 access faults', 'EL0 access allowed') },
  {
    name: 'DS',
    hi: 59,
    lo: 59,
    meaning: onOff('52-bit descriptors with 4K and 16K', '48-bit descriptors with 4K and 16K'),
  },
] as const satisfies readonly ControlField[];

export const VTCR_EL2_FIELDS = [
  { name: 'T0SZ', hi: 5, lo: 0, meaning: size },
  { name: 'SL0', hi: 7, lo: 6, meaning: (value) => `start level, with SL2 and TG0 (${value})` },
  { name: 'IRGN0', hi: 9, lo: 8, meaning: cacheability },
  { name: 'ORGN0', hi: 11, lo: 10, meaning: cacheability },
  { name: 'SH0', hi: 13, lo: 12, meaning: shareability },
  { name: 'TG0', hi: 15, lo: 14, meaning: (value) => TG0[value] ?? 'reserved' },
  { name: 'PS', hi: 18, lo: 16, meaning: bits },
  { name: 'VS', hi: 19, lo: 19, meaning: onOff('16-bit VMID', '8-bit VMID') },
  { name: 'HA', hi: 21, lo: 21, meaning: onOff('Access flag by hardware', 'Access flag by software') },
  { name: 'HD', hi: 22, lo: 22, meaning: onOff('dirty state by hardware', 'dirty state by software') },
  { name: 'RES1', hi: 31, lo: 31, meaning: onOff('as it must be', 'must be 1') },
  {
    name: 'DS',
    hi: 32,
    lo: 32,
    meaning: onOff('52-bit descriptors with 4K and 16K', '48-bit descriptors with 4K and 16K'),
  },
  { name: 'SL2', hi: 33, lo: 33, meaning: onOff('start level -1 (4K)', 'start level by SL0') },
] as const satisfies readonly ControlField[];

type FieldName<T extends readonly ControlField[]> = T[number]['name'];

/** The fields of TCR_EL1 that each half has of its own. */
const HALVES = [
  { TSZ: 'T0SZ', EPD: 'EPD0', SH: 'SH0', TG: 'TG0', TBI: 'TBI0', HPD: 'HPD0', E0PD: 'E0PD0' },
  { TSZ: 'T1SZ', EPD: 'EPD1', SH: 'SH1', TG: 'TG1', TBI: 'TBI1', HPD: 'HPD1', E0PD: 'E0PD1' },
] as const;

/** A control register taken apart once; single fields are read by name. */
export class ControlValue<T extends readonly ControlField[]> {
  readonly low: number;
  readonly high: number;
  readonly #fields: T;

  constructor(fields: T, value: bigint) {
    this.#fields = fields;
    this.low = Number(value & 0xffff_ffffn);
    this.high = Number((value >> 32n) & 0xffff_ffffn);
  }

  get(name: FieldName<T>): number {
    const row = this.#fields.find((field) => field.name === name)!;
    return extract(this.low, this.high, row.hi, row.lo);
  }

  /** Every field with what it says, for a view. */
  describe(): { readonly name: string; readonly value: bigint; readonly meaning: string }[] {
    return this.#fields.map(({ name, hi, lo, meaning }) => {
      const value = extract(this.low, this.high, hi, lo);
      return { name, value: BigInt(value), meaning: meaning(value) };
    });
  }
}

export const tcrEl1 = (value: bigint) => new ControlValue(TCR_EL1_FIELDS, value);
export const vtcrEl2 = (value: bigint) => new ControlValue(VTCR_EL2_FIELDS, value);

/** Tables that a register describes, or why no walk of them can begin. */
export interface Regime {
  readonly tables: Tables;
  /** Output addresses at or above 2^outputBits are address size faults. */
  readonly outputBits: number;
  /** SH of every leaf where the descriptor has none (FEAT_LPA2). */
  readonly shareability: number;
  /** The register's value allows no walk: every address faults with this, at level 0. */
  readonly broken: { readonly fault: 'translation' | 'addressSize'; readonly why: string } | null;
}

export interface Stage1Regime extends Regime {
  readonly topByteIgnored: boolean;
  /** TCR_EL1.EPDn: a miss does not walk. */
  readonly disabled: boolean;
  readonly hierarchical: boolean;
  /** TCR_EL1.E0PDn. */
  readonly el0Faults: boolean;
  readonly hardwareAccessFlag: boolean;
  readonly hardwareDirty: boolean;
}

export interface Stage2Regime extends Regime {
  readonly hardwareAccessFlag: boolean;
  readonly hardwareDirty: boolean;
}

const low48 = (value: bigint) => Number(value & 0xffff_ffff_ffffn);

/** The base address in TTBRn_ELx or VTTBR_EL2: bits 47:x, and with 52-bit descriptors 51:48 from bits 5:2. */
function baseAddress(register: bigint, wide: boolean, alignment: number): number {
  let address = low48(register);
  if (wide) address = address - (address % 64) + Number((register >> 2n) & 0xfn) * 2 ** 48;
  return address - (address % alignment);
}

/** Bytes of the start level's table or tables: what its base is aligned to (64 at least). */
function rootBytes(granule: GranuleName, inputBits: number, startLevel: number): number {
  return Math.max(64, 8 * 2 ** (inputBits - levelShift(GRANULES[granule], startLevel)));
}

const withinSize = (address: number, outputBits: number): Regime['broken'] =>
  address >= 2 ** outputBits ? { fault: 'addressSize', why: `the table's base is above ${outputBits} bits` } : null;

/** One half of the EL1&0 stage 1: `half` 0 is TTBR0_EL1's, 1 TTBR1_EL1's. */
export function stage1Regime(tcr: bigint, ttbr: bigint, half: 0 | 1, features: TranslationFeatures): Stage1Regime {
  const control = tcrEl1(tcr);
  const field = (name: keyof (typeof HALVES)[0]) => control.get(HALVES[half][name]);
  const encoded = (half === 0 ? TG0 : TG1)[field('TG')];
  const granuleName = supported(encoded ?? null, features.stage1Granules) ?? features.stage1Granules[0]!;
  const granule = GRANULES[granuleName];
  const lpa2 = control.get('DS') === 1 && granuleName !== '64K' && features.lpa2Stage1.includes(granuleName);
  const wide = lpa2 || (granuleName === '64K' && features.paBits === 52);
  const txsz = field('TSZ');
  const smallest = lpa2 || (granuleName === '64K' && features.largeVa) ? 12 : 16;
  const largest = features.smallTables ? (granuleName === '64K' ? 47 : 48) : 39;
  const inRange = txsz >= smallest && txsz <= largest;
  const inputBits = 64 - Math.min(Math.max(txsz, smallest), largest);
  const startLevel = stage1StartLevel(granule, inputBits);
  const outputBits = Math.min(addressSizeBits(control.get('IPS')), features.paBits, wide ? 52 : 48);
  const root = baseAddress(ttbr, wide, rootBytes(granuleName, inputBits, startLevel));
  return {
    tables: { format: tableFormat(1, granuleName, wide ? 52 : 48), root, startLevel, inputBits },
    outputBits,
    broken: inRange
      ? withinSize(root, outputBits)
      : { fault: 'translation', why: `T${half}SZ ${txsz} is not in ${smallest}..${largest}` },
    shareability: field('SH'),
    topByteIgnored: field('TBI') === 1,
    disabled: field('EPD') === 1,
    hierarchical: !(features.hierarchicalDisable && field('HPD') === 1),
    el0Faults: features.e0pd && field('E0PD') === 1,
    hardwareAccessFlag: features.hardwareAccessFlag && control.get('HA') === 1,
    hardwareDirty: features.hardwareDirty && control.get('HA') === 1 && control.get('HD') === 1,
  };
}

/** The same with tables at another base. */
export function withBase(regime: Stage1Regime, ttbr: bigint): Stage1Regime {
  const { tables, outputBits, broken } = regime;
  const { format, inputBits, startLevel } = tables;
  const root = baseAddress(ttbr, format.addressBits === 52, rootBytes(format.granule.name, inputBits, startLevel));
  if (root === tables.root) return regime;
  const wrongSize = broken?.fault === 'translation';
  return { ...regime, tables: { ...tables, root }, broken: wrongSize ? broken : withinSize(root, outputBits) };
}

/** The start level that SL0 and SL2 encode, or null where reserved (D17.2.152). */
export function encodedStartLevel(
  granule: GranuleName,
  sl0: number,
  sl2: number,
  lpa2: boolean,
  smallTables: boolean,
): number | null {
  if (granule === '4K') {
    if (lpa2 && sl2 === 1) return sl0 === 0 ? -1 : null;
    return sl0 === 3 ? (smallTables ? 3 : null) : 2 - sl0;
  }
  if (granule === '16K') return sl0 === 3 && !lpa2 ? null : 3 - sl0;
  return sl0 === 3 ? null : 3 - sl0;
}

/** The EL1&0 stage 2 of VTCR_EL2 and VTTBR_EL2. */
export function stage2Regime(vtcr: bigint, vttbr: bigint, features: TranslationFeatures): Stage2Regime {
  const control = vtcrEl2(vtcr);
  const granuleName =
    supported(TG0[control.get('TG0')] ?? null, features.stage2Granules) ?? features.stage2Granules[0]!;
  const granule = GRANULES[granuleName];
  const lpa2 = control.get('DS') === 1 && features.lpa2Stage2.includes(granuleName);
  const wide = lpa2 || (granuleName === '64K' && features.paBits === 52);
  const t0sz = control.get('T0SZ');
  const smallest = Math.max(wide ? 12 : 16, 64 - features.paBits);
  const largest = features.smallTables ? (granuleName === '64K' ? 47 : 48) : 39;
  const inRange = t0sz >= smallest && t0sz <= largest;
  const inputBits = 64 - Math.min(Math.max(t0sz, smallest), largest);
  const sl0 = control.get('SL0');
  const encoded = encodedStartLevel(granuleName, sl0, control.get('SL2'), lpa2, features.smallTables);
  const startLevel = encoded ?? stage1StartLevel(granule, inputBits);
  const outputBits = Math.min(addressSizeBits(control.get('PS')), features.paBits, wide ? 52 : 48);
  const resolved = inputBits - levelShift(granule, startLevel);
  const consistent =
    encoded !== null && resolved >= 1 && resolved <= granule.bitsPerLevel + 4 && startLevel <= LAST_LEVEL;
  const sound = inRange && consistent;
  const start = consistent ? startLevel : stage1StartLevel(granule, inputBits);
  const root = baseAddress(vttbr, wide, rootBytes(granuleName, inputBits, start));
  return {
    tables: { format: tableFormat(2, granuleName, wide ? 52 : 48), root, startLevel: start, inputBits },
    outputBits,
    broken: sound
      ? withinSize(root, outputBits)
      : {
          fault: 'translation',
          why: inRange
            ? `SL0 ${sl0} does not fit ${inputBits} bits of input address`
            : `T0SZ ${t0sz} is not in ${smallest}..${largest}`,
        },
    shareability: control.get('SH0'),
    hardwareAccessFlag: features.hardwareAccessFlag && control.get('HA') === 1,
    hardwareDirty: features.hardwareDirty && control.get('HA') === 1 && control.get('HD') === 1,
  };
}

function supported(granule: GranuleName | null, granules: readonly GranuleName[]): GranuleName | null {
  return granule !== null && granules.includes(granule) ? granule : null;
}
