/** Scalar floating point: the low bits of V registers, with zeros above the result. */
import type { Builder } from '../../../builder.ts';
import type { Execute } from '../../../execute.ts';
import { and, call, constant, extendS, extendU, select, shl, shrU, wrap, type Expr } from '../../../expr.ts';
import type { RegisterOperand } from '../../../row.ts';
import { registerWidth } from '../width.ts';
import { fpConvert } from './convert.ts';
import { FORMATS, ROUNDING, type Precision } from './format.ts';
import { long, word, ZERO } from './integer.ts';
import { fpToFixedJS } from './integral.ts';
import { signedLane, type Which } from './lanes.ts';
import { binaryOf, ternaryOf, unaryOf } from './fast.ts';
import { compareOf, convertOf, fromFixedOf, toFixedOf } from './fast-convert.ts';
import {
  fromFixed,
  toFixed,
  type BinaryName,
  type FromInteger,
  type TernaryName,
  type ToInteger,
  type UnaryName,
} from './operations.ts';
import { roundingMode } from './unpack.ts';

const LOW = { half: long(0xffff), single: long(0xffffffff), double: long(-1) } as const;
const element = (p: Precision, value: Expr) => (p === 'double' ? value : and(value, LOW[p]));
export const get = (b: Builder, operand: RegisterOperand, p: Precision) => b.let(element(p, b.getV(operand, 0)));
export const set = (b: Builder, value: Expr) => b.setV('rd', value, ZERO);

export const unary =
  (name: UnaryName, which: Which): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    set(b, unaryOf(b, name, p, get(b, 'rn', p)));
  };

export const binary =
  (name: BinaryName, which: Which): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    set(b, binaryOf(b, name, p, get(b, 'rn', p), get(b, 'rm', p)));
  };

export const ternary =
  (name: TernaryName, which: Which): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    set(b, ternaryOf(b, name, p, get(b, 'ra', p), get(b, 'rn', p), get(b, 'rm', p)));
  };

/** FCMP and FCMPE; `signal`: quiet NaNs are invalid too. */
export const compare =
  (which: Which, signal: boolean, withZero: boolean): Execute =>
  (b) => {
    b.checkFp();
    setOrder(b, which(b), signal, withZero);
  };

function setOrder(b: Builder, p: Precision, signal: boolean, withZero: boolean): void {
  const n = get(b, 'rn', p);
  const m = withZero ? ZERO : get(b, 'rm', p);
  b.setFlags('sub', b.let(compareOf(b, p, n, m, signal)), word(1));
}

/** FCCMP and FCCMPE: `imm` where the condition fails. */
export const conditionalCompare =
  (which: Which, signal: boolean): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    b.when(
      b.condition(b.field('cond')),
      () => setOrder(b, p, signal, false),
      () => b.setNzcv(shl(b.immediate('imm', 32), word(28))),
    );
  };

export const conditionalSelect =
  (which: Which): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    set(b, element(p, select(b.condition(b.field('cond')), b.getV('rn', 0), b.getV('rm', 0))));
  };

export const moveImmediate: Execute = (b) => {
  b.checkFp();
  set(b, b.immediate('imm', 64));
};

/** FCVT. */
export const convert =
  (from: Precision, to: Precision): Execute =>
  (b) => {
    b.checkFp();
    set(b, convertOf(b, from, to, get(b, 'rn', from), roundingMode(b)));
  };

/** FCVTXN. */
export const convertToOdd: Execute = (b) => {
  b.checkFp();
  set(b, call(fpConvert.double.single, get(b, 'rn', 'double'), word(ROUNDING.ODD)));
};

/** To a general register; `fixed` is its width where the row has an `imm` of fraction bits. */
export const toGeneral =
  (name: ToInteger, which: Which, fixed?: 32 | 64): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    const width = fixed ?? registerWidth(b);
    const n = get(b, 'rn', p);
    const value = fixed ? toFixed(p, name, width, n, b.immediate('imm', 64)) : toFixedOf(b, p, name, width, n);
    b.set('rd', width === 32 ? wrap(value) : value);
  };

export const fromGeneral =
  (name: FromInteger, which: Which, fixed?: 32 | 64): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    const width = fixed ?? registerWidth(b);
    const signed = name === 'scvtf';
    const value = b.get('rn', width);
    const integer = b.let(width === 64 ? value : (signed ? extendS : extendU)(value));
    const imm = () => b.immediate('imm', 64);
    set(b, fixed ? fromFixed(p, signed, integer, imm()) : fromFixedOf(b, p, name, width, integer));
  };

/** To and from an integer in the V register; `imm` is its number of fraction bits where `fixed`. */
export const toVectorInteger =
  (name: ToInteger, which: Which, fixed = false): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    const { bits } = FORMATS[p];
    const n = get(b, 'rn', p);
    const fbits = fixed ? b.immediate('imm', 64) : ZERO;
    set(b, element(p, fixed || bits === 16 ? toFixed(p, name, bits, n, fbits) : toFixedOf(b, p, name, bits, n)));
  };
export const fromVectorInteger =
  (name: FromInteger, which: Which, fixed = false): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    const signed = name === 'scvtf';
    const integer = b.let(signed ? signedLane(p, b.getVector('rn'), 0) : get(b, 'rn', p));
    const { bits } = FORMATS[p];
    const fbits = fixed ? b.immediate('imm', 64) : ZERO;
    set(b, fixed || bits === 16 ? fromFixed(p, signed, integer, fbits) : fromFixedOf(b, p, name, bits, integer));
  };

/** FJCVTZS: Z says that nothing was lost. */
export const toJavaScript: Execute = (b) => {
  b.checkFp();
  const result = b.let(call(fpToFixedJS, get(b, 'rn', 'double')));
  b.set('rd', wrap(result));
  b.setNzcv(and(wrap(shrU(result, long(2))), constant(32, 1 << 30)));
};

/** FMOV from a general register, its bits above the precision's left out, and to one. */
export const moveFromGeneral =
  (p: Precision): Execute =>
  (b) => {
    b.checkFp();
    set(b, element(p, b.get('rn', 64)));
  };
export const moveToGeneral =
  (p: Precision): Execute =>
  (b) => {
    b.checkFp();
    b.set('rd', element(p, b.getV('rn', 0)));
  };
export const moveFromGeneralToTop: Execute = (b) => {
  b.checkFp();
  b.setV('rd', b.let(b.getV('ra', 0)), b.get('rn', 64));
};
export const moveTopToGeneral: Execute = (b) => {
  b.checkFp();
  b.set('rd', b.getV('rn', 1));
};
