/** Records of the probe that asked the real kernel: one call and its answer a line, as JSON. */

export type RecordedValue = number | string | boolean | null | readonly RecordedValue[] | RecordedObject;
export interface RecordedObject {
  readonly [name: string]: RecordedValue;
}

export interface Recorded {
  readonly sec: string;
  readonly case: string;
  readonly args: Readonly<Record<string, RecordedValue>>;
  readonly ret: number;
  readonly errno: string | null;
  readonly out: Readonly<Record<string, RecordedValue>>;
}

/** What our host answered, in the record's own shape. */
export interface Answer {
  readonly ret: number;
  readonly errno: string | null;
  readonly out?: Readonly<Record<string, RecordedValue>>;
  /** Fields of `out` that our hosts can't be asked. */
  readonly unasked?: readonly string[];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isValue(value: unknown): value is RecordedValue {
  if (Array.isArray(value)) return value.every(isValue);
  if (isObject(value)) return Object.values(value).every(isValue);
  return value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
}

function values(value: unknown): Readonly<Record<string, RecordedValue>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, RecordedValue] => isValue(entry[1])),
  );
}

/** The records of a file; a line that is none (a remark, or cut off) is passed over. */
export function parseRecords(text: string): Recorded[] {
  const records: Recorded[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) continue;
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch {
      continue;
    }
    if (!isObject(parsed)) continue;
    const { sec, case: name, ret, errno } = parsed;
    if (typeof sec !== 'string' || typeof name !== 'string' || typeof ret !== 'number') continue;
    const out = values(parsed.out);
    records.push({
      sec,
      case: name,
      args: values(parsed.args),
      ret,
      errno: typeof errno === 'string' ? errno : null,
      out,
    });
  }
  return records;
}

function isMembers(value: RecordedValue | undefined): value is RecordedObject {
  return isObject(value);
}

/** The same value, whatever the order of an object's members. */
export function sameValue(a: RecordedValue | undefined, b: RecordedValue | undefined): boolean {
  if (isMembers(a) && isMembers(b)) {
    const names = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...names].every((name) => sameValue(a[name], b[name]));
  }
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, n) => sameValue(each, b[n]));
  return a === b;
}

/** An argument that is a number, written as one or as a string. */
export function argument(record: Recorded, name: string): bigint {
  const value = record.args[name];
  if (typeof value === 'number') return BigInt(value);
  if (typeof value === 'string' && /^(0x[0-9a-f]+|\d+)$/i.test(value)) return BigInt(value);
  return 0n;
}

/** As the probe writes 64-bit values. */
export const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;
