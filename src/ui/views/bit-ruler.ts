import type { DescriptorField } from '../../session/messages.ts';

export interface BitRange {
  readonly hi: number;
  readonly lo: number;
}

/** `54:53` or `0`, or several of them for a split field, as `DescriptorField.bits` writes it; what is no range is left out. */
export function parseBits(bits: string): BitRange[] {
  return bits
    .split(/[^0-9:]+/)
    .map((part) => /^(\d+)(?::(\d+))?$/.exec(part))
    .flatMap((match) => {
      if (!match) return [];
      const first = Number(match[1]);
      const second = Number(match[2] ?? first);
      const hi = Math.max(first, second);
      return hi < 64 ? [{ hi, lo: Math.min(first, second) }] : [];
    });
}

export function highestBit(bits: string): number {
  return Math.max(-1, ...parseBits(bits).map(({ hi }) => hi));
}

/** A run of neighbouring bits of one field within one row; `field` is null for bits no field claims. */
export interface RulerSegment extends BitRange {
  readonly field: number | null;
}

/** The index of the field that has a bit, for each of the 64; where fields overlap the first one has it. */
export function bitOwners(fields: readonly { readonly bits: string }[]): (number | null)[] {
  const owner = new Array<number | null>(64).fill(null);
  fields.forEach((field, index) => {
    for (const { hi, lo } of parseBits(field.bits)) {
      for (let bit = lo; bit <= Math.min(hi, 63); bit++) owner[bit] ??= index;
    }
  });
  return owner;
}

interface NamedBits {
  readonly name: string;
  readonly bits: string;
}

/** Fields that stand elsewhere than those of the same name in `own`, or that `own` has not got: `here` null. */
export function movedFields(
  own: readonly NamedBits[],
  other: readonly NamedBits[],
): (NamedBits & { readonly here: string | null })[] {
  return other.flatMap(({ name, bits }) => {
    const here = own.find((field) => field.name === name)?.bits ?? null;
    return here === bits ? [] : [{ name, bits, here }];
  });
}

/** Pixels that a character of a field's name takes, on the wide side. */
const CHARACTER = 6;

/** Whether a name has room in a line of that many pixels; else it is written upright. */
export function nameFits(name: string, width: number): boolean {
  return name.length * CHARACTER + 2 <= width;
}

/** `OA` of OutputAddress: for a part of a split field whose name stands at another part. */
export function initials(name: string): string {
  return name.replace(/[a-z]/g, '') || name;
}

/** The rows of a ruler over 64 bits, bit 63 first, `perRow` bits each; where fields overlap the first one has the bit. */
export function rulerRows(fields: readonly DescriptorField[], perRow: number): RulerSegment[][] {
  const owner = bitOwners(fields);
  const rows: RulerSegment[][] = [];
  for (let top = 63; top >= 0; top -= perRow) {
    const row: RulerSegment[] = [];
    for (let bit = top; bit > top - perRow; bit--) {
      const last = row.at(-1);
      if (last && last.field === owner[bit]) row[row.length - 1] = { ...last, lo: bit };
      else row.push({ hi: bit, lo: bit, field: owner[bit] ?? null });
    }
    rows.push(row);
  }
  return rows;
}

/** Bits per row that leave each bit wide enough to read. */
export function bitsPerRow(width: number): number {
  if (width >= 1000) return 64;
  return width >= 460 ? 32 : 16;
}
