/**
 * WebAssembly's own arithmetic, where it gives what the architecture asks for. It rounds to nearest, flushes nothing and raises
 * nothing; so its result stands where FPCR asks for no more, the operation is inexact at most and FPSR.IXC says that already.
 * Whether it overflowed, underflowed or was invalid is seen from the result.
 */
import { and, call, choose, constant, extendU, native, ne, wrap, type Expr } from '../../../expr.ts';
import type { Statements } from '../../../library.ts';
import type { Precision } from './format.ts';
import { fpMulAddDouble } from './fused.ts';
import { fpMulAdd } from './multiply-add.ts';
import {
  BINARY,
  fpAbs,
  fpNeg,
  TERNARY,
  UNARY,
  type BinaryName,
  type TernaryName,
  type UnaryName,
} from './operations.ts';
import { finite, number, regular, type Wide } from './result.ts';
import { nearest, unflushed } from './state.ts';

export const f32 = (value: Expr) => native('f32.reinterpret_i32', wrap(value));
export const f64 = (value: Expr) => native('f64.reinterpret_i64', value);

type Native1 = 'sqrt' | 'nearest' | 'ceil' | 'floor' | 'trunc';
type Native2 = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max';
const apply1 = (p: Wide, name: Native1, n: Expr): Expr =>
  p === 'single'
    ? extendU(native('i32.reinterpret_f32', native(`f32.${name}`, f32(n))))
    : native('i64.reinterpret_f64', native(`f64.${name}`, f64(n)));
const apply2 = (p: Wide, name: Native2, n: Expr, m: Expr): Expr =>
  p === 'single'
    ? extendU(native('i32.reinterpret_f32', native(`f32.${name}`, f32(n), f32(m))))
    : native('i64.reinterpret_f64', native(`f64.${name}`, f64(n), f64(m)));

/** What FPCR and FPSR must say, and what the result must be. */
export interface Rule {
  readonly state: (b: Statements) => Expr;
  readonly result: 'finite' | 'number' | 'regular';
}
const RESULT = { finite, number, regular };
/** A sum is exact where it is tiny. */
const SUM: Rule = { state: nearest, result: 'finite' };
const PRODUCT: Rule = { state: nearest, result: 'regular' };
/** What is always exact, and only asks for no NaNs. */
const EXACT: Rule = { state: unflushed, result: 'number' };

export const FAST_UNARY: Partial<Record<UnaryName, readonly [Native1, Rule]>> = {
  fsqrt: ['sqrt', SUM],
  frintn: ['nearest', EXACT],
  frintp: ['ceil', EXACT],
  frintm: ['floor', EXACT],
  frintz: ['trunc', EXACT],
};

export const FAST_BINARY: Partial<Record<BinaryName, readonly [Native2, Rule]>> = {
  fadd: ['add', SUM],
  fsub: ['sub', SUM],
  fabd: ['sub', SUM],
  fmul: ['mul', PRODUCT],
  fnmul: ['mul', PRODUCT],
  fmulx: ['mul', PRODUCT],
  fdiv: ['div', PRODUCT],
  fmax: ['max', EXACT],
  fmin: ['min', EXACT],
  fmaxnm: ['max', EXACT],
  fminnm: ['min', EXACT],
};
/** After the operation. */
const AFTER: Partial<Record<BinaryName, (p: Precision, value: Expr) => Expr>> = { fabd: fpAbs, fnmul: fpNeg };

/** UNARY, BINARY and TERNARY with these in front of them; operands are bound. */
export function unaryOf(b: Statements, name: UnaryName, p: Precision, n: Expr): Expr {
  const slow = UNARY[name](b, p, n);
  const fast = FAST_UNARY[name];
  if (!fast || p === 'half') return slow;
  const [operation, { state, result }] = fast;
  const value = b.let(apply1(p, operation, n));
  return choose(and(state(b), RESULT[result](p, value)), value, slow);
}

export function binaryOf(b: Statements, name: BinaryName, p: Precision, n: Expr, m: Expr): Expr {
  const slow = BINARY[name](b, p, n, m);
  const fast = FAST_BINARY[name];
  if (!fast || p === 'half') return slow;
  const [operation, { state, result }] = fast;
  const value = b.let(apply2(p, operation, n, m));
  return choose(and(state(b), RESULT[result](p, value)), AFTER[name]?.(p, value) ?? value, slow);
}

/** Which of addend and first factor is negated. */
export const SIGNS = {
  fmadd: [0, 0],
  fmsub: [0, 1],
  fnmadd: [1, 1],
  fnmsub: [1, 0],
  fmla: [0, 0],
  fmls: [0, 1],
} as const;

/**
 * Of singles the product is exact as a double, and so is on which side of a single their sum lies; only a sum halfway between
 * two singles may have come there by rounding.
 */
export function ternaryOf(b: Statements, name: TernaryName, p: Precision, a: Expr, n: Expr, m: Expr): Expr {
  const [negateA, negateN] = SIGNS[name];
  if (p === 'double') return multiplyAddDouble(b, negateA ? fpNeg(p, a) : a, negateN ? fpNeg(p, n) : n, m);
  const slow = TERNARY[name](b, p, a, n, m);
  if (p === 'half') return slow;
  const promoted = (value: Expr) => native('f64.promote_f32', f32(value));
  const product = native('f64.mul', promoted(n), promoted(m));
  const addend = negateA ? native('f64.neg', promoted(a)) : promoted(a);
  const sum = b.let(native(negateN ? 'f64.sub' : 'f64.add', addend, product));
  const value = b.let(extendU(native('i32.reinterpret_f32', native('f32.demote_f64', sum))));
  const cut = and(wrap(native('i64.reinterpret_f64', sum)), constant(32, 0x1fffffff));
  const decided = ne(cut, constant(32, 0x10000000));
  return choose(and(nearest(b), and(decided, regular('single', value))), value, slow);
}

function multiplyAddDouble(b: Statements, a: Expr, n: Expr, m: Expr): Expr {
  if (!b.fusesMultiplyAdd) return call(fpMulAddDouble, a, n, m);
  const vector = (value: Expr) => native('i64x2.splat', value);
  const once = native('f64x2.relaxed_madd', vector(n), vector(m), vector(a));
  const value = b.let(native('i64x2.extract_lane', 0, once));
  return choose(and(nearest(b), regular('double', value)), value, call(fpMulAdd.double, a, n, m));
}
