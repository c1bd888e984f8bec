/** Where the page keeps things between visits: local storage under one versioned prefix, which may be full, forbidden or full of junk. */
const PREFIX = 'stage2/1/';

/** Larger texts are refused: local storage holds about 5 million characters for everything. */
export const MAX_STORED = 1_500_000;

/** A value as JSON; a bigint becomes hexadecimal text, which readers turn back where they expect a number. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `0x${item.toString(16)}` : item));
}

/** What was stored as JSON; undefined if nothing or if it can't be read. */
export function load(key: string): unknown {
  try {
    const text = localStorage.getItem(PREFIX + key);
    return text === null || text.length > MAX_STORED ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/** Whether it could be stored. */
export function save(key: string, value: unknown): boolean {
  try {
    const text = toJson(value);
    if (text.length > MAX_STORED) return false;
    localStorage.setItem(PREFIX + key, text);
    return true;
  } catch {
    return false;
  }
}

export function forget(key: string): void {
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // Storage that can't be reached holds nothing to forget.
  }
}

/* Readers of untrusted values: each gives undefined for what it does not know. */

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function readText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function readNumber(value: unknown, low: number, high: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high ? value : undefined;
}

/** A 64-bit value as `toJson` writes it. */
export function readBig(value: unknown): bigint | undefined {
  return typeof value === 'string' && /^0x[0-9a-f]{1,16}$/.test(value) ? BigInt(value) : undefined;
}

export function readOneOf<T extends string | number>(value: unknown, allowed: readonly T[]): T | undefined {
  return allowed.find((item) => item === value);
}

/** A list whose every item can be read, or undefined. */
export function readList<T>(
  value: unknown,
  most: number,
  read: (item: unknown) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value) || value.length > most) return undefined;
  const items: T[] = [];
  for (const item of value) {
    const got = read(item);
    if (got === undefined) return undefined;
    items.push(got);
  }
  return items;
}
