/**
 * C structures as data, and where each ABI puts their members. A definition says names and types once; offsets, padding,
 * alignment and byte order follow from the ABI (System V psABI of each architecture).
 */
export type Arch = 'arm64' | 'powerpc' | 'x86';
export type Abi = 'arm64' | 'ppc32' | 'ppc64' | 'i386' | 'x86-64';

export interface AbiFacts {
  readonly arch: Arch;
  readonly littleEndian: boolean;
  /** Bytes of a pointer and of `unsigned long`. */
  readonly word: 4 | 8;
  /** Alignment of a 64-bit integer inside a structure: 4 on i386 alone. */
  readonly align64: 4 | 8;
}

export const ABIS: Readonly<Record<Abi, AbiFacts>> = {
  arm64: { arch: 'arm64', littleEndian: true, word: 8, align64: 8 },
  ppc32: { arch: 'powerpc', littleEndian: false, word: 4, align64: 8 },
  ppc64: { arch: 'powerpc', littleEndian: false, word: 8, align64: 8 },
  i386: { arch: 'x86', littleEndian: true, word: 4, align64: 4 },
  'x86-64': { arch: 'x86', littleEndian: true, word: 8, align64: 8 },
};

/* ---------------------------------------------------------------- definitions */

export type NarrowScalar = 'u8' | 'u16' | 'u32' | 's8' | 's16' | 's32' | 'char';
export type WideScalar = 'u64' | 's64' | 'u128' | 'ulong' | 'pointer';
export type Scalar = NarrowScalar | WideScalar;

export interface ArrayType<T extends FieldType = FieldType> {
  readonly kind: 'array';
  readonly of: T;
  /** 0: a flexible array member, which adds nothing to the structure's size. */
  readonly count: number;
}

/** A structure whose members each architecture defines for itself, under one name. */
export interface ArchType {
  readonly kind: 'arch';
  readonly name: string;
  readonly of: Readonly<Record<Arch, StructDef>>;
}

export type FieldType = Scalar | ArrayType | StructDef | ArchType;

/** How a value is written for a person. Absent: unsigned decimal below 10, else hex. */
export type Shown =
  | 'hex'
  | 'decimal'
  /** Bytes, with the binary unit where it is whole: `0x200000 (2 MiB)`. */
  | 'size'
  /** Left out where it is zero, as it must be. */
  | 'padding'
  | { readonly flags: Readonly<Record<string, number | bigint>> }
  /** An array of words as one set of bits, by bit number. */
  | { readonly bits: Readonly<Record<string, number>> }
  | { readonly values: Readonly<Record<string, number | bigint>> }
  | { readonly text: (value: bigint) => string };

/** Which member of a union holds: always one, or by the value of a member beside it. Absent: the first. */
export type Select =
  { readonly always: string } | { readonly by: string; readonly members: Readonly<Record<number, string>> };

export interface Field<N extends string = string, T extends FieldType = FieldType> {
  /** '' for an anonymous struct or union, whose members count as the enclosing structure's. */
  readonly name: N;
  readonly type: T;
  readonly shown?: Shown;
  readonly select?: Select;
}

export interface StructDef<F extends readonly Field[] = readonly Field[]> {
  readonly kind: 'struct' | 'union';
  /** As in C, without `struct`; '' where it has no tag. */
  readonly name: string;
  readonly fields: F;
}

export function field<const N extends string, const T extends FieldType>(name: N, type: T, shown?: Shown): Field<N, T> {
  return shown === undefined ? { name, type } : { name, type, shown };
}

/** A union member of a structure, with the rule that says which of its variants holds. */
export function variants<const N extends string, const T extends StructDef>(
  name: N,
  type: T,
  select: Select,
): Field<N, T> {
  return { name, type, select };
}

export function struct<const F extends readonly Field[]>(name: string, fields: F): StructDef<F> {
  return { kind: 'struct', name, fields };
}

export function union<const F extends readonly Field[]>(fields: F): StructDef<F> {
  return { kind: 'union', name: '', fields };
}

export function array<const T extends FieldType>(of: T, count: number): ArrayType<T> {
  return { kind: 'array', of, count };
}

export function perArch(name: string, of: Readonly<Record<Arch, StructDef>>): ArchType {
  return { kind: 'arch', name, of };
}

/* ---------------------------------------------------------------- layout */

export interface ScalarLayout {
  readonly kind: 'scalar';
  readonly scalar: Scalar;
  readonly size: number;
  readonly align: number;
}

export interface ArrayLayout {
  readonly kind: 'array';
  readonly of: Layout;
  readonly count: number;
  readonly size: number;
  readonly align: number;
}

export interface StructLayout {
  readonly kind: 'struct' | 'union';
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly fields: readonly PlacedField[];
}

export interface PlacedField {
  readonly field: Field;
  /** In bytes from the start of the structure that the field is declared in. */
  readonly offset: number;
  readonly layout: Layout;
}

export type Layout = ScalarLayout | ArrayLayout | StructLayout;

const FIXED_SIZE: Readonly<Partial<Record<Scalar, number>>> = {
  u8: 1,
  s8: 1,
  char: 1,
  u16: 2,
  s16: 2,
  u32: 4,
  s32: 4,
  u64: 8,
  s64: 8,
  u128: 16,
};

function scalarLayout(scalar: Scalar, abi: Abi): ScalarLayout {
  const size = FIXED_SIZE[scalar] ?? ABIS[abi].word;
  return { kind: 'scalar', scalar, size, align: size === 8 ? Math.min(size, ABIS[abi].align64) : size };
}

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

function typeLayout(type: FieldType, abi: Abi): Layout {
  if (typeof type === 'string') return scalarLayout(type, abi);
  if (type.kind === 'array') {
    const of = typeLayout(type.of, abi);
    return { kind: 'array', of, count: type.count, size: of.size * type.count, align: of.align };
  }
  return structLayout(type, abi);
}

const known = new WeakMap<StructDef, Map<Abi, StructLayout>>();

/** The layout of a structure on an ABI; sizes and offsets in bytes. */
export function structLayout(type: StructDef | ArchType, abi: Abi): StructLayout {
  const def = type.kind === 'arch' ? type.of[ABIS[abi].arch] : type;
  let byAbi = known.get(def);
  if (!byAbi) known.set(def, (byAbi = new Map()));
  let layout = byAbi.get(abi);
  if (!layout) byAbi.set(abi, (layout = place(def, abi)));
  return layout;
}

function place(def: StructDef, abi: Abi): StructLayout {
  let end = 0;
  let size = 0;
  let align = 1;
  const fields = def.fields.map((field): PlacedField => {
    const layout = typeLayout(field.type, abi);
    const offset = def.kind === 'union' ? 0 : roundUp(end, layout.align);
    end = offset + layout.size;
    size = Math.max(size, end);
    align = Math.max(align, layout.align);
    return { field, offset, layout };
  });
  return { kind: def.kind, name: def.name, size: roundUp(size, align), align, fields };
}

export interface FoundField {
  readonly offset: number;
  readonly layout: Layout;
  readonly shown: Shown | undefined;
}

/** A member by its name in C (`mmio.phys_addr`, `args[2]`), through anonymous members; null where there is none. */
export function findField(type: StructDef | ArchType, abi: Abi, path: string): FoundField | null {
  let found: FoundField = { offset: 0, layout: structLayout(type, abi), shown: undefined };
  for (const step of path.split(/\.|(?=\[)/)) {
    const index = /^\[(\d+)\]$/.exec(step);
    let next: FoundField | null;
    if (index) {
      const { layout } = found;
      const at = Number(index[1]);
      if (layout.kind !== 'array' || (layout.count > 0 && at >= layout.count)) return null;
      next = { offset: at * layout.of.size, layout: layout.of, shown: found.shown };
    } else next = memberOf(found.layout, step);
    if (!next) return null;
    found = { ...next, offset: found.offset + next.offset };
  }
  return found;
}

function memberOf(layout: Layout, name: string): FoundField | null {
  if (layout.kind === 'scalar' || layout.kind === 'array') return null;
  for (const placed of layout.fields) {
    if (placed.field.name === name) {
      return { offset: placed.offset, layout: placed.layout, shown: placed.field.shown };
    }
    if (placed.field.name === '') {
      const inner = memberOf(placed.layout, name);
      if (inner) return { ...inner, offset: placed.offset + inner.offset };
    }
  }
  return null;
}
