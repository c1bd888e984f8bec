import type { TableEntry, TableNode } from '../../session/messages.ts';

/** What a row opens: a table, by its address, or a run of merged entries, by its first entry's. */
export interface Toggled {
  readonly kind: 'table' | 'run';
  readonly address: bigint;
}

/** A visible row of the tree of tables. */
export interface TreeRow {
  readonly id: string;
  /** Of the row one level up; null for a root. */
  readonly parent: string | null;
  /** From 1, as aria-level counts. */
  readonly depth: number;
  /** Place among its siblings, from 1, and how many there are. */
  readonly position: number;
  readonly siblings: number;
  /** The table that opens below this row; null where none does. */
  readonly table: TableNode | null;
  /** What opens below this row; null where nothing does. */
  readonly opens: Toggled | null;
  readonly open: boolean;
  /** Null for a root table's own row and for a row that says why entries are not there. */
  readonly entry: TableEntry | null;
  /** Entries that the answer left out, which this row stands for. */
  readonly cut: number;
  /** Level of the table that the entry stands in, or of the root. */
  readonly level: number;
}

type IsOpen = (table: bigint) => boolean;

/** The rows that `isOpen` leaves visible, from top to bottom. Those of a table that is the same object as before are, too. */
export function treeRows(roots: readonly TableNode[], isOpen: IsOpen): TreeRow[] {
  const rows: TreeRow[] = [];
  const add = (row: TreeRow) => {
    rows.push(row);
    if (row.table && row.open) ownRows(row.table, row.id, row.depth + 1, isOpen).forEach(add);
  };
  roots.forEach((table, index) => {
    const { address, level } = table;
    const place = { level, parent: null, depth: 1, position: index + 1, siblings: roots.length };
    const opens = { kind: 'table', address } as const;
    const id = `t${address.toString(16)}-${table.inputBase.toString(16)}`;
    add({ ...place, id, table, opens, open: isOpen(address), entry: null, cut: 0 });
  });
  return rows;
}

interface OwnRows {
  readonly parent: string;
  readonly depth: number;
  readonly isOpen: IsOpen;
  readonly rows: readonly TreeRow[];
}

/** Of a guest's thousands of entries a step changes few. */
const known = new WeakMap<TableNode, OwnRows>();

/** Rows of a table's entries and of the runs of them that are open, without those of other tables. */
function ownRows(table: TableNode, parent: string, depth: number, isOpen: IsOpen): readonly TreeRow[] {
  const before = known.get(table);
  if (before?.parent === parent && before.depth === depth && before.isOpen === isOpen) return before.rows;
  const { entries, level, cut } = table;
  const rest = entries === null || cut > 0;
  const siblings = (entries?.length ?? 0) + (rest ? 1 : 0);
  const rows = (entries ?? []).flatMap((entry, index) =>
    entryRows(entry, { level, parent, depth, position: index + 1, siblings }, isOpen),
  );
  if (rest) {
    const bare = { table: null, opens: null, open: false, entry: null } as const;
    rows.push({ id: `${parent}/rest`, parent, depth, position: siblings, siblings, level, cut, ...bare });
  }
  known.set(table, { parent, depth, isOpen, rows });
  return rows;
}

type Place = Pick<TreeRow, 'level' | 'parent' | 'depth' | 'position' | 'siblings'>;

function entryRows(entry: TableEntry, place: Place, isOpen: IsOpen): TreeRow[] {
  const id = `${place.parent}/${entry.index}`;
  const { child, members } = entry;
  const open = child !== null ? isOpen(child.address) : members !== null;
  const row = { ...place, id, table: child, opens: opensOf(entry), open, entry, cut: 0 };
  if (!members) return [row];
  const { level, depth } = place;
  const below = { level, parent: id, depth: depth + 1, siblings: members.length };
  return [row, ...members.flatMap((member, index) => entryRows(member, { ...below, position: index + 1 }, isOpen))];
}

/** A row that was chosen, and the address of its entry; null: it has none. */
export interface ChosenRow {
  readonly id: string;
  readonly address: bigint | null;
}

/** Where a chosen row is now: an edit makes other runs of the entries, and the row is the one that holds its entry. */
export function rowAgain(rows: readonly TreeRow[], { id, address }: ChosenRow): TreeRow | undefined {
  const itself = rows.find((row) => row.id === id);
  if (address === null || itself?.entry?.address === address) return itself;
  const holds = ({ entry }: TreeRow) =>
    entry !== null && address >= entry.address && address < entry.address + BigInt(8 * entry.count);
  return rows.find(({ entry }) => entry?.address === address) ?? rows.find(holds);
}

function opensOf({ child, count, kind, address }: TableEntry): Toggled | null {
  if (child) return { kind: 'table', address: child.address };
  return count > 1 && (kind === 'page' || kind === 'block') ? { kind: 'run', address } : null;
}

/** Addresses of all tables of the view that can be opened, roots first, at most `limit`. */
export function allTables(roots: readonly TableNode[], limit: number): bigint[] {
  const found = roots.map((root) => root.address);
  const visit = (table: TableNode) => {
    for (const entry of table.entries ?? []) {
      if (found.length >= limit) return;
      if (!entry.child) continue;
      found.push(entry.child.address);
      visit(entry.child);
    }
  };
  roots.forEach(visit);
  return found.slice(0, limit);
}

/** Where a key of the tree pattern (WAI-ARIA APG) leads: to another row, or to opening or closing a table. */
export type TreeMove = { readonly to: number } | { readonly toggle: Toggled } | null;

export function treeMove(rows: readonly TreeRow[], current: number, key: string, page: number): TreeMove {
  const row = rows[current];
  const last = rows.length - 1;
  if (!row) return last >= 0 && TREE_KEYS.has(key) ? { to: 0 } : null;
  const clamp = (index: number) => ({ to: Math.min(last, Math.max(0, index)) });
  switch (key) {
    case 'ArrowDown':
      return clamp(current + 1);
    case 'ArrowUp':
      return clamp(current - 1);
    case 'PageDown':
      return clamp(current + page);
    case 'PageUp':
      return clamp(current - page);
    case 'Home':
      return { to: 0 };
    case 'End':
      return { to: last };
    case 'ArrowRight':
      if (!row.opens) return null;
      return row.open ? clamp(current + 1) : { toggle: row.opens };
    case 'ArrowLeft': {
      if (row.opens && row.open) return { toggle: row.opens };
      const parent = rows.findIndex((other) => other.id === row.parent);
      return parent < 0 ? null : { to: parent };
    }
    case 'Enter':
    case ' ':
      return row.opens ? { toggle: row.opens } : { to: current };
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

/** The tables that a walk for an input address reads, as far as they are known. */
export function tablesTo(roots: readonly TableNode[], input: bigint): bigint[] {
  const found: bigint[] = [];
  const within = ({ inputBase, inputSize }: { inputBase: bigint; inputSize: bigint }) =>
    input >= inputBase && input < inputBase + inputSize;
  let table = roots.find(within) ?? null;
  while (table) {
    found.push(table.address);
    table = table.entries?.find(within)?.child ?? null;
  }
  return found;
}

/** The lowest row whose entry translates an input address; null: none is visible. */
export function rowOf(rows: readonly TreeRow[], input: bigint): string | null {
  const found = rows.findLast(
    ({ entry }) => entry !== null && input >= entry.inputBase && input < entry.inputBase + entry.inputSize,
  );
  return found?.id ?? null;
}
