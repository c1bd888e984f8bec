import type { RowRef, TableEntry, TableNode, TableRow } from '../../session/messages.ts';

/** What opens or closes below a row: a table, by its address, or a run of merged entries, by its first entry's. */
export interface Toggled {
  readonly kind: 'table' | 'run';
  readonly address: bigint;
  /** What it is now. */
  readonly open: boolean;
}

export function toggledBy({ opens, open, table, entry }: TableRow): Toggled | null {
  const address = opens === 'table' ? table?.address : entry?.address;
  return opens && address !== undefined ? { kind: opens, address, open } : null;
}

/** A row, and its number. */
export interface PlacedRow {
  readonly index: number;
  /** Null: it is on its way. */
  readonly row: TableRow | null;
}

/** Where a key of the tree pattern (WAI-ARIA APG) leads: to another row, by its number, or to opening or closing a table. */
export type TreeMove = { readonly to: number } | { readonly toggle: Toggled } | null;

/** `current`: the selected row, of `total`; `page`: rows that PageUp and PageDown pass. */
export function treeMove(current: PlacedRow | null, total: number, key: string, page: number): TreeMove {
  const last = total - 1;
  if (!current) return last >= 0 && TREE_KEYS.has(key) ? { to: key === 'End' ? last : 0 } : null;
  const { index, row } = current;
  const clamp = (to: number) => ({ to: Math.min(last, Math.max(0, to)) });
  const toggled = row && toggledBy(row);
  switch (key) {
    case 'ArrowDown':
      return clamp(index + 1);
    case 'ArrowUp':
      return clamp(index - 1);
    case 'PageDown':
      return clamp(index + page);
    case 'PageUp':
      return clamp(index - page);
    case 'Home':
      return { to: 0 };
    case 'End':
      return { to: last };
    case 'ArrowRight':
      if (!toggled) return null;
      return toggled.open ? clamp(index + 1) : { toggle: toggled };
    case 'ArrowLeft':
      if (toggled?.open) return { toggle: toggled };
      return row === null || row.parent === null ? null : { to: row.parent };
    case 'Enter':
    case ' ':
      return toggled ? { toggle: toggled } : { to: index };
    default:
      return null;
  }
}

const TREE_KEYS = new Set([
  'ArrowDown',
  'ArrowUp',
  'ArrowLeft',
  'ArrowRight',
  'Home',
  'End',
  'PageDown',
  'PageUp',
  'Enter',
  ' ',
]);

/** Rows come in steps of so many, so that most scrolling asks for no others. */
const STEP = 32;

/** Rows to ask for so that those in sight are there, with some before and after them. */
export function rowsToAsk(first: number, visible: number): { readonly from: number; readonly count: number } {
  const start = Math.floor(first / STEP) * STEP;
  const steps = Math.ceil(Math.min(visible, MOST_VISIBLE) / STEP) + 1;
  return { from: Math.max(0, start - STEP), count: (steps + 2) * STEP };
}
/** No screen is so high that more are in sight. */
const MOST_VISIBLE = 256;

export const sameRef = (a: RowRef, b: RowRef): boolean =>
  a === b ||
  ('id' in a && 'id' in b && a.id === b.id) ||
  ('index' in a && 'index' in b && a.index === b.index) ||
  ('input' in a && 'input' in b && a.input === b.input);

const sameParts = <T extends object>(a: T, b: T): boolean =>
  (Object.keys(a) as (keyof T)[]).every((key) => a[key] === b[key]);

const sameTable = (a: TableNode | null, b: TableNode | null): boolean => a === b || (!!a && !!b && sameParts(a, b));

function sameEntry(a: TableEntry | null, b: TableEntry | null): boolean {
  if (a === b) return true;
  if (!a || !b) return false;
  const { contiguous: ofA, ...entryA } = a;
  const { contiguous: ofB, ...entryB } = b;
  return (ofA === ofB || (!!ofA && !!ofB && sameParts(ofA, ofB))) && sameParts(entryA, entryB);
}

/** Whether two rows say the same: those of another window are other objects. */
export function sameRow(a: TableRow, b: TableRow): boolean {
  if (a === b) return true;
  const { table: tableA, entry: entryA, ...rowA } = a;
  const { table: tableB, entry: entryB, ...rowB } = b;
  return sameParts(rowA, rowB) && sameTable(tableA, tableB) && sameEntry(entryA, entryB);
}
