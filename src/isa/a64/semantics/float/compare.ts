/** FPCompare() and its kin, FPMax() and its kin: what needs only the order of numbers. */
import {
  add,
  and,
  call,
  choose,
  constant,
  eq,
  extendU,
  gtS,
  geS,
  negate,
  ne,
  or,
  select,
  type Expr,
} from '../../../expr.ts';
import type { Statements } from '../../../library.ts';
import { forPrecisions, FPSR, type Format } from './format.ts';
import { word, ZERO } from './integer.ts';
import { flushed, isNaN, magnitude, processNaNs, signOf } from './unpack.ts';

/** An integer that is ordered as the number is; both zeros are 0. */
function ordered(b: Statements, f: Format, op: Expr): Expr {
  const abs = b.let(magnitude(f, op));
  return b.let(select(ne(signOf(f, op), ZERO), negate(abs), abs));
}

const quiet = (f: Format, op: Expr) => and(isNaN(f, magnitude(f, op)), ne(and(op, f.quiet), ZERO));
const signalling = (f: Format, op: Expr) => and(isNaN(f, magnitude(f, op)), eq(and(op, f.quiet), ZERO));

/** What a comparison tells: NZCV are as of this less 1, in 32 bits. */
export const ORDER = { less: word(0), equal: word(1), greater: word(2), unordered: constant(32, -(2 ** 31)) } as const;

/** One of ORDER; `signal`: quiet NaNs are invalid too. */
export const fpCompare = forPrecisions('FPCompare', [64, 64, 32], 32, (b, f, given1, given2, signal) => {
  const [op1, op2] = flushed(b, f, given1, given2);
  b.when(or(isNaN(f, magnitude(f, op1)), isNaN(f, magnitude(f, op2))), () => {
    b.when(or(signal, or(signalling(f, op1), signalling(f, op2))), () => b.raise(word(FPSR.IOC)));
    b.return(ORDER.unordered);
  });
  const [x, y] = [ordered(b, f, op1), ordered(b, f, op2)];
  return add(geS(x, y), gtS(x, y));
});

const COMPARISONS = { EQ: eq, GE: geS, GT: gtS } as const;

/** All ones or 0. Only the comparison for equality is quiet about quiet NaNs. */
const comparison = (name: keyof typeof COMPARISONS) =>
  forPrecisions(`FPCompare${name}`, [64, 64], 64, (b, f, given1, given2) => {
    const [op1, op2] = flushed(b, f, given1, given2);
    b.when(or(isNaN(f, magnitude(f, op1)), isNaN(f, magnitude(f, op2))), () => {
      const raise = () => b.raise(word(FPSR.IOC));
      if (name === 'EQ') b.when(or(signalling(f, op1), signalling(f, op2)), raise);
      else raise();
      b.return(ZERO);
    });
    return negate(extendU(COMPARISONS[name](ordered(b, f, op1), ordered(b, f, op2))));
  });

export const fpCompareEQ = comparison('EQ');
export const fpCompareGE = comparison('GE');
export const fpCompareGT = comparison('GT');

/** Zeros are equal, but the greater is the positive one; other equal numbers are the same bits. */
const extreme = (name: string, greatest: boolean) =>
  forPrecisions(name, [64, 64], 64, (b, f, given1, given2) => {
    const [op1, op2] = flushed(b, f, given1, given2);
    const nan = or(isNaN(f, magnitude(f, op1)), isNaN(f, magnitude(f, op2)));
    b.when(nan, () => b.return(call(processNaNs[f.precision], op1, op2)));
    const [x, y] = [ordered(b, f, op1), ordered(b, f, op2)];
    const both = greatest ? and(op1, op2) : or(op1, op2);
    return choose(eq(x, y), both, select(greatest ? gtS(x, y) : gtS(y, x), op1, op2));
  });

export const fpMax = extreme('FPMax', true);
export const fpMin = extreme('FPMin', false);

/** A quiet NaN gives way to a number. */
const numeric = (name: string, of: typeof fpMax, least: (f: Format) => Expr) =>
  forPrecisions(name, [64, 64], 64, (b, f, op1, op2) => {
    const [quiet1, quiet2] = [b.let(quiet(f, op1)), b.let(quiet(f, op2))];
    const instead = (mine: Expr, other: Expr, op: Expr) => select(gtS(mine, other), least(f), op);
    return call(of[f.precision], instead(quiet1, quiet2, op1), instead(quiet2, quiet1, op2));
  });

export const fpMaxNum = numeric('FPMaxNum', fpMax, (f) => or(f.sign, f.infinity));
export const fpMinNum = numeric('FPMinNum', fpMin, (f) => f.infinity);
