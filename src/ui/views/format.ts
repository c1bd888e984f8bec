/** `0x40000000`: how every address and register value is written where nothing has to line up. */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** The same with leading zeros, for columns: `0x00000000` for 8 digits. */
export function hexPadded(value: bigint | number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

/** Digits a column of addresses needs, in steps that keep it from changing width with every row: 8, 12 or 16. */
export function addressDigits(highest: bigint): number {
  if (highest <= 0xffff_ffffn) return 8;
  return highest <= 0xffff_ffff_ffffn ? 12 : 16;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** A size in the largest binary unit that divides it, else with one decimal: `64 KiB`, `1.5 GiB`. */
export function sizeText(bytes: bigint): string {
  let unit = 0;
  while (unit < UNITS.length - 1 && bytes >= 1n << BigInt(10 * (unit + 1))) unit++;
  const one = 1n << BigInt(10 * unit);
  if (bytes % one === 0n) return `${bytes / one} ${UNITS[unit]}`;
  const tenths = (bytes * 10n + one / 2n) / one;
  return `${tenths / 10n}.${tenths % 10n} ${UNITS[unit]}`;
}

/** First and last byte of a range, as /proc/iomem writes it. */
export function rangeText(base: bigint, size: bigint): string {
  return `${hex(base)}–${hex(base + size - 1n)}`;
}

export function plural(count: number | bigint, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 || count === 1n ? one : many}`;
}
