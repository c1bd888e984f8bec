import type { DecodedField, DecodedStruct, IoctlEntry } from '../../session/messages.ts';

/** The result as the log's row has it. */
export function resultText({ result }: IoctlEntry): string {
  if (!result) return '…';
  if (result.errno) return result.errno;
  return String(result.ret);
}

export function isRefused({ result }: IoctlEntry): boolean {
  return result?.errno !== null && result?.errno !== undefined;
}

export function callName({ name, request }: IoctlEntry): string {
  return name ?? `unknown 0x${request.toString(16)}`;
}

/** The argument on one line: a structure by its fields, all else as it was passed. */
export function argumentText({ argStruct, argText, result }: IoctlEntry): string {
  const struct = argStruct ?? result?.outStruct;
  return struct ? struct.fields.map(({ name, text }) => `${name}=${text}`).join(' ') : argText;
}

/** The call that something happened to last: the KVM_RUN of the vCPU that has just exited, which need not be the one made last; else that one. */
export function latest(entries: readonly IoctlEntry[], exited: number | null): IoctlEntry | undefined {
  const returned = exited === null ? undefined : entries.findLast(({ fd, result }) => result && fd === exited);
  return returned ?? entries.at(-1);
}

/** Everything of a call that the filter looks at. */
function haystack(entry: IoctlEntry): string {
  const { fd, fdKind, result } = entry;
  const parts = [`#${entry.seq}`, `fd ${fd}`, fdKind, callName(entry), argumentText(entry), resultText(entry)];
  return [...parts, result?.exitText ?? '', result?.explanation?.rule ?? ''].join(' ').toLowerCase();
}

/** The calls in which every word of the filter occurs. */
export function filtered(entries: readonly IoctlEntry[], filter: string, refusedOnly: boolean): readonly IoctlEntry[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && !refusedOnly) return entries;
  return entries.filter((entry) => {
    if (refusedOnly && !isRefused(entry)) return false;
    const text = haystack(entry);
    return words.every((word) => text.includes(word));
  });
}

export interface FieldRow {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly before: string | null;
  readonly after: string | null;
  readonly changed: boolean;
}

/** A structure's fields before and after the call side by side; where the kernel did not write it, `after` is null. */
export function fieldRows(before: DecodedStruct | null, after: DecodedStruct | null): readonly FieldRow[] {
  const shape = after ?? before;
  if (!shape) return [];
  const textOf = (struct: DecodedStruct | null) => new Map(struct?.fields.map((field) => [field.name, field.text]));
  const old = textOf(before);
  const now = textOf(after);
  const row = ({ name, offset, size }: DecodedField): FieldRow => {
    const was = old.get(name) ?? null;
    const is = now.get(name) ?? null;
    return { name, offset, size, before: was, after: is, changed: was !== null && is !== null && was !== is };
  };
  return shape.fields.map(row);
}
