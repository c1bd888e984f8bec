/** Sums, differences, halves, extremes, products and comparisons, lane by lane: DDI 0487 C7.2. None of them saturates. */
import { constant, native } from '../../../expr.ts';
import type { Accumulation, Binary, Unary } from './lanes.ts';
import * as vector from './vector.ts';
import type { Sign } from './vector.ts';

const { and, or, xor, without, ZERO } = vector;

export const add: Binary = ({ size }, n, m) => vector.add(size, n, m);
export const subtract: Binary = ({ size }, n, m) => vector.sub(size, n, m);
export const multiply: Binary = ({ size }, n, m) => vector.mul(size, n, m);
export const multiplyAdd: Accumulation = ({ size }, n, m, d) => vector.add(size, d, vector.mul(size, n, m));
export const multiplySubtract: Accumulation = ({ size }, n, m, d) => vector.sub(size, d, vector.mul(size, n, m));

const ONE = constant(32, 1);
const SHIFT_RIGHT = { signed: vector.shrS, unsigned: vector.shrU } as const;

/** A sum is twice the bits both have, and those that one has: so half of it needs no bit more. */
export const halvingAdd =
  (sign: Sign): Binary =>
  ({ size }, n, m) =>
    vector.add(size, and(n, m), SHIFT_RIGHT[sign](size, xor(n, m), ONE));
export const roundingHalvingAdd =
  (sign: Sign): Binary =>
  ({ size }, n, m) => {
    if (sign === 'unsigned' && size === 0) return native('i8x16.avgr_u', n, m);
    if (sign === 'unsigned' && size === 1) return native('i16x8.avgr_u', n, m);
    return vector.sub(size, or(n, m), SHIFT_RIGHT[sign](size, xor(n, m), ONE));
  };
export const halvingSubtract =
  (sign: Sign): Binary =>
  ({ size }, n, m) =>
    vector.sub(size, SHIFT_RIGHT[sign](size, xor(n, m), ONE), without(m, n));

const MAXIMUM = { signed: vector.maxS, unsigned: vector.maxU } as const;
const MINIMUM = { signed: vector.minS, unsigned: vector.minU } as const;
export const maximum =
  (sign: Sign): Binary =>
  ({ size }, n, m) =>
    MAXIMUM[sign](size, n, m);
export const minimum =
  (sign: Sign): Binary =>
  ({ size }, n, m) =>
    MINIMUM[sign](size, n, m);

/** Of signed values too it is an unsigned number. */
export const difference =
  (sign: Sign): Binary =>
  ({ size }, n, m) =>
    vector.sub(size, MAXIMUM[sign](size, n, m), MINIMUM[sign](size, n, m));
export const differenceAdd =
  (sign: Sign): Accumulation =>
  (on, n, m, d) =>
    vector.add(on.size, d, difference(sign)(on, n, m));

export const negate: Unary = ({ size }, n) => vector.neg(size, n);
export const absolute: Unary = ({ size }, n) => vector.abs(size, n);

export const equal: Binary = ({ size }, n, m) => vector.eq(size, n, m);
export const greater: Binary = ({ size }, n, m) => vector.gtS(size, n, m);
export const greaterOrEqual: Binary = ({ size }, n, m) => vector.geS(size, n, m);
export const higher: Binary = ({ size }, n, m) => vector.gtU(size, n, m);
export const higherOrSame: Binary = ({ size }, n, m) => vector.geU(size, n, m);
export const bitsInCommon: Binary = ({ size }, n, m) => vector.ne(size, and(n, m), ZERO);

export const equalZero: Unary = ({ size }, n) => vector.eq(size, n, ZERO);
export const greaterZero: Unary = ({ size }, n) => vector.gtS(size, n, ZERO);
export const greaterOrEqualZero: Unary = ({ size }, n) => vector.geS(size, n, ZERO);
export const lessZero: Unary = ({ size }, n) => vector.gtS(size, ZERO, n);
export const lessOrEqualZero: Unary = ({ size }, n) => vector.geS(size, ZERO, n);

/** AND, BIC, ORR, ORN, EOR, and what choose bits. */
export const bitAnd: Binary = (_on, n, m) => and(n, m);
export const bitClear: Binary = (_on, n, m) => without(n, m);
export const bitOr: Binary = (_on, n, m) => or(n, m);
export const bitOrNot: Binary = (_on, n, m) => or(n, vector.not(m));
export const bitXor: Binary = (_on, n, m) => xor(n, m);
export const bitNot: Unary = (_on, n) => vector.not(n);
export const bitSelect: Accumulation = (_on, n, m, d) => vector.bitselect(d, n, m);
export const bitInsertIfTrue: Accumulation = (_on, n, m, d) => vector.bitselect(m, n, d);
export const bitInsertIfFalse: Accumulation = (_on, n, m, d) => vector.bitselect(m, d, n);
