/** FPDiv(), FPSqrt(): WebAssembly's quotient or root of 53 bits, put right by the exact remainder. */
import {
  add,
  and,
  call,
  eqz,
  geU,
  gtU,
  mul,
  native,
  ne,
  or,
  shl,
  shrS,
  shrU,
  sub,
  xor,
  type Expr,
} from '../../../expr.ts';
import { DOUBLE, forPrecisions, FPSR } from './format.ts';
import { any, long, ONE, word, ZERO } from './integer.ts';
import { round } from './round.ts';
import {
  defaultNaN,
  flushed,
  isNaN,
  magnitude,
  processNaN,
  processNaNs,
  roundingMode,
  signOf,
  unpack,
} from './unpack.ts';

const EXPONENT_OF_ONE = long(DOUBLE.bias);
/** A mantissa of 53 bits times 2^-52 times two to a power: a double. */
const double = (integer: Expr, power: Expr) =>
  native(
    'f64.reinterpret_i64',
    or(shl(add(power, EXPONENT_OF_ONE), long(DOUBLE.fraction)), and(integer, DOUBLE.fractionMask)),
  );
/** A mantissa whose highest one is bit 62 as one of 53 bits, which has all its ones. */
const fiftyThree = (mantissa: Expr) => shrU(mantissa, long(10));

/** The nearest of 53 bits with two more, which say only on which side of it the remainder lies. */
const withRemainder = (nearest: Expr, remainder: Expr) =>
  add(shl(nearest, long(2)), or(shrS(remainder, long(63)), any(remainder)));
/** From the place of its highest one, bit 54, to that of `round`. */
const UP = 8;

export const fpDiv = forPrecisions('FPDiv', [64, 64], 64, (b, f, given1, given2) => {
  const [op1, op2] = flushed(b, f, given1, given2);
  const [abs1, abs2] = [b.let(magnitude(f, op1)), b.let(magnitude(f, op2))];
  const sign = b.let(signOf(f, xor(op1, op2)));
  const infinity = or(sign, f.infinity);
  b.when(or(geU(abs1, f.infinity), geU(abs2, f.infinity)), () => {
    const nan = or(isNaN(f, abs1), isNaN(f, abs2));
    b.when(nan, () => b.return(call(processNaNs[f.precision], op1, op2)));
    b.when(gtU(f.infinity, abs1), () => b.return(sign));
    b.when(geU(abs2, f.infinity), () => b.return(defaultNaN(b, f)));
    b.return(infinity);
  });
  b.when(eqz(abs2), () => {
    b.when(eqz(abs1), () => b.return(defaultNaN(b, f)));
    b.raise(word(FPSR.DZC));
    b.return(infinity);
  });
  b.when(eqz(abs1), () => b.return(sign));
  const [x, y] = [unpack(b, f, abs1), unpack(b, f, abs2)];
  const [dividend, divisor] = [b.let(fiftyThree(x.mantissa)), b.let(fiftyThree(y.mantissa))];
  const quotient = b.let(
    native('i64.reinterpret_f64', native('f64.div', double(dividend, ZERO), double(divisor, ZERO))),
  );
  const nearest = b.let(or(and(quotient, DOUBLE.fractionMask), DOUBLE.implicit));
  /* The quotient is below 1 where its exponent is that of a half. */
  const below = b.let(sub(EXPONENT_OF_ONE, shrU(quotient, long(DOUBLE.fraction))));
  const remainder = b.let(sub(shl(dividend, add(below, long(DOUBLE.fraction))), mul(nearest, divisor)));
  const exponent = sub(add(sub(x.exponent, y.exponent), long(f.bias + UP)), below);
  return round(f, sign, exponent, b.let(withRemainder(nearest, remainder)), b.let(roundingMode(b)));
});

export const fpSqrt = forPrecisions('FPSqrt', [64], 64, (b, f, given) => {
  const [op] = flushed(b, f, given);
  const abs = b.let(magnitude(f, op));
  b.when(isNaN(f, abs), () => b.return(call(processNaN[f.precision], op)));
  b.when(eqz(abs), () => b.return(op));
  b.when(ne(op, abs), () => b.return(defaultNaN(b, f)));
  b.when(geU(abs, f.infinity), () => b.return(op));
  const { exponent, mantissa } = unpack(b, f, abs);
  const power = b.let(sub(exponent, long(f.bias)));
  const odd = b.let(and(power, ONE));
  const square = b.let(fiftyThree(mantissa));
  const root = b.let(native('i64.reinterpret_f64', native('f64.sqrt', double(square, odd))));
  const nearest = b.let(or(and(root, DOUBLE.fractionMask), DOUBLE.implicit));
  const remainder = b.let(sub(shl(square, add(odd, long(DOUBLE.fraction))), mul(nearest, nearest)));
  const half = add(shrS(power, ONE), long(f.bias + UP));
  return round(f, ZERO, half, b.let(withRemainder(nearest, remainder)), b.let(roundingMode(b)));
});
