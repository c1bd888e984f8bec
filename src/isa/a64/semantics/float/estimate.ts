/** FPRecipEstimate(), FPRSqrtEstimate(), FPRecpX(), UnsignedRecipEstimate(), UnsignedRSqrtEstimate(). */
import {
  add,
  and,
  call,
  choose,
  divU,
  eqz,
  geS,
  gtS,
  gtU,
  native,
  ne,
  not,
  or,
  select,
  shl,
  shrS,
  shrU,
  sub,
  type Expr,
} from '../../../expr.ts';
import { libraryFunction } from '../../../library.ts';
import { forPrecisions, FPSR, type Format } from './format.ts';
import { long, ONE, word, ZERO } from './integer.ts';
import { overflowed } from './round.ts';
import {
  defaultNaN,
  flushed,
  isNaN,
  isSpecial,
  magnitude,
  processNaN,
  roundingMode,
  signOf,
  unpack,
} from './unpack.ts';

/** RecipEstimate(): of 256 to 511 as a half to one, the reciprocal of 256 to 511 as one to two. */
const recipEstimate = (a: Expr) => shrU(add(divU(long(2 ** 19), add(shl(a, ONE), ONE)), ONE), ONE);

/** RecipSqrtEstimate() of 128 to 511; the largest b that a * b * b is below 2^28 for. */
const recipSqrtEstimate = libraryFunction('RecipSqrtEstimate', [64], 64, (b, a) => {
  const odd = b.let(or(shl(a, ONE), ONE));
  const even = shl(or(a, ONE), ONE);
  const square = divU(long(2 ** 28 - 1), b.let(select(gtU(long(256), a), odd, even)));
  const root = native('i64.trunc_sat_f64_u', native('f64.sqrt', native('f64.convert_i64_u', square)));
  return shrU(add(root, ONE), ONE);
});

/** The highest nine bits of a mantissa whose highest one is bit 62. */
const nine = (mantissa: Expr) => shrU(mantissa, long(54));
/** An estimate of nine bits as a fraction with its implicit one. */
const fractionOf = (f: Format, estimate: Expr) => shl(estimate, long(f.fraction - 8));

export const fpRecipEstimate = forPrecisions('FPRecipEstimate', [64], 64, (b, f, given) => {
  const [op] = flushed(b, f, given);
  const abs = b.let(magnitude(f, op));
  const sign = b.let(signOf(f, op));
  b.when(isNaN(f, abs), () => b.return(call(processNaN[f.precision], op)));
  b.when(isSpecial(f, abs), () => b.return(sign));
  b.when(eqz(abs), () => {
    b.raise(word(FPSR.DZC));
    b.return(or(sign, f.infinity));
  });
  const { exponent, mantissa } = unpack(b, f, abs);
  b.when(gtS(long(-1), exponent), () => {
    b.raise(word(FPSR.OFC | FPSR.IXC));
    b.return(or(sign, overflowed(f, b.let(roundingMode(b)), sign)));
  });
  const result = b.let(sub(long(2 * f.bias - 1), exponent));
  b.when(and(ne(and(b.fpcr(), word(f.flush)), word(0)), gtS(ONE, result)), () => {
    b.raise(word(FPSR.UFC));
    b.return(sign);
  });
  const fraction = b.let(fractionOf(f, recipEstimate(b.let(nine(mantissa)))));
  const normal = add(shl(sub(result, ONE), long(f.fraction)), fraction);
  return or(sign, choose(gtS(result, ZERO), normal, shrU(fraction, sub(ONE, result))));
});

export const fpRSqrtEstimate = forPrecisions('FPRSqrtEstimate', [64], 64, (b, f, given) => {
  const [op] = flushed(b, f, given);
  const abs = b.let(magnitude(f, op));
  b.when(isNaN(f, abs), () => b.return(call(processNaN[f.precision], op)));
  b.when(eqz(abs), () => {
    b.raise(word(FPSR.DZC));
    b.return(or(op, f.infinity));
  });
  b.when(ne(op, abs), () => b.return(defaultNaN(b, f)));
  b.when(isSpecial(f, abs), () => b.return(ZERO));
  const { exponent, mantissa } = unpack(b, f, abs);
  const result = shrS(sub(long(3 * f.bias - 1), exponent), ONE);
  const estimate = call(recipSqrtEstimate, shrU(nine(mantissa), and(exponent, ONE)));
  return add(shl(sub(result, ONE), long(f.fraction)), fractionOf(f, estimate));
});

/** The exponent inverted; that of zero and denormals is as large as a number's can be. */
export const fpRecpX = forPrecisions('FPRecpX', [64], 64, (b, f, given) => {
  const [op] = flushed(b, f, given);
  const abs = b.let(magnitude(f, op));
  b.when(isNaN(f, abs), () => b.return(call(processNaN[f.precision], op)));
  const exponent = b.let(and(abs, f.infinity));
  const inverted = and(not(exponent), f.infinity);
  return or(signOf(f, op), select(eqz(exponent), sub(f.infinity, f.implicit), inverted));
});

/** Of fixed-point numbers of 32 bits from `least` (in their nine highest bits) up; of others the result is all ones. */
const unsignedEstimate = (name: string, least: number, estimate: (nine: Expr) => Expr) =>
  libraryFunction(name, [64], 64, (b, op) => {
    const high = b.let(shrU(op, long(23)));
    return choose(geS(high, long(least)), shl(estimate(high), long(23)), long(0xffffffff));
  });

export const unsignedRecipEstimate = unsignedEstimate('UnsignedRecipEstimate', 256, recipEstimate);
export const unsignedRSqrtEstimate = unsignedEstimate('UnsignedRSqrtEstimate', 128, (high) =>
  call(recipSqrtEstimate, high),
);
