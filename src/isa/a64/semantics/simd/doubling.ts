/** SQDMULH, SQRDMULH and what accumulates them: the upper half of twice the product. */
import { constant, native, type Vector } from '../../../expr.ts';
import { saturatedWhere, type Accumulation, type Binary, type Lanes } from './lanes.ts';
import * as vector from './vector.ts';

const { bitselect, bitsOf, extend, extendedProduct, lowest, shuffleLanes, splatConstant, wider, xor } = vector;

/** Combines each half's products, twice as wide, with the destination's lanes of that half. */
type Combine = (products: Vector, half: 0 | 1) => Vector;

/**
 * Products of both halves without their doubling, made larger by `combine`, then the bits above the lane's but one. Lanes that
 * don't fit in the end saturate.
 */
function upperHalves(on: Lanes, n: Vector, m: Vector, combine: Combine): Vector {
  const { b, size } = on;
  const wide = wider(size);
  const by = constant(32, bitsOf(size) - 1);
  const [low, high] = ([0, 1] as const).map((half) =>
    b.let(vector.shrS(wide, combine(extendedProduct(size, half, 'signed', n, m), half), by)),
  ) as [Vector, Vector];
  const count = vector.countOf(size);
  const evens = vector.range(count).map((i) => 2 * i);
  const result = b.let(shuffleLanes(size, low, high, evens));
  const above = shuffleLanes(
    size,
    low,
    high,
    evens.map((i) => i + 1),
  );
  /* What is above must be the sign of the result; where it isn't, it is the sign of the true value. */
  const sign = b.let(above);
  const lost = b.let(vector.ne(size, sign, vector.signs(size, result)));
  saturatedWhere(on, lost);
  return bitselect(lost, xor(vector.signs(size, sign), vector.highest(size)), result);
}

const rounding = (on: Lanes, value: Vector) =>
  vector.add(wider(on.size), value, splatConstant(wider(on.size), 1n << BigInt(bitsOf(on.size) - 2)));

export const doublingMultiplyHigh: Binary = (on, n, m) => upperHalves(on, n, m, (products) => products);

/** WebAssembly has the rounding form for 16 bits: only the square of the lowest value does not fit. */
export const roundingDoublingMultiplyHigh: Binary = (on, n, m) => {
  if (on.size !== 1) return upperHalves(on, n, m, (products) => rounding(on, products));
  saturatedWhere(on, vector.and(vector.eq(1, n, lowest(1)), vector.eq(1, m, lowest(1))));
  return native('i16x8.q15mulr_sat_s', n, m);
};

const accumulating =
  (operation: 'add' | 'sub'): Accumulation =>
  (on, n, m, d) =>
    upperHalves(on, n, m, (products, half) => {
      const wide = wider(on.size);
      const given = vector.shl(wide, extend(on.size, half, 'signed', d), constant(32, bitsOf(on.size) - 1));
      return vector[operation](wide, rounding(on, given), products);
    });
export const roundingDoublingMultiplyAddHigh = accumulating('add');
export const roundingDoublingMultiplySubtractHigh = accumulating('sub');
