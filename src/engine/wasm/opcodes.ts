/** WebAssembly's opcodes and types that generated code uses: core specification, section 5. An opcode's prefix stands above it. */
import type { Type } from '../../isa/expr.ts';

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;
export const VOID = 0x40;
export const VALUE_TYPES = { 32: I32, 64: I64, f32: F32, f64: F64, v128: V128 } as const satisfies Record<Type, number>;
export type ValueType = (typeof VALUE_TYPES)[Type];
export type BlockType = ValueType | typeof VOID;

export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCallIndirect: 0x13,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Load: 0x28,
  i64Load: 0x29,
  i32Load8S: 0x2c,
  i32Load8U: 0x2d,
  i32Load16S: 0x2e,
  i32Load16U: 0x2f,
  i64Load8S: 0x30,
  i64Load8U: 0x31,
  i64Load16S: 0x32,
  i64Load16U: 0x33,
  i64Load32S: 0x34,
  i64Load32U: 0x35,
  i32Store: 0x36,
  i64Store: 0x37,
  i32Store8: 0x3a,
  i32Store16: 0x3b,
  i64Store8: 0x3c,
  i64Store16: 0x3d,
  i64Store32: 0x3e,
  i32Const: 0x41,
  i64Const: 0x42,
  v128Load: 0xfd00,
  v128Store: 0xfd0b,
  memoryCopy: 0xfc0a,
} as const;

interface Pair {
  readonly 32: number;
  readonly 64: number;
}

/** Operators that exist for both widths, by the names of isa/expr.ts. For comparisons the width is the operands'. */
export const OPERATORS = {
  eqz: { 32: 0x45, 64: 0x50 },
  eq: { 32: 0x46, 64: 0x51 },
  ne: { 32: 0x47, 64: 0x52 },
  ltS: { 32: 0x48, 64: 0x53 },
  ltU: { 32: 0x49, 64: 0x54 },
  gtS: { 32: 0x4a, 64: 0x55 },
  gtU: { 32: 0x4b, 64: 0x56 },
  leS: { 32: 0x4c, 64: 0x57 },
  leU: { 32: 0x4d, 64: 0x58 },
  geS: { 32: 0x4e, 64: 0x59 },
  geU: { 32: 0x4f, 64: 0x5a },
  clz: { 32: 0x67, 64: 0x79 },
  ctz: { 32: 0x68, 64: 0x7a },
  popcnt: { 32: 0x69, 64: 0x7b },
  add: { 32: 0x6a, 64: 0x7c },
  sub: { 32: 0x6b, 64: 0x7d },
  mul: { 32: 0x6c, 64: 0x7e },
  divS: { 32: 0x6d, 64: 0x7f },
  divU: { 32: 0x6e, 64: 0x80 },
  and: { 32: 0x71, 64: 0x83 },
  or: { 32: 0x72, 64: 0x84 },
  xor: { 32: 0x73, 64: 0x85 },
  shl: { 32: 0x74, 64: 0x86 },
  shrS: { 32: 0x75, 64: 0x87 },
  shrU: { 32: 0x76, 64: 0x88 },
  rotl: { 32: 0x77, 64: 0x89 },
  rotr: { 32: 0x78, 64: 0x8a },
  extend8S: { 32: 0xc0, 64: 0xc2 },
  extend16S: { 32: 0xc1, 64: 0xc3 },
} as const satisfies Record<string, Pair>;

export const WRAP = 0xa7;
export const EXTEND_S = 0xac;
export const EXTEND_U = 0xad;
export const EXTEND_32S = 0xc4;
