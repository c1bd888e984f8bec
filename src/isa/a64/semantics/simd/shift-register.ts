/** Shifts by what each lane of a register says in its low byte, that may round and saturate. */
import type { Vector } from '../../../expr.ts';
import { saturatedWhere, type Binary, type Lanes } from './lanes.ts';
import { signedLimit } from './saturation.ts';
import { byteToTop, shift } from './shift-lanes.ts';
import * as vector from './vector.ts';
import type { Sign, Size } from './vector.ts';

const { and, bitselect, ONES, range, splatConstant } = vector;

/** Amounts as the lanes that count have them, in all lanes: so that those that don't are not different. */
function amounts({ b, bits }: Lanes, m: Vector): Vector {
  return bits === 128
    ? m
    : b.let(
        vector.shuffle(
          m,
          m,
          range(16).map((i) => i % (bits / 8)),
        ),
      );
}

/** Ones in lanes that are shifted right. */
const rightward = (size: Size, m: Vector) => vector.signs(size, vector.shl(size, m, byteToTop(size)));

/** What is shifted out last is added, where it is shifted right. */
function rounded(sign: Sign, { b, size }: Lanes, n: Vector, m: Vector): Vector {
  const almost = shift(sign, size, n, vector.add(size, m, splatConstant(size, 1)));
  const last = and(almost, and(rightward(size, m), splatConstant(size, 1)));
  return vector.add(size, shift(sign, size, n, m), b.let(last));
}

export const shiftByRegister =
  (sign: Sign): Binary =>
  (on, n, m) =>
    shift(sign, on.size, n, amounts(on, m));
export const roundingShiftByRegister =
  (sign: Sign): Binary =>
  (on, n, m) =>
    rounded(sign, on, n, amounts(on, m));

/** What can't be shifted back from the left was too large. A shift right always fits. */
const saturating =
  (sign: Sign, rounding: boolean): Binary =>
  (on, n, given) => {
    const { b, size } = on;
    const m = amounts(on, given);
    const shifted = b.let(rounding ? rounded(sign, on, n, m) : shift(sign, size, n, m));
    const back = shift(sign, size, shifted, vector.neg(size, m));
    const lost = b.let(vector.without(vector.ne(size, back, n), rightward(size, m)));
    saturatedWhere(on, lost);
    return bitselect(lost, sign === 'signed' ? signedLimit(on, n) : ONES, shifted);
  };
export const saturatingShiftByRegister = (sign: Sign) => saturating(sign, false);
export const saturatingRoundingShiftByRegister = (sign: Sign) => saturating(sign, true);
