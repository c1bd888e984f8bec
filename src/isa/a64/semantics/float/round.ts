/** FPRoundBase(): a number of any size to a format. DDI 0487 J1, shared/functions/float/fpround. */
import { add, and, call, choose, eq, eqz, gtS, geU, ne, or, select, shl, shrU, sub, type Expr } from '../../../expr.ts';
import type { LibraryFunction } from '../../../library.ts';
import { FORMATS, forFormat, FPSR, HALF_ALTERNATIVE, HALF_CV, ROUNDING, type Format } from './format.ts';
import { long, normalisingShift, ONE, shiftRightJamming, word, ZERO } from './integer.ts';

const UP = 62;

/** 1 where a directed rounding goes away from zero for this sign. */
const roundsAway = (rounding: Expr, sign: Expr) =>
  eq(rounding, select(ne(sign, ZERO), word(ROUNDING.NEGINF), word(ROUNDING.POSINF)));

/**
 * What is added before bits are cut off: `unit` is 2 to their number, `lowest` the bit above them.
 * Ties away from zero are asked for where integers are made.
 */
export function increment(rounding: Expr, sign: Expr, unit: Expr, lowest: Expr): Expr {
  const half = shrU(unit, ONE);
  const directed = select(roundsAway(rounding, sign), sub(unit, ONE), ZERO);
  const nearest = sub(add(half, lowest), ONE);
  return choose(eqz(rounding), nearest, choose(eq(rounding, word(ROUNDING.TIEAWAY)), half, directed));
}

type Round = LibraryFunction<readonly [64, 64, 64, 32], 64>;

/**
 * Rounds mantissa / 2^62 * 2^(exponent - bias), which isn't 0. The mantissa is below 2^63; a one in its lowest bit may stand
 * for ones lost below it, where the bits above are as many as the format's and two more. `sign` is the format's sign bit.
 */
function roundTo(format: Format): Round {
  return forFormat('FPRound', format, [64, 64, 64, 32], 64, (b, f, sign, exponent, mantissa, rounding) => {
    const extra = UP - f.fraction;
    const unit = 1n << BigInt(extra);
    const shift = b.let(normalisingShift(mantissa));
    const m = b.variable(64, shl(mantissa, shift));
    const e = b.variable(64, sub(exponent, shift));
    b.when(gtS(ONE, e.value), () => {
      if (f.flush) {
        b.when(and(b.fpcr(), word(f.flush)), () => {
          b.raise(word(FPSR.UFC));
          b.return(sign);
        });
      }
      m.set(shiftRightJamming(b, m.value, b.let(sub(ONE, e.value))));
      e.set(ONE);
      b.when(ne(and(m.value, long(unit - 1n)), ZERO), () => b.raise(word(FPSR.UFC)));
    });
    const lowest = and(shrU(m.value, long(extra)), ONE);
    const rounded = b.let(add(m.value, increment(rounding, sign, long(unit), lowest)));
    /* The implicit one counts the exponent up by one. */
    const bits = b.variable(64, add(shl(sub(e.value, ONE), long(f.fraction)), shrU(rounded, long(extra))));
    if (f.special) {
      b.when(geU(bits.value, f.infinity), () => {
        b.raise(word(FPSR.OFC | FPSR.IXC));
        b.return(or(sign, overflowed(f, rounding, sign)));
      });
    } else {
      b.when(geU(bits.value, f.sign), () => {
        b.raise(word(FPSR.IOC));
        b.return(or(sign, f.maxNormal));
      });
    }
    b.when(ne(and(m.value, long(unit - 1n)), ZERO), () => {
      b.raise(word(FPSR.IXC));
      b.when(eq(rounding, word(ROUNDING.ODD)), () => bits.set(or(bits.value, ONE)));
    });
    return or(sign, bits.value);
  });
}

/** The magnitude of what is too large: infinity where rounding goes there. */
export const overflowed = (f: Format, rounding: Expr, sign: Expr) =>
  select(or(eqz(rounding), roundsAway(rounding, sign)), f.infinity, f.maxNormal);

const ROUND: ReadonlyMap<Format, Round> = new Map(
  [...Object.values(FORMATS), HALF_CV, HALF_ALTERNATIVE].map((f) => [f, roundTo(f)]),
);

/** FPRound(): see `roundTo`. */
export function round(f: Format, sign: Expr, exponent: Expr, mantissa: Expr, rounding: Expr): Expr {
  return call(ROUND.get(f)!, sign, exponent, mantissa, rounding);
}

/** Zero where a sum of opposite numbers is exact: negative only if rounding goes to minus infinity. */
export const exactZero = (f: Format, rounding: Expr) => select(eq(rounding, word(ROUNDING.NEGINF)), f.sign, ZERO);
