import { describe, expect, it } from 'vitest';
import type { TableEntry, TableNode } from '../../session/messages.ts';
import { allTables, rowAgain, treeMove, treeRows } from './tree-rows.ts';

const entry = (index: number, child: TableNode | null): TableEntry => ({
  index,
  count: 1,
  inputBase: 0n,
  inputSize: 0x1000n,
  address: BigInt(index) * 8n,
  value: 0n,
  kind: child ? 'table' : 'invalid',
  output: null,
  attributes: '',
  child,
  members: null,
  contiguous: null,
  changed: false,
  before: null,
});
const table = (address: bigint, level: number, entries: TableEntry[] | null): TableNode => ({
  address,
  level,
  inputBase: 0n,
  inputSize: 0x1000n,
  valid: 0,
  total: 512,
  changed: 0,
  entries,
  cut: 0,
});
const leaf = table(0x3000n, 3, [entry(0, null), entry(1, null)]);
const middle = table(0x2000n, 2, [entry(5, leaf)]);
const roots = [table(0x1000n, 1, [entry(0, null), entry(1, middle)])];
const rowsOf = (...open: bigint[]) => treeRows(roots, (address) => open.includes(address));

describe('rows of the tree', () => {
  it('are those whose tables are open, with their place among their siblings', () => {
    expect(rowsOf().map(({ depth }) => depth)).toEqual([1]);
    const rows = rowsOf(0x1000n, 0x2000n);
    expect(rows.map(({ depth, position, siblings }) => [depth, position, siblings])).toEqual([
      [1, 1, 1],
      [2, 1, 2],
      [2, 2, 2],
      [3, 1, 1],
    ]);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  });

  it('are the same objects where a table is, and others where it opens or stands elsewhere', () => {
    const all = () => true;
    const changed = table(0x4000n, 3, [entry(0, null)]);
    const withRoot = (...entries: TableEntry[]) => treeRows([table(0x1000n, 1, entries)], all);
    const before = withRoot(entry(0, leaf), entry(1, middle));
    const after = withRoot(entry(0, changed), entry(1, middle));
    const below = (rows: readonly { readonly id: string }[]) => rows.filter(({ id }) => id.includes('/1/'));
    expect(below(after)).toHaveLength(3);
    below(after).forEach((row, index) => expect(row).toBe(below(before)[index]));
    expect(withRoot(entry(2, middle)).map(({ id }) => id)).toContain('t1000-0/2/5/1');
    expect(treeRows([table(0x1000n, 1, [entry(1, middle)])], (address) => address !== 0x3000n)).toHaveLength(3);
  });

  it('wait where a table is open whose entries are not there yet', () => {
    const rows = treeRows([table(0x1000n, 1, null)], () => true);
    expect(rows.map(({ entry, table }) => [entry, table?.address ?? null])).toEqual([
      [null, 0x1000n],
      [null, null],
    ]);
  });

  it('open a run of merged entries to its members', () => {
    const run = { ...entry(3, null), kind: 'page' as const, count: 2 };
    const rows = treeRows([table(0x1000n, 3, [run])], () => true);
    expect(rows.at(-1)).toMatchObject({ opens: { kind: 'run', address: 24n }, open: false });
    const opened = treeRows([table(0x1000n, 3, [{ ...run, members: [entry(3, null), entry(4, null)] }])], () => true);
    expect(opened.map(({ depth, open }) => [depth, open])).toEqual([
      [1, true],
      [2, true],
      [3, false],
      [3, false],
    ]);
    expect(new Set(opened.map(({ id }) => id)).size).toBe(opened.length);
  });

  it('say what an answer left out', () => {
    const rows = treeRows([{ ...table(0x1000n, 3, [entry(0, null)]), cut: 511 }], () => true);
    expect(rows.at(-1)).toMatchObject({ cut: 511, entry: null, position: 2, siblings: 2 });
  });

  it('find all tables up to a limit', () => {
    expect(allTables(roots, 10)).toEqual([0x1000n, 0x2000n, 0x3000n]);
    expect(allTables(roots, 2)).toEqual([0x1000n, 0x2000n]);
  });
});

describe('keys of the tree', () => {
  const rows = rowsOf(0x1000n, 0x2000n);

  it('move up and down and stop at the ends', () => {
    expect(treeMove(rows, 0, 'ArrowUp', 10)).toEqual({ to: 0 });
    expect(treeMove(rows, 0, 'ArrowDown', 10)).toEqual({ to: 1 });
    expect(treeMove(rows, 0, 'PageDown', 10)).toEqual({ to: 3 });
    expect(treeMove(rows, 3, 'Home', 10)).toEqual({ to: 0 });
    expect(treeMove(rows, 0, 'End', 10)).toEqual({ to: 3 });
  });

  it('open to the right and close to the left, going in and out', () => {
    expect(treeMove(rows, 3, 'ArrowRight', 10)).toEqual({ toggle: { kind: 'table', address: 0x3000n } });
    expect(treeMove(rows, 2, 'ArrowRight', 10)).toEqual({ to: 3 });
    expect(treeMove(rows, 2, 'ArrowLeft', 10)).toEqual({ toggle: { kind: 'table', address: 0x2000n } });
    expect(treeMove(rows, 3, 'ArrowLeft', 10)).toEqual({ to: 2 });
    expect(treeMove(rows, 1, 'ArrowRight', 10)).toBeNull();
  });

  it('begin at the first row where none is chosen, and leave other keys alone', () => {
    expect(treeMove(rows, -1, 'ArrowDown', 10)).toEqual({ to: 0 });
    expect(treeMove(rows, -1, 'x', 10)).toBeNull();
    expect(treeMove([], -1, 'ArrowDown', 10)).toBeNull();
  });
});

describe('a chosen row', () => {
  const page = (index: number, count: number): TableEntry => ({
    ...entry(index, null),
    count,
    kind: 'page',
    output: 0n,
  });
  const of = (...entries: TableEntry[]) => treeRows([table(0x1000n, 3, entries)], () => true);

  it('is found again where an edit has made other runs of its entries', () => {
    const before = of(page(0, 4), page(4, 12));
    const chosen = { id: before[2]!.id, address: before[2]!.entry!.address };
    expect(rowAgain(before, chosen)).toBe(before[2]);
    const merged = of(page(0, 16));
    expect(rowAgain(merged, chosen)).toBe(merged[1]);
    const split = of(page(0, 4), page(4, 1), page(5, 11));
    expect(rowAgain(split, chosen)).toBe(split[2]);
  });

  it('without an entry is found by itself', () => {
    const rows = of(page(0, 1));
    expect(rowAgain(rows, { id: rows[0]!.id, address: null })).toBe(rows[0]);
    expect(rowAgain(rows, { id: 'gone', address: null })).toBeUndefined();
  });
});
