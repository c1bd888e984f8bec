import v8 from 'node:v8';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { fusesMultiplyAdd } from '../../../../engine/wasm/relaxed.ts';
import { native } from '../../../expr.ts';
import { ternaryOf } from './fast.ts';
import { ARRANGEMENTS, lane, splat } from './lanes.ts';
import { ternary } from './lanewise.ts';
import { SHAPES } from './oracle.testing.ts';
import { check, nearlyCancelling, numbers, runner } from '../../../../engine/float.testing.ts';

/* Hosts that have it anyway don't know the flag. */
v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

describe.skipIf(!fusesMultiplyAdd())('with a multiply-add of the host', () => {
  describe.each(['single', 'double'] as const)('%s precision', (p) => {
    const operand = numbers(SHAPES[p]);
    const operands = fc.oneof(fc.tuple(operand, operand, operand), nearlyCancelling(p));

    test('fmadd is what exact rational numbers say', () => {
      check(
        'fmadd',
        p,
        operands,
        runner(3, (b, [a, n, m]) => ternaryOf(b, 'fmadd', p, a!, n!, m!)),
      );
    });

    test('fmla of a vector is too', () => {
      const shape = ARRANGEMENTS[p].at(-1)!;
      const vectors = runner(3, (b, [a, n, m]) => {
        const all = b.let(ternary(b, 'fmla', shape, b.let(splat(p, a!)), b.let(splat(p, n!)), b.let(splat(p, m!))));
        return lane(p, native('i8x16.shuffle', LAST_FIRST, all, all), 0);
      });
      check('fmadd', p, operands, vectors);
    });
  });
});
const LAST_FIRST = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
