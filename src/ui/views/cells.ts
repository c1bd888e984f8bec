/** Where the cells of a table stand: rows of a power of two of them. */
export interface CellsLayout {
  readonly columns: number;
  readonly rows: number;
  /** Pixels of a cell's side, whole. */
  readonly cell: number;
}

const LARGEST = 18;
const SMALLEST = 6;

/** As many columns as fit with cells of a size to point at: 32 of 512 entries in a narrow panel, 128 of 8192 in a wide one. */
export function cellsLayout(total: number, width: number): CellsLayout {
  const most = Math.max(1, Math.ceil(total / 8));
  let columns = 8;
  // Large tables take smaller cells, to be seen at once.
  const side = total <= 512 ? 12 : total <= 2048 ? 9 : SMALLEST;
  while (columns * 2 * side <= width && columns < most) columns *= 2;
  columns = Math.min(columns, total);
  const cell = Math.min(LARGEST, Math.max(SMALLEST, Math.floor(width / columns)));
  return { columns, rows: Math.ceil(total / columns), cell };
}

/** The cell at a place, in pixels from the first one's corner; null: none there. */
export function cellAt({ columns, cell }: CellsLayout, total: number, x: number, y: number): number | null {
  const column = Math.floor(x / cell);
  if (column < 0 || column >= columns || y < 0) return null;
  const index = Math.floor(y / cell) * columns + column;
  return index < total ? index : null;
}

/** Where a key leads from a cell; null: nowhere, the key has no meaning here. `page` is in rows. */
export function cellMove(
  current: number | null,
  key: string,
  total: number,
  columns: number,
  page: number,
): number | null {
  const by: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -columns * page,
    PageDown: columns * page,
  };
  if (key === 'Home') return 0;
  if (key === 'End') return total - 1;
  const step = by[key];
  if (step === undefined) return null;
  if (current === null) return 0;
  const to = current + step;
  // Up and down keep the column: at the edge they stay.
  if (to >= 0 && to < total) return to;
  return Math.abs(step) < columns ? current : to < 0 ? current % columns : lastOf(current, total, columns);
}

function lastOf(current: number, total: number, columns: number): number {
  const lowest = total - columns + (current % columns);
  return Math.max(current, Math.min(total - 1, lowest));
}
