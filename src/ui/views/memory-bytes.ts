import type { MemoryView } from '../../session/messages.ts';

/** A byte at an address: its value, why it is not there, or null where the view does not reach. */
export type ByteAt = number | { readonly missing: string } | null;

export function byteAt(view: MemoryView, address: bigint): ByteAt {
  const offset = Number(address - view.address);
  for (const run of view.runs) {
    const length = 'data' in run ? run.data.length : run.length;
    if (offset < run.offset || offset >= run.offset + length) continue;
    return 'data' in run ? run.data[offset - run.offset]! : { missing: run.missing };
  }
  return null;
}

/** What a view is compared with to find changed bytes: the bytes as they were at the stop before. */
export interface Baseline {
  /** Names the stop; null while the guest runs. */
  readonly stop: string | null;
  readonly latest: MemoryView | null;
  readonly before: MemoryView | null;
  /** Bytes that became others at this stop: only a person does that. */
  readonly written: ReadonlySet<bigint>;
}

const NONE: ReadonlySet<bigint> = new Set();
export const NO_BASELINE: Baseline = { stop: null, latest: null, before: null, written: NONE };

/**
 * The baseline after a new state of the session or a new view. Leaving a stop, by a step or by running on, makes the bytes
 * seen there the ones to compare with; they stay that while the guest runs and at the stop that follows.
 */
export function advance(baseline: Baseline, stop: string | null, view: MemoryView | null): Baseline {
  const left = baseline.stop !== null && baseline.stop !== stop;
  const before = left ? baseline.latest : baseline.before;
  const latest = view ?? baseline.latest;
  if (stop === baseline.stop && latest === baseline.latest) return baseline;
  const same = stop !== null && stop === baseline.stop;
  return { stop, latest, before, written: same ? writtenTo(baseline, latest) : NONE };
}

/** What was written already, and where the bytes of two views differ. */
function writtenTo({ written, latest: earlier }: Baseline, view: MemoryView | null): ReadonlySet<bigint> {
  if (!earlier || !view) return written;
  const found = new Set(written);
  for (const run of view.runs) {
    if (!('data' in run)) continue;
    const start = view.address + BigInt(run.offset);
    run.data.forEach((byte, index) => {
      const address = start + BigInt(index);
      if (hasChanged(earlier, address, byte)) found.add(address);
    });
  }
  return found;
}

/** Whether a byte is another than at the stop before, or was written since. */
export function isMarked({ before, written }: Baseline, address: bigint, now: ByteAt): boolean {
  return written.has(address) || hasChanged(before, address, now);
}

function hasChanged(before: MemoryView | null, address: bigint, now: ByteAt): boolean {
  if (before === null || typeof now !== 'number') return false;
  const was = byteAt(before, address);
  return typeof was === 'number' && was !== now;
}

export interface HexLayout {
  readonly bytesPerRow: 16 | 8 | 4;
  readonly ascii: boolean;
}

/** Widths in characters, as memory.css has them: a byte, what stands between groups of eight, between the columns. */
const BYTE = 2.66;
const GROUP_GAP = 0.8;
const COLUMN_GAP = 1.3;

/** How many bytes a row of `columns` characters holds beside its address, and whether they fit as characters too. */
export function hexLayout(columns: number, addressDigits: number): HexLayout {
  const address = 2 + addressDigits + COLUMN_GAP;
  for (const bytesPerRow of [16, 8, 4] as const) {
    const bytes = bytesPerRow * BYTE + (bytesPerRow / 8 - 1) * GROUP_GAP;
    if (columns >= address + bytes + COLUMN_GAP + bytesPerRow) return { bytesPerRow, ascii: true };
    if (columns >= address + bytes && bytesPerRow < 16) return { bytesPerRow, ascii: false };
  }
  return { bytesPerRow: 4, ascii: false };
}

/** A byte as a character, a dot where it has no printable ASCII form. */
export function character(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
}
