/** FPMulAdd(), FPRecipStepFused(), FPRSqrtStepFused(): a product and a sum, rounded once. */
import {
  add,
  and,
  call,
  clz,
  eq,
  eqz,
  extendU,
  gtS,
  gtU,
  ltU,
  mul,
  ne,
  or,
  select,
  shl,
  shrU,
  sub,
  xor,
  type Expr,
} from '../../../expr.ts';
import type { FunctionBody, LibraryFunction, Statements } from '../../../library.ts';
import { constantOf, FORMATS, forFormat, forPrecisions, type Format } from './format.ts';
import { any, long, multiplyHigh, ONE, ones, shiftRightJamming, word, ZERO } from './integer.ts';
import { exactZero, round } from './round.ts';
import {
  defaultNaN,
  flushed,
  isNaN,
  isSpecial,
  magnitude,
  processNaNs,
  processNaNs3,
  roundingMode,
  signOf,
  unpack,
} from './unpack.ts';

/** A magnitude of 128 bits whose highest one is bit 125 at most; of small formats, the low half is not there. */
interface Wide {
  readonly exponent: Expr;
  readonly high: Expr;
  readonly low: Expr | null;
}

/** The product of mantissas whose highest one is bit 62, divided by 2^64, or exactly with its low half. */
function product(b: Statements, f: Format, x: Expr, y: Expr): Pick<Wide, 'high' | 'low'> {
  if (f.bits < 64) return { high: b.let(mul(shrU(x, long(32)), shrU(y, long(32)))), low: null };
  return { high: b.let(multiplyHigh(b, x, y)), low: b.let(mul(x, y)) };
}

/** Shifted right by 0 or more, what is lost jammed into the lowest bit. */
function shifted(b: Statements, value: Wide, by: Expr): Pick<Wide, 'high' | 'low'> {
  if (!value.low) return { high: b.let(shiftRightJamming(b, value.high, by)), low: null };
  const [high, low] = [b.variable(64, value.high), b.variable(64, value.low)];
  const n = b.variable(64, by);
  b.when(gtS(n.value, long(63)), () => {
    low.set(or(high.value, any(low.value)));
    high.set(ZERO);
    n.set(select(gtU(n.value, long(127)), long(63), sub(n.value, long(64))));
  });
  const lost = b.let(any(and(low.value, ones(n.value))));
  /* In two steps, as a shift by 64 isn't one. */
  const down = shl(shl(high.value, ONE), sub(long(63), n.value));
  low.set(or(or(shrU(low.value, n.value), down), lost));
  high.set(shrU(high.value, n.value));
  return { high: b.let(high.value), low: b.let(low.value) };
}

/**
 * Rounds ±first ± second, where `first` has the sign and `opposite` is whether the second has not; first's exponent is not below
 * the second's. Divided by 2 to the `halvings`.
 */
function roundSum(
  b: FunctionBody,
  f: Format,
  sign: Expr,
  opposite: Expr,
  first: Wide,
  second: Wide,
  halvings: number,
): Expr {
  const rounding = b.let(roundingMode(b));
  const small = shifted(b, second, b.let(sub(first.exponent, second.exponent)));
  const [high, negated] = [b.variable(64, ZERO), b.variable(64, sign)];
  const exponent = b.variable(64, add(first.exponent, long(1 - halvings)));
  if (!first.low || !small.low) {
    high.set(select(opposite, sub(first.high, small.high), add(first.high, small.high)));
    b.when(gtS(ZERO, high.value), () => {
      high.set(sub(ZERO, high.value));
      negated.set(xor(sign, f.sign));
    });
  } else {
    const low = b.variable(64, ZERO);
    b.when(
      opposite,
      () => {
        low.set(sub(first.low!, small.low!));
        high.set(sub(sub(first.high, small.high), extendU(ltU(first.low!, small.low!))));
        b.when(gtS(ZERO, high.value), () => {
          high.set(sub(sub(ZERO, high.value), any(low.value)));
          low.set(sub(ZERO, low.value));
          negated.set(xor(sign, f.sign));
        });
      },
      () => {
        low.set(add(first.low!, small.low!));
        high.set(add(add(first.high, small.high), extendU(ltU(low.value, first.low!))));
      },
    );
    /* One number of 64 bits again: where all of the high half was cancelled nothing has been lost. */
    b.when(eqz(high.value), () => {
      high.set(shrU(low.value, ONE));
      low.set(shl(low.value, long(63)));
      exponent.set(sub(exponent.value, long(63)));
    });
    b.when(ne(high.value, ZERO), () => {
      const n = b.let(sub(clz(high.value), ONE));
      const below = b.let(shl(low.value, n));
      high.set(or(or(shl(high.value, n), shrU(shrU(low.value, ONE), sub(long(63), n))), any(below)));
      exponent.set(sub(exponent.value, n));
    });
  }
  b.when(eqz(high.value), () => b.return(select(opposite, exactZero(f, rounding), sign)));
  return round(f, negated.value, exponent.value, high.value, rounding);
}

/** The sum of a finite number and of the product of two that aren't zero, divided by 2 to the `halvings`. */
const sumOfProduct = (halvings: 0 | 1) => (f: Format) =>
  forFormat(`FPMulAdd, finite, halved ${halvings} times,`, f, [64, 64, 64], 64, (b, _f, addend, op1, op2) => {
    const abs = b.let(magnitude(f, addend));
    const [x, y] = [unpack(b, f, magnitude(f, op1)), unpack(b, f, magnitude(f, op2))];
    const signP = b.let(signOf(f, xor(op1, op2)));
    const opposite = b.let(ne(signOf(f, xor(addend, signP)), ZERO));
    const p: Wide = {
      ...product(b, f, x.mantissa, y.mantissa),
      exponent: b.let(sub(add(add(x.exponent, y.exponent), ONE), long(f.bias))),
    };
    b.when(eqz(abs), () => {
      const zero = { exponent: p.exponent, high: ZERO, low: p.low ? ZERO : null };
      b.return(roundSum(b, f, signP, word(0), p, zero, halvings));
    });
    const c = unpack(b, f, abs);
    const a: Wide = { exponent: c.exponent, high: b.let(shrU(c.mantissa, ONE)), low: p.low ? ZERO : null };
    b.when(gtS(p.exponent, a.exponent), () => b.return(roundSum(b, f, signP, opposite, p, a, halvings)));
    return roundSum(b, f, signOf(f, addend), opposite, a, p, halvings);
  });

type Sum = LibraryFunction<readonly [64, 64, 64], 64>;
const everyFormat = (make: (f: Format) => Sum): ReadonlyMap<Format, Sum> =>
  new Map(Object.values(FORMATS).map((f) => [f, make(f)]));
const SUM = everyFormat(sumOfProduct(0));
const HALVED_SUM = everyFormat(sumOfProduct(1));

/** addend + op1 * op2. */
export const fpMulAdd = forPrecisions('FPMulAdd', [64, 64, 64], 64, (b, f, givenA, given1, given2) => {
  const [addend, op1, op2] = flushed(b, f, givenA, given1, given2);
  const absA = b.let(magnitude(f, addend));
  const [abs1, abs2] = [b.let(magnitude(f, op1)), b.let(magnitude(f, op2))];
  const zero = b.let(or(eqz(abs1), eqz(abs2)));
  const infinite = or(eq(abs1, f.infinity), eq(abs2, f.infinity));
  const signP = signOf(f, xor(op1, op2));
  b.when(or(isSpecial(f, absA), or(isSpecial(f, abs1), isSpecial(f, abs2))), () => {
    const invalid = b.let(and(zero, infinite));
    const numbers = or(isNaN(f, abs1), isNaN(f, abs2));
    b.when(or(isNaN(f, absA), numbers), () => {
      const result = b.variable(64, call(processNaNs3[f.precision], addend, op1, op2));
      /* Also where the addend is a NaN that signals, which says the same. */
      const quiet = and(isNaN(f, absA), ne(and(addend, f.quiet), ZERO));
      b.when(and(invalid, quiet), () => result.set(defaultNaN(b, f)));
      b.return(result.value);
    });
    const opposed = and(eq(absA, f.infinity), ne(signOf(f, xor(addend, signP)), ZERO));
    b.when(or(invalid, and(infinite, opposed)), () => b.return(defaultNaN(b, f)));
    b.return(select(isSpecial(f, absA), addend, or(signP, f.infinity)));
  });
  b.when(zero, () => {
    const cancelled = ne(signOf(f, xor(addend, signP)), ZERO);
    b.when(and(eqz(absA), cancelled), () => b.return(exactZero(f, roundingMode(b))));
    b.return(addend);
  });
  return call(SUM.get(f)!, addend, op1, op2);
});

/** `value` - op1 * op2, divided by two or not; `of` is what remains where the product is zero, as infinity times zero counts. */
const step = (name: string, value: 2 | 3, ofZero: 1.5 | 2, sums: ReadonlyMap<Format, Sum>) =>
  forPrecisions(name, [64, 64], 64, (b, f, given1, given2) => {
    const [op1, op2] = flushed(b, f, xor(given1, f.sign), given2);
    const [abs1, abs2] = [b.let(magnitude(f, op1)), b.let(magnitude(f, op2))];
    const nan = or(isNaN(f, abs1), isNaN(f, abs2));
    b.when(nan, () => b.return(call(processNaNs[f.precision], op1, op2)));
    b.when(or(eqz(abs1), eqz(abs2)), () => b.return(constantOf(f, ofZero)));
    const infinite = or(isSpecial(f, abs1), isSpecial(f, abs2));
    b.when(infinite, () => b.return(or(signOf(f, xor(op1, op2)), f.infinity)));
    return call(sums.get(f)!, constantOf(f, value), op1, op2);
  });

export const fpRecipStepFused = step('FPRecipStepFused', 2, 2, SUM);
export const fpRSqrtStepFused = step('FPRSqrtStepFused', 3, 1.5, HALVED_SUM);
