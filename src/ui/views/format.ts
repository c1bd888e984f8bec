import { hex } from '../format.ts';

/** Digits for a column of addresses, in steps so that the column keeps its width: 8, 12 or 16. */
export function addressDigits(highest: bigint): number {
  if (highest <= 0xffff_ffffn) return 8;
  return highest <= 0xffff_ffff_ffffn ? 12 : 16;
}

/** First and last byte of a range, as /proc/iomem writes it. */
export function rangeText(base: bigint, size: bigint, digits = 0): string {
  return `${hex(base, digits)}–${hex(base + size - 1n, digits)}`;
}

export function plural(count: number | bigint, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 || count === 1n ? one : many}`;
}
