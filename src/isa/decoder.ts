/**
 * From rows to a decision table: bits 31–21 choose a short list, bits 15–10 shorten a long one, masks decide.
 * Where two rows have a word in common, one must lie within the other (WFI within HINT): the narrower one has it.
 */
import { extractFields, parseDiagram, type Diagram, type Fields, type Row } from './row.ts';

/** A row with what is derived from it; `index` is its place in the table. */
export interface TableRow<Name extends string = string> {
  readonly index: number;
  readonly row: Row<Name>;
  readonly diagram: Diagram;
}

export interface Decoded<Name extends string = string> extends TableRow<Name> {
  readonly word: number;
  readonly fields: Fields<Name>;
}

export interface InstructionTable<Name extends string = string> {
  readonly rows: readonly TableRow<Name>[];
  /** null: UNDEFINED. Rows that `accept` refuses are as if they weren't there: a hint that a CPU lacks is still a HINT. */
  decode(word: number, accept?: (row: Row<Name>) => boolean): Decoded<Name> | null;
}

const LONG_LIST = 4;
type List<Name extends string> = readonly TableRow<Name>[];

export function instructionTable<Name extends string>(source: readonly Row<Name>[]): InstructionTable<Name> {
  const rows = source.map((row, index): TableRow<Name> => ({ index, row, diagram: parseDiagram(row.encoding) }));
  const narrowFirst = [...rows].sort((a, b) => fixedBits(b) - fixedBits(a));
  const shortened = new Map<List<Name>, readonly List<Name>[]>();
  const shorten = (list: List<Name>) => {
    const level = shortened.get(list) ?? buildLevel(list, 10, 6);
    shortened.set(list, level);
    return level;
  };
  const top = buildLevel(narrowFirst, 21, 11).map((list) => (list.length > LONG_LIST ? shorten(list) : list));

  function decode(word: number, accept?: (row: Row<Name>) => boolean): Decoded<Name> | null {
    let list = top[word >>> 21]!;
    if (isNested(list)) list = list[(word >>> 10) & 63]!;
    for (const entry of list) {
      const { index, row, diagram } = entry;
      if ((word & diagram.mask) >>> 0 !== diagram.value) continue;
      const fields: Fields<Name> = extractFields(diagram, word);
      if (row.valid && !row.valid(fields)) continue;
      if (accept && !accept(row)) continue;
      return { index, row, diagram, word: word >>> 0, fields };
    }
    return null;
  }
  return { rows, decode };
}

function fixedBits({ diagram }: TableRow): number {
  return diagram.mask.toString(2).replaceAll('0', '').length;
}

function isNested<Name extends string>(list: List<Name> | readonly List<Name>[]): list is readonly List<Name>[] {
  return Array.isArray(list[0]);
}

/** For each value of the bits `lo` … `lo + width - 1`, the rows that it leaves possible. Equal lists are one. */
function buildLevel<Name extends string>(rows: List<Name>, lo: number, width: number): List<Name>[] {
  const window = 2 ** width - 1;
  const lists = Array.from({ length: 2 ** width }, (): TableRow<Name>[] => []);
  for (const row of rows) {
    const { mask, value } = row.diagram;
    const free = window & ~(mask >>> lo);
    const fixed = (value >>> lo) & window;
    /* All values of the free bits, counted up through them. */
    let bits = 0;
    do {
      lists[fixed | bits]!.push(row);
      bits = (bits - free) & free;
    } while (bits !== 0);
  }
  const known = new Map<string, List<Name>>();
  return lists.map((list) => {
    const key = list.map((entry) => entry.index).join();
    const same = known.get(key);
    if (same) return same;
    known.set(key, list);
    return list;
  });
}
