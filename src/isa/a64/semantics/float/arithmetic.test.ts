import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { call, type Expr } from '../../../expr.ts';
import { binaryOf, ternaryOf, unaryOf } from './fast.ts';
import { convertOf, fromFixedOf, toFixedOf } from './fast-convert.ts';
import { fpConvert } from './convert.ts';
import { ROUNDING, type Precision } from './format.ts';
import { word } from './integer.ts';
import { decode, integral, IOC, IXC, nanOf, rounded, SHAPES, type Answer, type Shape } from './oracle.testing.ts';
import {
  agree,
  check,
  controls,
  nearlyCancelling,
  numbers,
  PRECISIONS,
  runner,
  RUNS,
  statuses,
} from '../../../../engine/float.testing.ts';
import type { ToInteger } from './operations.ts';
import { roundingMode } from './unpack.ts';

const CONVERSIONS = (['n', 'p', 'm', 'z', 'a'] as const).flatMap((direction) =>
  (['s', 'u'] as const).flatMap((sign) =>
    ([32, 64] as const).map((bits) => [`fcvt${direction}${sign}`, bits] as const satisfies [ToInteger, number]),
  ),
);

/** Of infinities and NaNs too: the nearest there is, and 0. */
function toInteger(s: Shape, n: bigint, fpcr: number, name: ToInteger, bits: 32 | 64): Answer {
  const { value, flags } = decode(s, n, fpcr);
  const signed = name.endsWith('s');
  const least = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const most = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const as = (integer: bigint) => BigInt.asUintN(bits, integer);
  if (value.kind === 'infinity') return { value: as(value.sign ? least : most), flags: IOC };
  if (value.kind !== 'number') return { value: 0n, flags: IOC };
  const { integer, exact } = integral(value.over, value.under, value.sign, 'npmza'.indexOf(name[4]!));
  const whole = value.sign ? -integer : integer;
  if (whole < least || whole > most) return { value: as(whole < least ? least : most), flags: flags | IOC };
  return { value: as(whole), flags: flags | (exact ? 0 : IXC) };
}

const callConvert = (n: Expr) => call(fpConvert.double.single, n, word(ROUNDING.ODD));

describe.each(PRECISIONS)('%s precision, against exact rational numbers, in all modes', (p) => {
  const s = SHAPES[p];
  const operand = numbers(s);
  /** Also an operand next to the other. */
  const pairs = fc.oneof(
    fc.tuple(operand, operand),
    fc.tuple(operand, fc.integer({ min: -4, max: 4 })).map(([n, by]) => {
      const other = BigInt.asUintN(s.bits, (n ^ (1n << BigInt(s.bits - 1))) + BigInt(by));
      return [n, other] as const;
    }),
  );

  test.each(['fadd', 'fsub', 'fmul', 'fdiv'] as const)('%s', (name) => {
    check(
      name,
      p,
      pairs,
      runner(2, (b, [n, m]) => binaryOf(b, name, p, n!, m!)),
    );
  });

  test('fsqrt', () => {
    check(
      'fsqrt',
      p,
      operand.map((n) => [n]),
      runner(1, (b, [n]) => unaryOf(b, 'fsqrt', p, n!)),
    );
  });

  test('fmadd, also where the sum almost cancels or is almost halfway between two numbers', () => {
    const run = runner(3, (b, [a, n, m]) => ternaryOf(b, 'fmadd', p, a!, n!, m!));
    check('fmadd', p, fc.oneof(fc.tuple(operand, operand, operand), nearlyCancelling(p)), run);
  });

  test('to integers of 32 and 64 bits, signed and not, in every direction', () => {
    const runs = CONVERSIONS.map(([name, bits]) => ({
      name,
      bits,
      run: runner(1, (b, [n]) => toFixedOf(b, p, name, bits, n!)),
    }));
    fc.assert(
      fc.property(fc.constantFrom(...runs), operand, controls, statuses, ({ name, bits, run }, n, fpcr, fpsr) => {
        const expected = toInteger(s, n, fpcr, name, bits);
        const found = run([n], fpcr, fpsr);
        const value = BigInt.asUintN(bits, found.value);
        agree(expected, { ...found, value }, fpsr, `${name} ${bits} ${n.toString(16)} fpcr ${fpcr.toString(16)}`);
      }),
      RUNS,
    );
  });

  test('from integers of 32 and 64 bits, signed and not', () => {
    const runs = (['scvtf', 'ucvtf'] as const).flatMap((name) =>
      ([32, 64] as const).map((bits) => ({
        signed: name === 'scvtf',
        bits,
        run: runner(1, (b, [n]) => fromFixedOf(b, p, name, bits, n!)),
      })),
    );
    const integers = fc
      .tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(63))
      .map(([n, by]) => n >> BigInt(by));
    fc.assert(
      fc.property(fc.constantFrom(...runs), integers, controls, statuses, ({ signed, bits, run }, n, fpcr, fpsr) => {
        const integer = signed ? BigInt.asIntN(bits, n) : BigInt.asUintN(bits, n);
        const negative = integer < 0n;
        const expected =
          integer === 0n ? { value: 0n, flags: 0 } : rounded(s, negative, negative ? -integer : integer, 1n, fpcr);
        agree(expected, run([integer], fpcr, fpsr), fpsr, `${integer} of ${bits} fpcr ${fpcr.toString(16)}`);
      }),
      RUNS,
    );
  });

  test.each(PRECISIONS.filter((to) => to !== p))('to %s precision', (to) => {
    /* Conversions of half precision are not flushed as operations of it are. */
    const plain = (which: Precision): Shape => (which === 'half' ? { ...SHAPES.half, flush: 0 } : SHAPES[which]);
    const [from, target] = [plain(p), plain(to)];
    const run = runner(1, (b, [n]) => convertOf(b, p, to, n!, roundingMode(b)));
    fc.assert(
      fc.property(numbers(from), controls, statuses, (n, fpcr, fpsr) => {
        const { value, flags } = decode(from, n, fpcr);
        const sign = value.sign ? 1n << BigInt(target.bits - 1) : 0n;
        const endless = ((1n << BigInt(target.bits - 1 - target.fraction)) - 1n) << BigInt(target.fraction);
        const answer = (): Answer => {
          if (value.kind === 'infinity') return { value: sign | endless, flags: 0 };
          if (value.kind === 'number') {
            if (value.over === 0n) return { value: sign, flags };
            const found = rounded(target, value.sign, value.over, value.under, fpcr);
            return { ...found, flags: found.flags | flags };
          }
          const nan = nanOf(from, [n], [value], 0)!;
          const payload = nan.value & ((1n << BigInt(from.fraction)) - 1n);
          const by = BigInt(target.fraction - from.fraction);
          const moved = by > 0n ? payload << by : payload >> -by;
          const quiet = endless | (1n << BigInt(target.fraction - 1));
          return { value: fpcr & (1 << 25) ? quiet : sign | endless | moved, flags: nan.flags };
        };
        agree(answer(), run([n], fpcr, fpsr), fpsr, `${n.toString(16)} fpcr ${fpcr.toString(16)}`);
      }),
      RUNS,
    );
  });
});

test('rounding to odd keeps apart what rounding once more must tell', () => {
  const odd = runner(1, (b, [n]) => b.let(callConvert(n!)));
  const s = SHAPES.double;
  fc.assert(
    fc.property(numbers(s), (n) => {
      const { value } = decode(s, n, 0);
      if (value.kind !== 'number' || value.over === 0n) return;
      const toZero = rounded(SHAPES.single, value.sign, value.over, value.under, 0, 3);
      const found = odd([n], 0, 0);
      expect(found.value).toBe(toZero.flags & IXC ? toZero.value | 1n : toZero.value);
    }),
    RUNS,
  );
});
