/** Saturating sums and the like, lane by lane, with FPSR.QC: SatQ() of the manual's shared pseudocode. */
import { native, type Vector } from '../../../expr.ts';
import { saturatedWhere, type Binary, type Lanes, type Unary } from './lanes.ts';
import * as vector from './vector.ts';

const { and, bitselect, biased, highest, lowest, or, signs, without, xor } = vector;

/** WebAssembly saturates lanes of 8 and 16 bits itself. */
function natively(on: Lanes, operation: `${'add' | 'sub'}_sat_${'s' | 'u'}`, wrapped: Vector, n: Vector, m: Vector) {
  const saturated = on.size === 0 ? native(`i8x16.${operation}`, n, m) : native(`i16x8.${operation}`, n, m);
  const result = on.b.let(saturated);
  saturatedWhere(on, xor(result, wrapped));
  return result;
}

/** The border that a sum left by, where the sign of `crossed` says that it did. */
function signedBorder(on: Lanes, wrapped: Vector, crossed: Vector): Vector {
  const where = on.b.let(signs(on.size, crossed));
  saturatedWhere(on, where);
  return bitselect(where, xor(signs(on.size, wrapped), lowest(on.size)), wrapped);
}

export const addSigned: Binary = (on, n, m) => {
  const { b, size } = on;
  const wrapped = vector.add(size, n, m);
  if (size < 2) return natively(on, 'add_sat_s', wrapped, n, m);
  const sum = b.let(wrapped);
  return signedBorder(on, sum, and(xor(sum, n), xor(sum, m)));
};

export const subtractSigned: Binary = (on, n, m) => {
  const { b, size } = on;
  const wrapped = vector.sub(size, n, m);
  if (size < 2) return natively(on, 'sub_sat_s', wrapped, n, m);
  const difference = b.let(wrapped);
  return signedBorder(on, difference, and(xor(n, m), xor(n, difference)));
};

export const addUnsigned: Binary = (on, n, m) => {
  const { b, size } = on;
  const wrapped = vector.add(size, n, m);
  if (size < 2) return natively(on, 'add_sat_u', wrapped, n, m);
  const sum = b.let(wrapped);
  const carry = b.let(vector.gtU(size, n, sum));
  saturatedWhere(on, carry);
  return or(sum, carry);
};

export const subtractUnsigned: Binary = (on, n, m) => {
  const { b, size } = on;
  const wrapped = vector.sub(size, n, m);
  if (size < 2) return natively(on, 'sub_sat_u', wrapped, n, m);
  const borrow = b.let(vector.gtU(size, m, n));
  saturatedWhere(on, borrow);
  return without(wrapped, borrow);
};

/** SUQADD: an unsigned number added to a signed destination; moved by half the range, both are unsigned. */
export const addUnsignedToSigned: Binary = (on, n, d) =>
  biased(on.size, addUnsigned(on, n, on.b.let(biased(on.size, d))));
/** USQADD: a signed number added to an unsigned destination, moved the other way. */
export const addSignedToUnsigned: Binary = (on, n, d) =>
  biased(on.size, addSigned(on, n, on.b.let(biased(on.size, d))));

/** The lowest value has no positive counterpart: it stays itself, and becomes the highest. */
function lowestCorrected(on: Lanes, n: Vector, value: Vector): Vector {
  const where = on.b.let(vector.eq(on.size, n, lowest(on.size)));
  saturatedWhere(on, where);
  return xor(value, where);
}
export const absolute: Unary = (on, n) => lowestCorrected(on, n, vector.abs(on.size, n));
export const negate: Unary = (on, n) => lowestCorrected(on, n, vector.neg(on.size, n));

/** The border of the signed range on the side of each lane's sign. */
export const signedLimit = (on: Lanes, n: Vector) => xor(signs(on.size, n), highest(on.size));
