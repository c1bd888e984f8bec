/** Structures as values: read from bytes, written to bytes, and a view that reads and writes single members in place. */
import { ABIS, findField, structLayout } from './layout.ts';
import type {
  Abi,
  ArchType,
  ArrayType,
  Field,
  FieldType,
  Layout,
  NarrowScalar,
  ScalarLayout,
  StructDef,
  WideScalar,
} from './layout.ts';

/* ---------------------------------------------------------------- types of values */

/** What a member reads as: a number up to 32 bits, a bigint above, bytes for an array of bytes. */
export type FieldValue = number | bigint | Uint8Array | readonly FieldValue[] | StructRecord;
export interface StructRecord {
  readonly [name: string]: FieldValue;
}

export type ValueOf<T extends FieldType> = T extends NarrowScalar
  ? number
  : T extends WideScalar
    ? bigint
    : T extends ArrayType<infer E>
      ? E extends 'u8' | 'char'
        ? Uint8Array
        : readonly ValueOf<E>[]
      : T extends StructDef<infer F>
        ? StructValue<F>
        : StructRecord;

type Together<U> = (U extends unknown ? (of: U) => void : never) extends (of: infer I) => void ? I : never;
type Flat<T> = { readonly [K in keyof T]: T[K] };
type Member<F> =
  F extends Field<infer N, infer T> ? (N extends '' ? ValueOf<T> : { readonly [K in N]: ValueOf<T> }) : never;
export type StructValue<F extends readonly Field[]> = Flat<Together<Member<F[number]>>>;

/** What may be written: any subset of the members, numbers and bigints alike. */
export type InputOf<T> = T extends number | bigint
  ? number | bigint
  : T extends Uint8Array
    ? Uint8Array | readonly number[]
    : T extends readonly (infer E)[]
      ? readonly InputOf<E>[]
      : { readonly [K in keyof T]?: InputOf<T[K]> };

/** A value does not fit its member, or a structure has no such member. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError';
}

/* ---------------------------------------------------------------- scalars */

const SIGNED = new Set<string>(['s8', 's16', 's32', 's64']);
const WIDE = new Set<string>(['u64', 's64', 'u128', 'ulong', 'pointer']);

function readInteger(bytes: Uint8Array, offset: number, size: number, littleEndian: boolean): bigint {
  let value = 0n;
  for (let i = 0; i < size; i++) {
    const byte = bytes[offset + (littleEndian ? size - 1 - i : i)] ?? 0;
    value = (value << 8n) | BigInt(byte);
  }
  return value;
}

function writeInteger(bytes: Uint8Array, offset: number, size: number, littleEndian: boolean, value: bigint): void {
  for (let i = 0; i < size; i++) {
    bytes[offset + (littleEndian ? i : size - 1 - i)] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
}

/** The scalar's value, sign-extended where its type is signed. */
export function readScalar(bytes: Uint8Array, offset: number, layout: ScalarLayout, abi: Abi): bigint {
  const raw = readInteger(bytes, offset, layout.size, ABIS[abi].littleEndian);
  return SIGNED.has(layout.scalar) ? BigInt.asIntN(8 * layout.size, raw) : raw;
}

function writeScalar(
  bytes: Uint8Array,
  offset: number,
  layout: ScalarLayout,
  abi: Abi,
  value: number | bigint,
  path: string,
): void {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new LayoutError(`${path}: ${value} is no exact integer; write it as a bigint`);
  }
  const exact = BigInt(value);
  const bits = BigInt(8 * layout.size);
  if (exact >= 1n << bits || exact < -(1n << (bits - 1n))) {
    throw new LayoutError(`${path}: 0x${exact.toString(16)} does not fit ${layout.scalar}`);
  }
  writeInteger(bytes, offset, layout.size, ABIS[abi].littleEndian, BigInt.asUintN(Number(bits), exact));
}

/* ---------------------------------------------------------------- structures */

const isByte = (layout: Layout): boolean =>
  layout.kind === 'scalar' && (layout.scalar === 'u8' || layout.scalar === 'char');

function read(bytes: Uint8Array, offset: number, layout: Layout, abi: Abi): FieldValue {
  if (layout.kind === 'scalar') {
    const value = readScalar(bytes, offset, layout, abi);
    return WIDE.has(layout.scalar) ? value : Number(value);
  }
  if (layout.kind === 'array') {
    const size = layout.of.size;
    const count = layout.count || Math.max(0, Math.floor((bytes.length - offset) / size));
    if (isByte(layout.of)) return bytes.slice(offset, offset + count);
    return Array.from({ length: count }, (_, i) => read(bytes, offset + i * size, layout.of, abi));
  }
  const record: Record<string, FieldValue> = {};
  for (const { field, offset: at, layout: inner } of layout.fields) {
    const value = read(bytes, offset + at, inner, abi);
    if (field.name === '') Object.assign(record, value);
    else record[field.name] = value;
  }
  return record;
}

/** Reads the whole structure; of a union, every member. Bytes that are missing read as zero. A flexible tail reads as far as the bytes go. */
export function readStruct<const F extends readonly Field[]>(
  def: StructDef<F>,
  abi: Abi,
  bytes: Uint8Array,
): StructValue<F>;
export function readStruct(def: StructDef | ArchType, abi: Abi, bytes: Uint8Array): StructRecord;
export function readStruct(def: StructDef | ArchType, abi: Abi, bytes: Uint8Array): FieldValue {
  return read(bytes, 0, structLayout(def, abi), abi);
}

function write(bytes: Uint8Array, offset: number, layout: Layout, abi: Abi, value: unknown, path: string): void {
  if (layout.kind === 'scalar') {
    if (typeof value !== 'number' && typeof value !== 'bigint') {
      throw new LayoutError(`${path}: a number is wanted, not ${typeof value}`);
    }
    writeScalar(bytes, offset, layout, abi, value, path);
    return;
  }
  if (layout.kind === 'array') {
    if (!Array.isArray(value) && !(value instanceof Uint8Array)) {
      throw new LayoutError(`${path}: an array is wanted`);
    }
    const room = layout.count || Math.floor((bytes.length - offset) / layout.of.size);
    if (value.length > room) throw new LayoutError(`${path}: ${value.length} elements, there is room for ${room}`);
    for (let i = 0; i < value.length; i++) {
      write(bytes, offset + i * layout.of.size, layout.of, abi, value[i], `${path}[${i}]`);
    }
    return;
  }
  if (typeof value !== 'object' || value === null) throw new LayoutError(`${path}: an object is wanted`);
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const found = memberAt(layout, name);
    const inner = path === '' ? name : `${path}.${name}`;
    if (!found) throw new LayoutError(`${inner}: there is no such member`);
    write(bytes, offset + found.offset, found.layout, abi, member, inner);
  }
}

function memberAt(layout: Layout, name: string): { offset: number; layout: Layout } | null {
  if (layout.kind === 'scalar' || layout.kind === 'array') return null;
  for (const { field, offset, layout: inner } of layout.fields) {
    if (field.name === name) return { offset, layout: inner };
    if (field.name !== '') continue;
    const found = memberAt(inner, name);
    if (found) return { offset: offset + found.offset, layout: found.layout };
  }
  return null;
}

/**
 * The structure's bytes with the members of `value` set; others stay as they are in `into`, or are zero.
 * @throws LayoutError for a member that does not exist or a value that does not fit.
 */
export function writeStruct<const F extends readonly Field[]>(
  def: StructDef<F>,
  abi: Abi,
  value: InputOf<StructValue<F>>,
  into?: Uint8Array,
): Uint8Array;
export function writeStruct(def: StructDef | ArchType, abi: Abi, value: object, into?: Uint8Array): Uint8Array;
export function writeStruct(def: StructDef | ArchType, abi: Abi, value: object, into?: Uint8Array): Uint8Array {
  const layout = structLayout(def, abi);
  const bytes = into ?? new Uint8Array(layout.size);
  if (bytes.length < layout.size) {
    throw new LayoutError(`struct ${layout.name} has ${layout.size} bytes, the buffer ${bytes.length}`);
  }
  write(bytes, 0, layout, abi, value, '');
  return bytes;
}

/** Single members of a structure in place, by their names in C: `view.get('mmio.phys_addr')`. */
export class StructView {
  readonly def: StructDef | ArchType;
  readonly abi: Abi;
  readonly bytes: Uint8Array;

  constructor(def: StructDef | ArchType, abi: Abi, bytes: Uint8Array) {
    this.def = def;
    this.abi = abi;
    this.bytes = bytes;
  }

  /** A scalar's value, whatever its size. @throws LayoutError where there is no such scalar. */
  get(path: string): bigint {
    const found = this.#find(path);
    if (found.layout.kind !== 'scalar') throw new LayoutError(`${path} is no scalar`);
    return readScalar(this.bytes, found.offset, found.layout, this.abi);
  }

  /** The bytes a member takes, not a copy. @throws LayoutError where there is no such member. */
  part(path: string): Uint8Array {
    const found = this.#find(path);
    return this.bytes.subarray(found.offset, found.offset + found.layout.size);
  }

  /** Writes a member of any shape. @throws LayoutError as writeStruct does. */
  set(path: string, value: unknown): void {
    const found = this.#find(path);
    write(this.bytes, found.offset, found.layout, this.abi, value, path);
  }

  #find(path: string): { offset: number; layout: Layout } {
    const found = findField(this.def, this.abi, path);
    if (!found) throw new LayoutError(`struct ${this.def.name} has no member ${path}`);
    return found;
  }
}
