/** FPRoundInt(), FPRoundIntN(), FPToFixed(), FPToFixedJS(), FixedToFP(): numbers and integers. */
import {
  add,
  and,
  call,
  eqz,
  extendU,
  geS,
  geU,
  gtS,
  gtU,
  ltU,
  ne,
  negate,
  not,
  or,
  select,
  shl,
  shrU,
  sub,
  type Expr,
} from '../../../expr.ts';
import type { FunctionBody, Statements } from '../../../library.ts';
import { constantOf, DOUBLE, forFormat, forPrecisions, FPSR, ROUNDING, type Format } from './format.ts';
import { long, ONE, ones, word, ZERO } from './integer.ts';
import { increment, round } from './round.ts';
import { fields, flushed, isNaN, isSpecial, magnitude, processNaN, roundingMode, signOf } from './unpack.ts';

/** A finite number without its fraction; where that wasn't 0, it is inexact if `exact` asks for it. */
function integral(b: FunctionBody, f: Format, op: Expr, rounding: Expr, exact: Expr): Expr {
  const abs = b.let(magnitude(f, op));
  const sign = b.let(signOf(f, op));
  const result = b.variable(64, op);
  const inexact = () => b.when(exact, () => b.raise(word(FPSR.IXC)));
  b.when(
    ltU(abs, constantOf(f, 1)),
    () =>
      b.when(ne(abs, ZERO), () => {
        /* In quarters: less than a half, a half, more. */
        const half = constantOf(f, 0.5);
        const quarters = add(ONE, add(extendU(geU(abs, half)), extendU(gtU(abs, half))));
        const up = geU(add(quarters, increment(rounding, sign, long(4), ZERO)), long(4));
        result.set(or(sign, select(up, constantOf(f, 1), ZERO)));
        inexact();
      }),
    () => {
      const cut = b.let(sub(long(f.bias + f.fraction), shrU(abs, long(f.fraction))));
      b.when(gtS(cut, ZERO), () => {
        const unit = b.let(shl(ONE, cut));
        const mask = sub(unit, ONE);
        b.when(ne(and(abs, mask), ZERO), () => {
          /* Of 1 the lowest bit is that of the exponent, which is odd. */
          const lowest = and(shrU(abs, cut), ONE);
          result.set(or(sign, and(add(abs, increment(rounding, sign, unit, lowest)), not(mask))));
          inexact();
        });
      });
    },
  );
  return result.value;
}

/** `exact` isn't 0: what is no integer is inexact. */
export const fpRoundInt = forPrecisions('FPRoundInt', [64, 32, 32], 64, (b, f, given, rounding, exact) => {
  const [op] = flushed(b, f, given);
  const abs = b.let(magnitude(f, op));
  b.when(isNaN(f, abs), () => b.return(call(processNaN[f.precision], op)));
  b.when(isSpecial(f, abs), () => b.return(op));
  return integral(b, f, op, rounding, exact);
});

/** To an integer from -`limit` to below `limit`, a power of two in the format; anything else is invalid and gives -`limit`. */
export const fpRoundIntN = forPrecisions('FPRoundIntN', [64, 32, 64], 64, (b, f, given, rounding, limit) => {
  const [op] = flushed(b, f, given);
  const least = or(limit, f.sign);
  const result = b.variable(64, op);
  b.when(
    isSpecial(f, magnitude(f, op)),
    () => result.set(f.infinity),
    () => result.set(integral(b, f, op, rounding, word(0))),
  );
  const outside = and(geU(magnitude(f, result.value), limit), ne(result.value, least));
  b.when(
    outside,
    () => {
      b.raise(word(FPSR.IOC));
      result.set(least);
    },
    () => b.when(ne(result.value, op), () => b.raise(word(FPSR.IXC))),
  );
  return result.value;
});

/** A finite number's integer part and whether there is more; the number is `integer` * 2^`power`, `power` below 0. */
interface Fixed {
  readonly magnitude: Expr;
  readonly error: Expr;
}
function fixed(b: Statements, integer: Expr, power: Expr, rounding: Expr, sign: Expr): Fixed {
  const right = b.let(sub(ZERO, power));
  const cut = b.let(select(gtU(right, long(63)), long(63), right));
  const lowest = and(shrU(integer, cut), ONE);
  const unit = b.let(shl(ONE, cut));
  return {
    magnitude: b.let(shrU(add(integer, increment(rounding, sign, unit, lowest)), cut)),
    error: b.let(ne(and(integer, ones(cut)), ZERO)),
  };
}

/** The power of two that a magnitude's integer is multiplied with; an infinity's is out of reach. */
const powerOf = (f: Format, abs: Expr, exponent: Expr) =>
  select(isSpecial(f, abs), long(4096), sub(exponent, long(f.bias + f.fraction)));

/**
 * The number times 2^`fbits` as an integer between -`least` and `most`, both magnitudes of 64 bits; a larger one is invalid and
 * gives these, a NaN 0.
 */
export const fpToFixed = forPrecisions(
  'FPToFixed',
  [64, 64, 32, 64, 64],
  64,
  (b, f, given, fbits, rounding, most, least) => {
    const [op] = flushed(b, f, given);
    const abs = b.let(magnitude(f, op));
    b.when(isNaN(f, abs), () => {
      b.raise(word(FPSR.IOC));
      b.return(ZERO);
    });
    const sign = b.let(signOf(f, op));
    const limit = b.let(select(ne(sign, ZERO), least, most));
    const signed = (value: Expr) => select(ne(sign, ZERO), negate(value), value);
    const saturate = () => {
      b.raise(word(FPSR.IOC));
      b.return(signed(limit));
    };
    const { exponent, integer } = fields(b, f, abs);
    const power = b.let(add(powerOf(f, abs, exponent), fbits));
    b.when(geS(power, ZERO), () => {
      b.when(gtS(power, long(63 - f.fraction)), saturate);
      const whole = b.let(shl(integer, power));
      b.when(gtU(whole, limit), saturate);
      b.return(signed(whole));
    });
    const { magnitude: whole, error } = fixed(b, integer, power, rounding, sign);
    b.when(gtU(whole, limit), saturate);
    b.when(error, () => b.raise(word(FPSR.IXC)));
    return signed(whole);
  },
);

/** FPToFixedJS(): the integer modulo 2^32, and above it PSTATE.Z, which says that nothing was lost. */
export const fpToFixedJS = forFormat('FPToFixedJS', DOUBLE, [64], 64, (b, f, given) => {
  const [op] = flushed(b, f, given);
  const abs = b.let(magnitude(f, op));
  const invalid = () => b.raise(word(FPSR.IOC));
  b.when(isSpecial(f, abs), () => {
    invalid();
    b.return(ZERO);
  });
  const { exponent, integer } = fields(b, f, abs);
  const sign = b.let(signOf(f, op));
  const power = b.let(powerOf(f, abs, exponent));
  const low = (whole: Expr) => and(select(ne(sign, ZERO), negate(whole), whole), long(0xffffffff));
  b.when(geS(power, ZERO), () => {
    invalid();
    b.return(low(select(gtS(power, long(63)), ZERO, shl(integer, power))));
  });
  const { magnitude: whole, error } = fixed(b, integer, power, word(ROUNDING.ZERO), sign);
  const limit = add(long(0x7fffffff), extendU(ne(sign, ZERO)));
  b.when(gtU(whole, limit), () => {
    invalid();
    b.return(low(whole));
  });
  b.when(error, () => {
    b.raise(word(FPSR.IXC));
    b.return(low(whole));
  });
  /* Minus zero, and what was flushed to zero. */
  const exact = or(ne(abs, ZERO), eqz(given));
  return or(low(whole), shl(extendU(exact), long(32)));
});

/** FixedToFP(): an integer of 64 bits, signed or not, times 2^-`fbits`. */
export const fixedToFP = forPrecisions('FixedToFP', [64, 64, 32], 64, (b, f, integer, fbits, signed) => {
  b.when(eqz(integer), () => b.return(ZERO));
  const negative = b.let(and(signed, gtS(ZERO, integer)));
  const sign = b.let(select(negative, f.sign, ZERO));
  const m = b.let(select(negative, negate(integer), integer));
  const large = b.let(extendU(gtS(ZERO, m)));
  const mantissa = b.let(or(shrU(m, large), and(m, large)));
  return round(f, sign, add(sub(long(f.bias + 62), fbits), large), mantissa, b.let(roundingMode(b)));
});
