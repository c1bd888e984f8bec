/**
 * Operations on all lanes of a vector, by the lanes' size. What WebAssembly lacks for a size is made of what it has; where that
 * takes an operand twice the caller binds it first (`let`).
 */
import { constant, native, type Expr, type Vector } from '../../../expr.ts';

/** Lanes of 8 << size bits, as the field of that name has it. */
export type Size = 0 | 1 | 2 | 3;
export const SIZES: readonly Size[] = [0, 1, 2, 3];
const SHAPES = ['i8x16', 'i16x8', 'i32x4', 'i64x2'] as const;

export const bitsOf = (size: Size) => 8 << size;
export const countOf = (size: Size) => 16 >> size;
/** The size twice as wide; of 64-bit lanes there is none. */
export const wider = (size: Size): Size => (size === 0 ? 1 : size === 1 ? 2 : 3);

type Binary = (size: Size, a: Vector, b: Vector) => Vector;
type Unary = (size: Size, a: Vector) => Vector;

export const and = (a: Vector, b: Vector) => native('v128.and', a, b);
export const or = (a: Vector, b: Vector) => native('v128.or', a, b);
export const xor = (a: Vector, b: Vector) => native('v128.xor', a, b);
export const not = (a: Vector) => native('v128.not', a);
/** a & ~b. */
export const without = (a: Vector, b: Vector) => native('v128.andnot', a, b);
/** Bits of `a` where the mask has ones, else of `b`. */
export const bitselect = (mask: Vector, a: Vector, b: Vector) => native('v128.bitselect', a, b, mask);
/** 0 or 1. */
export const anyTrue = (a: Vector) => native('v128.any_true', a);

export const bytes = (values: readonly number[]): Vector => native('v128.const', values);
export const ZERO = bytes(Array<number>(16).fill(0));
export const ONES = bytes(Array<number>(16).fill(0xff));

/** The same value in each lane. */
export function splatConstant(size: Size, value: number | bigint): Vector {
  const width = 1 << size;
  return bytes(Array.from({ length: 16 }, (_, i) => Number((BigInt(value) >> BigInt(8 * (i % width))) & 0xffn)));
}
/** The most negative value of a signed lane. */
export const lowest = (size: Size) => splatConstant(size, 1n << BigInt(bitsOf(size) - 1));
/** The most positive one. */
export const highest = (size: Size) => splatConstant(size, (1n << BigInt(bitsOf(size) - 1)) - 1n);

/** Bytes of `a` (0 … 15) and `b` (16 … 31). */
export const shuffle = (a: Vector, b: Vector, from: readonly number[]) => native('i8x16.shuffle', from, a, b);
/** The same by lanes of a size: lanes of `a` come first, then those of `b`. */
export function shuffleLanes(size: Size, a: Vector, b: Vector, from: readonly number[]): Vector {
  const width = 1 << size;
  return shuffle(
    a,
    b,
    from.flatMap((lane) => Array.from({ length: width }, (_, i) => lane * width + i)),
  );
}
/** Bytes of `a` by the numbers in `from`; 0 for a number above 15. */
export const swizzle = (a: Vector, from: Vector) => native('i8x16.swizzle', a, from);

export const add: Binary = (size, a, b) => native(`${SHAPES[size]}.add`, a, b);
export const sub: Binary = (size, a, b) => native(`${SHAPES[size]}.sub`, a, b);
export const neg: Unary = (size, a) => native(`${SHAPES[size]}.neg`, a);
export const abs: Unary = (size, a) => native(`${SHAPES[size]}.abs`, a);

/** Shift amounts count modulo the lane's bits. */
type Shift = (size: Size, a: Vector, by: Expr) => Vector;
export const shl: Shift = (size, a, by) => native(`${SHAPES[size]}.shl`, a, by);
export const shrS: Shift = (size, a, by) => native(`${SHAPES[size]}.shr_s`, a, by);
export const shrU: Shift = (size, a, by) => native(`${SHAPES[size]}.shr_u`, a, by);
/** All bits are the sign. */
export const signs: Unary = (size, a) => shrS(size, a, constant(32, bitsOf(size) - 1));

/** Comparisons: all ones or all zeros. */
export const eq: Binary = (size, a, b) => native(`${SHAPES[size]}.eq`, a, b);
export const ne: Binary = (size, a, b) => native(`${SHAPES[size]}.ne`, a, b);
export const gtS: Binary = (size, a, b) => native(`${SHAPES[size]}.gt_s`, a, b);
export const geS: Binary = (size, a, b) => native(`${SHAPES[size]}.ge_s`, a, b);
export const gtU: Binary = (size, a, b) =>
  size === 3 ? gtS(3, biased(3, a), biased(3, b)) : native(`${SHAPES[size]}.gt_u`, a, b);
export const geU: Binary = (size, a, b) =>
  size === 3 ? geS(3, biased(3, a), biased(3, b)) : native(`${SHAPES[size]}.ge_u`, a, b);
/** Unsigned values as signed ones of the same order, and back. */
export const biased: Unary = (size, a) => xor(a, lowest(size));

export const minS: Binary = (size, a, b) =>
  size === 3 ? bitselect(gtS(3, b, a), a, b) : native(`${SHAPES[size]}.min_s`, a, b);
export const minU: Binary = (size, a, b) =>
  size === 3 ? bitselect(gtU(3, b, a), a, b) : native(`${SHAPES[size]}.min_u`, a, b);
export const maxS: Binary = (size, a, b) =>
  size === 3 ? bitselect(gtS(3, a, b), a, b) : native(`${SHAPES[size]}.max_s`, a, b);
export const maxU: Binary = (size, a, b) =>
  size === 3 ? bitselect(gtU(3, a, b), a, b) : native(`${SHAPES[size]}.max_u`, a, b);

/** Products of bytes come from lanes of 16 bits, those of odd bytes from their upper halves. */
export function mul(size: Size, a: Vector, b: Vector): Vector {
  if (size !== 0) return native(`${SHAPES[size]}.mul`, a, b);
  const odd = (v: Vector) => shrU(1, v, constant(32, 8));
  const products = (x: Vector, y: Vector) => native('i16x8.mul', x, y);
  const low = splatConstant(1, 0xff);
  return or(and(products(a, b), low), shl(1, products(odd(a), odd(b)), constant(32, 8)));
}

/** Lanes of half a register, twice as wide; `half` 1 is the upper one. */
export type Half = 0 | 1;
const HALVES = ['low', 'high'] as const;
const SIGNS = { signed: 's', unsigned: 'u' } as const;
export type Sign = keyof typeof SIGNS;

/** From lanes of `size`, which must not be 64 bits wide. */
export function extend(size: Size, half: Half, sign: Sign, a: Vector): Vector {
  const [part, s] = [HALVES[half], SIGNS[sign]];
  if (size === 0) return native(`i16x8.extend_${part}_i8x16_${s}`, a);
  if (size === 1) return native(`i32x4.extend_${part}_i16x8_${s}`, a);
  return native(`i64x2.extend_${part}_i32x4_${s}`, a);
}
export function extendedProduct(size: Size, half: Half, sign: Sign, a: Vector, b: Vector): Vector {
  const [part, s] = [HALVES[half], SIGNS[sign]];
  if (size === 0) return native(`i16x8.extmul_${part}_i8x16_${s}`, a, b);
  if (size === 1) return native(`i32x4.extmul_${part}_i16x8_${s}`, a, b);
  return native(`i64x2.extmul_${part}_i32x4_${s}`, a, b);
}
/** Sums of neighbours, twice as wide. 32-bit lanes are taken twice. */
export function pairSums(size: Size, sign: Sign, a: Vector): Vector {
  if (size === 0) return native(`i16x8.extadd_pairwise_i8x16_${SIGNS[sign]}`, a);
  if (size === 1) return native(`i32x4.extadd_pairwise_i16x8_${SIGNS[sign]}`, a);
  const by = constant(32, 32);
  if (sign === 'unsigned') return add(3, shrU(3, a, by), and(a, splatConstant(3, 0xffffffffn)));
  return add(3, shrS(3, a, by), shrS(3, shl(3, a, by), by));
}

/** A value in each lane: 64 bits for the widest, else 32 of which the low ones count. */
export const splat = (size: Size, value: Expr): Vector =>
  size === 3 ? native('i64x2.splat', value) : native(`${NARROW[size]}.splat`, value);
const NARROW = ['i8x16', 'i16x8', 'i32x4'] as const;

/** A lane's value, in 64 bits for the widest lanes, else in 32 with zeros above. */
export function lane(size: Size, index: number, a: Vector): Expr {
  if (size === 0) return native('i8x16.extract_lane_u', index, a);
  if (size === 1) return native('i16x8.extract_lane_u', index, a);
  return size === 2 ? native('i32x4.extract_lane', index, a) : native('i64x2.extract_lane', index, a);
}
/** The same with the sign above. */
export function signedLane(size: Size, index: number, a: Vector): Expr {
  if (size === 0) return native('i8x16.extract_lane_s', index, a);
  if (size === 1) return native('i16x8.extract_lane_s', index, a);
  return lane(size, index, a);
}
export const withLane = (size: Size, index: number, a: Vector, value: Expr): Vector =>
  size === 3 ? native('i64x2.replace_lane', index, a, value) : native(`${NARROW[size]}.replace_lane`, index, a, value);

/** Lanes counted from 0. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
