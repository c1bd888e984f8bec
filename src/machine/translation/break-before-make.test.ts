import { describe, expect, test } from 'vitest';
import { tableFormat } from './format.ts';
import { maintenanceOf } from './break-before-make.ts';

const MAIR = 0xff_44_04_ffn;
/** Stage 1: a page that both may write, AF, Inner Shareable, of Attr0; 4K. */
const PAGE = 0x4000_0743n;
const RO = 1n << 7n;
const ONE = tableFormat(1, '4K');
const TWO = tableFormat(2, '4K');
const stage1 = (before: bigint, after: bigint, context = {}) =>
  maintenanceOf(ONE, 3, before, after, { mair: MAIR, ...context });

describe('a change of an entry in use needs', () => {
  test.each([
    ['an invalid entry becomes a page', 0n, PAGE, /in no TLB/],
    ['one with AF 0 gets it', PAGE & ~0x400n, PAGE, /AF is 0/],
    ['only software’s bits change', PAGE, PAGE | (1n << 55n) | (1n << 63n), /does not look/],
    ['another AttrIndx stands for the same', PAGE, PAGE | (3n << 2n), /does not look/],
  ])('nothing where %s', (_what, before, after, why) => {
    expect(stage1(before, after)).toEqual({ needed: 'nothing', why: expect.stringMatching(why) });
  });

  test.each([
    ['it becomes invalid', PAGE, 0n, /may hold/],
    ['permissions change', PAGE, PAGE | RO | (1n << 54n), /AP, UXN/],
    ['the Access flag goes', PAGE, PAGE & ~0x400n, /AF/],
    ['it becomes one ASID’s', PAGE, PAGE | (1n << 11n), /nG/],
  ])('a TLBI where %s', (_what, before, after, why) => {
    expect(stage1(before, after)).toEqual({ needed: 'invalidate', why: expect.stringMatching(why) });
  });

  test.each([
    ['memory becomes Device', PAGE, PAGE | (1n << 2n), /memory’s type.*AttrIndx/],
    ['shareability changes', PAGE, PAGE ^ (1n << 8n), /shareability/],
    ['it leads elsewhere and can be written', PAGE, PAGE + 0x1000n, /can be written/],
    ['it leads elsewhere', PAGE | RO, (PAGE | RO) + 0x1000n, /same contents/],
    ['it joins a run', PAGE, PAGE | (1n << 52n), /Contiguous/],
    ['it becomes global', PAGE | (1n << 11n), PAGE, /global/],
  ])('break-before-make where %s', (_what, before, after, why) => {
    expect(stage1(before, after)).toEqual({ needed: 'break', why: expect.stringMatching(why) });
  });

  test('break-before-make between a table and a block, and for another table, but a TLBI for its limits', () => {
    const at = (before: bigint, after: bigint) => maintenanceOf(TWO, 2, before, after);
    expect(at(0x4020_07fdn, 0x4800_0003n)).toMatchObject({
      needed: 'break',
      why: expect.stringContaining('a block becomes a table'),
    });
    expect(at(0x4800_0003n, 0x4020_07fdn).needed).toBe('break');
    expect(at(0x4800_0003n, 0x4800_1003n).needed).toBe('break');
    expect(at(0x4800_0003n, 0x4800_0803n).needed).toBe('nothing');
    expect(maintenanceOf(ONE, 2, 0x4800_0003n, 0x4800_0003n | (1n << 62n))).toEqual({
      needed: 'invalidate',
      why: 'a TLB may hold what APTable was',
    });
  });

  test('a TLBI for another size with FEAT_BBML2, where nothing else changes', () => {
    const at = (before: bigint, after: bigint) => maintenanceOf(TWO, 2, before, after, { bbmLevel: 2 });
    expect(at(0x4020_07fdn, 0x4800_0003n)).toMatchObject({
      needed: 'invalidate',
      why: expect.stringContaining('FEAT_BBML2'),
    });
    expect(at(0x4020_07fdn, 0x4020_07fdn | (1n << 52n)).needed).toBe('invalidate');
    expect(at(0x4020_07fdn, 0x4040_07fdn).needed).toBe('break');
  });

  test('more where hardware may make a page writable', () => {
    const dirty = PAGE | RO | (1n << 51n);
    expect(stage1(dirty, dirty + 0x1000n, { hardwareDirty: true }).why).toMatch(/can be written/);
    expect(stage1(dirty, dirty + 0x1000n).why).toMatch(/same contents/);
  });

  test('at stage 2 what KVM does: relaxing permissions is no break, mapping elsewhere is', () => {
    const page = 0x4000_07fdn | 2n;
    expect(maintenanceOf(TWO, 3, page & ~0x80n, page).needed).toBe('invalidate');
    expect(maintenanceOf(TWO, 3, page, page + 0x1000n).needed).toBe('break');
    expect(maintenanceOf(TWO, 3, page, page & ~(0xfn << 2n)).why).toMatch(/MemAttr/);
  });
});
