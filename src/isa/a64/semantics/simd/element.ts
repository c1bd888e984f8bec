/**
 * One lane among others. A compiler knows its number; where only the running instruction does (the interpreter), bytes are picked and
 * replaced by comparing numbers of lanes.
 */
import type { Builder } from '../../../builder.ts';
import { constant, extendS, extendU, shl, type Expr, type Vector, type Width } from '../../../expr.ts';
import type { Execute } from '../../../execute.ts';
import { bitsOfQ, low, type Second } from './lanes.ts';
import * as vector from './vector.ts';
import type { Size } from './vector.ts';

const { bitsOf, bytes, countOf, range, swizzle } = vector;

/** The lane in each place. */
export function duplicate(size: Size, v: Vector, index: Expr): Vector {
  const width = 1 << size;
  if (index.op === 'const')
    return vector.shuffleLanes(
      size,
      v,
      v,
      range(countOf(size)).map(() => Number(index.value)),
    );
  const first = shl(index, constant(32, size));
  return swizzle(v, vector.add(0, vector.splat(0, first), bytes(range(16).map((i) => i % width))));
}

/** Zeros above, in 64 bits for the widest lanes, else in 32. */
export function extract(size: Size, v: Vector, index: Expr): Expr {
  return index.op === 'const'
    ? vector.lane(size, Number(index.value), v)
    : vector.lane(size, 0, duplicate(size, v, index));
}
function extractSigned(size: Size, v: Vector, index: Expr): Expr {
  return index.op === 'const'
    ? vector.signedLane(size, Number(index.value), v)
    : vector.signedLane(size, 0, duplicate(size, v, index));
}

/** `value` as `extract` gives it. */
export function insert(size: Size, v: Vector, index: Expr, value: Expr): Vector {
  if (index.op === 'const') return vector.withLane(size, Number(index.value), v, value);
  const numbers = bytes(range(16).map((i) => (i % (1 << size) === 0 ? i >> size : 0)));
  const there = vector.eq(size, numbers, vector.splat(size, size === 3 ? extendU(index) : index));
  return vector.bitselect(there, vector.splat(size, value), v);
}

const index = (b: Builder) => b.let(b.immediate('imm', 32));
const generalWidth = (size: Size): Width => (size === 3 ? 64 : 32);

/** The element of Rm that the row's immediate names, in each lane. */
export const element: Second = (b, { size }) => duplicate(size, b.getVector('rm'), index(b));

export const duplicateElement =
  (size: Size): Execute =>
  (b) => {
    b.checkFp();
    b.setVector('rd', low(bitsOfQ(b), duplicate(size, b.getVector('rn'), index(b))));
  };
export const duplicateElementScalar =
  (size: Size): Execute =>
  (b) => {
    b.checkFp();
    b.setVector('rd', low(bitsOf(size), duplicate(size, b.getVector('rn'), index(b))));
  };
export const duplicateGeneral =
  (size: Size): Execute =>
  (b) => {
    b.checkFp();
    b.setVector('rd', low(bitsOfQ(b), vector.splat(size, b.get('rn', generalWidth(size)))));
  };

export const insertGeneral =
  (size: Size): Execute =>
  (b) => {
    b.checkFp();
    b.setVector('rd', insert(size, b.getVector('ra'), index(b), b.get('rn', generalWidth(size))));
  };
export const insertElement =
  (size: Size): Execute =>
  (b) => {
    b.checkFp();
    const value = extract(size, b.getVector('rn'), b.let(b.immediate('imm2', 32)));
    b.setVector('rd', insert(size, b.getVector('ra'), index(b), value));
  };

export const moveUnsigned =
  (size: Size): Execute =>
  (b) => {
    b.checkFp();
    b.set('rd', extract(size, b.getVector('rn'), index(b)));
  };
export const moveSigned =
  (size: Size, width: Width): Execute =>
  (b) => {
    b.checkFp();
    const value = extractSigned(size, b.getVector('rn'), index(b));
    b.set('rd', width === 64 ? extendS(value) : value);
  };
