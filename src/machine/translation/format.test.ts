import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeAddress,
  entryAddress,
  entryKind,
  extract,
  GRANULES,
  levelShift,
  stage1StartLevel,
  stage2StartLevel,
  tableFormat,
  type GranuleName,
} from './format.ts';

const granule = fc.constantFrom<GranuleName>('4K', '16K', '64K');
const value = (high: number, low: number) => (BigInt(high) << 32n) | BigInt(low >>> 0);

test('an address comes back from a descriptor, in every format and at every level', () => {
  fc.assert(
    fc.property(
      granule,
      fc.constantFrom<48 | 52>(48, 52),
      fc.bigInt(0n, (1n << 52n) - 1n),
      fc.integer({ min: 1, max: 3 }),
      (name, bits, raw, level) => {
        const format = tableFormat(1, name, bits);
        const size = 1n << BigInt(levelShift(format.granule, level));
        const address = (raw % (1n << BigInt(bits))) & ~(size - 1n);
        const { low, high } = encodeAddress(format, Number(address));
        expect(entryAddress(format, level, low, high, level === 3 ? 'page' : 'block')).toBe(Number(address));
        expect(low & 3).toBe(0);
      },
    ),
  );
});

describe('FEAT_LPA and FEAT_LPA2 move the upper address bits', () => {
  const address = 0x000a_5000_0000_0000;
  test.each([
    ['4K', (2n << 8n) | 0x2_5000_0000_0000n],
    ['16K', (2n << 8n) | 0x2_5000_0000_0000n],
    ['64K', (0xan << 12n) | 0x5000_0000_0000n],
  ] as const)('%s', (name, expected) => {
    const { low, high } = encodeAddress(tableFormat(2, name, 52), address);
    expect(value(high, low)).toBe(expected);
  });
});

test('fields of 64-bit values are taken across the halves', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, (1n << 64n) - 1n), fc.nat(63), fc.nat(51), (bits, lo, width) => {
      const hi = Math.min(63, lo + width);
      const expected = Number((bits >> BigInt(lo)) & ((1n << BigInt(hi - lo + 1)) - 1n));
      expect(extract(Number(bits & 0xffff_ffffn), Number(bits >> 32n), hi, lo)).toBe(expected);
    }),
  );
});

test.each([
  ['4K', 48, 0, 0],
  ['4K', 40, 0, 1],
  ['4K', 39, 1, 1],
  ['4K', 44, 0, 0],
  ['4K', 43, 0, 1],
  ['4K', 32, 1, 2],
  ['16K', 48, 0, 1],
  ['16K', 40, 1, 2],
  ['64K', 48, 1, 1],
  ['64K', 42, 2, 2],
] as const)('%s and %i bits start at level %i, with concatenation at %i', (name, bits, stage1, stage2) => {
  expect(stage1StartLevel(GRANULES[name], bits)).toBe(stage1);
  expect(stage2StartLevel(GRANULES[name], bits)).toBe(stage2);
});

test('52 bits of 4K start at level -1, and at level 0 with concatenation', () => {
  expect(stage1StartLevel(GRANULES['4K'], 52)).toBe(-1);
  expect(stage2StartLevel(GRANULES['4K'], 52)).toBe(0);
});

test('blocks are where the granule and the descriptor allow them', () => {
  const block = (name: GranuleName, bits: 48 | 52, level: number) => entryKind(tableFormat(1, name, bits), level, 1);
  const levels = (name: GranuleName, bits: 48 | 52) =>
    [0, 1, 2, 3].filter((level) => block(name, bits, level) === 'block');
  expect(levels('4K', 48)).toEqual([1, 2]);
  expect(levels('4K', 52)).toEqual([0, 1, 2]);
  expect(levels('16K', 48)).toEqual([2]);
  expect(levels('16K', 52)).toEqual([1, 2]);
  expect(levels('64K', 48)).toEqual([2]);
  expect(levels('64K', 52)).toEqual([1, 2]);
  expect(block('4K', 48, 3)).toBe('reserved');
});
