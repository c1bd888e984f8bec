/** Lanes of half a register into lanes twice as wide: sums, differences, products, and those doubled and saturated. */
import { constant, type Expr, type Vector } from '../../../expr.ts';
import { difference } from './arithmetic.ts';
import { saturatedWhere, type Accumulation, type Binary, type LongLanes, type Unary } from './lanes.ts';
import { addSigned, subtractSigned } from './saturation.ts';
import * as vector from './vector.ts';
import type { Sign } from './vector.ts';

type Long = LongLanes;
const { bitsOf, extend, extendedProduct, wider } = vector;
/** The wide register, of which the same bits count. */
const wide = (on: Long) => ({ ...on, size: wider(on.size) });

export const addLong =
  (sign: Sign): Binary<Long> =>
  ({ size, half }, n, m) =>
    vector.add(wider(size), extend(size, half, sign, n), extend(size, half, sign, m));
export const subtractLong =
  (sign: Sign): Binary<Long> =>
  ({ size, half }, n, m) =>
    vector.sub(wider(size), extend(size, half, sign, n), extend(size, half, sign, m));
export const addWide =
  (sign: Sign): Binary<Long> =>
  ({ size, half }, n, m) =>
    vector.add(wider(size), n, extend(size, half, sign, m));
export const subtractWide =
  (sign: Sign): Binary<Long> =>
  ({ size, half }, n, m) =>
    vector.sub(wider(size), n, extend(size, half, sign, m));

export const differenceLong =
  (sign: Sign): Binary<Long> =>
  (on, n, m) =>
    extend(on.size, on.half, 'unsigned', difference(sign)(on, n, m));
export const differenceAddLong =
  (sign: Sign): Accumulation<Long> =>
  (on, n, m, d) =>
    vector.add(wider(on.size), d, differenceLong(sign)(on, n, m));

export const multiplyLong =
  (sign: Sign): Binary<Long> =>
  ({ size, half }, n, m) =>
    extendedProduct(size, half, sign, n, m);
export const multiplyAddLong =
  (sign: Sign): Accumulation<Long> =>
  ({ size, half }, n, m, d) =>
    vector.add(wider(size), d, extendedProduct(size, half, sign, n, m));
export const multiplySubtractLong =
  (sign: Sign): Accumulation<Long> =>
  ({ size, half }, n, m, d) =>
    vector.sub(wider(size), d, extendedProduct(size, half, sign, n, m));

/** Only the square of the lowest value doesn't fit when it is doubled: it would be one more than the highest. */
export const doublingMultiplyLong: Binary<Long> = (on, n, m) => {
  const { b, size, half } = on;
  const product = b.let(extendedProduct(size, half, 'signed', n, m));
  const square = vector.splatConstant(wider(size), 1n << BigInt(2 * bitsOf(size) - 2));
  const tooLarge = b.let(vector.eq(wider(size), product, square));
  saturatedWhere(on, tooLarge);
  return vector.xor(vector.add(wider(size), product, product), tooLarge);
};
export const doublingMultiplyAddLong: Accumulation<Long> = (on, n, m, d) =>
  addSigned(wide(on), d, on.b.let(doublingMultiplyLong(on, n, m)));
export const doublingMultiplySubtractLong: Accumulation<Long> = (on, n, m, d) =>
  subtractSigned(wide(on), d, on.b.let(doublingMultiplyLong(on, n, m)));

/** SSHLL, USHLL. */
export const shiftLeftLong =
  (sign: Sign) =>
  ({ size, half }: Long, n: Vector, imm: Expr): Vector => {
    const extended = extend(size, half, sign, n);
    return imm.op === 'const' && imm.value === 0n ? extended : vector.shl(wider(size), extended, imm);
  };
/** SHLL: by the width of a lane. */
export const shiftLeftByWidth: Unary<Long> = ({ size, half }, n) =>
  vector.shl(wider(size), extend(size, half, 'unsigned', n), constant(32, bitsOf(size)));
