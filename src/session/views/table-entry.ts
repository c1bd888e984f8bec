/** What an answer says of one entry of a table, or of neighbours that map as one. */
import { contiguousRun, type ContiguousRun } from '../../machine/translation/contiguous.ts';
import { decodeDescriptor, type MeaningContext } from '../../machine/translation/descriptor.ts';
import {
  encodeAddress,
  entryAddress,
  entryKind,
  levelShift,
  power,
  type TableFormat,
} from '../../machine/translation/format.ts';
import type { TableEntry } from '../messages.ts';

/** A table, and what is needed to tell its entries. */
export interface TableRead {
  readonly format: TableFormat;
  readonly address: number;
  readonly level: number;
  /** Entries as pairs of halves, low first. */
  readonly words: Uint32Array;
  /** The same as they were, zeros beyond the end; null: that is not known. */
  readonly old: Uint32Array | null;
  /** First input address. */
  readonly base: bigint;
  readonly brief: Brief;
}

export function entryOf(table: TableRead, index: number, count: number): TableEntry {
  const { format, address, level, words, old, base, brief } = table;
  const [low, high] = [words[2 * index]!, words[2 * index + 1]!];
  const kind = entryKind(format, level, low);
  const maps = kind === 'block' || kind === 'page';
  const size = BigInt(power(levelShift(format.granule, level)));
  const keep = attributeBits(format);
  const value = wide(low, high);
  const before = old === null ? value : wide(old[2 * index] ?? 0, old[2 * index + 1] ?? 0);
  return {
    index,
    count,
    inputBase: base + BigInt(index) * size,
    inputSize: BigInt(count) * size,
    address: BigInt(address + index * 8),
    value,
    kind,
    output: maps || kind === 'table' ? BigInt(entryAddress(format, level, low, high, kind)) : null,
    attributes: maps ? brief(level, low & keep.low, high & keep.high) : '',
    contiguous: maps ? contiguousOf(table, index, count) : null,
    changed: before !== value,
    before: before === value ? null : before,
  };
}

/** Runs that the contiguous bit joins among `count` entries that map as one. */
function contiguousOf({ format, level, words }: TableRead, index: number, count: number): TableEntry['contiguous'] {
  let runs = 0;
  let shown: ContiguousRun | null = null;
  for (let at = index; at < index + count;) {
    const run = contiguousRun(format, level, words, at);
    if (!run) return null;
    runs++;
    if (shown === null || (shown.wrong === null && run.wrong !== null)) shown = run;
    at = run.first + run.count;
  }
  return shown && { runs, count: shown.count, size: BigInt(shown.size), wrong: shown.wrong };
}

export const wide = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** The bits that are no address's. */
export function attributeBits(format: TableFormat): { readonly low: number; readonly high: number } {
  const every = encodeAddress(format, 2 ** format.addressBits - power(format.granule.shift));
  return { low: ~every.low, high: ~every.high };
}

/** Attributes of a block or page in a line; the halves are its descriptor's without the address. */
export type Brief = (level: number, low: number, high: number) => string;

/** What decides most about an access, in the order of the question: may it, what kind of memory is it. */
const IN_BRIEF = ['S2AP', 'AP', 'XN', 'PXN', 'UXN', 'MemAttr', 'AttrIndx', 'SH'];

/** Tables have few attributes that differ: each is decoded once. */
export function briefly(format: TableFormat, context: MeaningContext): Brief {
  const known = new Map<string, string>();
  return (level, low, high) => {
    const key = `${level} ${low} ${high}`;
    let text = known.get(key);
    if (text === undefined) {
      const { fields } = decodeDescriptor(format, level, wide(low, high), context);
      text = IN_BRIEF.flatMap((name) => fields.filter((field) => field.name === name))
        .concat(fields.filter(({ name, value }) => name === 'AF' && value === 0n))
        .map((field) => field.meaning)
        .join(' · ');
      known.set(key, text);
    }
    return text;
  };
}
