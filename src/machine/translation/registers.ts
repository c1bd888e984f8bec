/** TCR_EL1, VTCR_EL2 and the registers of table bases, field by field: what each says on a CPU (Arm ARM D24.2). */
import type { TranslationFeatures } from '../features.ts';
import { concatenatedTables, extract, GRANULES, stage1StartLevel, type GranuleName } from './format.ts';
import {
  addressSizeBits,
  effectiveGranule,
  encodedStartLevel,
  sizeMisfit,
  stage1Sizes,
  stage2Sizes,
  startLevelMisfit,
  TG0,
  TG1,
  widthOf,
} from './limits.ts';

/** What the meaning of a field depends on beside its value. */
interface Around {
  readonly get: (name: string) => number;
  readonly features: TranslationFeatures;
}

export interface ControlField {
  readonly name: string;
  readonly hi: number;
  readonly lo: number;
  readonly meaning: (value: number, around: Around) => string;
}

const CACHEABILITY = [
  'Non-cacheable',
  'Write-Back, Read- and Write-Allocate',
  'Write-Through, Read-Allocate',
  'Write-Back, Read-Allocate',
];
const SHAREABILITY = ['Non-shareable', 'reserved', 'Outer Shareable', 'Inner Shareable'];

type Meaning = ControlField['meaning'];
const onOff =
  (on: string, off: string): Meaning =>
  (value) =>
    value ? on : off;
/** A field of an extension: without it nothing depends on the value. */
const of =
  (extension: string, has: (features: TranslationFeatures) => boolean, meaning: Meaning): Meaning =>
  (value, around) =>
    has(around.features) ? meaning(value, around) : `no effect: this CPU has no ${extension}`;
const absent =
  (extension: string): Meaning =>
  () =>
    `no effect: no ${extension} here`;

const inner: Meaning = (value) => `table walks read as inner ${CACHEABILITY[value]!}`;
const outer: Meaning = (value) => `table walks read as outer ${CACHEABILITY[value]!}`;
const hex = (value: bigint) => `0x${value.toString(16)}`;

const NO_WALK = 'every access is a translation fault, level 0';

/** The granule of TG0 or TG1 as it is used, and how. */
function stage1Granule({ get, features }: Around, half: 0 | 1) {
  const encoded = half === 0 ? TG0[get('TG0')] : TG1[get('TG1')];
  const granule = effectiveGranule(encoded, features.stage1Granules);
  return { encoded, granule, width: widthOf(granule, get('DS') === 1, features.lpa2Stage1, features) };
}
/** The halves whose tables are walked; both, where none is. */
function walkedHalves(around: Around) {
  const walked = ([0, 1] as const).filter((half) => around.get(half === 0 ? 'EPD0' : 'EPD1') === 0);
  return (walked.length > 0 ? walked : ([0, 1] as const)).map((half) => ({ half, ...stage1Granule(around, half) }));
}
function stage2Granule({ get, features }: Around) {
  const encoded = TG0[get('TG0')];
  const granule = effectiveGranule(encoded, features.stage2Granules);
  return { encoded, granule, width: widthOf(granule, get('DS') === 1, features.lpa2Stage2, features) };
}
/** Where walks of stage 2 start by SL0, SL2 and T0SZ together; or why none does, in the order of stage2Regime. */
function stage2Start(around: Around) {
  const { get, features } = around;
  const { granule, width } = stage2Granule(around);
  const bits = 64 - get('T0SZ');
  const { level, reserved } = encodedStartLevel(granule, { sl0: get('SL0'), sl2: get('SL2') }, width.lpa2, features);
  const wrong =
    sizeMisfit('T0SZ', get('T0SZ'), stage2Sizes(granule, width, features)) ??
    reserved ??
    (level === null ? null : startLevelMisfit(granule, level, bits));
  return { wrong, level: level ?? 0, beside: concatenatedTables(GRANULES[granule], level ?? 0, bits) };
}

const granuleText = (encoded: GranuleName | null | undefined, used: GranuleName): string => {
  if (encoded === used) return `${used} pages: ${2 ** GRANULES[used].bitsPerLevel} entries to a table`;
  return encoded ? `this CPU has no ${encoded} pages: taken for ${used}` : `reserved: taken for ${used}`;
};

const stage1Size =
  (half: 0 | 1): Meaning =>
  (value, around) => {
    const { granule, width } = stage1Granule(around, half);
    const wrong = sizeMisfit(`T${half}SZ`, value, stage1Sizes(granule, width, around.features));
    if (wrong !== null) return `${wrong}: ${NO_WALK}`;
    const bits = 64 - value;
    const range =
      half === 0 ? `0 to ${hex((1n << BigInt(bits)) - 1n)}` : `${hex((1n << 64n) - (1n << BigInt(bits)))} and up`;
    return `${bits} bits of VA, ${range}: walks start at level ${stage1StartLevel(GRANULES[granule], bits)}`;
  };
const stage1Tables =
  (half: 0 | 1): Meaning =>
  (_, around) => {
    const { encoded, granule } = stage1Granule(around, half);
    return granuleText(encoded, granule);
  };
const shareability =
  (ds: (around: Around) => boolean): Meaning =>
  (value, around) =>
    `table walks read as ${SHAREABILITY[value]!}${ds(around) ? ', and all that the tables map is: with DS descriptors have no SH' : ''}`;

/** An output size: what the CPU can't, and what descriptors have no room for, does not count. */
function outputSize(what: string, encoded: number, limit: number, features: TranslationFeatures): string {
  const bits = addressSizeBits(encoded);
  const size = Math.min(bits, features.paBits, limit);
  const reserved = encoded > 6 ? ' (reserved, taken for 52)' : '';
  const less =
    size < bits ? ` of the ${bits} said: ${size < limit ? 'the CPU has no more' : 'descriptors have no more'}` : '';
  return `${size} bits of ${what}${less}${reserved}; an address above is an address size fault`;
}

const accessFlag: Meaning = of(
  'FEAT_HAFDBS',
  (features) => features.hardwareAccessFlag,
  onOff('a walk sets AF itself', 'AF 0 is an Access flag fault: software sets it'),
);
const dirtyState: Meaning = of(
  'dirty state by hardware (FEAT_HAFDBS 2)',
  (features) => features.hardwareDirty,
  (value, { get }) =>
    value === 0
      ? 'a write without permission faults: software tracks what is dirty'
      : get('HA') === 1
        ? 'a write to a page with DBM makes it writable itself'
        : 'no effect without HA',
);
/** `condition`: what it needs beside the bit. */
const hardwareUse = (bit: number, condition = ''): Meaning =>
  onOff(
    `bit ${bit} of blocks and pages may be the hardware’s${condition} (FEAT_HPDS2); it has no use here`,
    `bit ${bit} of blocks and pages is ignored`,
  );
const hierarchical = of(
  'FEAT_HPDS',
  (features) => features.hierarchicalDisable,
  onOff('APTable, PXNTable and UXNTable are ignored', 'APTable, PXNTable and UXNTable of a table limit all below it'),
);
const unprivileged = of(
  'FEAT_E0PD',
  (features) => features.e0pd,
  onOff('EL0 has a translation fault, level 0, at any address of this half', 'EL0 has what the tables give it'),
);
const notWalked = (half: 0 | 1): Meaning =>
  onOff(`TTBR${half}_EL1 is not walked: a miss is a translation fault`, `a miss walks from TTBR${half}_EL1`);
const topByte = onOff('bits 63:56 of an address are a tag, not looked at', 'bits 63:56 of an address are like bit 55');
const topByteData = of(
  'FEAT_PAuth',
  (features) => features.pointerAuthentication,
  onOff('TBI holds for data alone: code has no tags', 'TBI holds for data and code'),
);
const vmidSize = of(
  'FEAT_VMID16',
  (features) => features.vmidBits === 16,
  onOff('VMIDs have 16 bits', 'VMIDs have 8 bits'),
);

export const TCR_EL1_FIELDS = [
  { name: 'T0SZ', hi: 5, lo: 0, meaning: stage1Size(0) },
  { name: 'EPD0', hi: 7, lo: 7, meaning: notWalked(0) },
  { name: 'IRGN0', hi: 9, lo: 8, meaning: inner },
  { name: 'ORGN0', hi: 11, lo: 10, meaning: outer },
  { name: 'SH0', hi: 13, lo: 12, meaning: shareability((around) => stage1Granule(around, 0).width.lpa2) },
  { name: 'TG0', hi: 15, lo: 14, meaning: stage1Tables(0) },
  { name: 'T1SZ', hi: 21, lo: 16, meaning: stage1Size(1) },
  { name: 'A1', hi: 22, lo: 22, meaning: (value) => `the ASID is that of TTBR${value}_EL1` },
  { name: 'EPD1', hi: 23, lo: 23, meaning: notWalked(1) },
  { name: 'IRGN1', hi: 25, lo: 24, meaning: inner },
  { name: 'ORGN1', hi: 27, lo: 26, meaning: outer },
  { name: 'SH1', hi: 29, lo: 28, meaning: shareability((around) => stage1Granule(around, 1).width.lpa2) },
  { name: 'TG1', hi: 31, lo: 30, meaning: stage1Tables(1) },
  {
    name: 'IPS',
    hi: 34,
    lo: 32,
    meaning: (value, around) => {
      const sizes = walkedHalves(around).map(({ half, width }) => ({
        half,
        text: outputSize('IPA', value, width.wide ? 52 : 48, around.features),
      }));
      const alike = sizes.every(({ text }) => text === sizes[0]?.text);
      return alike ? sizes[0]!.text : sizes.map(({ half, text }) => `TTBR${half}: ${text}`).join('. ');
    },
  },
  { name: 'AS', hi: 36, lo: 36, meaning: onOff('ASIDs have 16 bits', 'ASIDs have 8 bits') },
  { name: 'TBI0', hi: 37, lo: 37, meaning: topByte },
  { name: 'TBI1', hi: 38, lo: 38, meaning: topByte },
  { name: 'HA', hi: 39, lo: 39, meaning: accessFlag },
  { name: 'HD', hi: 40, lo: 40, meaning: dirtyState },
  { name: 'HPD0', hi: 41, lo: 41, meaning: hierarchical },
  { name: 'HPD1', hi: 42, lo: 42, meaning: hierarchical },
  { name: 'HWU059', hi: 43, lo: 43, meaning: hardwareUse(59, ' with HPD0') },
  { name: 'HWU060', hi: 44, lo: 44, meaning: hardwareUse(60, ' with HPD0') },
  { name: 'HWU061', hi: 45, lo: 45, meaning: hardwareUse(61, ' with HPD0') },
  { name: 'HWU062', hi: 46, lo: 46, meaning: hardwareUse(62, ' with HPD0') },
  { name: 'HWU159', hi: 47, lo: 47, meaning: hardwareUse(59, ' with HPD1') },
  { name: 'HWU160', hi: 48, lo: 48, meaning: hardwareUse(60, ' with HPD1') },
  { name: 'HWU161', hi: 49, lo: 49, meaning: hardwareUse(61, ' with HPD1') },
  { name: 'HWU162', hi: 50, lo: 50, meaning: hardwareUse(62, ' with HPD1') },
  { name: 'TBID0', hi: 51, lo: 51, meaning: topByteData },
  { name: 'TBID1', hi: 52, lo: 52, meaning: topByteData },
  { name: 'NFD0', hi: 53, lo: 53, meaning: absent('FEAT_SVE or FEAT_TME') },
  { name: 'NFD1', hi: 54, lo: 54, meaning: absent('FEAT_SVE or FEAT_TME') },
  { name: 'E0PD0', hi: 55, lo: 55, meaning: unprivileged },
  { name: 'E0PD1', hi: 56, lo: 56, meaning: unprivileged },
  { name: 'TCMA0', hi: 57, lo: 57, meaning: absent('FEAT_MTE2') },
  { name: 'TCMA1', hi: 58, lo: 58, meaning: absent('FEAT_MTE2') },
  {
    name: 'DS',
    hi: 59,
    lo: 59,
    meaning: (value, around) => {
      const halves = walkedHalves(around);
      return descriptorSize(
        value,
        halves.map(({ granule }) => granule),
        halves.some(({ width }) => width.lpa2),
        around.features,
      );
    },
  },
] as const satisfies readonly ControlField[];

/** DS: `lpa2` where it has an effect. */
function descriptorSize(
  value: number,
  granules: readonly GranuleName[],
  lpa2: boolean,
  { paBits }: TranslationFeatures,
): string {
  if (lpa2) return '52-bit descriptors: output bits 51:50 in bits 9:8, SH in this register';
  if (granules.every((granule) => granule === '64K'))
    return `no effect with 64K pages: ${paBits === 52 ? 'they have 52 bits by FEAT_LPA' : 'FEAT_LPA would give them 52 bits, and is not here'}`;
  return value === 0 ? '48-bit descriptors, SH in each' : 'no effect: this CPU has no FEAT_LPA2 for the granule';
}

export const VTCR_EL2_FIELDS = [
  {
    name: 'T0SZ',
    hi: 5,
    lo: 0,
    meaning: (value, around) => {
      const { granule, width } = stage2Granule(around);
      const wrong = sizeMisfit('T0SZ', value, stage2Sizes(granule, width, around.features));
      if (wrong !== null) return `${wrong}: ${NO_WALK}`;
      const bits = 64 - value;
      const said = `${bits} bits of IPA; one above is a translation fault, level 0`;
      return bits > addressSizeBits(around.get('PS'))
        ? `${said}. More than PS: CONSTRAINED UNPREDICTABLE, here allowed`
        : said;
    },
  },
  {
    name: 'SL0',
    hi: 7,
    lo: 6,
    meaning: (_, around) => {
      const { wrong, level, beside } = stage2Start(around);
      if (wrong !== null) return `${wrong}: ${NO_WALK}`;
      return `walks start at level ${level}${beside > 1 ? `, of ${beside} concatenated tables` : ''}`;
    },
  },
  { name: 'IRGN0', hi: 9, lo: 8, meaning: inner },
  { name: 'ORGN0', hi: 11, lo: 10, meaning: outer },
  { name: 'SH0', hi: 13, lo: 12, meaning: shareability((around) => stage2Granule(around).width.lpa2) },
  {
    name: 'TG0',
    hi: 15,
    lo: 14,
    meaning: (_, around) => {
      const { encoded, granule } = stage2Granule(around);
      return granuleText(encoded, granule);
    },
  },
  {
    name: 'PS',
    hi: 18,
    lo: 16,
    meaning: (value, around) => outputSize('PA', value, stage2Granule(around).width.wide ? 52 : 48, around.features),
  },
  { name: 'VS', hi: 19, lo: 19, meaning: vmidSize },
  { name: 'HA', hi: 21, lo: 21, meaning: accessFlag },
  { name: 'HD', hi: 22, lo: 22, meaning: dirtyState },
  { name: 'HWU59', hi: 25, lo: 25, meaning: hardwareUse(59) },
  { name: 'HWU60', hi: 26, lo: 26, meaning: hardwareUse(60) },
  { name: 'HWU61', hi: 27, lo: 27, meaning: hardwareUse(61) },
  { name: 'HWU62', hi: 28, lo: 28, meaning: hardwareUse(62) },
  { name: 'NSW', hi: 29, lo: 29, meaning: () => 'of Secure state: no effect here' },
  { name: 'NSA', hi: 30, lo: 30, meaning: () => 'of Secure state: no effect here' },
  { name: 'RES1', hi: 31, lo: 31, meaning: onOff('as it must be', 'should be 1') },
  {
    name: 'DS',
    hi: 32,
    lo: 32,
    meaning: (value, around) => {
      const { granule, width } = stage2Granule(around);
      return descriptorSize(value, [granule], width.lpa2, around.features);
    },
  },
  {
    name: 'SL2',
    hi: 33,
    lo: 33,
    meaning: (value, around) => {
      const { granule, width } = stage2Granule(around);
      if (granule !== '4K' || !width.lpa2) return 'no effect but with 4K pages and DS';
      if (value === 0) return 'SL0 says the start level';
      const { wrong, level } = stage2Start(around);
      return wrong ?? `walks start at level ${level}`;
    },
  },
] as const satisfies readonly ControlField[];

type FieldName<T extends readonly ControlField[]> = T[number]['name'];

export interface DescribedField {
  readonly name: string;
  /** `34:32`. */
  readonly bits: string;
  readonly value: bigint;
  readonly meaning: string;
}

const bitsText = (hi: number, lo: number) => (hi === lo ? `${hi}` : `${hi}:${lo}`);

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

  /** Every field with what it says on a CPU, for a view; bits that are no field's too, where they are set. */
  describe(features: TranslationFeatures): DescribedField[] {
    const around: Around = { get: (name) => this.get(name), features };
    let rest = (BigInt(this.high) << 32n) | BigInt(this.low);
    const described: DescribedField[] = this.#fields.map(({ name, hi, lo, meaning }) => {
      const value = extract(this.low, this.high, hi, lo);
      rest &= ~(((1n << BigInt(hi - lo + 1)) - 1n) << BigInt(lo));
      return { name, bits: bitsText(hi, lo), value: BigInt(value), meaning: meaning(value, around) };
    });
    for (let bit = 0; bit < 64; bit++) {
      if (((rest >> BigInt(bit)) & 1n) === 0n) continue;
      described.push({ name: 'RES0', bits: `${bit}`, value: 1n, meaning: 'reserved: should be 0, and has no effect' });
    }
    return described;
  }
}

export const tcrEl1 = (value: bigint) => new ControlValue(TCR_EL1_FIELDS, value);
export const vtcrEl2 = (value: bigint) => new ControlValue(VTCR_EL2_FIELDS, value);

/** A register of a table's base as the control register beside it has it read. */
interface Base {
  readonly id: 'ASID' | 'VMID';
  /** TCR_EL1.AS, VTCR_EL2.VS. */
  readonly idBits: 8 | 16;
  /** Bits 5:2 are address bits 51:48. */
  readonly wide: boolean;
  /** What the address comes to. */
  readonly root: number;
}

const reserved = (value: bigint) => (value === 0n ? '' : 'reserved: should be 0, and has no effect');

/** TTBR0_EL1, TTBR1_EL1 or VTTBR_EL2, field by field. */
export function describeBase(value: bigint, { id, idBits, wide, root }: Base): DescribedField[] {
  const part = (hi: number, lo: number) => (value >> BigInt(lo)) & ((1n << BigInt(hi - lo + 1)) - 1n);
  const field = (name: string, bits: string, fieldValue: bigint, meaning: string) => ({
    name,
    bits,
    value: fieldValue,
    meaning,
  });
  return [
    ...(idBits === 8 ? [field('RES0', '63:56', part(63, 56), reserved(part(63, 56)))] : []),
    field(
      id,
      `${47 + idBits}:48`,
      part(47 + idBits, 48),
      id === 'VMID' ? 'whose TLB entries these are' : 'whose TLB entries with nG these are, if TCR_EL1.A1 says so',
    ),
    field(
      'BADDR',
      wide ? '5:2,47:6' : '47:1',
      wide ? (part(5, 2) << 42n) | part(47, 6) : part(47, 1),
      `the first table is at ${hex(BigInt(root))}`,
    ),
    ...(wide ? [field('RES0', '1', part(1, 1), reserved(part(1, 1)))] : []),
    field(
      'CnP',
      '0',
      part(0, 0),
      part(0, 0) ? 'other CPUs have the same tables' : 'these tables may be this CPU’s alone',
    ),
  ];
}
