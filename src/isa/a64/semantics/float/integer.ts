/** Integers of 64 bits as mantissas. */
import {
  add,
  and,
  clz,
  constant,
  extendU,
  gtU,
  mul,
  ne,
  or,
  select,
  shl,
  shrU,
  sub,
  type Expr,
} from '../../../expr.ts';
import type { Statements } from '../../../library.ts';

export const long = (value: bigint | number) => constant(64, value);
export const word = (value: number) => constant(32, value);
export const ZERO = long(0);
export const ONE = long(1);

/** 1 where the value isn't 0, 64 bits wide. */
export const any = (value: Expr) => extendU(ne(value, constant(value.width, 0)));

/** 2 to the `n`, less 1. */
export const ones = (n: Expr) => sub(shl(ONE, n), ONE);

/** A shift right of a mantissa below 2 to the 63, by 0 or more: its lowest bit is set where ones were lost. */
export function shiftRightJamming(b: Statements, mantissa: Expr, by: Expr): Expr {
  const n = b.let(select(gtU(by, long(63)), long(63), by));
  return or(shrU(mantissa, n), any(and(mantissa, ones(n))));
}

/** The left shift that brings a mantissa's highest one, which is below bit 63, to bit 62. */
export const normalisingShift = (mantissa: Expr) => sub(clz(mantissa), ONE);

/** The high 64 bits of an unsigned product; operands are bound. */
export function multiplyHigh(b: Statements, x: Expr, y: Expr): Expr {
  const [thirtyTwo, low] = [long(32), long(0xffffffff)];
  const [x0, x1] = [b.let(and(x, low)), b.let(shrU(x, thirtyTwo))];
  const [y0, y1] = [b.let(and(y, low)), b.let(shrU(y, thirtyTwo))];
  const carried = b.let(add(mul(x1, y0), shrU(mul(x0, y0), thirtyTwo)));
  const middle = b.let(add(mul(x0, y1), and(carried, low)));
  return add(add(mul(x1, y1), shrU(carried, thirtyTwo)), shrU(middle, thirtyTwo));
}
