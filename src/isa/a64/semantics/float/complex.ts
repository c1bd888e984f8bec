/** FCADD and FCMLA: pairs of elements are complex numbers, turned by a multiple of 90 degrees. */
import type { Builder } from '../../../builder.ts';
import type { Execute } from '../../../execute.ts';
import { call, type Expr } from '../../../expr.ts';
import { fpAdd } from './add.ts';
import { duplicate } from '../simd/element.ts';
import type { Precision } from './format.ts';
import { arrangement, FOUR_SINGLES, half, lane, vectorOf, type Arrangement, type Which } from './lanes.ts';
import { fpMulAdd } from './multiply-add.ts';
import { fpNeg } from './operations.ts';

const negatedIf = (negative: boolean, p: Precision, value: Expr) => (negative ? fpNeg(p, value) : value);

/** The second number turned by 90 or 270 degrees: its parts change places, and one its sign. */
export const complexAdd =
  (which: Which): Execute =>
  (b) => {
    b.checkFp();
    const shape = arrangement(b, which);
    const { p } = shape;
    const [n, m] = [b.let(b.getVector('rn')), b.let(b.getVector('rm'))];
    const by270 = b.field('rot') === 1;
    const turned = (index: number) => negatedIf((index % 2 === 1) === by270, p, lane(p, m, index ^ 1));
    b.setVector(
      'rd',
      vectorOf(b, shape, (index) => call(fpAdd[p], lane(p, n, index), turned(index))),
    );
  };

/** Turned by `rot` times 90 degrees: one part of the first number is multiplied with both of the second, signs as the turn has them. */
function multiplyAdd(b: Builder, shape: Arrangement, pairOfSecond: (index: number) => Expr): void {
  const { p } = shape;
  const [a, n] = [b.let(b.getVector('ra')), b.let(b.getVector('rn'))];
  const rot = b.field('rot');
  const odd = rot % 2;
  const element = (index: number) => {
    const imaginary = index % 2;
    const negative = imaginary ? rot >= 2 : rot === 1 || rot === 2;
    const first = lane(p, n, index - imaginary + odd);
    const second = negatedIf(negative, p, pairOfSecond(odd ? index ^ 1 : index));
    return call(fpMulAdd[p], lane(p, a, index), first, second);
  };
  b.setVector('rd', vectorOf(b, shape, element));
}

export const complexMultiplyAdd =
  (which: Which): Execute =>
  (b) => {
    b.checkFp();
    const shape = arrangement(b, which);
    const m = b.let(b.getVector('rm'));
    multiplyAdd(b, shape, (index) => lane(shape.p, m, index));
  };

/** The second number is the pair that `imm` names, of which singles make but two. */
export const complexMultiplyAddByElement =
  (p: 'half' | 'single'): Execute =>
  (b) => {
    b.checkFp();
    const shape = p === 'half' ? arrangement(b, half) : FOUR_SINGLES;
    const m = b.let(duplicate(p === 'half' ? 2 : 3, b.getVector('rm'), b.let(b.immediate('imm', 32))));
    multiplyAdd(b, shape, (index) => lane(p, m, index % 2));
  };
