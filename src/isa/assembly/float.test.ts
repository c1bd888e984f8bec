import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FLOAT_FORMATS, floatBits } from './float.ts';

const view = new DataView(new ArrayBuffer(8));
function doubleBits(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}
function singleBits(value: number): bigint {
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
}
const magnitude = { noNaN: true, noDefaultInfinity: true, min: 0 } as const;
/** All digits of a double: it has no more than these. */
const EXACT_DIGITS = 100;

describe('a decimal number as binary floating point', () => {
  test('is the double that JavaScript reads', () => {
    const decimal = fc
      .tuple(fc.stringMatching(/^\d{1,25}\.?\d{0,25}$/), fc.integer({ min: -330, max: 280 }))
      .map(([digits, exponent]) => `${digits}e${exponent}`);
    fc.assert(
      fc.property(fc.oneof(decimal, fc.double(magnitude).map(String)), (text) => {
        expect(floatBits(text, FLOAT_FORMATS.double)).toBe(doubleBits(Number(text)));
      }),
      { numRuns: 2000 },
    );
  });

  test('is the nearest single, ties to even', () => {
    const between = fc
      .tuple(fc.float({ ...magnitude, min: Math.fround(1e-9), max: Math.fround(1e9) }), fc.constantFrom(0, 1, 2, 3))
      .map(([value, quarters]) => {
        const next = new Float32Array(new Uint32Array([Number(singleBits(value)) + 1]).buffer)[0]!;
        return value + ((next - value) * quarters) / 4;
      });
    fc.assert(
      fc.property(between, (value) => {
        expect(floatBits(value.toPrecision(EXACT_DIGITS), FLOAT_FORMATS.single)).toBe(singleBits(value));
      }),
      { numRuns: 1000 },
    );
  });

  test('that no double could round twice is rounded once', () => {
    const aboveTie = `1.${(2 ** -24).toFixed(24).slice(2)}${'0'.repeat(20)}1`;
    expect(floatBits(aboveTie, FLOAT_FORMATS.single)).toBe(0x3f80_0001n);
    expect(floatBits(`${aboveTie.slice(0, -1)}${'0'.repeat(2000)}1`, FLOAT_FORMATS.single)).toBe(0x3f80_0001n);
  });

  test.each([
    ['1', 0x3c00n],
    ['65504', 0x7bffn],
    ['65519', 0x7bffn],
    ['65520', 0x7c00n],
    ['65536', null],
    ['6e-8', 1n],
    ['1e-9', 0n],
    ['1e999999999', null],
    ['0e999999999', 0n],
    ['inf', 0x7c00n],
    ['nan', 0x7fffn],
  ])('%s as half precision', (text, bits) => {
    expect(floatBits(text, FLOAT_FORMATS.half)).toBe(bits);
  });
});
