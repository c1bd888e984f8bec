/** NZCV in the state block's form, see layout.ts. */
import type { FlagRule } from '../../isa/builder.ts';
import {
  add,
  and,
  constant,
  eqz,
  extendS,
  extendU,
  geS,
  geU,
  ltS,
  ltU,
  ne,
  not,
  or,
  shl,
  shrU,
  sub,
  toWidth,
  wrap,
  xor,
  type Expr,
} from '../../isa/expr.ts';

/** 64-bit values: N is n's sign, Z is set where z is 0, C is c's bit 0, V is v's sign. */
export interface FlagValues {
  readonly n: Expr;
  readonly z: Expr;
  readonly c: Expr;
  readonly v: Expr;
}

const ZERO = constant(64, 0);
const bits = (value: number) => constant(32, value);
const signed = (a: Expr): Expr => (a.width === 32 ? extendS(a) : a);

/** AddWithCarry() and its relatives; `bind` evaluates now. */
export function flagValues(
  rule: FlagRule,
  bind: (value: Expr) => Expr,
  a: Expr,
  b: Expr = constant(a.width, 0),
  carry: Expr = constant(a.width, 0),
): FlagValues {
  if (rule === 'logic') {
    const r = bind(signed(a));
    return { n: r, z: r, c: ZERO, v: ZERO };
  }
  const sum = { add: () => add(a, b), sub: () => sub(a, b), addCarry: () => add(add(a, b), carry) }[rule];
  const r = bind(sum());
  const carryOut = {
    add: () => extendU(ltU(r, a)),
    sub: () => extendU(geU(a, b)),
    addCarry: () => toWidth(64, shrU(or(and(a, b), and(or(a, b), not(r))), constant(a.width, a.width - 1))),
  }[rule];
  const overflow = rule === 'sub' ? and(xor(a, b), xor(a, r)) : and(xor(a, r), xor(b, r));
  const wide = a.width === 64 ? r : bind(signed(r));
  return { n: wide, z: wide, c: carryOut(), v: signed(overflow) };
}

/** From NZCV in bits 31:28. */
export function splitFlags(nzcv: Expr): FlagValues {
  const wide = extendU(nzcv);
  return {
    n: shl(wide, constant(64, 32)),
    z: extendU(and(not(nzcv), bits(0x40000000))),
    c: extendU(and(shrU(nzcv, bits(29)), bits(1))),
    v: shl(wide, constant(64, 35)),
  };
}

/** To NZCV in bits 31:28. */
export function joinFlags({ n, z, c, v }: FlagValues): Expr {
  const at = (flag: Expr, bit: number) => shl(flag, bits(bit));
  return or(or(at(ltS(n, ZERO), 31), at(eqz(z), 30)), or(at(wrap(c), 29), at(ltS(v, ZERO), 28)));
}

/** ConditionHolds() of the manual's shared pseudocode. */
export function conditionHolds(cond: number, { n, z, c, v }: FlagValues): Expr {
  const clear = (e: Expr) => eqz(e);
  const holds: readonly (() => readonly [Expr, Expr])[] = [
    () => [eqz(z), ne(z, ZERO)],
    () => [wrap(c), eqz(c)],
    () => [ltS(n, ZERO), geS(n, ZERO)],
    () => [ltS(v, ZERO), geS(v, ZERO)],
    () => {
      const higher = and(wrap(c), ne(z, ZERO));
      return [higher, clear(higher)];
    },
    () => [geS(xor(n, v), ZERO), ltS(xor(n, v), ZERO)],
    () => {
      const greater = and(geS(xor(n, v), ZERO), ne(z, ZERO));
      return [greater, clear(greater)];
    },
    () => [bits(1), bits(1)],
  ];
  return holds[cond >> 1]!()[cond & 1]!;
}
