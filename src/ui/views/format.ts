import { hex } from '../format.ts';
import { prose } from '../prose.ts';

/** Digits for a column of addresses, in steps so that the column keeps its width: 8, 12 or 16. */
export function addressDigits(highest: bigint): number {
  if (highest <= 0xffff_ffffn) return 8;
  return highest <= 0xffff_ffff_ffffn ? 12 : 16;
}

/** First and last byte of a range, as /proc/iomem writes it. */
export function rangeText(base: bigint, size: bigint, digits = 0): string {
  return `${hex(base, digits)}–${hex(base + size - 1n, digits)}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** A size in at most four digits and a tenth: exact where that suffices, else rounded in the largest unit. */
export function shortSize(bytes: bigint): string {
  const in1024 = (unit: number) => 1n << BigInt(10 * unit);
  for (let unit = 0; unit < UNITS.length; unit++) {
    const one = in1024(unit);
    const isWhole =
      bytes % one === 0n && (unit === UNITS.length - 1 || bytes === 0n || bytes % in1024(unit + 1) !== 0n);
    if (isWhole && bytes / one < 10_000n) return `${bytes / one} ${UNITS[unit]}`;
  }
  let unit = 0;
  const tenthsIn = (unit: number) => (bytes * 10n + in1024(unit) / 2n) / in1024(unit);
  // What rounds up to the next unit is said in that one.
  while (unit < UNITS.length - 1 && tenthsIn(unit) >= 10_240n) unit++;
  const tenths = tenthsIn(unit);
  const tenth = tenths % 10n;
  return `${tenths / 10n}${tenth === 0n ? '' : `.${tenth}`} ${UNITS[unit]}`;
}

export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A reason from the session as a sentence of its own. */
export function sentence(text: string): string {
  const start = prose(capitalized(text));
  return /[.!?]$/.test(start) || start === '' ? start : `${start}.`;
}

export function plural(count: number | bigint, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 || count === 1n ? one : many}`;
}
