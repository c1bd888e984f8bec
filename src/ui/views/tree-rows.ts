import type { TableEntry, TableNode } from '../../session/messages.ts';

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
  /** The table that opens below this row; null where nothing does. */
  readonly table: TableNode | null;
  readonly open: boolean;
  /** Null for a root table's own row and for a row that waits for its table's entries. */
  readonly entry: TableEntry | null;
  /** Level of the table that the entry stands in, or of the root. */
  readonly level: number;
}

/** The rows that `isOpen` leaves visible, from top to bottom. */
export function treeRows(roots: readonly TableNode[], isOpen: (table: bigint) => boolean): TreeRow[] {
  const rows: TreeRow[] = [];
  const entriesOf = (table: TableNode, parent: string, depth: number) => {
    const entries = table.entries;
    if (entries === null) {
      rows.push({
        id: `${parent}/wait`,
        parent,
        depth,
        position: 1,
        siblings: 1,
        table: null,
        open: false,
        entry: null,
        level: table.level,
      });
      return;
    }
    entries.forEach((entry, index) => {
      const id = `${parent}/${entry.index}`;
      const open = entry.child !== null && isOpen(entry.child.address);
      rows.push({
        id,
        parent,
        depth,
        position: index + 1,
        siblings: entries.length,
        table: entry.child,
        open,
        entry,
        level: table.level,
      });
      if (entry.child && open) entriesOf(entry.child, id, depth + 1);
    });
  };
  roots.forEach((root, index) => {
    const id = `t${root.address.toString(16)}-${root.inputBase.toString(16)}`;
    const open = isOpen(root.address);
    rows.push({
      id,
      parent: null,
      depth: 1,
      position: index + 1,
      siblings: roots.length,
      table: root,
      open,
      entry: null,
      level: root.level,
    });
    if (open) entriesOf(root, id, 2);
  });
  return rows;
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
export type TreeMove = { readonly to: number } | { readonly toggle: bigint } | null;

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
      if (!row.table) return null;
      return row.open ? clamp(current + 1) : { toggle: row.table.address };
    case 'ArrowLeft': {
      if (row.table && row.open) return { toggle: row.table.address };
      const parent = rows.findIndex((other) => other.id === row.parent);
      return parent < 0 ? null : { to: parent };
    }
    case 'Enter':
    case ' ':
      return row.table ? { toggle: row.table.address } : { to: current };
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
