import { describe, expect, test } from 'vitest';
import { combine, isDeviceAttribute, stage1Attributes } from './attributes.ts';

const ISH = 3;
const normal = (mair: number) => stage1Attributes(BigInt(mair), 0, ISH);
/** MemAttr without FWB: outer, inner. */
const WRITE_BACK = 0b1111;
const WRITE_THROUGH = 0b1010;
const NON_CACHEABLE = 0b0101;

describe('both stages together', () => {
  /** Halves of MAIR: 1..3 Write-Through transient, 4 Non-cacheable, 5..7 Write-Back transient, 8..11 and 12..15 the same, not transient. */
  test.each([
    ['the less cacheable', 0xff, WRITE_THROUGH, 0xbb],
    ['stage 1’s, where that is the less cacheable', 0xbb, WRITE_BACK, 0xbb],
    ['Non-cacheable, whichever says so', 0xff, NON_CACHEABLE, 0x44],
    ['each half by itself', 0x4f, WRITE_THROUGH, 0x4b],
    ['hints of stage 1: no allocation', 0xcc, WRITE_THROUGH, 0x88],
    ['hints of stage 1: read-allocate, transient', 0x66, WRITE_THROUGH, 0x22],
  ])('are %s', (_what, mair, memAttr, expected) => {
    expect(combine(normal(mair), memAttr, ISH, false).mair).toBe(expected);
  });

  test.each([
    ['Device memory', 0x04, 0xff],
    ['Non-cacheable memory', 0x44, 0xff],
    ['Write-Through memory, with its hints', 0xaa, 0xee],
    ['transient memory, with its hints', 0x11, 0x55],
    ['the cacheable half of another, with its hints', 0xc4, 0xcf],
    ['a reserved half', 0xf0, 0xff],
  ])('are Write-Back with FWB 6 of %s', (_what, mair, expected) => {
    expect(combine(normal(mair), 6, ISH, true)).toMatchObject({ type: 'normal', mair: expected });
  });
});

test('MemAttr is Device where both stages together are, whatever Normal memory stage 1 has', () => {
  for (const forced of [false, true])
    for (let memAttr = 0; memAttr < 16; memAttr++)
      expect(combine(normal(0xff), memAttr, ISH, forced).type === 'device').toBe(isDeviceAttribute(memAttr, forced));
});
