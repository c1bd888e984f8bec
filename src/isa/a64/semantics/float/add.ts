/** FPAdd(), FPSub(). */
import { add, and, call, choose, eq, eqz, geU, gtU, ne, select, shl, sub, xor } from '../../../expr.ts';
import { forPrecisions } from './format.ts';
import { long, ONE, shiftRightJamming, ZERO } from './integer.ts';
import { exactZero, round } from './round.ts';
import { defaultNaN, fields, flushed, isNaN, magnitude, processNaNs, roundingMode, signOf } from './unpack.ts';

export const fpAdd = forPrecisions('FPAdd', [64, 64], 64, (b, f, given1, given2) => {
  const [op1, op2] = flushed(b, f, given1, given2);
  const [abs1, abs2] = [b.let(magnitude(f, op1)), b.let(magnitude(f, op2))];
  const first = b.let(geU(abs1, abs2));
  const [large, small] = [b.let(select(first, abs1, abs2)), b.let(select(first, abs2, abs1))];
  const opposite = b.let(signOf(f, xor(op1, op2)));
  b.when(geU(large, f.infinity), () => {
    b.when(isNaN(f, large), () => b.return(call(processNaNs[f.precision], op1, op2)));
    b.when(and(eq(small, f.infinity), ne(opposite, ZERO)), () => b.return(defaultNaN(b, f)));
    b.return(select(first, op1, op2));
  });
  const sign = b.let(signOf(f, select(first, op1, op2)));
  const rounding = b.let(roundingMode(b));
  /* Highest ones in bit 61: the sum stays below bit 63. */
  const up = long(61 - f.fraction);
  const [one, two] = [fields(b, f, large), fields(b, f, small)];
  const m1 = b.let(shl(one.integer, up));
  const m2 = b.let(shiftRightJamming(b, b.let(shl(two.integer, up)), sub(one.exponent, two.exponent)));
  const sum = b.let(choose(eqz(opposite), add(m1, m2), sub(m1, m2)));
  b.when(eqz(sum), () => b.return(select(eqz(opposite), sign, exactZero(f, rounding))));
  return round(f, sign, add(one.exponent, ONE), sum, rounding);
});

/** A NaN isn't negated. */
export const fpSub = forPrecisions('FPSub', [64, 64], 64, (_b, f, op1, op2) =>
  call(fpAdd[f.precision], op1, select(gtU(magnitude(f, op2), f.infinity), op2, xor(op2, f.sign))),
);
