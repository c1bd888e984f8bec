import { describe, expect, it } from 'vitest';
import { bitmaskImmediate, encodeBitmask, isBitmask, type A64Fields } from './operands.ts';

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
