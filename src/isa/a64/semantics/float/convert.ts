/** FPConvert(): from one precision to another, half precision as FPCR.AHP has it. */
import { add, and, call, choose, eq, eqz, or, select, shl, shrU, sub, type Expr } from '../../../expr.ts';
import { libraryFunction, type FunctionBody, type LibraryFunction } from '../../../library.ts';
import { DOUBLE, forFormat, FPCR, FPSR, HALF, HALF_ALTERNATIVE, HALF_CV, SINGLE, type Format } from './format.ts';
import { long, word } from './integer.ts';
import { round } from './round.ts';
import { flushed, isNaN, isSpecial, magnitude, signOf, unpack } from './unpack.ts';

/** From a bit's place in one format to that in the other. */
const moved = (value: Expr, by: number) => (by < 0 ? shrU(value, long(-by)) : shl(value, long(by)));

type Convert = LibraryFunction<readonly [64, 32], 64>;

function conversion(from: Format, to: Format): Convert {
  return forFormat(`FPConvert to ${to.name} of`, from, [64, 32], 64, (b, _f, given, rounding) => {
    const [op] = flushed(b, from, given);
    const abs = b.let(magnitude(from, op));
    const sign = b.let(moved(signOf(from, op), to.bits - from.bits));
    if (from.special) b.when(isSpecial(from, abs), () => special(b, from, to, abs, sign));
    b.when(eqz(abs), () => b.return(sign));
    return finite(b, from, to, abs, sign, rounding);
  });
}

function finite(b: FunctionBody, from: Format, to: Format, abs: Expr, sign: Expr, rounding: Expr): Expr {
  const { exponent, mantissa } = unpack(b, from, abs);
  return round(to, sign, add(exponent, long(to.bias - from.bias)), mantissa, rounding);
}

function special(b: FunctionBody, from: Format, to: Format, abs: Expr, sign: Expr): void {
  const invalid = () => b.raise(word(FPSR.IOC));
  if (!to.special) {
    invalid();
    b.return(select(isNaN(from, abs), sign, or(sign, to.maxNormal)));
    return;
  }
  b.when(eq(abs, from.infinity), () => b.return(or(sign, to.infinity)));
  b.when(eqz(and(abs, from.quiet)), invalid);
  const payload = moved(and(abs, sub(from.quiet, long(1))), to.fraction - from.fraction);
  const nan = or(or(sign, payload), to.defaultNaN);
  b.return(select(and(b.fpcr(), word(FPCR.DN)), to.defaultNaN, nan));
}

/** `make` for either kind of half precision, chosen when it is called. */
function asAHP(name: string, make: (half: Format) => Convert): Convert {
  const [ieee, alternative] = [make(HALF_CV), make(HALF_ALTERNATIVE)];
  return libraryFunction(name, [64, 32], 64, (b, op, rounding) =>
    choose(and(b.fpcr(), word(FPCR.AHP)), call(alternative, op, rounding), call(ieee, op, rounding)),
  );
}
const fromHalf = (to: Format) => asAHP(`FPConvert from half to ${to.name}`, (half) => conversion(half, to));
const toHalf = (from: Format) => asAHP(`FPConvert to half from ${from.name}`, (half) => conversion(from, half));

/** Number and rounding mode, which matters where it gets narrower. */
export const fpConvert = {
  half: { single: fromHalf(SINGLE), double: fromHalf(DOUBLE) },
  single: { half: toHalf(SINGLE), double: conversion(SINGLE, DOUBLE) },
  double: { half: toHalf(DOUBLE), single: conversion(DOUBLE, SINGLE) },
} as const;

/** Half precision as an operand of an instruction that calculates in single: exact, a NaN that signals still does. */
export const halfAsSingle = forFormat('FPUnpack as single of', HALF, [64], 64, (b, f, given) => {
  const [op] = flushed(b, f, given);
  const abs = b.let(magnitude(f, op));
  const sign = b.let(moved(signOf(f, op), SINGLE.bits - f.bits));
  const fraction = moved(and(abs, f.fractionMask), SINGLE.fraction - f.fraction);
  b.when(isSpecial(f, abs), () => b.return(or(or(sign, SINGLE.infinity), fraction)));
  b.when(eqz(abs), () => b.return(sign));
  return finite(b, f, SINGLE, abs, sign, word(0));
});
