/** Lanes twice as wide cut to half of a register: XTN, ADDHN, SHRN and those that saturate. "2" instructions keep the lower half. */
import type { Builder } from '../../../builder.ts';
import type { Expr, Vector } from '../../../expr.ts';
import type { Execute } from '../../../execute.ts';
import { low, saturatedWhere, type Form, type LongLanes } from './lanes.ts';
import { roundingShiftRight, shiftRight } from './shift.ts';
import * as vector from './vector.ts';
import type { Sign, Size } from './vector.ts';

type Long = LongLanes;
const { bitsOf, bytes, range, shuffleLanes, splatConstant, swizzle, wider, xor } = vector;

/** Wide lanes, of which one half is the result. */
interface Halves {
  readonly value: Vector;
  readonly half: 'lower' | 'upper';
}
type Narrow = (on: Long, b: Builder) => Halves;
const lower = (value: Vector): Halves => ({ value, half: 'lower' });
const upper = (value: Vector): Halves => ({ value, half: 'upper' });

const NOTHING = 0xff;
/** These halves of wide lanes, in the lower half of the register; zeros above. */
function gathered(size: Size, { value, half }: Halves): Vector {
  const start = half === 'upper' ? 1 << size : 0;
  const from = range(8).map((i) => start + ((i >> size) << (size + 1)) + (i & ((1 << size) - 1)));
  return swizzle(value, bytes([...from, ...from.map(() => NOTHING)]));
}

export const narrowing =
  (form: Form<Long>, narrow: Narrow): Execute =>
  (b) => {
    b.checkFp();
    const on = form(b);
    const halves = narrow(on, b);
    if (on.bits < 128) b.setVector('rd', low(bitsOf(on.size), halves.value));
    else if (on.half === 0) b.setVector('rd', gathered(on.size, halves));
    else b.setVector('rd', shuffleLanes(3, b.getVector('ra'), gathered(on.size, halves), [0, 2]));
  };

const source = (b: Builder) => b.getVector('rn');
const amount = (b: Builder) => b.let(b.immediate('imm', 32));

/** How wide values are made to fit. */
export type Fit = (on: Long, value: Vector) => Vector;
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

export const extractNarrow: Narrow = (_on, b) => lower(source(b));
export const saturatingExtractNarrow =
  (fit: Fit): Narrow =>
  (on, b) =>
    lower(fit(on, source(b)));

/** What a shift by so many bits leaves in the lower halves; a shift by all of a narrow lane's bits is the upper halves. */
function shifted({ size }: Long, value: Vector, imm: Expr): Halves {
  if (imm.op === 'const' && Number(imm.value) === bitsOf(size)) return upper(value);
  return lower(vector.shrU(wider(size), value, imm));
}

export const shiftRightNarrow: Narrow = (on, b) => shifted(on, source(b), amount(b));

/** A carry out of the wide lane would not be seen in the result. */
export const roundingShiftRightNarrow: Narrow = (on, b) => {
  const wide = wider(on.size);
  const imm = amount(b);
  if (imm.op !== 'const') return lower(roundingShiftRight('unsigned')({ b, size: wide }, source(b), imm));
  return shifted(on, vector.add(wide, source(b), splatConstant(wide, 1n << (imm.value - 1n))), imm);
};

export const saturatingShiftRightNarrow =
  (sign: Sign, fit: Fit): Narrow =>
  (on, b) =>
    lower(fit(on, shiftRight(sign)({ size: wider(on.size) }, source(b), amount(b))));
export const saturatingRoundingShiftRightNarrow =
  (sign: Sign, fit: Fit): Narrow =>
  (on, b) =>
    lower(fit(on, roundingShiftRight(sign)({ b, size: wider(on.size) }, source(b), amount(b))));

/** The upper halves of sums or differences. */
export const highNarrow =
  (operation: 'add' | 'sub', rounding: boolean): Narrow =>
  ({ size }, b) => {
    const wide = wider(size);
    const exact = vector[operation](wide, source(b), b.getVector('rm'));
    const half = splatConstant(wide, 1n << BigInt(bitsOf(size) - 1));
    return upper(rounding ? vector.add(wide, exact, half) : exact);
  };
