import type { HostConfig } from '../../session/messages.ts';
import { hex, parseNumber } from '../format.ts';

/** A RAM range as it stands in the form: text, right or wrong. */
export interface RamRow {
  readonly base: string;
  readonly size: string;
}

export function ramRows(ram: HostConfig['ram']): readonly RamRow[] {
  return ram.map(({ base, size }) => ({ base: hex(base), size: hex(size) }));
}

const LIMIT = 1n << 52n;

/** What is wrong with one field of a range, or null. */
export function fieldError(text: string, field: keyof RamRow): string | null {
  const value = parseNumber(text);
  if (value === null) return 'not a number: 0x…, or decimal with K, M, G';
  if (value >= LIMIT) return 'above 52 bits';
  if (field === 'size' && value === 0n) return 'must be more than 0';
  return null;
}

/** The ranges if every field is a number, else null. */
export function readRam(rows: readonly RamRow[]): HostConfig['ram'] | null {
  const wrong = rows.some((row) => fieldError(row.base, 'base') !== null || fieldError(row.size, 'size') !== null);
  if (wrong || rows.length === 0) return null;
  return rows.map((row) => ({ base: parseNumber(row.base)!, size: parseNumber(row.size)! }));
}
