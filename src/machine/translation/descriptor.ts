/** The fields of descriptors, one row each: what a view names and what the walk tests are the same bits (Arm ARM D8.3). */
import {
  entryAddress,
  entryKind,
  extract,
  levelShift,
  power,
  type EntryKind,
  type Stage,
  type TableFormat,
} from './format.ts';

export type DescriptorKind = 'table' | 'block' | 'page';

/** What the meaning of a field depends on beside the descriptor; absent registers make the meaning less exact. */
export interface MeaningContext {
  readonly mair?: bigint;
  /** HCR_EL2.FWB. */
  readonly forcedWriteBack?: boolean;
  /** FEAT_XNX. */
  readonly executeByEl?: boolean;
  /** TCR_EL1.HA or VTCR_EL2.HA, where the CPU has it. */
  readonly hardwareAccessFlag?: boolean;
  /** HA and HD, where the CPU has them. */
  readonly hardwareDirty?: boolean;
  /** Not TCR_EL1.HPDn: what tables say holds for what is below them. */
  readonly hierarchical?: boolean;
  /** FEAT_BTI. */
  readonly branchTargets?: boolean;
  /** FEAT_BBML1, FEAT_BBML2. */
  readonly bbmLevel?: number;
}

export interface DescriptorField {
  readonly name: string;
  readonly stage: Stage | 'both';
  readonly on: readonly DescriptorKind[];
  /** Most significant part first. */
  readonly parts: readonly { readonly hi: number; readonly lo: number }[];
  /** Absent: in every format, at every level. */
  readonly when?: (format: TableFormat, level: number) => boolean;
  /** `of`: the values of other fields of the same descriptor. */
  readonly meaning: (value: number, context: MeaningContext, of: (field: DescriptorField) => number) => string;
  /** Where the Arm ARM (DDI 0487) specifies it. */
  readonly section: string;
}

const LEAF = ['block', 'page'] as const;
const ignored = () => 'ignored by hardware';
const ofSecureState = (value: number) => `reserved outside Secure state${value ? ': should be 0' : ''}`;
const bit = (n: number) => [{ hi: n, lo: n }];
const bits = (hi: number, lo: number) => [{ hi, lo }];
const notAccessed = (byHardware: boolean | undefined): string =>
  byHardware === undefined ? 'not accessed' : `not accessed: an access ${byHardware ? 'sets it' : 'faults'}`;
const flag = (on: string, off: string) => (value: number) => (value ? on : off);
const dirtyModifier = (byHardware: boolean | undefined): string => {
  if (byHardware === undefined) return 'hardware may make it writable';
  return byHardware ? 'a write makes it writable, by hardware' : 'no effect: hardware keeps no dirty state (HA and HD)';
};
const ofTable =
  (meaning: (value: number) => string): DescriptorField['meaning'] =>
  (value, { hierarchical }) =>
    value && hierarchical === false ? 'ignored: TCR_EL1.HPD' : meaning(value);
const inDescriptor = (format: TableFormat) => !format.sharedInControl;

/** Reserved values are CONSTRAINED UNPREDICTABLE: what attributes.ts takes them for. */
const SHAREABILITY = ['Non-shareable', 'reserved: here Non-shareable', 'Outer Shareable', 'Inner Shareable'];
const AP = ['EL1 read/write, EL0 none', 'EL1 and EL0 read/write', 'EL1 read-only, EL0 none', 'EL1 and EL0 read-only'];
const AP_TABLE = ['no effect', 'no access from EL0', 'no writes', 'no writes, no reads from EL0'];
const S2AP = ['no access', 'read-only', 'write-only', 'read/write'];
const DEVICE = ['Device-nGnRnE', 'Device-nGnRE', 'Device-nGRE', 'Device-GRE'];
const STAGE2_CACHE = ['', 'Non-cacheable', 'Write-Through', 'Write-Back'];
const XN_BY_EL = ['executable', 'executable at EL0 only', 'not executable', 'executable at EL1 only'];

/** Normal memory's inner or outer nibble of MAIR_ELx.Attr. */
function cacheText(nibble: number): string {
  if (nibble === 4) return 'Non-cacheable';
  const policy = nibble & 4 ? 'Write-Back' : 'Write-Through';
  return `${policy}${nibble & 8 ? '' : ' transient'}`;
}

/** What an attribute byte of MAIR_ELx says (MAIR_EL1 in D24.2). */
export function mairText(attribute: number): string {
  if (attribute >>> 4 === 0) return (attribute & 0xf3) === 0 ? DEVICE[(attribute >>> 2) & 3]! : 'reserved: here Device';
  if ((attribute & 0xf) === 0) return 'reserved: here Normal';
  const [outer, inner] = [cacheText(attribute >>> 4), cacheText(attribute & 0xf)];
  return outer === inner ? `Normal ${outer}` : `Normal, inner ${inner}, outer ${outer}`;
}

/** MemAttr of a stage 2 descriptor, without and with HCR_EL2.FWB (D8.6.5, D8.6.6). */
export function memAttrText(value: number, forcedWriteBack: boolean): string {
  if (forcedWriteBack) {
    if (value & 8) return `${memAttrText(value & 7, true)}; bit 5 is reserved with HCR_EL2.FWB`;
    if ((value & 4) === 0) return DEVICE[value & 3]!;
    return ['reserved: here Device-nGnRnE', 'Normal Non-cacheable', 'Normal Write-Back', 'as stage 1'][value & 3]!;
  }
  if (value >>> 2 === 0) return DEVICE[value & 3]!;
  const [outer, inner] = [STAGE2_CACHE[value >>> 2]!, STAGE2_CACHE[value & 3]!];
  if (inner === '') return `reserved: here Normal, inner Write-Back, outer ${outer}`;
  return outer === inner ? `Normal ${outer}` : `Normal, inner ${inner}, outer ${outer}`;
}

export const DESCRIPTOR_FIELDS: readonly DescriptorField[] = [
  {
    name: 'Valid',
    stage: 'both',
    on: ['table', ...LEAF],
    parts: bit(0),
    meaning: flag('valid', 'invalid'),
    section: 'D8.3.1',
  },
  {
    name: 'Type',
    stage: 'both',
    on: ['table', ...LEAF],
    parts: bit(1),
    meaning: flag('table or page', 'block'),
    section: 'D8.3.1',
  },

  {
    name: 'AttrIndx',
    stage: 1,
    on: LEAF,
    parts: bits(4, 2),
    meaning: (value, { mair }) =>
      `MAIR_EL1.Attr${value}${mair === undefined ? '' : `: ${mairText(Number((mair >> BigInt(8 * value)) & 0xffn))}`}`,
    section: 'D8.6.1',
  },
  { name: 'NS', stage: 1, on: LEAF, parts: bit(5), meaning: ofSecureState, section: 'D8.4.5' },
  { name: 'AP', stage: 1, on: LEAF, parts: bits(7, 6), meaning: (value) => AP[value]!, section: 'D8.4.1' },
  { name: 'nG', stage: 1, on: LEAF, parts: bit(11), meaning: flag('of this ASID', 'global'), section: 'D8.16.3' },
  {
    name: 'PXN',
    stage: 1,
    on: LEAF,
    parts: bit(53),
    meaning: (value, { hardwareDirty }, of) => {
      if (value === 1) return 'not executable at EL1';
      const ap = of(STAGE1.AP);
      const written = ap === 1 || (ap === 3 && of(STAGE1.DBM) === 1 && hardwareDirty === true);
      return written ? 'not executable at EL1 while EL0 may write' : 'executable at EL1';
    },
    section: 'D8.4.1',
  },
  {
    name: 'UXN',
    stage: 1,
    on: LEAF,
    parts: bit(54),
    meaning: flag('not executable at EL0', 'executable at EL0'),
    section: 'D8.4.1',
  },
  {
    name: 'GP',
    stage: 1,
    on: LEAF,
    parts: bit(50),
    meaning: (value, { branchTargets }) =>
      value === 0 ? 'not guarded' : branchTargets === false ? 'reserved: no FEAT_BTI' : 'guarded (BTI)',
    section: 'D8.4.6',
  },

  {
    name: 'MemAttr',
    stage: 2,
    on: LEAF,
    parts: bits(5, 2),
    meaning: (value, { forcedWriteBack }) => memAttrText(value, forcedWriteBack ?? false),
    section: 'D8.6.5',
  },
  { name: 'S2AP', stage: 2, on: LEAF, parts: bits(7, 6), meaning: (value) => S2AP[value]!, section: 'D8.4.2' },
  {
    name: 'XN',
    stage: 2,
    on: LEAF,
    parts: bits(54, 53),
    meaning: (value, { executeByEl }) => {
      if (executeByEl ?? true) return XN_BY_EL[value]!;
      return `${XN_BY_EL[value & 2]!}${value & 1 ? '; bit 53 is reserved without FEAT_XNX' : ''}`;
    },
    section: 'D8.4.2',
  },

  {
    name: 'SH',
    stage: 'both',
    on: LEAF,
    parts: bits(9, 8),
    when: inDescriptor,
    meaning: (value) => SHAREABILITY[value]!,
    section: 'D8.6.2',
  },
  {
    name: 'AF',
    stage: 'both',
    on: LEAF,
    parts: bit(10),
    meaning: (value, { hardwareAccessFlag }) => (value ? 'accessed' : notAccessed(hardwareAccessFlag)),
    section: 'D8.5.1',
  },
  {
    name: 'DBM',
    stage: 'both',
    on: LEAF,
    parts: bit(51),
    meaning: (value, { hardwareDirty }) => (value ? dirtyModifier(hardwareDirty) : 'no dirty state by hardware'),
    section: 'D8.5.2',
  },
  {
    name: 'Contiguous',
    stage: 'both',
    on: LEAF,
    parts: bit(52),
    when: ({ granule }, level) => granule.contiguous[level] !== undefined,
    meaning: flag('one of a contiguous run', 'alone'),
    section: 'D8.7.1',
  },
  {
    name: 'Software',
    stage: 1,
    on: LEAF,
    parts: [...bit(63), ...bits(58, 55)],
    meaning: () => 'for software',
    section: 'D8.3.1',
  },
  {
    name: 'Software',
    stage: 2,
    on: LEAF,
    parts: bits(58, 55),
    meaning: () => 'for software; bit 55 is ignored (NS in Realm state)',
    section: 'D8.3.1',
  },
  {
    name: 'PBHA',
    stage: 'both',
    on: LEAF,
    parts: bits(62, 59),
    meaning: () => 'for hardware beside the CPU (FEAT_HPDS2), else ignored',
    section: 'D8.3.1',
  },
  {
    name: 'Ignored',
    stage: 'both',
    on: ['table'],
    parts: [...bits(58, 51), ...bits(11, 2)],
    when: inDescriptor,
    meaning: ignored,
    section: 'D8.3.1',
  },
  {
    name: 'Ignored',
    stage: 'both',
    on: ['table'],
    parts: [...bits(58, 51), ...bits(11, 10), ...bits(7, 2)],
    when: ({ sharedInControl }) => sharedInControl,
    meaning: ignored,
    section: 'D8.3.1',
  },

  {
    name: 'nT',
    stage: 'both',
    on: ['block'],
    parts: bit(16),
    meaning: (value, { bbmLevel }) =>
      value === 0 ? 'a block' : bbmLevel === 0 ? 'reserved: no FEAT_BBML1' : 'on its way to or from a table',
    section: 'D8.3.1',
  },

  {
    name: 'PXNTable',
    stage: 1,
    on: ['table'],
    parts: bit(59),
    meaning: ofTable(flag('nothing below executable at EL1', 'no effect')),
    section: 'D8.4.1',
  },
  {
    name: 'UXNTable',
    stage: 1,
    on: ['table'],
    parts: bit(60),
    meaning: ofTable(flag('nothing below executable at EL0', 'no effect')),
    section: 'D8.4.1',
  },
  {
    name: 'APTable',
    stage: 1,
    on: ['table'],
    parts: bits(62, 61),
    meaning: ofTable((value) => AP_TABLE[value]!),
    section: 'D8.4.1',
  },
  {
    name: 'NSTable',
    stage: 1,
    on: ['table'],
    parts: bit(63),
    meaning: ofSecureState,
    section: 'D8.4.5',
  },
];

function fieldNamed(stage: Stage, name: string): DescriptorField {
  const row = DESCRIPTOR_FIELDS.find(
    (field) => field.name === name && (field.stage === stage || field.stage === 'both'),
  );
  if (!row) throw new Error(`no field ${name} in a stage ${stage} descriptor`);
  return row;
}

/** The fields that the walk itself tests, and those that make two mappings the same. */
export const STAGE1 = {
  AttrIndx: fieldNamed(1, 'AttrIndx'),
  AP: fieldNamed(1, 'AP'),
  SH: fieldNamed(1, 'SH'),
  AF: fieldNamed(1, 'AF'),
  DBM: fieldNamed(1, 'DBM'),
  Contiguous: fieldNamed(1, 'Contiguous'),
  Software: fieldNamed(1, 'Software'),
  nG: fieldNamed(1, 'nG'),
  PXN: fieldNamed(1, 'PXN'),
  UXN: fieldNamed(1, 'UXN'),
  GP: fieldNamed(1, 'GP'),
  PXNTable: fieldNamed(1, 'PXNTable'),
  UXNTable: fieldNamed(1, 'UXNTable'),
  APTable: fieldNamed(1, 'APTable'),
};
export const STAGE2 = {
  MemAttr: fieldNamed(2, 'MemAttr'),
  S2AP: fieldNamed(2, 'S2AP'),
  SH: fieldNamed(2, 'SH'),
  AF: fieldNamed(2, 'AF'),
  DBM: fieldNamed(2, 'DBM'),
  Contiguous: fieldNamed(2, 'Contiguous'),
  Software: fieldNamed(2, 'Software'),
  XN: fieldNamed(2, 'XN'),
};

/** A field's value in a descriptor given as its two halves. */
export function fieldValue(field: DescriptorField, low: number, high: number): number {
  let value = 0;
  for (const part of field.parts) value = value * power(part.hi - part.lo + 1) + extract(low, high, part.hi, part.lo);
  return value;
}

export interface DecodedField {
  readonly name: string;
  /** `54:53`; parts of a split field with commas. */
  readonly bits: string;
  readonly value: bigint;
  readonly meaning: string;
}

export interface DecodedDescriptor {
  readonly kind: EntryKind;
  /** The next table, or what a block or page maps to; null for an invalid entry. */
  readonly output: number | null;
  readonly fields: readonly DecodedField[];
}

const bitsAt = ({ hi, lo }: { readonly hi: number; readonly lo: number }) =>
  ((1n << BigInt(hi - lo + 1)) - 1n) << BigInt(lo);

/** Where the address is, its highest bits first: of a block those from its size on. */
function addressBits(format: TableFormat, level: number, kind: DescriptorKind): { hi: number; lo: number }[] {
  const size = kind === 'block' ? levelShift(format.granule, level) : 0;
  return [...format.address]
    .sort((a, b) => b.to - a.to)
    .map(({ hi, lo, to }) => ({ hi, lo: Math.max(lo, size - to + lo) }))
    .filter(({ hi, lo }) => lo <= hi);
}

/** Bits that should be 0: they are no field's in this format, and no address's. */
function reservedBits(format: TableFormat, level: number, kind: DescriptorKind): bigint {
  const fields = DESCRIPTOR_FIELDS.filter((row) => isHere(row, format, level, kind)).flatMap(({ parts }) => parts);
  let known = 0n;
  for (const part of [...fields, ...addressBits(format, level, kind)]) known |= bitsAt(part);
  return BigInt.asUintN(64, ~known);
}

function isHere(
  { stage, on, when }: DescriptorField,
  format: TableFormat,
  level: number,
  kind: DescriptorKind,
): boolean {
  return (stage === 'both' || stage === format.stage) && on.includes(kind) && when?.(format, level) !== false;
}

/** `63, 12:8` of the bits that are set. */
function rangesOf(mask: bigint): string {
  const ranges: string[] = [];
  for (let hi = 63; hi >= 0; hi--) {
    if (((mask >> BigInt(hi)) & 1n) === 0n) continue;
    let lo = hi;
    while (lo > 0 && ((mask >> BigInt(lo - 1)) & 1n) === 1n) lo--;
    ranges.push(range({ hi, lo }));
    hi = lo;
  }
  return ranges.join(',');
}

const range = ({ hi, lo }: { readonly hi: number; readonly lo: number }) => (hi === lo ? `${hi}` : `${hi}:${lo}`);

/** A descriptor taken apart for a view. Bits of an invalid entry are software's: it has no other fields. */
export function decodeDescriptor(
  format: TableFormat,
  level: number,
  value: bigint,
  context: MeaningContext = {},
): DecodedDescriptor {
  const low = Number(value & 0xffff_ffffn);
  const high = Number((value >> 32n) & 0xffff_ffffn);
  const kind = entryKind(format, level, low);
  if (kind === 'invalid' || kind === 'reserved') {
    const meaning =
      kind === 'invalid' ? 'invalid: an access is a translation fault' : 'reserved at this level: as invalid';
    return {
      kind,
      output: null,
      fields: [
        {
          name: kind === 'invalid' ? 'Valid' : 'Type',
          bits: kind === 'invalid' ? '0' : '1:0',
          value: value & 3n,
          meaning,
        },
      ],
    };
  }
  const fields: DecodedField[] = [];
  const of = (other: DescriptorField) => fieldValue(other, low, high);
  for (const row of DESCRIPTOR_FIELDS) {
    if (!isHere(row, format, level, kind)) continue;
    const field = of(row);
    fields.push({
      name: row.name,
      bits: row.parts.map(range).join(','),
      value: BigInt(field),
      meaning: row.meaning(field, context, of),
    });
  }
  const output = entryAddress(format, level, low, high, kind);
  fields.push({
    name: kind === 'table' ? 'NextTable' : 'OutputAddress',
    bits: addressBits(format, level, kind).map(range).join(','),
    value: BigInt(output),
    meaning: `0x${output.toString(16)}`,
  });
  const wrong = value & reservedBits(format, level, kind);
  if (wrong !== 0n)
    fields.push({ name: 'RES0', bits: rangesOf(wrong), value: wrong, meaning: 'reserved: should be 0' });
  return { kind, output, fields };
}
