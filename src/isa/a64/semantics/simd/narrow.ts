/** Lanes twice as wide cut to half of a register: XTN, ADDHN, SHRN and those that saturate. "2" instructions keep the lower half. */
import type { Builder } from '../../../builder.ts';
import { constant, type Expr, type Vector } from '../../../expr.ts';
import type { Execute } from '../../../execute.ts';
import { low, saturatedWhere, type Form, type LongLanes } from './lanes.ts';
import { roundingShiftRight, shiftRight } from './shift.ts';
import * as vector from './vector.ts';
import type { Sign, Size } from './vector.ts';

type Long = LongLanes;
const { bitsOf, range, shuffle, splatConstant, wider, xor } = vector;

/** Wide lanes whose lower halves are the result. */
type Wide = (on: Long, b: Builder) => Vector;

/** Bytes of the lower halves of wide lanes. */
const lowerHalves = (size: Size) => range(8).map((i) => ((i >> size) << (size + 1)) | (i & ((1 << size) - 1)));

export const narrowing =
  (form: Form<Long>, wide: Wide): Execute =>
  (b) => {
    b.checkFp();
    const on = form(b);
    const value = wide(on, b);
    if (on.bits < 128) b.setVector('rd', low(bitsOf(on.size), value));
    else if (on.half === 0)
      b.setVector('rd', shuffle(value, vector.ZERO, [...lowerHalves(on.size), ...range(8).map(() => 16)]));
    else
      b.setVector('rd', shuffle(b.getVector('ra'), value, [...range(8), ...lowerHalves(on.size).map((i) => i + 16)]));
  };

const source = (b: Builder) => b.getVector('rn');

/** How wide values are made to fit. */
export type Fit = (on: Long, value: Vector) => Vector;
export const truncated: Fit = (_on, value) => value;

/** The nearest value from `least` to `most`. */
const clamped =
  (sign: Sign, least: (bits: bigint) => bigint, most: (bits: bigint) => bigint): Fit =>
  (on, value) => {
    const { b, size } = on;
    const bits = BigInt(bitsOf(size));
    const wide = wider(size);
    const highest = splatConstant(wide, most(bits));
    const given = b.let(value);
    let result: Vector;
    if (sign === 'unsigned') result = b.let(vector.minU(wide, given, highest));
    else {
      const below = b.let(vector.minS(wide, given, highest));
      result = b.let(vector.maxS(wide, below, splatConstant(wide, least(bits))));
    }
    saturatedWhere(on, xor(result, given));
    return result;
  };
export const signedFit = clamped(
  'signed',
  (bits) => -(1n << (bits - 1n)),
  (bits) => (1n << (bits - 1n)) - 1n,
);
export const unsignedFit = clamped(
  'unsigned',
  () => 0n,
  (bits) => (1n << bits) - 1n,
);
/** Of a signed value. */
export const signedToUnsignedFit = clamped(
  'signed',
  () => 0n,
  (bits) => (1n << bits) - 1n,
);

export const extractNarrow =
  (fit: Fit): Wide =>
  (on, b) =>
    fit(on, source(b));

const shifted = (size: Size, sign: Sign, value: Vector, imm: Expr) => shiftRight(sign)({ size }, value, imm);

export const shiftRightNarrow =
  (sign: Sign, fit: Fit): Wide =>
  (on, b) =>
    fit(on, shifted(wider(on.size), sign, source(b), b.immediate('imm', 32)));
export const roundingShiftRightNarrow =
  (sign: Sign, fit: Fit): Wide =>
  (on, b) =>
    fit(on, roundingShiftRight(sign)({ b, size: wider(on.size) }, source(b), b.immediate('imm', 32)));

/** The upper halves of sums or differences. */
export const highNarrow =
  (operation: 'add' | 'sub', rounding: boolean): Wide =>
  ({ size }, b) => {
    const wide = wider(size);
    const exact = vector[operation](wide, source(b), b.getVector('rm'));
    const half = splatConstant(wide, 1n << BigInt(bitsOf(size) - 1));
    return vector.shrU(wide, rounding ? vector.add(wide, exact, half) : exact, constant(32, bitsOf(size)));
  };
