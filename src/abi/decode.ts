/** Structures as an engineer would write them down: flags and enumerations by name, addresses in hex. */
import { structLayout } from './layout.ts';
import type { Abi, ArchType, Layout, PlacedField, Shown, StructDef, StructLayout } from './layout.ts';
import { readScalar } from './values.ts';

export interface DecodedStruct {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly DecodedField[];
}

export interface DecodedField {
  /** Nested members dotted: `mmio.phys_addr`. */
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** As an engineer would write it: hex for addresses, names for flags (`KVM_MEM_READONLY`). */
  readonly text: string;
}

/** A flexible tail or an array of structures is shown up to here. */
const SHOWN_ELEMENTS = 64;

/**
 * Every member that the bytes hold. Of a union only the variant that its discriminator says (of kvm_run that of
 * exit_reason); padding only where it is not zero. Never throws: members beyond the end of the bytes are left out.
 */
export function decodeStruct(def: StructDef | ArchType, abi: Abi, bytes: Uint8Array): DecodedStruct {
  const layout = structLayout(def, abi);
  const fields: DecodedField[] = [];
  decodeMembers(layout, { abi, bytes, fields }, 0, '');
  return { name: layout.name, size: layout.size, fields };
}

interface Decoding {
  readonly abi: Abi;
  readonly bytes: Uint8Array;
  readonly fields: DecodedField[];
}

function decodeMembers(layout: StructLayout, into: Decoding, base: number, prefix: string): void {
  const members = layout.kind === 'union' ? layout.fields.slice(0, 1) : layout.fields;
  for (const placed of members) decodeMember(placed, layout, into, base, prefix);
}

function decodeMember(placed: PlacedField, owner: StructLayout, into: Decoding, base: number, prefix: string): void {
  const { field, layout, offset } = placed;
  if (layout.kind === 'union') {
    const inner = field.name === '' ? prefix : `${prefix}${field.name}.`;
    const held = heldVariant(placed, layout, owner, into, base);
    if (held) decodeMember(held, layout, into, base + offset, inner);
    return;
  }
  decodeValue(layout, field.shown, into, base + offset, `${prefix}${field.name}`);
}

function heldVariant(
  { field: { select } }: PlacedField,
  layout: StructLayout,
  owner: StructLayout,
  { abi, bytes }: Decoding,
  base: number,
): PlacedField | undefined {
  if (!select) return layout.fields[0];
  let name: string | undefined;
  if ('always' in select) name = select.always;
  else {
    const by = owner.fields.find(({ field }) => field.name === select.by);
    if (by?.layout.kind === 'scalar')
      name = select.members[Number(readScalar(bytes, base + by.offset, by.layout, abi))];
  }
  return layout.fields.find(({ field }) => field.name === name);
}

function decodeValue(layout: Layout, shown: Shown | undefined, into: Decoding, offset: number, name: string): void {
  const { abi, bytes, fields } = into;
  if ('fields' in layout) {
    decodeMembers(layout, into, offset, name === '' || name.endsWith('.') ? name : `${name}.`);
    return;
  }
  if (layout.kind === 'array' && layout.of.kind !== 'scalar') {
    decodeElements(layout.of, layout.count, shown, into, offset, name);
    return;
  }
  const size = layout.kind === 'array' && layout.count === 0 ? tailSize(layout.of.size, bytes, offset) : layout.size;
  if (size === 0 || offset + size > bytes.length) return;
  if (shown === 'padding' && isZero(bytes, offset, size)) return;
  const text =
    layout.kind === 'scalar'
      ? scalarText(readScalar(bytes, offset, layout, abi), shown, layout.size)
      : arrayText(layout.of, size, shown, into, offset);
  fields.push({ name, offset, size, text });
}

const tailSize = (element: number, bytes: Uint8Array, offset: number): number =>
  Math.max(0, Math.floor((bytes.length - offset) / element)) * element;

function decodeElements(
  of: Layout,
  count: number,
  shown: Shown | undefined,
  into: Decoding,
  offset: number,
  name: string,
): void {
  const there = count || tailSize(of.size, into.bytes, offset) / of.size;
  for (let i = 0; i < Math.min(there, SHOWN_ELEMENTS); i++) {
    const at = offset + i * of.size;
    if (!isZero(into.bytes, at, of.size)) decodeValue(of, shown, into, at, `${name}[${i}]`);
  }
}

function isZero(bytes: Uint8Array, offset: number, size: number): boolean {
  for (let i = offset; i < offset + size; i++) if (bytes[i]) return false;
  return true;
}

function arrayText(of: Layout, size: number, shown: Shown | undefined, into: Decoding, offset: number): string {
  const { abi, bytes } = into;
  if (of.kind !== 'scalar') return '';
  if (of.size === 1) {
    const part = Array.from(bytes.subarray(offset, offset + Math.min(size, SHOWN_ELEMENTS)));
    const text = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    return size > SHOWN_ELEMENTS ? `${text} …` : text;
  }
  const count = size / of.size;
  if (typeof shown === 'object' && 'bits' in shown) {
    const words = Array.from({ length: count }, (_, i) => readScalar(bytes, offset + i * of.size, of, abi));
    const set = words.reduce((all, word, i) => all | (word << BigInt(8 * of.size * i)), 0n);
    const flags = Object.entries(shown.bits).map(([name, bit]): [string, bigint] => [name, 1n << BigInt(bit)]);
    return scalarText(set, { flags: Object.fromEntries(flags) }, size);
  }
  let last = Math.min(count, SHOWN_ELEMENTS);
  while (last > 1 && isZero(bytes, offset + (last - 1) * of.size, of.size)) last--;
  const texts = Array.from({ length: last }, (_, i) =>
    scalarText(readScalar(bytes, offset + i * of.size, of, abi), shown, of.size),
  );
  return `[${texts.join(', ')}${last < count ? ', …' : ''}]`;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

function sizeText(value: bigint): string {
  let unit = 0;
  let rest = value;
  while (rest !== 0n && unit < UNITS.length - 1 && rest % 1024n === 0n) {
    rest /= 1024n;
    unit++;
  }
  return unit === 0 ? `0x${value.toString(16)}` : `0x${value.toString(16)} (${rest} ${UNITS[unit]})`;
}

/** A value as its member is shown; `size` in bytes, for what is negative. */
export function scalarText(value: bigint, shown: Shown | undefined, size: number): string {
  const unsigned = BigInt.asUintN(8 * size, value);
  const hex = `0x${unsigned.toString(16)}`;
  if (shown === undefined) return value > -10n && value < 10n ? `${value}` : hex;
  if (shown === 'decimal') return `${value}`;
  if (shown === 'size') return sizeText(unsigned);
  if (typeof shown === 'string') return hex;
  if ('text' in shown) return shown.text(unsigned);
  if ('values' in shown) {
    const named = Object.entries(shown.values).find(([, number]) => BigInt(number) === unsigned);
    return named ? named[0] : `${unsigned}`;
  }
  if (!('flags' in shown)) return hex;
  let rest = unsigned;
  const names: string[] = [];
  for (const [name, bit] of Object.entries(shown.flags)) {
    if ((rest & BigInt(bit)) === 0n) continue;
    names.push(name);
    rest &= ~BigInt(bit);
  }
  if (rest !== 0n || names.length === 0) names.push(rest === 0n ? '0' : `0x${rest.toString(16)}`);
  return names.join(' | ');
}
