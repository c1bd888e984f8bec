/** Floating point on vectors, lane by lane. */
import type { Builder } from '../../../builder.ts';
import type { Execute } from '../../../execute.ts';
import { call, native, type Expr, type Vector } from '../../../expr.ts';
import { duplicate } from '../simd/element.ts';
import { unsignedRecipEstimate, unsignedRSqrtEstimate } from './estimate.ts';
import { halfAsSingle } from './convert.ts';
import { binaryOf, ternaryOf } from './fast.ts';
import { convertOf } from './fast-convert.ts';
import { ROUNDING, type Precision } from './format.ts';
import { word, ZERO } from './integer.ts';
import { arrangement, EMPTY, lane, SIZE, vectorOf, type Arrangement, type Which } from './lanes.ts';
import * as lanewise from './lanewise.ts';
import { fpMulAdd } from './multiply-add.ts';
import {
  converted,
  fpNeg,
  type BinaryName,
  type FromInteger,
  type TernaryName,
  type ToInteger,
  type UnaryName,
} from './operations.ts';
import { set } from './scalar.ts';
import { roundingMode } from './unpack.ts';

export const unary =
  (name: UnaryName, which: Which): Execute =>
  (b) => {
    b.checkFp();
    b.setVector('rd', lanewise.unary(b, name, arrangement(b, which), b.let(b.getVector('rn'))));
  };

/** The second operand: a vector, or an element of it in each place. */
type Second = (b: Builder, p: Precision) => Vector;
const whole: Second = (b) => b.getVector('rm');
export const byElement: Second = (b, p) => duplicate(SIZE[p], b.getVector('rm'), b.let(b.immediate('imm', 32)));

export const binary =
  (name: BinaryName, which: Which, second = whole): Execute =>
  (b) => {
    b.checkFp();
    const shape = arrangement(b, which);
    b.setVector('rd', lanewise.binary(b, name, shape, b.let(b.getVector('rn')), b.let(second(b, shape.p))));
  };

export const ternary =
  (name: TernaryName, which: Which, second = whole): Execute =>
  (b) => {
    b.checkFp();
    const shape = arrangement(b, which);
    b.setVector(
      'rd',
      lanewise.ternary(b, name, shape, b.let(b.getVector('ra')), b.let(b.getVector('rn')), b.let(second(b, shape.p))),
    );
  };

/** Scalar forms by an element. */
export const binaryByElement =
  (name: BinaryName, which: Which): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    const [n, m] = [lane(p, b.getVector('rn'), 0), lane(p, byElement(b, p), 0)];
    set(b, binaryOf(b, name, p, b.let(n), b.let(m)));
  };
export const ternaryByElement =
  (name: TernaryName, which: Which): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    const operands = [b.getVector('ra'), b.getVector('rn'), byElement(b, p)] as const;
    const [a, n, m] = operands.map((value) => b.let(lane(p, value, 0)));
    set(b, ternaryOf(b, name, p, a!, n!, m!));
  };

/** Neighbours of the first vector, then of the second. */
export const pairwise =
  (name: BinaryName, which: Which): Execute =>
  (b) => {
    b.checkFp();
    const shape = arrangement(b, which);
    const { p, count } = shape;
    const [n, m] = [b.let(b.getVector('rn')), b.let(b.getVector('rm'))];
    const at = (index: number) => (index < count ? lane(p, n, index) : lane(p, m, index - count));
    b.setVector(
      'rd',
      vectorOf(b, shape, (index) => binaryOf(b, name, p, b.let(at(2 * index)), b.let(at(2 * index + 1)))),
    );
  };

/** Both elements of a vector of two, to a scalar. */
export const pair =
  (name: BinaryName, which: Which): Execute =>
  (b) => {
    b.checkFp();
    const p = which(b);
    const n = b.let(b.getVector('rn'));
    set(b, binaryOf(b, name, p, b.let(lane(p, n, 0)), b.let(lane(p, n, 1))));
  };

/** Reduce(): the lower half with the upper one, each reduced before. */
export const across =
  (name: BinaryName, shapeOf: (b: Builder) => Arrangement): Execute =>
  (b) => {
    b.checkFp();
    const { p, count } = shapeOf(b);
    const n = b.let(b.getVector('rn'));
    const reduce = (first: number, length: number): Expr => {
      if (length === 1) return b.let(lane(p, n, first));
      const middle = length / 2;
      return b.let(binaryOf(b, name, p, reduce(first, middle), reduce(first + middle, middle)));
    };
    set(b, reduce(0, count));
  };

/** `fixed`: the row's `imm` is the number of fraction bits. */
export const toInteger =
  (name: ToInteger, which: Which, fixed = false): Execute =>
  (b) => {
    b.checkFp();
    const shape = arrangement(b, which);
    b.setVector(
      'rd',
      lanewise.toInteger(b, name, shape, b.let(b.getVector('rn')), fixed ? b.immediate('imm', 64) : null),
    );
  };
export const fromInteger =
  (name: FromInteger, which: Which, fixed = false): Execute =>
  (b) => {
    b.checkFp();
    const shape = arrangement(b, which);
    b.setVector(
      'rd',
      lanewise.fromInteger(b, name, shape, b.let(b.getVector('rn')), fixed ? b.immediate('imm', 64) : null),
    );
  };

/** FCVTL and FCVTL2: half to single, or single to double. */
export const lengthen: Execute = (b) => {
  b.checkFp();
  const [from, to, count] = b.field('sz') ? (['single', 'double', 2] as const) : (['half', 'single', 4] as const);
  const n = b.let(b.getVector('rn'));
  const first = b.field('Q') * count;
  b.setVector(
    'rd',
    vectorOf(b, { p: to, count }, (index) => convertOf(b, from, to, b.let(lane(from, n, first + index)), word(0))),
  );
};

type Narrow = (b: Builder, from: 'single' | 'double', to: 'half' | 'single', element: Expr) => Expr;

/** FCVTN and FCVTN2; FCVTXN rounds to odd. The second half is put above what is there. */
const narrowing =
  (from: (b: Builder) => 'single' | 'double', converted: Narrow): Execute =>
  (b) => {
    b.checkFp();
    const wide = from(b);
    const [to, count] = wide === 'double' ? (['single', 2] as const) : (['half', 4] as const);
    const n = b.let(b.getVector('rn'));
    const upper = b.field('Q') === 1;
    const into = upper ? native('i64x2.replace_lane', 1, b.getVector('ra'), ZERO) : EMPTY;
    const element = (index: number) => converted(b, wide, to, b.let(lane(wide, n, index)));
    b.setVector('rd', vectorOf(b, { p: to, count }, element, into, upper ? count : 0));
  };
export const narrow = narrowing(
  (b) => (b.field('sz') ? 'double' : 'single'),
  (b, from, to, element) => convertOf(b, from, to, element, roundingMode(b)),
);
export const narrowToOdd = narrowing(
  () => 'double',
  (_b, from, to, element) => converted(from, to, element, word(ROUNDING.ODD)),
);

/** FMLAL and FMLSL: halves into singles, from the lower or upper part of the vectors. */
export const multiplyAddLong =
  (subtract: boolean, part: 0 | 1, element: boolean): Execute =>
  (b) => {
    b.checkFp();
    const count = b.field('Q') ? 4 : 2;
    const [a, n] = [b.let(b.getVector('ra')), b.let(b.getVector('rn'))];
    const m = b.let(element ? byElement(b, 'half') : b.getVector('rm'));
    const at = (value: Vector, index: number) => lane('half', value, part * count + index);
    const factor = (index: number) => (subtract ? fpNeg('half', at(n, index)) : at(n, index));
    b.setVector(
      'rd',
      vectorOf(b, { p: 'single', count }, (index) =>
        call(
          fpMulAdd.single,
          lane('single', a, index),
          call(halfAsSingle, factor(index)),
          call(halfAsSingle, at(m, index)),
        ),
      ),
    );
  };

/** URECPE and URSQRTE. */
export const fixedEstimate =
  (name: 'urecpe' | 'ursqrte'): Execute =>
  (b) => {
    b.checkFp();
    const shape = { p: 'single', count: b.field('Q') ? 4 : 2 } as const;
    const n = b.let(b.getVector('rn'));
    const fn = name === 'urecpe' ? unsignedRecipEstimate : unsignedRSqrtEstimate;
    b.setVector(
      'rd',
      vectorOf(b, shape, (index) => call(fn, lane('single', n, index))),
    );
  };
