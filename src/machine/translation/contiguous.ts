/** Runs of entries that the contiguous bit joins, and what is wrong with one (Arm ARM D8.7.1, "Misprogramming the Contiguous bit"). */
import { fieldValue, STAGE1, STAGE2, type DescriptorField } from './descriptor.ts';
import { encodeAddress, entryAddress, entryKind, levelShift, power, type TableFormat } from './format.ts';

export interface ContiguousRun {
  /** Index of its first entry, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** What it maps as one. */
  readonly size: number;
  /** Entries of it that are invalid, which is no fault of the others. */
  readonly missing: number;
  /**
   * null: it may be taken for one. Else why not; then it is CONSTRAINED UNPREDICTABLE which of its entries a translation
   * takes, and this machine takes the one of the address, as if the bit were 0.
   */
  readonly wrong: string | null;
}

/**
 * The run that the entry `index` of a table is part of; null where its contiguous bit is 0 or reserved (AArch64.ContiguousBit) or it
 * is no block or page. `words`: all of the table's entries as halves, the low ones first; `level` is the table's.
 */
export function contiguousRun(
  format: TableFormat,
  level: number,
  words: Uint32Array,
  index: number,
): ContiguousRun | null {
  const own = read(format, level, words, index);
  if (!own?.contiguous) return null;
  const joined = format.granule.contiguous[level];
  if (joined === undefined) return null;
  const count = power(joined);
  const first = index - (index % count);
  const run = { first, count, size: count * own.size, missing: 0 };
  const total = words.length / 2;
  if (total < count) return { ...run, wrong: `its table has no more than ${total} entries` };
  const base = own.output - (index - first) * own.size;
  if (base < 0 || base % run.size !== 0)
    return { ...run, wrong: `0x${own.output.toString(16)} has another place in its run` };
  for (let at = first; at < first + count; at++) {
    const entry = read(format, level, words, at);
    if (!entry) {
      if (entryKind(format, level, words[2 * at]!) === 'table') return { ...run, wrong: `entry ${at} is a table` };
      run.missing++;
      continue;
    }
    if (!entry.contiguous) return { ...run, wrong: `entry ${at} is not marked` };
    if (entry.output !== base + (at - first) * own.size) {
      return { ...run, wrong: `entry ${at} leads to 0x${entry.output.toString(16)}` };
    }
    if (entry.attributes !== own.attributes) return { ...run, wrong: `entry ${at} has other attributes` };
  }
  return { ...run, wrong: null };
}

interface Entry {
  readonly contiguous: boolean;
  readonly output: number;
  readonly size: number;
  /** All but the address, software's bits and what hardware may set in one entry: the Access flag, and with DBM the permission to write. */
  readonly attributes: string;
}

function read(format: TableFormat, level: number, words: Uint32Array, index: number): Entry | null {
  const [low, high] = [words[2 * index]!, words[2 * index + 1]!];
  const kind = entryKind(format, level, low);
  if (kind !== 'block' && kind !== 'page') return null;
  const fields = format.stage === 1 ? STAGE1 : STAGE2;
  const output = entryAddress(format, level, low, high, kind);
  const address = encodeAddress(format, output);
  const byHardware = AF | (fieldValue(fields.DBM, low, high) === 1 ? WRITE_PERMISSION : 0);
  return {
    contiguous: fieldValue(fields.Contiguous, low, high) === 1,
    output,
    size: power(levelShift(format.granule, level)),
    attributes: `${((low ^ address.low) & ~byHardware) >>> 0} ${((high ^ address.high) & ~SOFTWARE[format.stage]) >>> 0}`,
  };
}

/** Software's bits in the high half. */
const softwareBits = ({ parts }: DescriptorField) =>
  parts.reduce((bits, { hi, lo }) => bits | ((power(hi - lo + 1) - 1) << (lo - 32)), 0);
const SOFTWARE = { 1: softwareBits(STAGE1.Software), 2: softwareBits(STAGE2.Software) } as const;

/** AF is bit 10 of both stages; AP[2] and S2AP[1] are bit 7. */
const AF = 1 << 10;
const WRITE_PERMISSION = 1 << 7;
