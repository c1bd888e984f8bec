/** SHA512H, SHA512H2, SHA512SU0, SHA512SU1: FIPS 180-4, half of two rounds at a time. */
import { add, call, constant, rotr, shrU, xor, type Expr, type Vector } from '../../../expr.ts';
import { libraryFunction } from '../../../library.ts';
import type { Accumulation, Binary } from '../simd/lanes.ts';
import * as vector from '../simd/vector.ts';
import { choice, doublewords, majority } from './words.ts';

const low = (v: Vector) => vector.lane(3, 0, v);
const high = (v: Vector) => vector.lane(3, 1, v);

const rotate = (value: Expr, by: number) => rotr(value, constant(64, by));
const rotations =
  (...by: readonly number[]) =>
  (value: Expr) =>
    by.map((amount) => rotate(value, amount)).reduce(xor);
const [SIGMA0, SIGMA1] = [rotations(28, 34, 39), rotations(14, 18, 41)];

const FIRST = libraryFunction('sha512h', ['v128', 'v128', 'v128'], 'v128', (b, x, y, w) => {
  const e = high(y);
  const first = b.let(add(add(choice(e, low(x), high(x)), SIGMA1(e)), high(w)));
  const next = b.let(add(first, low(y)));
  return doublewords(add(add(choice(next, e, low(x)), SIGMA1(next)), low(w)), first);
});
const SECOND = libraryFunction('sha512h2', ['v128', 'v128', 'v128'], 'v128', (b, x, y, w) => {
  const first = b.let(add(add(majority(low(x), high(y), low(y)), SIGMA0(low(y))), high(w)));
  return doublewords(add(add(majority(first, low(y), high(y)), SIGMA0(first)), low(w)), first);
});
export const hashFirst: Accumulation = (_on, n, m, d) => call(FIRST, n, m, d);
export const hashSecond: Accumulation = (_on, n, m, d) => call(SECOND, n, m, d);

const mixed = (value: Expr, first: number, second: number, shift: number) =>
  xor(xor(rotate(value, first), rotate(value, second)), shrU(value, constant(64, shift)));

/** SHA512SU0. */
const SCHEDULE_FIRST = libraryFunction('sha512su0', ['v128', 'v128'], 'v128', (_b, x, w) =>
  doublewords(add(low(w), mixed(high(w), 1, 8, 7)), add(high(w), mixed(low(x), 1, 8, 7))),
);
export const scheduleFirst: Binary = (_on, n, d) => call(SCHEDULE_FIRST, n, d);

/** SHA512SU1. */
const SCHEDULE_SECOND = libraryFunction('sha512su1', ['v128', 'v128'], 'v128', (_b, x, sums) =>
  doublewords(add(low(sums), mixed(low(x), 19, 61, 6)), add(high(sums), mixed(high(x), 19, 61, 6))),
);
export const scheduleSecond: Accumulation = (_on, n, m, d) => call(SCHEDULE_SECOND, n, vector.add(3, d, m));
