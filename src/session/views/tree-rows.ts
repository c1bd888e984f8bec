/** A tree of tables as a list of rows, of which an answer has those in a window: what a page shows at a time. */
import {
  entryAddress,
  entryKind,
  LAST_LEVEL,
  levelShift,
  power,
  type TableFormat,
} from '../../machine/translation/format.ts';
import type { TableWords } from '../changes.ts';
import type { TableEntry, TableNode, TableRow } from '../messages.ts';
import { attributeBits, entryOf, type Brief } from './table-entry.ts';
import { entriesAt, readTable, type Tree } from './trees.ts';

/** Which rows there are. */
export interface RowsShown {
  readonly openAll: boolean;
  /** Tables by their addresses, open and closed whatever else is said. */
  readonly opened: ReadonlySet<number>;
  readonly closed: ReadonlySet<number>;
  /** The tables on the way to that input address are open. */
  readonly toward: bigint | null;
  readonly merge: boolean;
  /** Addresses of the first entries of those merged ones that are open. */
  readonly runs: ReadonlySet<number>;
  readonly onlyChanged: boolean;
}

/** Rows `from` up to, but not with, `to`. */
export interface RowWindow {
  readonly from: number;
  readonly to: number;
}

interface Table {
  readonly address: number;
  readonly level: number;
  /** Null: not all of it is memory, or too many were read. */
  readonly words: Uint32Array | null;
  readonly valid: number;
  /** Entries that changed, here and below. */
  readonly changed: number;
}

/** The rows of one open table. */
interface OwnRows {
  /** Of each row the first entry, and the one after the last. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Rows that stand before each of them, and at the end all there are: those below are counted. */
  readonly before: readonly number[];
}

/** Where the rows of a table stand. */
interface Place {
  readonly id: string;
  /** Number of the row that the table opens below. */
  readonly row: number;
  readonly depth: number;
  readonly base: bigint;
}

export class TreeRows {
  readonly #tree: Tree;
  readonly #format: TableFormat;
  readonly #name: string;
  readonly #before: TableWords | null;
  readonly #shown: RowsShown;
  readonly #brief: Brief;
  readonly #budget: { left: number };
  readonly #keep: { readonly low: number; readonly high: number };
  readonly #tables = new Map<number, Table>();
  readonly #own = new Map<Table, OwnRows>();
  readonly #along = new Set<Table>();
  readonly #root: Table;

  /** `name` is what ids begin with; `before`: the tables as they were, if that is known; `budget`: entries that may be read. */
  constructor(
    tree: Tree,
    name: string,
    before: TableWords | null,
    shown: RowsShown,
    brief: Brief,
    budget: { left: number },
  ) {
    this.#tree = tree;
    this.#format = tree.tables.format;
    this.#name = name;
    this.#before = before;
    this.#shown = shown;
    this.#brief = brief;
    this.#budget = budget;
    this.#keep = attributeBits(this.#format);
    this.#root = this.#table(tree.tables.root, tree.tables.startLevel);
    this.#openAlong();
  }

  /** Rows of the tree; the first one is the root table's. */
  get count(): number {
    return 1 + this.#below(this.#root);
  }

  get root(): TableNode {
    return this.#node(this.#root, this.#tree.base);
  }

  /** Adds the rows in the window to `rows`; the tree's first row has the number `first`. */
  window(first: number, window: RowWindow, rows: TableRow[], trees: number): void {
    const { root } = this;
    const open = this.#isOpen(this.#root);
    if (first >= window.from && first < window.to) {
      const place = { id: this.#name, parent: null, depth: 1, position: Number(this.#name) + 1, siblings: trees };
      rows.push({ ...place, level: root.level, table: root, opens: 'table', open, entry: null });
    }
    if (open) this.#emit(this.#root, { id: this.#name, row: first, depth: 2, base: root.inputBase }, window, rows);
  }

  /** Number of the lowest row, counted from the tree's first, that translates an input address; null: none does. */
  rowAt(input: bigint): number | null {
    const indices = this.#indicesOf(input);
    return indices && this.#find(indices, true, true);
  }

  /** Number of the row that shows the entry of an id, counted from the tree's first: other entries may be merged with it now. */
  rowOf(id: string): number | null {
    const [name, ...path] = id.replace(/\+$/, '').split('/');
    if (name !== this.#name || path.some((part) => !/^\d{1,5}$/.test(part))) return null;
    return this.#find(path.map(Number), !id.endsWith('+'), false);
  }

  #table(address: number, level: number): Table {
    const key = address + level + 1;
    const known = this.#tables.get(key);
    if (known) return known;
    this.#budget.left -= entriesAt(this.#tree.tables, level);
    const words = this.#budget.left < 0 ? null : readTable(this.#tree, address, level);
    const table = { address, level, words, ...this.#counted(address, level, words) };
    this.#tables.set(key, table);
    return table;
  }

  /** Levels only rise: tables that a guest makes a circle of end as all do. */
  #counted(address: number, level: number, words: Uint32Array | null): Pick<Table, 'valid' | 'changed'> {
    let valid = 0;
    let changed = 0;
    if (!words) return { valid, changed };
    const old = this.#before?.get(address);
    for (let at = 0; at < words.length; at += 2) {
      const low = words[at]!;
      const high = words[at + 1]!;
      if (this.#before && (low !== (old?.[at] ?? 0) || high !== (old?.[at + 1] ?? 0))) changed++;
      if ((low & 1) === 0) continue;
      valid++;
      if (this.#before && level < LAST_LEVEL && entryKind(this.#format, level, low) === 'table') {
        changed += this.#table(entryAddress(this.#format, level, low, high, 'table'), level + 1).changed;
      }
    }
    return { valid, changed };
  }

  #isOpen(table: Table): boolean {
    const { openAll, opened, closed, onlyChanged } = this.#shown;
    if (closed.has(table.address)) return false;
    if (onlyChanged) return table.changed > 0;
    return openAll || table === this.#root || opened.has(table.address) || this.#along.has(table);
  }

  #openAlong(): void {
    const { toward } = this.#shown;
    const indices = toward === null ? null : this.#indicesOf(toward);
    let table: Table | null = this.#root;
    for (const index of indices ?? []) {
      this.#along.add(table);
      table = this.#child(table, index);
      if (!table) return;
    }
  }

  /** The table that an entry leads to; null: it is of another kind. */
  #child({ words, level }: Table, index: number): Table | null {
    const low = words?.[2 * index];
    const high = words?.[2 * index + 1];
    if (low === undefined || high === undefined || entryKind(this.#format, level, low) !== 'table') return null;
    return this.#table(entryAddress(this.#format, level, low, high, 'table'), level + 1);
  }

  /** Of each level the entry that translates an input address; null: it is not one of this tree's. */
  #indicesOf(input: bigint): number[] | null {
    const { tables, base } = this.#tree;
    const { startLevel, format } = tables;
    let offset = Number(input - base);
    if (offset < 0 || offset >= entriesAt(tables, startLevel) * this.#sizeAt(startLevel)) return null;
    const indices: number[] = [];
    for (let level = startLevel; level <= LAST_LEVEL; level++) {
      const size = power(levelShift(format.granule, level));
      indices.push(Math.floor(offset / size));
      offset %= size;
    }
    return indices;
  }

  #sizeAt(level: number): number {
    return power(levelShift(this.#format.granule, level));
  }

  /** Rows below a table's own. */
  #below(table: Table): number {
    if (!this.#isOpen(table)) return 0;
    return table.words ? this.#ownRows(table).before.at(-1)! : 1;
  }

  #ownRows(table: Table): OwnRows {
    const known = this.#own.get(table);
    if (known) return known;
    const starts: number[] = [];
    const ends: number[] = [];
    const before = [0];
    const words = table.words ?? new Uint32Array();
    let rows = 0;
    for (let index = 0; index < words.length / 2;) {
      const end = this.#runEnd(table, words, index);
      if (!this.#shown.onlyChanged || this.#holdsChange(table, index)) {
        starts.push(index);
        ends.push(end);
        const child = this.#child(table, index);
        rows += 1 + (child ? this.#below(child) : this.#isOpenRun(table, index, end) ? end - index : 0);
        before.push(rows);
      }
      index = end;
    }
    const own = { starts, ends, before };
    this.#own.set(table, own);
    return own;
  }

  #isRun({ level, words }: Table, start: number, end: number): boolean {
    if (end - start < 2) return false;
    const kind = entryKind(this.#format, level, words![2 * start]!);
    return kind === 'page' || kind === 'block';
  }

  #isOpenRun(table: Table, start: number, end: number): boolean {
    return this.#shown.runs.has(table.address + 8 * start) && this.#isRun(table, start, end);
  }

  /** The entry after the last one that is shown as one with the entry `first`. */
  #runEnd(table: Table, words: Uint32Array, first: number): number {
    const total = words.length / 2;
    const low = words[2 * first]!;
    const high = words[2 * first + 1]!;
    const { level } = table;
    const kind = entryKind(this.#format, level, low);
    const changed = this.#isChanged(table, first);
    let end = first + 1;
    if (kind === 'invalid') {
      while (
        end < total &&
        words[2 * end] === low &&
        words[2 * end + 1] === high &&
        this.#isChanged(table, end) === changed
      )
        end++;
      return end;
    }
    if (!this.#shown.merge || (kind !== 'block' && kind !== 'page')) return end;
    const { low: keepLow, high: keepHigh } = this.#keep;
    const size = this.#sizeAt(level);
    const output = entryAddress(this.#format, level, low, high, kind);
    while (
      end < total &&
      (words[2 * end]! & keepLow) === (low & keepLow) &&
      (words[2 * end + 1]! & keepHigh) === (high & keepHigh) &&
      entryAddress(this.#format, level, words[2 * end]!, words[2 * end + 1]!, kind) === output + (end - first) * size &&
      this.#isChanged(table, end) === changed
    )
      end++;
    return end;
  }

  #isChanged({ address, words }: Table, index: number): boolean {
    if (!this.#before) return false;
    const old = this.#before.get(address);
    return words![2 * index] !== (old?.[2 * index] ?? 0) || words![2 * index + 1] !== (old?.[2 * index + 1] ?? 0);
  }

  #holdsChange(table: Table, index: number): boolean {
    return this.#isChanged(table, index) || (this.#child(table, index)?.changed ?? 0) > 0;
  }

  #find(indices: readonly number[], members: boolean, lowest: boolean): number | null {
    let table = this.#root;
    let row = 0;
    for (const [depth, index] of indices.entries()) {
      if (!this.#isOpen(table) || !table.words) return lowest ? row : null;
      const { starts, ends, before } = this.#ownRows(table);
      const own = starts.findIndex((start, at) => index >= start && index < ends[at]!);
      const start = starts[own];
      if (start === undefined) return lowest ? row : null;
      row += 1 + before[own]!;
      const child = this.#child(table, start);
      if (!child) {
        if (members && this.#isOpenRun(table, start, ends[own]!)) row += 1 + index - start;
        return lowest || depth === indices.length - 1 ? row : null;
      }
      table = child;
    }
    return row;
  }

  #emit(table: Table, place: Place, window: RowWindow, rows: TableRow[]): void {
    const { id: parentId, row: parent, depth, base } = place;
    const { level } = table;
    if (!table.words) {
      if (parent + 1 >= window.from && parent + 1 < window.to) {
        const bare = { table: null, opens: null, open: false, entry: null } as const;
        rows.push({ id: `${parentId}/-`, parent, depth, position: 1, siblings: 1, level, ...bare });
      }
      return;
    }
    const { starts, ends, before } = this.#ownRows(table);
    for (const [own, start] of starts.entries()) {
      if (parent + 1 + before[own + 1]! <= window.from) continue;
      const row = parent + 1 + before[own]!;
      if (row >= window.to) return;
      const end = ends[own]!;
      const child = this.#child(table, start);
      const isRun = !child && this.#isRun(table, start, end);
      const id = `${parentId}/${start}${isRun ? '+' : ''}`;
      const inputBase = base + BigInt(start) * BigInt(this.#sizeAt(level));
      const open = child ? this.#isOpen(child) : this.#isOpenRun(table, start, end);
      if (row >= window.from) {
        rows.push({
          id,
          parent,
          depth,
          position: own + 1,
          siblings: starts.length,
          level,
          table: child && this.#node(child, inputBase),
          opens: child ? 'table' : isRun ? 'run' : null,
          open,
          entry: this.#entry(table, table.words, start, end - start, base),
        });
      }
      if (!open) continue;
      if (child) this.#emit(child, { id, row, depth: depth + 1, base: inputBase }, window, rows);
      else this.#emitMembers(table, table.words, { start, end }, { id: parentId, row, depth, base }, window, rows);
    }
  }

  #emitMembers(
    table: Table,
    words: Uint32Array,
    { start, end }: { readonly start: number; readonly end: number },
    { id, row: parent, depth, base }: Place,
    { from, to }: RowWindow,
    rows: TableRow[],
  ): void {
    const first = Math.max(start, start + from - parent - 1);
    const last = Math.min(end, start + to - parent - 1);
    for (let index = first; index < last; index++) {
      rows.push({
        id: `${id}/${index}`,
        parent,
        depth: depth + 1,
        position: index - start + 1,
        siblings: end - start,
        level: table.level,
        table: null,
        opens: null,
        open: false,
        entry: this.#entry(table, words, index, 1, base),
      });
    }
  }

  #node({ address, level, valid, changed }: Table, inputBase: bigint): TableNode {
    const total = entriesAt(this.#tree.tables, level);
    const inputSize = BigInt(total) * BigInt(this.#sizeAt(level));
    return { address: BigInt(address), level, inputBase, inputSize, valid, total, changed };
  }

  #entry({ address, level }: Table, words: Uint32Array, index: number, count: number, base: bigint): TableEntry {
    const old = this.#before && (this.#before.get(address) ?? NOTHING);
    return entryOf({ format: this.#format, address, level, words, old, base, brief: this.#brief }, index, count);
  }
}

/** A table that was not there counts as one of zeros. */
const NOTHING = new Uint32Array();
