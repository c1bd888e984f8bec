/**
 * What became of a value that the other side has: its parts that are new, by key. Most answers to a query are nearly the one
 * before, and a page takes in what is new alone; what stayed keeps its identity there, which is how a page knows that it did.
 */
export type Difference =
  /** It is this now. */
  | { readonly now: unknown }
  /** An object's or a list's parts that differ; of a list, keys are indices before `splice`. */
  | { readonly parts: readonly Part[]; readonly splice?: Splice };

type Part = readonly [key: string | number, difference: Difference];

/** In a list, `removed` items from `at` on make room for others. */
interface Splice {
  readonly at: number;
  readonly removed: number;
  readonly items: readonly unknown[];
}

type Parts = Readonly<Record<string, unknown>>;

const isParts = (value: unknown): value is Parts =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

const listOf = (value: unknown): readonly unknown[] | null => (Array.isArray(value) ? value : null);

/** Null: they are the same. Values are what messages have: primitives, lists, plain objects, typed arrays. */
export function differenceOf(before: unknown, now: unknown): Difference | null {
  if (Object.is(before, now)) return null;
  const [oldList, list] = [listOf(before), listOf(now)];
  if (oldList && list) return listDifference(oldList, list);
  if (ArrayBuffer.isView(before) && ArrayBuffer.isView(now)) return sameBytes(before, now) ? null : { now };
  if (!isParts(before) || !isParts(now)) return { now };
  const keys = Object.keys(now);
  if (keys.length !== Object.keys(before).length || !keys.every((key) => key in before)) return { now };
  return partsDifference(keys, before, now);
}

/** `value` after a difference that was taken of it. Parts that did not change are the very same. */
export function patched<T>(value: T, difference: Difference): T;
export function patched(value: unknown, difference: Difference): unknown {
  if ('now' in difference) return difference.now;
  const { parts, splice } = difference;
  const list = listOf(value);
  if (list) {
    const next = [...list];
    for (const [key, part] of parts) next[Number(key)] = patched(list[Number(key)], part);
    if (splice) next.splice(splice.at, splice.removed, ...splice.items);
    return next;
  }
  if (!isParts(value)) return value;
  const next: Record<string, unknown> = { ...value };
  for (const [key, part] of parts) next[key] = patched(value[key], part);
  return next;
}

/** An object without parts of its own is sent whole where more of it changed: a part is two objects to send, and one to make. */
const FEW = 1;

function partsDifference(keys: readonly string[], before: Parts, now: Parts): Difference | null {
  const parts: Part[] = [];
  let flat = true;
  for (const key of keys) {
    const part = now[key];
    flat &&= typeof part !== 'object' || part === null;
    const difference = differenceOf(before[key], part);
    if (difference) parts.push([key, difference]);
  }
  if (parts.length === 0) return null;
  return flat && parts.length > FEW ? { now } : { parts };
}

/** What lists of different lengths have in common at both ends stays; between, items are compared one by one. */
function listDifference(before: readonly unknown[], now: readonly unknown[]): Difference | null {
  const shorter = Math.min(before.length, now.length);
  const isGrown = before.length !== now.length;
  let end = 0;
  if (isGrown) {
    const start = commonStart(before, now, shorter);
    while (end < shorter - start && !differenceOf(before.at(-1 - end), now.at(-1 - end))) end++;
  }
  const parts: Part[] = [];
  for (let at = 0; at < shorter - end; at++) {
    const difference = differenceOf(before[at], now[at]);
    if (difference) parts.push([at, difference]);
  }
  if (!isGrown) return parts.length > 0 ? { parts } : null;
  const at = shorter - end;
  return { parts, splice: { at, removed: before.length - shorter, items: now.slice(at, now.length - end) } };
}

function commonStart(before: readonly unknown[], now: readonly unknown[], most: number): number {
  let start = 0;
  while (start < most && !differenceOf(before[start], now[start])) start++;
  return start;
}

function sameBytes(before: ArrayBufferView, now: ArrayBufferView): boolean {
  if (before.byteLength !== now.byteLength || before.constructor !== now.constructor) return false;
  const [a, b] = [bytesOf(before), bytesOf(now)];
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);
