import { describe, expect, it } from 'vitest';
import {
  bitmaskImmediate,
  encodeBitmask,
  expandFloat,
  floatBits,
  isBitmask,
  joined,
  type A64Fields,
} from './operands.ts';
import { decode } from './table.ts';

function bitmasks(sf: number): Set<bigint> {
  const values = new Set<bigint>();
  for (let bits = 0; bits < 2 ** 13; bits++) {
    const fields = { sf, N: bits >> 12, immr: (bits >> 6) & 63, imms: bits & 63 } as A64Fields;
    if (isBitmask(fields)) values.add(bitmaskImmediate(fields));
  }
  return values;
}

describe('bitmask immediates', () => {
  it.each([
    [0, 32, 1302],
    [1, 64, 5334],
  ])('with sf = %i are the runs of ones of %i bits', (sf, bits, count) => {
    const values = bitmasks(sf);
    expect(values.size).toBe(count);
    const runs = new Set<bigint>();
    for (let size = 2; size <= bits; size *= 2) {
      for (let length = 1; length < size; length++) {
        for (let rotation = 0; rotation < size; rotation++) {
          const bit = (at: number) => (at - rotation + size) % size < length;
          const element = Array.from({ length: size }, (_, at) => (bit(size - 1 - at) ? '1' : '0')).join('');
          runs.add(BigInt(`0b${element.repeat(bits / size)}`));
        }
      }
    }
    expect([...values].filter((value) => !runs.has(value))).toEqual([]);
    expect(runs.size).toBe(count);
  });

  it.each([0, 1])('with sf = %i are encoded so that they decode to the same', (sf) => {
    const values = [...bitmasks(sf)];
    const back = (value: bigint) => bitmaskImmediate({ ...encodeBitmask(value, sf)!, sf } as A64Fields);
    expect(values.filter((value) => back(value) !== value)).toEqual([]);
    expect(encodeBitmask(0n, sf)).toBeNull();
    expect(encodeBitmask(5n, sf)).toBeNull();
    expect(encodeBitmask(sf ? 2n ** 64n - 1n : 2n ** 32n - 1n, sf)).toBeNull();
  });
});

describe('SIMD&FP immediates', () => {
  const immediate = (word: number) => {
    const { row, fields } = decode(word)!;
    return `${row.name} ${row.operands.imm!(fields).toString(16).padStart(16, '0')}`;
  };

  /* Words of GNU as: movi v0.4s, #0x12, lsl #8; the same of mvni, msl; … */
  it.each([
    [0x4f002640, 'MOVI (32-bit, shifted) 0000120000001200'],
    [0x6f002640, 'MVNI (32-bit, shifted) ffffedffffffedff'],
    [0x6f00d640, 'MVNI (32-bit, shifting ones) ffed0000ffed0000'],
    [0x4f00a640, 'MOVI (16-bit, shifted) 1200120012001200'],
    [0x4f00e640, 'MOVI (8-bit) 1212121212121212'],
    [0x6f05e540, 'MOVI (64-bit, vector) ff00ff00ff00ff00'],
    [0x6f00b640, 'BIC (vector, immediate, 16-bit, shifted) edffedffedffedff'],
    [0x4f03f600, 'FMOV (vector, immediate, single) 3f8000003f800000'],
    [0x6f03f600, 'FMOV (vector, immediate, double) 3ff0000000000000'],
    [0x4f03fe00, 'FMOV (vector, immediate, half) 3c003c003c003c00'],
    [0x1e6e1000, 'FMOV (immediate, scalar) 3ff0000000000000'],
    [0x1eee1000, 'FMOV (immediate, scalar, half) 0000000000003c00'],
    [0x6f1f0420, 'USHR (vector, immediate, 16-bit) 0000000000000001'],
    [0x5f415420, 'SHL (scalar, immediate, 64-bit) 0000000000000001'],
    [0x1e02fc20, 'SCVTF (scalar, fixed-point, 32-bit) 0000000000000001'],
  ])('of %i are expanded', (word, expected) => {
    expect(immediate(word)).toBe(expected);
  });

  it('have the same value in every precision', () => {
    for (let imm8 = 0; imm8 < 256; imm8++) {
      const value = expandFloat(imm8);
      const half = Number(floatBits(value, 16));
      const exponent = (half >> 10) & 31;
      const back = (1 + (half & 0x3ff) / 1024) * 2 ** (exponent - 15) * (half & 0x8000 ? -1 : 1);
      expect(back).toBe(value);
      const view = new DataView(new ArrayBuffer(8));
      view.setBigUint64(0, floatBits(value, 64));
      expect(view.getFloat64(0)).toBe(value);
    }
    expect(new Set(Array.from({ length: 256 }, (_, imm8) => expandFloat(imm8))).size).toBe(256);
  });

  it('come apart and together again in their fields', () => {
    const { bits, get, set } = joined('Q:S:i2');
    expect(bits).toBe(4);
    for (let value = 0; value < 16; value++) {
      const fields = { Q: 0, S: 0, i2: 0 };
      set(fields, value);
      expect(get(fields as A64Fields)).toBe(value);
      expect(fields).toEqual({ Q: value >> 3, S: (value >> 2) & 1, i2: value & 3 });
    }
  });
});
