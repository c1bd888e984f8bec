/** Shifts by an immediate: left by 0 … bits − 1, right by 1 … bits. */
import { constant, shrU, sub, type Expr, type Vector } from '../../../expr.ts';
import { saturatedWhere, type Lanes } from './lanes.ts';
import { signedLimit } from './saturation.ts';
import * as vector from './vector.ts';
import type { Sign } from './vector.ts';

const { bitselect, bitsOf, ONES, splatConstant, ZERO } = vector;

type Sized = Pick<Lanes, 'size'>;
type Binding = Pick<Lanes, 'size' | 'b'>;

const ONE = constant(32, 1);
const lessOne = (imm: Expr) => sub(imm, ONE);
const NATIVE = { signed: vector.shrS, unsigned: vector.shrU } as const;

/**
 * WebAssembly's shifts can't be by all bits. A signed one by one bit less gives the same; an unsigned one is done in two steps where
 * the amount isn't known.
 */
export const shiftRight =
  (sign: Sign) =>
  ({ size }: Sized, n: Vector, imm: Expr): Vector => {
    const bits = bitsOf(size);
    if (imm.op === 'const' && Number(imm.value) < bits) return NATIVE[sign](size, n, imm);
    if (sign === 'signed') return vector.shrS(size, n, sub(imm, shrU(imm, constant(32, Math.log2(bits)))));
    return imm.op === 'const' ? ZERO : vector.shrU(size, vector.shrU(size, n, lessOne(imm)), ONE);
  };

/** The last bit shifted out is the rounding. */
export const roundingShiftRight =
  (sign: Sign) =>
  ({ b, size }: Binding, n: Vector, imm: Expr): Vector => {
    const almost = b.let(NATIVE[sign](size, n, lessOne(imm)));
    return vector.add(size, NATIVE[sign](size, almost, ONE), vector.and(almost, splatConstant(size, 1)));
  };

type Shift = (on: Lanes, n: Vector, imm: Expr) => Vector;
type Into = (on: Lanes, n: Vector, imm: Expr, d: Vector) => Vector;

export const accumulated =
  (shift: Shift): Into =>
  (on, n, imm, d) =>
    vector.add(on.size, d, shift(on, n, imm));

export const shiftLeft: Shift = ({ size }, n, imm) => vector.shl(size, n, imm);

/** Bits that the shift doesn't fill stay. */
export const shiftLeftInsert: Into = ({ size }, n, imm, d) => {
  const mask = vector.shl(size, ONES, imm);
  return bitselect(mask, vector.shl(size, n, imm), d);
};
export const shiftRightInsert: Into = (on, n, imm, d) => {
  const shift = shiftRight('unsigned');
  return bitselect(shift(on, ONES, imm), shift(on, n, imm), d);
};

/** What can't be shifted back was too large, and becomes the limit. */
function saturating(sign: Sign, limit: (on: Lanes, n: Vector) => Vector): Shift {
  return (on, n, imm) => {
    const { b, size } = on;
    const shifted = b.let(vector.shl(size, n, imm));
    const lost = b.let(vector.ne(size, NATIVE[sign](size, shifted, imm), n));
    saturatedWhere(on, lost);
    return bitselect(lost, limit(on, n), shifted);
  };
}
export const saturatingShiftLeft = {
  signed: saturating('signed', signedLimit),
  unsigned: saturating('unsigned', () => ONES),
} as const;

/** SQSHLU: a negative number becomes zero, and has been saturated. */
export const saturatingShiftLeftUnsigned: Shift = (on, n, imm) => {
  const negative = on.b.let(vector.signs(on.size, n));
  saturatedWhere(on, negative);
  return saturatingShiftLeft.unsigned(on, on.b.let(vector.without(n, negative)), imm);
};
