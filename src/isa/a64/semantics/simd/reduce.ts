/** One value of all lanes: sums, extremes, and the sums of pairs in lanes twice as wide. */
import type { Vector } from '../../../expr.ts';
import type { Execute } from '../../../execute.ts';
import type { Statements } from '../../../library.ts';
import { low, vectors, type Binary, type Lanes, type Unary } from './lanes.ts';
import * as vector from './vector.ts';
import type { Sign, Size } from './vector.ts';

const { bitsOf, countOf, pairSums, range, shuffleLanes, wider } = vector;

/** After it each lane has the value of all. */
function combined({ b, size }: { b: Statements; size: Size }, v: Vector, operation: (a: Vector, b: Vector) => Vector) {
  let all = b.let(v);
  for (let step = countOf(size) / 2; step >= 1; step /= 2) {
    const others = shuffleLanes(
      size,
      all,
      all,
      range(countOf(size)).map((i) => i ^ step),
    );
    all = b.let(operation(all, others));
  }
  return all;
}

const across =
  (resultSize: (size: Size) => Size, operation: Unary): Execute =>
  (b) => {
    b.checkFp();
    const on = vectors()(b);
    const value = operation(on, b.let(b.getVector('rn')));
    b.setVector('rd', low(bitsOf(resultSize(on.size)), value));
  };

/** The upper half of a register of 64 bits like the lower one, which changes no extreme. */
const doubled = ({ bits }: Lanes, v: Vector) => (bits === 128 ? v : shuffleLanes(3, v, v, [0, 0]));

export const extreme = (operation: Binary): Execute =>
  across(
    (size) => size,
    (on, n) => combined(on, doubled(on, n), (a, b) => operation(on, a, b)),
  );

/** Narrow lanes are added in pairs as long as there are wider ones. */
function sum(on: Lanes, sign: Sign, n: Vector): Vector {
  let { size } = on;
  let v = low(on.bits, n);
  while (size < 2) {
    v = pairSums(size, sign, v);
    size = wider(size);
  }
  return combined({ b: on.b, size }, v, (a, b) => vector.add(size, a, b));
}
export const addAcross: Execute = across(
  (size) => size,
  (on, n) => sum(on, 'unsigned', n),
);
/** Into a lane twice as wide, which 64-bit ones are for 32-bit ones alone. */
export const addLongAcross = (sign: Sign): Execute =>
  across(wider, (on, n) => {
    if (on.size < 2) return sum(on, sign, n);
    const pairs = on.b.let(pairSums(2, sign, n));
    return combined({ b: on.b, size: 3 }, pairs, (a, b) => vector.add(3, a, b));
  });

/** ADDP (scalar). */
export const addPair: Execute = (b) => {
  b.checkFp();
  const n = b.let(b.getVector('rn'));
  b.setVector('rd', low(64, vector.add(3, n, shuffleLanes(3, n, n, [1, 0]))));
};

/** SADDLP and its kind. */
export const addPairsLong =
  (sign: Sign): Unary =>
  ({ size }, n) =>
    pairSums(size, sign, n);
export const addPairsLongInto =
  (sign: Sign): Binary =>
  ({ size }, n, d) =>
    vector.add(wider(size), d, pairSums(size, sign, n));
