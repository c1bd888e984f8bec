/** What FPUnpack makes of an operand, and what operations do with NaNs: DDI 0487 J1, shared/functions/float. */
import { and, call, eqz, extendU, geU, gtU, ne, or, select, shl, shrU, sub, type Expr } from '../../../expr.ts';
import type { Statements } from '../../../library.ts';
import { forPrecisions, FPCR, FPSR, type Format } from './format.ts';
import { long, normalisingShift, ONE, word, ZERO } from './integer.ts';

export const magnitude = (f: Format, op: Expr) => and(op, f.abs);
export const signOf = (f: Format, op: Expr) => and(op, f.sign);
/** Of a magnitude. */
export const isNaN = (f: Format, abs: Expr) => gtU(abs, f.infinity);
export const isSpecial = (f: Format, abs: Expr) => geU(abs, f.infinity);
/** Of a NaN. */
const isSignalling = (f: Format, op: Expr) => eqz(and(op, f.quiet));

/** FPRoundingMode(). */
export const roundingMode = (b: Statements) => and(shrU(b.fpcr(), word(22)), word(3));

export const defaultNaN = (b: Statements, f: Format): Expr => {
  b.raise(word(FPSR.IOC));
  return f.defaultNaN;
};

/** Operands as they are after a denormal has been flushed to zero, if FPCR says so. */
export function flushed(b: Statements, f: Format, op: Expr): [Expr];
export function flushed(b: Statements, f: Format, op1: Expr, op2: Expr): [Expr, Expr];
export function flushed(b: Statements, f: Format, op1: Expr, op2: Expr, op3: Expr): [Expr, Expr, Expr];
export function flushed(b: Statements, f: Format, ...operands: readonly Expr[]): Expr[] {
  if (!f.flush) return [...operands];
  const variables = operands.map((op) => b.variable(64, op));
  b.when(and(b.fpcr(), word(f.flush)), () => {
    for (const op of variables) {
      const abs = b.let(magnitude(f, op.value));
      b.when(and(gtU(f.implicit, abs), ne(abs, ZERO)), () => {
        op.set(signOf(f, op.value));
        if (f.inputDenormal) b.raise(word(f.inputDenormal));
      });
    }
  });
  return variables.map((op) => op.value);
}

/** The exponent field of a magnitude, which is 1 for denormals too, and what it multiplies: `magnitude / 2^fraction`. */
export function fields(b: Statements, f: Format, abs: Expr): { readonly exponent: Expr; readonly integer: Expr } {
  const field = b.let(shrU(abs, long(f.fraction)));
  const exponent = b.let(or(field, extendU(eqz(field))));
  return { exponent, integer: b.let(sub(abs, shl(sub(exponent, ONE), long(f.fraction)))) };
}

export interface Unpacked {
  /** Biased as in the format, going on below 1 for denormals. */
  readonly exponent: Expr;
  /** Its highest one is bit 62: the number is mantissa / 2^62 * 2^(exponent - bias). */
  readonly mantissa: Expr;
}

/** A finite number other than zero, by its magnitude. */
export function unpack(b: Statements, f: Format, abs: Expr): Unpacked {
  const up = long(62 - f.fraction);
  const exponent = b.variable(64, shrU(abs, long(f.fraction)));
  const mantissa = b.variable(64, shl(or(and(abs, f.fractionMask), f.implicit), up));
  b.when(eqz(exponent.value), () => {
    const raw = b.let(shl(abs, up));
    const shift = b.let(normalisingShift(raw));
    mantissa.set(shl(raw, shift));
    exponent.set(sub(ONE, shift));
  });
  return { exponent: b.let(exponent.value), mantissa: b.let(mantissa.value) };
}

/** FPProcessNaN() of a NaN. */
export const processNaN = forPrecisions('FPProcessNaN', [64], 64, (b, f, op) => {
  b.when(isSignalling(f, op), () => b.raise(word(FPSR.IOC)));
  return select(and(b.fpcr(), word(FPCR.DN)), f.defaultNaN, or(op, f.quiet));
});

/** FPProcessNaNs() where one of two is a NaN: the first that signals, else the first. */
export const processNaNs = forPrecisions('FPProcessNaNs', [64, 64], 64, (b, f, op1, op2) =>
  call(processNaN[f.precision], firstNaN(b, f, [op1, op2])),
);

/** FPProcessNaNs3(). */
export const processNaNs3 = forPrecisions('FPProcessNaNs3', [64, 64, 64], 64, (b, f, op1, op2, op3) =>
  call(processNaN[f.precision], firstNaN(b, f, [op1, op2, op3])),
);

function firstNaN(b: Statements, f: Format, operands: readonly Expr[]): Expr {
  const nan = operands.map((op) => b.let(isNaN(f, magnitude(f, op))));
  const signals = operands.map((op, index) => b.let(and(nan[index]!, isSignalling(f, op))));
  const first = (which: readonly Expr[], otherwise: Expr): Expr =>
    operands.reduceRight((rest, op, index) => select(which[index]!, op, rest), otherwise);
  return first(signals, first(nan, ZERO));
}
