import { describe, expect, it } from 'vitest';
import type { TableEntry, TableRow } from '../../session/messages.ts';
import { rowsToAsk, sameRef, sameRow, treeMove } from './tree-rows.ts';

const entry = (index: number): TableEntry => ({
  index,
  count: 1,
  inputBase: BigInt(index) * 0x1000n,
  inputSize: 0x1000n,
  address: 0x8000n + BigInt(index) * 8n,
  value: 0n,
  kind: 'invalid',
  output: null,
  attributes: '',
  contiguous: null,
  changed: false,
  before: null,
});
const table = { address: 0x1000n, level: 1, inputBase: 0n, inputSize: 0x1000n, valid: 0, total: 512, changed: 0 };
const row = (parts: Partial<TableRow>): TableRow => ({
  id: '0/1',
  parent: 0,
  depth: 2,
  position: 1,
  siblings: 2,
  level: 1,
  table: null,
  opens: null,
  open: false,
  entry: entry(1),
  ...parts,
});

describe('keys of the tree', () => {
  const move = (index: number, key: string, parts: Partial<TableRow> = {}) =>
    treeMove({ index, row: row(parts) }, 100, key, 10);

  it('move up and down and stop at the ends', () => {
    expect(move(0, 'ArrowUp')).toEqual({ to: 0 });
    expect(move(0, 'ArrowDown')).toEqual({ to: 1 });
    expect(move(50, 'PageDown')).toEqual({ to: 60 });
    expect(move(95, 'PageDown')).toEqual({ to: 99 });
    expect(move(3, 'Home')).toEqual({ to: 0 });
    expect(move(0, 'End')).toEqual({ to: 99 });
  });

  it('open to the right and close to the left, going in and out', () => {
    const closed = { opens: 'table', table } as const;
    const toggle = { kind: 'table', address: 0x1000n, open: false };
    expect(move(3, 'ArrowRight', closed)).toEqual({ toggle });
    expect(move(3, 'Enter', closed)).toEqual({ toggle });
    expect(move(3, 'ArrowRight', { ...closed, open: true })).toEqual({ to: 4 });
    expect(move(3, 'ArrowLeft', { ...closed, open: true })).toEqual({ toggle: { ...toggle, open: true } });
    expect(move(3, 'ArrowLeft', closed)).toEqual({ to: 0 });
    expect(move(3, 'ArrowLeft', { parent: null })).toBeNull();
    expect(move(3, 'ArrowRight')).toBeNull();
    expect(move(3, ' ', { opens: 'run' })).toEqual({ toggle: { kind: 'run', address: 0x8008n, open: false } });
  });

  it('go on from a row that has not come yet', () => {
    const on = (key: string) => treeMove({ index: 40, row: null }, 100, key, 10);
    expect([on('ArrowDown'), on('ArrowRight'), on('ArrowLeft')]).toEqual([{ to: 41 }, null, null]);
  });

  it('begin at the first row where none is chosen, or at the last, and leave other keys alone', () => {
    expect(treeMove(null, 3, 'ArrowDown', 10)).toEqual({ to: 0 });
    expect(treeMove(null, 3, 'End', 10)).toEqual({ to: 2 });
    expect(treeMove(null, 3, 'x', 10)).toBeNull();
    expect(treeMove(null, 0, 'ArrowDown', 10)).toBeNull();
  });
});

describe('the rows that are asked for', () => {
  it('hold those in sight with a screen before and after them, and stay the same for small moves', () => {
    for (let first = 0; first < 500; first++) {
      const { from, count } = rowsToAsk(first, 25);
      expect(from).toBeLessThanOrEqual(Math.max(0, first - 32));
      expect(from + count).toBeGreaterThanOrEqual(first + 25 + 32);
    }
    expect(new Set(Array.from({ length: 320 }, (_, first) => rowsToAsk(first, 25).from)).size).toBe(9);
  });

  it('are never more than an answer has', () => {
    expect(rowsToAsk(0, 100_000).count).toBeLessThanOrEqual(512);
  });
});

describe('rows', () => {
  it('are the same where they say the same', () => {
    const contiguous = { runs: 1, count: 16, size: 0x10000n, wrong: null };
    const make = () => row({ table: { ...table }, entry: { ...entry(1), contiguous: { ...contiguous } } });
    expect(sameRow(make(), make())).toBe(true);
    const others: Partial<TableRow>[] = [
      { position: 2 },
      { open: true },
      { table: null },
      { table: { ...table, changed: 1 } },
      { entry: null },
      { entry: { ...entry(1), contiguous: { ...contiguous, runs: 2 } } },
      { entry: { ...entry(1), contiguous: null } },
      { entry: { ...entry(1), contiguous, value: 1n } },
    ];
    for (const other of others) expect(sameRow(make(), { ...make(), ...other })).toBe(false);
  });

  it('are asked for by one name each', () => {
    const refs = [{ id: '0' }, { id: '1' }, { index: 0 }, { index: 1 }, { input: 0n }, { input: 1n }];
    refs.forEach((a, at) => refs.forEach((b, other) => expect(sameRef({ ...a }, b)).toBe(at === other)));
  });
});
