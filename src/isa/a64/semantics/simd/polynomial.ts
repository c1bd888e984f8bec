/** Products of polynomials over {0, 1}: PMUL, PMULL. */
import { and, call, constant, mul, native, or, rotl, shl, shrU, xor, type Expr, type Vector } from '../../../expr.ts';
import { libraryFunction, type Statements } from '../../../library.ts';
import type { Binary, LongLanes } from './lanes.ts';
import * as vector from './vector.ts';
import type { Size } from './vector.ts';

/** By bits from the highest down: `bits` have the multiplier's eight at the top of each lane. */
function products(b: Statements, size: Size, a: Vector, multiplier: Vector): Vector {
  let bits = multiplier;
  let result = vector.and(a, vector.signs(size, bits));
  for (let step = 1; step < 8; step++) {
    const twice = b.let(result);
    bits = b.let(vector.add(size, bits, bits));
    result = vector.xor(vector.add(size, twice, twice), vector.and(a, vector.gtS(size, vector.ZERO, bits)));
  }
  return result;
}

const BYTES = libraryFunction('pmul', ['v128', 'v128'], 'v128', (b, n, m) => products(b, 0, n, m));
const LONG = libraryFunction('pmull', ['v128', 'v128'], 'v128', (b, n, m) => products(b, 1, n, m));

export const multiplyBytes: Binary = (_on, n, m) => call(BYTES, n, m);
export const multiplyBytesLong: Binary<LongLanes> = ({ half }, n, m) => {
  const extended = vector.extend(0, half, 'unsigned', m);
  return call(LONG, vector.extend(0, half, 'unsigned', n), vector.shl(1, extended, constant(32, 8)));
};

/**
 * The lower 64 bits of the product of 64-bit polynomials. Of integers whose bits stand four apart a product is right in every
 * fourth bit: carries (of at most 15) end before the next; only the highest may be more, and leaves at the top.
 */
const LOWER = libraryFunction('pmull.lower', [64, 64], 64, (b, x, y) => {
  const masks = [0, 1, 2, 3].map((i) => constant(64, 0x1111111111111111n << BigInt(i)));
  const xs = masks.map((mask) => b.let(and(x, mask)));
  const ys = masks.map((mask) => b.let(and(y, mask)));
  const parts = masks.map((mask, sum) => {
    const terms = xs.map((part, i) => mul(part, ys[(sum - i) & 3]!));
    return and(terms.reduce(xor), mask);
  });
  return parts.reduce(or);
});

function exchange(v: Expr, by: number, mask: bigint): Expr {
  const [m, n] = [constant(64, mask), constant(64, by)];
  return or(and(shrU(v, n), m), shl(and(v, m), n));
}
const REVERSE = libraryFunction('reverse.64', [64], 64, (b, v) => {
  const steps = [
    [1, 0x5555555555555555n],
    [2, 0x3333333333333333n],
    [4, 0x0f0f0f0f0f0f0f0fn],
    [8, 0x00ff00ff00ff00ffn],
    [16, 0x0000ffff0000ffffn],
  ] as const;
  return rotl(
    steps.reduce((value, [by, mask]) => b.let(exchange(value, by, mask)), v),
    constant(64, 32),
  );
});

/** The upper half is the lower one of the reversed polynomials, reversed. */
const DOUBLEWORDS = libraryFunction('pmull.1q', [64, 64], 'v128', (_b, x, y) => {
  const lower = call(LOWER, x, y);
  const upper = shrU(call(REVERSE, call(LOWER, call(REVERSE, x), call(REVERSE, y))), constant(64, 1));
  return native('i64x2.replace_lane', 1, vector.splat(3, lower), upper);
});

export const multiplyDoublewordsLong: Binary<LongLanes> = ({ half }, n, m) =>
  call(DOUBLEWORDS, vector.lane(3, half, n), vector.lane(3, half, m));
