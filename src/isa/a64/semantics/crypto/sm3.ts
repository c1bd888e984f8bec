/** SM3SS1, SM3TT1A to SM3TT2B, SM3PARTW1, SM3PARTW2: GB/T 32905-2016. */
import { add, call, constant, rotl, xor, type Expr, type Vector } from '../../../expr.ts';
import { libraryFunction } from '../../../library.ts';
import type { Accumulation } from '../simd/lanes.ts';
import * as vector from '../simd/vector.ts';
import { choice, majority, words, type Combine } from './words.ts';

const { lane, shuffleLanes, withLane, ZERO } = vector;
const rotate = (value: Expr, by: number) => rotl(value, constant(32, by));
const rotated = (v: Vector, by: number) =>
  vector.or(vector.shl(2, v, constant(32, by)), vector.shrU(2, v, constant(32, 32 - by)));

/** `a` is a source of its own. */
export const sum: Accumulation = (_on, n, m, a) =>
  withLane(2, 3, ZERO, rotate(add(add(rotate(lane(2, 3, n), 12), lane(2, 3, m)), lane(2, 3, a)), 7));

const parity: Combine = (x, y, z) => xor(xor(x, y), z);

/** A step of one half of the state: the highest word is the new one. `word` is in every lane. */
const step = (name: string, combine: Combine, rotation: number, added: (n: Expr, top: Expr) => Expr, mix: Mix) => {
  const fn = libraryFunction(name, ['v128', 'v128', 'v128'], 'v128', (b, n, word, d) => {
    const top = b.let(lane(2, 3, d));
    const combined = combine(top, lane(2, 2, d), lane(2, 1, d));
    const sums = add(add(combined, lane(2, 0, d)), add(added(lane(2, 3, n), top), lane(2, 0, word)));
    return words(lane(2, 1, d), rotate(lane(2, 2, d), rotation), top, mix(b.let(sums)));
  });
  const operation: Accumulation = (_on, n, m, d) => call(fn, n, m, d);
  return operation;
};
type Mix = (value: Expr) => Expr;
const same: Mix = (value) => value;
/** P0 and P1 of the standard. */
const permuted =
  (by: readonly [number, number]): Mix =>
  (value) =>
    xor(xor(value, rotate(value, by[0])), rotate(value, by[1]));
const [P0, P1] = [permuted([9, 17]), permuted([15, 23])];

const withTop = (n: Expr, top: Expr) => xor(n, rotate(top, 12));
export const step1A = step('sm3tt1a', parity, 9, withTop, same);
export const step1B = step('sm3tt1b', majority, 9, withTop, same);
export const step2A = step('sm3tt2a', parity, 19, (n) => n, P0);
export const step2B = step('sm3tt2b', choice, 19, (n) => n, P0);

const FIRST = libraryFunction('sm3partw1', ['v128', 'v128', 'v128'], 'v128', (b, n, m, d) => {
  const all = b.let(vector.xor(vector.xor(d, n), rotated(shuffleLanes(2, m, ZERO, [1, 2, 3, 4]), 15)));
  const mixed = b.let(vector.xor(vector.xor(all, rotated(all, 15)), rotated(all, 23)));
  /* The last word depends on the first one's result. */
  const last = xor(lane(2, 3, all), rotate(lane(2, 0, mixed), 15));
  return withLane(2, 3, mixed, P1(b.let(last)));
});
export const scheduleFirst: Accumulation = (_on, n, m, d) => call(FIRST, n, m, d);

const SECOND = libraryFunction('sm3partw2', ['v128', 'v128', 'v128'], 'v128', (b, n, m, d) => {
  const mixed = b.let(vector.xor(n, rotated(m, 7)));
  const result = b.let(vector.xor(d, mixed));
  const first = b.let(rotate(lane(2, 0, mixed), 15));
  return withLane(2, 3, result, xor(lane(2, 3, result), P1(first)));
});
export const scheduleSecond: Accumulation = (_on, n, m, d) => call(SECOND, n, m, d);
