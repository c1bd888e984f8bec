/**
 * A space of up to 2^64 addresses has no scroll bar a browser can draw. A view scrolls through a window of it instead; near
 * the window's edge the window moves on, and the scroll position with it, so that the person does not notice.
 */
export const WINDOW_ROWS = 200_000;
const EDGE_ROWS = 5_000;

export interface AddressWindow {
  /** Address of row 0, a multiple of the row's size. */
  readonly base: bigint;
  readonly rows: number;
}

/** The window with `address` in its middle as far as the space allows. `unit`: bytes per row; `limit`: bytes of the space. */
export function windowAround(address: bigint, unit: bigint, limit: bigint): AddressWindow {
  const total = limit / unit;
  const half = BigInt(WINDOW_ROWS / 2);
  const row = address / unit;
  const last = total > BigInt(WINDOW_ROWS) ? total - BigInt(WINDOW_ROWS) : 0n;
  let first = row > half ? row - half : 0n;
  if (first > last) first = last;
  return {
    base: first * unit,
    rows: Number(total - first > BigInt(WINDOW_ROWS) ? BigInt(WINDOW_ROWS) : total - first),
  };
}

/** Row of an address, or null where the window does not reach. */
export function rowOf(window: AddressWindow, address: bigint, unit: bigint): number | null {
  if (address < window.base) return null;
  const row = (address - window.base) / unit;
  return row < BigInt(window.rows) ? Number(row) : null;
}

/** The window to go on with when `first` is the topmost row shown: the same one, or one moved from the edge. */
export function movedWindow(window: AddressWindow, first: number, unit: bigint, limit: bigint): AddressWindow {
  const nearStart = first < EDGE_ROWS && window.base > 0n;
  const nearEnd = first > window.rows - EDGE_ROWS && window.base + BigInt(window.rows) * unit < limit;
  if (!nearStart && !nearEnd) return window;
  return windowAround(window.base + BigInt(first) * unit, unit, limit);
}
