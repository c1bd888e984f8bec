/** What instructions do to an element, by their mnemonics, in any precision: scalar forms and each lane of vectors. */
import { and, call, or, xor, type Expr } from '../../../expr.ts';
import type { Statements } from '../../../library.ts';
import { fpAdd, fpSub } from './add.ts';
import { fpCompareEQ, fpCompareGE, fpCompareGT, fpMax, fpMaxNum, fpMin, fpMinNum } from './compare.ts';
import { fpConvert } from './convert.ts';
import { fpDiv, fpSqrt } from './divide.ts';
import { fpRecipEstimate, fpRecpX, fpRSqrtEstimate } from './estimate.ts';
import { constantOf, FORMATS, ROUNDING, type ByPrecision, type Precision } from './format.ts';
import { long, word, ZERO } from './integer.ts';
import { fixedToFP, fpRoundInt, fpRoundIntN, fpToFixed } from './integral.ts';
import { fpMulAdd, fpRecipStepFused, fpRSqrtStepFused } from './multiply-add.ts';
import { fpMul, fpMulX } from './multiply.ts';
import { roundingMode } from './unpack.ts';

export type Unary = (b: Statements, p: Precision, n: Expr) => Expr;
export type Binary = (b: Statements, p: Precision, n: Expr, m: Expr) => Expr;
export type Ternary = (b: Statements, p: Precision, a: Expr, n: Expr, m: Expr) => Expr;

const function1 =
  (of: ByPrecision<readonly [64], 64>): Unary =>
  (_b, p, n) =>
    call(of[p], n);
const function2 =
  (of: ByPrecision<readonly [64, 64], 64>): Binary =>
  (_b, p, n, m) =>
    call(of[p], n, m);

export const fpNeg = (p: Precision, n: Expr) => xor(n, FORMATS[p].sign);
export const fpAbs = (p: Precision, n: Expr) => and(n, FORMATS[p].abs);
/** The bits that an element has. */
const element = (p: Precision, value: Expr) => {
  const { sign, abs, bits } = FORMATS[p];
  return bits === 64 ? value : and(value, or(sign, abs));
};

/** `exact`: FRINTX alone says that it was not. */
const rounded =
  (rounding: (b: Statements) => Expr, exact = 0): Unary =>
  (b, p, n) =>
    call(fpRoundInt[p], n, rounding(b), word(exact));
const mode = (rounding: keyof typeof ROUNDING) => () => word(ROUNDING[rounding]);

const roundedTo =
  (bits: 32 | 64, rounding: (b: Statements) => Expr): Unary =>
  (b, p, n) =>
    call(fpRoundIntN[p], n, rounding(b), constantOf(FORMATS[p], 2 ** (bits - 1)));

/** Of the last letters of FCVT* and FRINT*. */
const DIRECTIONS = { n: 'TIEEVEN', p: 'POSINF', m: 'NEGINF', z: 'ZERO', a: 'TIEAWAY' } as const;

export type ToInteger = `fcvt${keyof typeof DIRECTIONS}${'s' | 'u'}`;
export type FromInteger = 'scvtf' | 'ucvtf';

/** To an integer of `bits` with `fbits` of fraction: 64 bits of it. */
export function toFixed(p: Precision, mnemonic: ToInteger, bits: 16 | 32 | 64, n: Expr, fbits: Expr): Expr {
  const [, direction, sign] = /^fcvt([npmza])([su])$/.exec(mnemonic) ?? [];
  const rounding = ROUNDING[DIRECTIONS[direction as keyof typeof DIRECTIONS]];
  const signed = sign === 's';
  const most = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  return call(fpToFixed[p], n, fbits, word(rounding), long(most), long(signed ? most + 1n : 0n));
}

/** From an integer extended to 64 bits. */
export const fromFixed = (p: Precision, signed: boolean, n: Expr, fbits: Expr) =>
  call(fixedToFP[p], n, fbits, word(signed ? 1 : 0));

/** From one precision to another. */
export function converted(from: Precision, to: Precision, value: Expr, rounding: Expr): Expr {
  const targets: Readonly<Partial<Record<Precision, (typeof fpConvert)['double']['single']>>> = fpConvert[from];
  const fn = targets[to];
  if (!fn) throw new Error(`nothing is converted from ${from} to ${to}`);
  return call(fn, value, rounding);
}

const fpCompareWithZero =
  (of: ByPrecision<readonly [64, 64], 64>, zeroFirst: boolean): Unary =>
  (_b, p, n) =>
    element(p, zeroFirst ? call(of[p], ZERO, n) : call(of[p], n, ZERO));
const compare =
  (of: ByPrecision<readonly [64, 64], 64>, operand = (_p: Precision, n: Expr) => n): Binary =>
  (_b, p, n, m) =>
    element(p, call(of[p], operand(p, n), operand(p, m)));

export const UNARY = {
  fmov: (_b, _p, n) => n,
  fabs: (_b, p, n) => fpAbs(p, n),
  fneg: (_b, p, n) => fpNeg(p, n),
  fsqrt: function1(fpSqrt),
  frintn: rounded(mode('TIEEVEN')),
  frintp: rounded(mode('POSINF')),
  frintm: rounded(mode('NEGINF')),
  frintz: rounded(mode('ZERO')),
  frinta: rounded(mode('TIEAWAY')),
  frintx: rounded(roundingMode, 1),
  frinti: rounded(roundingMode),
  frint32z: roundedTo(32, mode('ZERO')),
  frint32x: roundedTo(32, roundingMode),
  frint64z: roundedTo(64, mode('ZERO')),
  frint64x: roundedTo(64, roundingMode),
  frecpe: function1(fpRecipEstimate),
  frsqrte: function1(fpRSqrtEstimate),
  frecpx: function1(fpRecpX),
  /* With zero. */
  fcmeq: fpCompareWithZero(fpCompareEQ, false),
  fcmge: fpCompareWithZero(fpCompareGE, false),
  fcmgt: fpCompareWithZero(fpCompareGT, false),
  fcmle: fpCompareWithZero(fpCompareGE, true),
  fcmlt: fpCompareWithZero(fpCompareGT, true),
} as const satisfies Record<string, Unary>;

export const BINARY = {
  fadd: function2(fpAdd),
  fsub: function2(fpSub),
  fmul: function2(fpMul),
  fnmul: (_b, p, n, m) => fpNeg(p, call(fpMul[p], n, m)),
  fmulx: function2(fpMulX),
  fdiv: function2(fpDiv),
  fmax: function2(fpMax),
  fmin: function2(fpMin),
  fmaxnm: function2(fpMaxNum),
  fminnm: function2(fpMinNum),
  fabd: (_b, p, n, m) => fpAbs(p, call(fpSub[p], n, m)),
  frecps: function2(fpRecipStepFused),
  frsqrts: function2(fpRSqrtStepFused),
  fcmeq: compare(fpCompareEQ),
  fcmge: compare(fpCompareGE),
  fcmgt: compare(fpCompareGT),
  facge: compare(fpCompareGE, fpAbs),
  facgt: compare(fpCompareGT, fpAbs),
} as const satisfies Record<string, Binary>;

/** The addend is first. */
export const TERNARY = {
  fmadd: (_b, p, a, n, m) => call(fpMulAdd[p], a, n, m),
  fmsub: (_b, p, a, n, m) => call(fpMulAdd[p], a, fpNeg(p, n), m),
  fnmadd: (_b, p, a, n, m) => call(fpMulAdd[p], fpNeg(p, a), fpNeg(p, n), m),
  fnmsub: (_b, p, a, n, m) => call(fpMulAdd[p], fpNeg(p, a), n, m),
  fmla: (_b, p, a, n, m) => call(fpMulAdd[p], a, n, m),
  fmls: (_b, p, a, n, m) => call(fpMulAdd[p], a, fpNeg(p, n), m),
} as const satisfies Record<string, Ternary>;

export type UnaryName = keyof typeof UNARY;
export type BinaryName = keyof typeof BINARY;
export type TernaryName = keyof typeof TERNARY;
