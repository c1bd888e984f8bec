/** Products of bytes summed to 32 bits: SDOT, UDOT and those of FEAT_I8MM, whose bytes may have a sign in one operand alone. */
import { native, type Vector } from '../../../expr.ts';
import type { Accumulation } from './lanes.ts';
import * as vector from './vector.ts';
import type { Half, Sign } from './vector.ts';

const { extend, shuffleLanes } = vector;

/** In 16 bits every byte is a signed number. Sums of two products each. */
const pairs = (n: Vector, m: Vector) => native('i32x4.dot_i16x8_s', n, m);
/** Sums of neighbours of both, in a row. */
const neighbours = (low: Vector, high: Vector) =>
  vector.add(2, shuffleLanes(2, low, high, [0, 2, 4, 6]), shuffleLanes(2, low, high, [1, 3, 5, 7]));

/** Each 32-bit lane is added the products of its four bytes. */
export const dotProduct =
  (ofN: Sign, ofM: Sign): Accumulation =>
  ({ b }, n, m, d) => {
    const half = (which: Half) => b.let(pairs(extend(0, which, ofN, n), extend(0, which, ofM, m)));
    return vector.add(2, d, neighbours(half(0), half(1)));
  };

/** SMMLA and its kind: rows of eight bytes, each of the first operand with each of the second. */
export const matrixProduct =
  (ofN: Sign, ofM: Sign): Accumulation =>
  ({ b }, n, m, d) => {
    const row = (v: Vector, which: Half, sign: Sign) => b.let(extend(0, which, sign, v));
    const columns = [row(m, 0, ofM), row(m, 1, ofM)] as const;
    const [first, second] = ([0, 1] as const).map((which) => {
      const left = row(n, which, ofN);
      return b.let(neighbours(b.let(pairs(left, columns[0])), b.let(pairs(left, columns[1]))));
    }) as [Vector, Vector];
    return vector.add(2, d, neighbours(first, second));
  };
