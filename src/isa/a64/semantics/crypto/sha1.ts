/** SHA1C, SHA1P, SHA1M, SHA1H, SHA1SU0, SHA1SU1: FIPS 180-4, four rounds at a time. */
import { add, call, constant, rotl, xor, type Expr, type Vector } from '../../../expr.ts';
import { libraryFunction } from '../../../library.ts';
import type { Accumulation, Binary, Unary } from '../simd/lanes.ts';
import * as vector from '../simd/vector.ts';
import { choice, majority, words, type Combine } from './words.ts';

const { lane, range, shuffleLanes, withLane, ZERO } = vector;
const rotate = (value: Expr, by: number) => rotl(value, constant(32, by));

const rounds = (name: string, combine: Combine) =>
  libraryFunction(name, ['v128', 32, 'v128'], 'v128', (b, hash, last, schedule) => {
    let [a, x, c, d] = range(4).map((i) => lane(2, i, hash)) as [Expr, Expr, Expr, Expr];
    let e = last;
    for (const round of range(4)) {
      const sum = add(add(e, rotate(a, 5)), add(combine(x, c, d), lane(2, round, schedule)));
      [a, x, c, d, e] = [b.let(sum), a, b.let(rotate(x, 30)), c, d];
    }
    return words(a, x, c, d);
  });

const parity: Combine = (x, y, z) => xor(xor(x, y), z);
const [CHOOSE, PARITY, MAJORITY] = [rounds('sha1c', choice), rounds('sha1p', parity), rounds('sha1m', majority)];
const hashing =
  (fn: typeof CHOOSE): Accumulation =>
  (_on, n, m, d) =>
    call(fn, d, lane(2, 0, n), m);
export const hashChoose = hashing(CHOOSE);
export const hashParity = hashing(PARITY);
export const hashMajority = hashing(MAJORITY);

/** SHA1H. */
export const fixedRotate: Unary = (_on, n) => withLane(2, 0, ZERO, rotate(lane(2, 0, n), 30));

/** SHA1SU0. */
export const scheduleFirst: Accumulation = (_on, n, m, d) =>
  vector.xor(vector.xor(shuffleLanes(3, d, n, [1, 2]), d), m);
/** SHA1SU1. */
export const scheduleSecond: Binary = ({ b }, n, d) => {
  const mixed = b.let(vector.xor(d, shuffleLanes(2, n, ZERO, [1, 2, 3, 4])));
  const once = b.let(rotatedLanes(mixed, 1));
  return withLane(2, 3, once, xor(lane(2, 3, once), rotate(lane(2, 0, mixed), 2)));
};
const rotatedLanes = (v: Vector, by: number) =>
  vector.or(vector.shl(2, v, constant(32, by)), vector.shrU(2, v, constant(32, 32 - by)));
