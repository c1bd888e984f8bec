/** Translation table formats as data: granules, levels and where a descriptor keeps its address (Arm ARM D8.2, D8.3). */

export type GranuleName = '4K' | '16K' | '64K';

export interface Granule {
  readonly name: GranuleName;
  /** log2 of the page. */
  readonly shift: number;
  /** Bits of the input address that one level resolves: log2 of the entries of a full table. */
  readonly bitsPerLevel: number;
  /** Levels that allow a block entry: with 48-bit and with 52-bit descriptors. */
  readonly blockLevels: { readonly 48: readonly number[]; readonly 52: readonly number[] };
  /** Entries that the contiguous bit joins, as log2, by level (D8.7.1). */
  readonly contiguous: Readonly<Record<number, number>>;
}

export const GRANULES: Readonly<Record<GranuleName, Granule>> = {
  '4K': {
    name: '4K',
    shift: 12,
    bitsPerLevel: 9,
    blockLevels: { 48: [1, 2], 52: [0, 1, 2] },
    contiguous: { 1: 4, 2: 4, 3: 4 },
  },
  '16K': {
    name: '16K',
    shift: 14,
    bitsPerLevel: 11,
    blockLevels: { 48: [2], 52: [1, 2] },
    contiguous: { 2: 5, 3: 7 },
  },
  '64K': {
    name: '64K',
    shift: 16,
    bitsPerLevel: 13,
    blockLevels: { 48: [2], 52: [1, 2] },
    contiguous: { 2: 5, 3: 5 },
  },
};

/** The granule of a page size of the host's kernel. */
export function granuleOfPageSize(pageSize: number): Granule {
  const granule = Object.values(GRANULES).find(({ shift }) => 2 ** shift === pageSize);
  if (!granule) throw new RangeError(`no translation granule of ${pageSize} bytes`);
  return granule;
}

/** Descriptor bits hi:lo hold the address bits from `to` on. */
export interface AddressPart {
  readonly hi: number;
  readonly lo: number;
  readonly to: number;
}

export type Stage = 1 | 2;

/** Address bits that a descriptor has in their own places, as masks of its halves, and the part that it has elsewhere: the highest ones. */
interface AddressMasks {
  readonly low: number;
  readonly high: number;
  readonly moved: AddressPart | null;
}

/** How descriptors of one translation are read: remembered with the tables, since two stages of one host may differ. */
export interface TableFormat {
  readonly name: string;
  readonly stage: Stage;
  readonly granule: Granule;
  /** 52: FEAT_LPA with 64K, FEAT_LPA2's moved bits (TCR_ELx.DS) with 4K and 16K. */
  readonly addressBits: 48 | 52;
  readonly address: readonly AddressPart[];
  /** The same for code that reads and writes many. */
  readonly addressMasks: AddressMasks;
  /** FEAT_LPA2: SH is in TCR_ELx, not in the descriptor. */
  readonly sharedInControl: boolean;
}

const ADDRESS_PARTS: Readonly<Record<GranuleName, Readonly<Record<48 | 52, readonly AddressPart[]>>>> = {
  '4K': {
    48: [{ hi: 47, lo: 12, to: 12 }],
    52: [
      { hi: 49, lo: 12, to: 12 },
      { hi: 9, lo: 8, to: 50 },
    ],
  },
  '16K': {
    48: [{ hi: 47, lo: 14, to: 14 }],
    52: [
      { hi: 49, lo: 14, to: 14 },
      { hi: 9, lo: 8, to: 50 },
    ],
  },
  '64K': {
    48: [{ hi: 47, lo: 16, to: 16 }],
    52: [
      { hi: 47, lo: 16, to: 16 },
      { hi: 15, lo: 12, to: 48 },
    ],
  },
};

function addressMasks(parts: readonly AddressPart[]): AddressMasks {
  const bits = (hi: number, lo: number): number => (hi < lo ? 0 : 2 ** (hi + 1) - 2 ** lo);
  const [{ hi, lo }, moved] = [parts.find((part) => part.lo === part.to)!, parts.find((part) => part.lo !== part.to)];
  return { low: bits(Math.min(hi, 31), lo), high: bits(hi - 32, 0), moved: moved ?? null };
}

const FORMATS = new Map<string, TableFormat>();
for (const stage of [1, 2] as const) {
  for (const granule of Object.values(GRANULES)) {
    for (const addressBits of [48, 52] as const) {
      FORMATS.set(`${stage} ${granule.name} ${addressBits}`, {
        name: `stage ${stage}, ${granule.name}, ${addressBits}-bit`,
        stage,
        granule,
        addressBits,
        address: ADDRESS_PARTS[granule.name][addressBits],
        addressMasks: addressMasks(ADDRESS_PARTS[granule.name][addressBits]),
        sharedInControl: addressBits === 52 && granule.name !== '64K',
      });
    }
  }
}

export function tableFormat(stage: Stage, granule: GranuleName, addressBits: 48 | 52 = 48): TableFormat {
  return FORMATS.get(`${stage} ${granule} ${addressBits}`)!;
}

export const LAST_LEVEL = 3;

const POWERS = Array.from({ length: 65 }, (_, exponent) => 2 ** exponent);

/** 2 to the power of 0 … 64, without computing it: the walk asks often. */
export function power(exponent: number): number {
  return POWERS[exponent]!;
}

/** log2 of what one entry of a level translates. */
export function levelShift(granule: Granule, level: number): number {
  return granule.shift + (LAST_LEVEL - level) * granule.bitsPerLevel;
}

/** The level at which a stage 1 walk of `inputBits` starts: as many levels as it takes, none concatenated (D8.2.8 to D8.2.10). */
export function stage1StartLevel(granule: Granule, inputBits: number): number {
  return LAST_LEVEL + 1 - Math.ceil((inputBits - granule.shift) / granule.bitsPerLevel);
}

/**
 * The level at which stage 2 may start so that concatenation saves a level: at most 16 tables side by side
 * (D8.2.2; the kernel's choice in `stage2_pgtable_levels`).
 */
export function stage2StartLevel(granule: Granule, inputBits: number): number {
  return Math.min(LAST_LEVEL, stage1StartLevel(granule, inputBits - 4));
}

export type EntryKind = 'invalid' | 'table' | 'block' | 'page' | 'reserved';

/** Tables that lie beside each other at the level where a walk of `inputBits` starts. */
export function concatenatedTables(granule: Granule, startLevel: number, inputBits: number): number {
  return 2 ** Math.max(0, inputBits - levelShift(granule, startLevel) - granule.bitsPerLevel);
}

/** What bits 1:0 of an entry make it at this level (D8.3.1). */
export function entryKind(format: TableFormat, level: number, low: number): EntryKind {
  if ((low & 1) === 0) return 'invalid';
  if (level === LAST_LEVEL) return (low & 2) === 0 ? 'reserved' : 'page';
  if ((low & 2) !== 0) return 'table';
  return format.granule.blockLevels[format.addressBits].includes(level) ? 'block' : 'reserved';
}

/** The address in an entry: the next table's, or the output of a block or page (its low bits cleared). */
export function entryAddress(format: TableFormat, level: number, low: number, high: number, kind: EntryKind): number {
  const { low: lowMask, high: highMask, moved } = format.addressMasks;
  let address = (high & highMask) * 0x1_0000_0000 + ((low & lowMask) >>> 0);
  if (moved) address += extract(low, high, moved.hi, moved.lo) * power(moved.to);
  return kind === 'block' ? address - (address % power(levelShift(format.granule, level))) : address;
}

/** The address bits of a new entry, as its two halves; the address must be aligned for the level. */
export function encodeAddress(format: TableFormat, address: number): { low: number; high: number } {
  const { low, high, moved } = format.addressMasks;
  const upper = Math.floor(address / 0x1_0000_0000);
  const elsewhere = moved ? extract(address, upper, moved.to + moved.hi - moved.lo, moved.to) << moved.lo : 0;
  return { low: ((address & low) | elsewhere) >>> 0, high: (upper & high) >>> 0 };
}

/** Bits hi:lo of a 64-bit value in two halves, as a number; at most 52 bits wide. */
export function extract(low: number, high: number, hi: number, lo: number): number {
  if (lo >= 32) return mask(high >>> (lo - 32), hi - lo + 1);
  if (hi < 32) return mask(low >>> lo, hi - lo + 1);
  return mask(high, hi - 31) * power(32 - lo) + (low >>> lo);
}

function mask(value: number, width: number): number {
  return width >= 32 ? value >>> 0 : value & ((1 << width) - 1);
}
