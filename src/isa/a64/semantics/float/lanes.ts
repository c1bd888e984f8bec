/** Vectors as elements, and functions that do the same to each. */
import type { Builder } from '../../../builder.ts';
import { extendS, extendU, native, wrap, type Expr, type Vector } from '../../../expr.ts';
import type { Statements } from '../../../library.ts';
import type { Precision } from './format.ts';

/** The precision of an instruction, by its fields. */
export type Which = (b: Builder) => Precision;
export const half: Which = () => 'half';
const single: Which = () => 'single';
const double: Which = () => 'double';
export const bySz: Which = (b) => (b.field('sz') ? 'double' : 'single');
export const byBits = (bits: 8 | 16 | 32 | 64): Which => (bits === 64 ? double : bits === 32 ? single : half);

export interface Arrangement {
  readonly p: Precision;
  readonly count: number;
}
export const ARRANGEMENTS = {
  half: [
    { p: 'half', count: 4 },
    { p: 'half', count: 8 },
  ],
  single: [
    { p: 'single', count: 2 },
    { p: 'single', count: 4 },
  ],
  double: [{ p: 'double', count: 2 }],
} as const;
/** What Q makes of a precision; one double is no vector. */
export function arrangement(b: Builder, which: Which): Arrangement {
  const shapes: readonly Arrangement[] = ARRANGEMENTS[which(b)];
  return shapes[b.field('Q')] ?? shapes[0]!;
}
export const FOUR_SINGLES: Arrangement = ARRANGEMENTS.single[1];

export const EMPTY = native('v128.const', Array<number>(16).fill(0));

/** An element with zeros above it. */
export function lane(p: Precision, value: Vector, index: number): Expr {
  if (p === 'half') return extendU(native('i16x8.extract_lane_u', index, value));
  if (p === 'single') return extendU(native('i32x4.extract_lane', index, value));
  return native('i64x2.extract_lane', index, value);
}

/** An element with its sign above it. */
export function signedLane(p: Precision, value: Vector, index: number): Expr {
  if (p === 'half') return extendS(native('i16x8.extract_lane_s', index, value));
  if (p === 'single') return extendS(native('i32x4.extract_lane', index, value));
  return native('i64x2.extract_lane', index, value);
}

function withLane(p: Precision, value: Vector, index: number, element: Expr): Vector {
  if (p === 'half') return native('i16x8.replace_lane', index, value, wrap(element));
  if (p === 'single') return native('i32x4.replace_lane', index, value, wrap(element));
  return native('i64x2.replace_lane', index, value, element);
}

/** The vector of these elements, from the `first` of `into` on; of them only the low bits count. */
export function vectorOf(
  b: Statements,
  { p, count }: Arrangement,
  element: (index: number) => Expr,
  into: Vector = EMPTY,
  first = 0,
): Vector {
  let result = into;
  for (let index = 0; index < count; index++) result = b.let(withLane(p, result, first + index, element(index)));
  return result;
}

/** SIZE of simd/vector.ts. */
export const SIZE = { half: 1, single: 2, double: 3 } as const;

/** The element in each place. */
export function splat(p: Precision, element: Expr): Vector {
  if (p === 'half') return native('i16x8.splat', wrap(element));
  if (p === 'single') return native('i32x4.splat', wrap(element));
  return native('i64x2.splat', element);
}
