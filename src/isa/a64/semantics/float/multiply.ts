/** FPMul(), FPMulX(). */
import { add, call, eqz, geU, gtU, mul, or, select, shl, shrU, sub, xor, type Expr } from '../../../expr.ts';
import type { FunctionBody } from '../../../library.ts';
import { constantOf, forPrecisions, type Format } from './format.ts';
import { any, long, multiplyHigh, ONE } from './integer.ts';
import { round } from './round.ts';
import { defaultNaN, flushed, isNaN, magnitude, processNaNs, roundingMode, signOf, unpack } from './unpack.ts';

/** `invalid`: infinity times zero, for the sign of the product. */
function multiply(b: FunctionBody, f: Format, given: readonly [Expr, Expr], invalid: (sign: Expr) => Expr): Expr {
  const [op1, op2] = flushed(b, f, ...given);
  const [abs1, abs2] = [b.let(magnitude(f, op1)), b.let(magnitude(f, op2))];
  const sign = b.let(signOf(f, xor(op1, op2)));
  const large = b.let(select(gtU(abs1, abs2), abs1, abs2));
  const zero = b.let(or(eqz(abs1), eqz(abs2)));
  b.when(geU(large, f.infinity), () => {
    b.when(isNaN(f, large), () => b.return(call(processNaNs[f.precision], op1, op2)));
    b.when(zero, () => b.return(invalid(sign)));
    b.return(or(sign, f.infinity));
  });
  b.when(zero, () => b.return(sign));
  const [x, y] = [unpack(b, f, abs1), unpack(b, f, abs2)];
  const exponent = sub(add(add(x.exponent, y.exponent), ONE), long(f.bias));
  return round(f, sign, exponent, b.let(product(b, f, x.mantissa, y.mantissa)), b.let(roundingMode(b)));
}

/** Of mantissas whose highest one is bit 62, divided by 2^63. */
function product(b: FunctionBody, f: Format, x: Expr, y: Expr): Expr {
  if (f.bits < 64) return mul(shrU(x, long(31)), shrU(y, long(32)));
  const twice = b.let(shl(x, ONE));
  return or(multiplyHigh(b, twice, y), any(mul(twice, y)));
}

export const fpMul = forPrecisions('FPMul', [64, 64], 64, (b, f, op1, op2) =>
  multiply(b, f, [op1, op2], () => defaultNaN(b, f)),
);

/** Infinity times zero is two. */
export const fpMulX = forPrecisions('FPMulX', [64, 64], 64, (b, f, op1, op2) =>
  multiply(b, f, [op1, op2], (sign) => or(sign, constantOf(f, 2))),
);
