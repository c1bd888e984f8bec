/** SHA256H, SHA256H2, SHA256SU0, SHA256SU1: FIPS 180-4, four rounds at a time. */
import { add, call, constant, rotr, xor, type Expr, type Vector } from '../../../expr.ts';
import { libraryFunction, type FunctionBody } from '../../../library.ts';
import type { Accumulation, Binary } from '../simd/lanes.ts';
import * as vector from '../simd/vector.ts';
import { choice, majority, words } from './words.ts';

const { lane, range, shuffleLanes, ZERO } = vector;

const rotations =
  (...by: readonly number[]) =>
  (value: Expr) =>
    by.map((amount) => rotr(value, constant(32, amount))).reduce(xor);
const [SIGMA0, SIGMA1] = [rotations(2, 13, 22), rotations(6, 11, 25)];

type Eight = [Expr, Expr, Expr, Expr, Expr, Expr, Expr, Expr];

/** Words a to d and e to h after four rounds. */
function rounds(b: FunctionBody, abcd: Vector, efgh: Vector, schedule: Vector): Eight {
  let hash = [...range(4).map((i) => lane(2, i, abcd)), ...range(4).map((i) => lane(2, i, efgh))].map((word) =>
    b.let(word),
  ) as Eight;
  for (const round of range(4)) {
    const [a, x, c, d, e, f, g, h] = hash;
    const t = b.let(add(add(h, SIGMA1(e)), add(choice(e, f, g), lane(2, round, schedule))));
    hash = [b.let(add(t, add(SIGMA0(a), majority(a, x, c)))), a, x, c, b.let(add(d, t)), e, f, g];
  }
  return hash;
}

const FIRST = libraryFunction('sha256h', ['v128', 'v128', 'v128'], 'v128', (b, abcd, efgh, schedule) => {
  const [a, x, c, d] = rounds(b, abcd, efgh, schedule);
  return words(a, x, c, d);
});
const SECOND = libraryFunction('sha256h2', ['v128', 'v128', 'v128'], 'v128', (b, abcd, efgh, schedule) => {
  const [, , , , e, f, g, h] = rounds(b, abcd, efgh, schedule);
  return words(e, f, g, h);
});
export const hashFirst: Accumulation = (_on, n, m, d) => call(FIRST, d, n, m);
export const hashSecond: Accumulation = (_on, n, m, d) => call(SECOND, n, d, m);

/** Rotated right by two amounts, shifted right by a third. */
function mixed(v: Vector, first: number, second: number, shift: number): Vector {
  const right = (by: number) => vector.shrU(2, v, constant(32, by));
  const rotated = (by: number) => vector.or(right(by), vector.shl(2, v, constant(32, 32 - by)));
  return vector.xor(vector.xor(rotated(first), rotated(second)), right(shift));
}

/** SHA256SU0. */
export const scheduleFirst: Binary = ({ b }, n, d) => {
  const next = b.let(shuffleLanes(2, d, n, [1, 2, 3, 4]));
  return vector.add(2, d, mixed(next, 7, 18, 3));
};

/** SHA256SU1: the last two words need the first two. */
const SCHEDULE = libraryFunction('sha256su1', ['v128', 'v128', 'v128'], 'v128', (b, n, m, d) => {
  const sums = b.let(vector.add(2, d, shuffleLanes(2, n, m, [1, 2, 3, 4])));
  const low = shuffleLanes(2, m, ZERO, [2, 3, 4, 4]);
  const first = b.let(vector.add(2, sums, mixed(b.let(low), 17, 19, 10)));
  const high = shuffleLanes(2, first, ZERO, [4, 4, 0, 1]);
  return vector.add(2, first, mixed(b.let(high), 17, 19, 10));
});
export const scheduleSecond: Accumulation = (_on, n, m, d) => call(SCHEDULE, n, m, d);
