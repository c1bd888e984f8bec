/** Multiplication and division. */
import type { Builder } from '../../builder.ts';
import type { Execute } from '../../execute.ts';
import {
  add,
  and,
  choose,
  constant,
  divS,
  divU,
  eq,
  eqz,
  extendS,
  extendU,
  mul,
  negate,
  shrS,
  shrU,
  sub,
  type Expr,
} from '../../expr.ts';
import { registerWidth } from './width.ts';

export const multiplyAdd: Execute = (b) => {
  const width = registerWidth(b);
  const product = mul(b.get('rn', width), b.get('rm', width));
  b.set('rd', b.isZero('ra') ? product : add(b.get('ra', width), product));
};

export const multiplySubtract: Execute = (b) => {
  const width = registerWidth(b);
  b.set('rd', sub(b.get('ra', width), mul(b.get('rn', width), b.get('rm', width))));
};

/** SMADDL and the like: 32-bit factors, 64-bit sum. */
export const multiplyLong =
  (signed: boolean, subtract: boolean): Execute =>
  (b) => {
    const extend = signed ? extendS : extendU;
    const product = mul(extend(b.get('rn', 32)), extend(b.get('rm', 32)));
    b.set('rd', (subtract ? sub : add)(b.get('ra', 64), product));
  };

/** The high 64 bits of the product, from 32-bit halves: the upper halves are signed or not, the lower ones never. */
export const multiplyHigh =
  (signed: boolean): Execute =>
  (b) => {
    const shift = signed ? shrS : shrU;
    const [thirtyTwo, lowMask] = [constant(64, 32), constant(64, 0xffffffff)];
    const halves = (value: Expr) => [b.let(and(value, lowMask)), b.let(shift(value, thirtyTwo))] as const;
    const [nLow, nHigh] = halves(b.let(b.get('rn', 64)));
    const [mLow, mHigh] = halves(b.let(b.get('rm', 64)));
    const carried = b.let(add(mul(nHigh, mLow), shrU(mul(nLow, mLow), thirtyTwo)));
    const middle = b.let(add(mul(nLow, mHigh), and(carried, lowMask)));
    b.set('rd', add(add(mul(nHigh, mHigh), shift(carried, thirtyTwo)), shift(middle, thirtyTwo)));
  };

/** Division by zero gives zero, and the most negative number by −1 itself. */
export const divide =
  (signed: boolean): Execute =>
  (b: Builder) => {
    const width = registerWidth(b);
    const [zero, minusOne] = [constant(width, 0), constant(width, -1)];
    const left = b.let(b.get('rn', width));
    const right = b.let(b.get('rm', width));
    const quotient = signed ? choose(eq(right, minusOne), negate(left), divS(left, right)) : divU(left, right);
    b.set('rd', choose(eqz(right), zero, quotient));
  };
