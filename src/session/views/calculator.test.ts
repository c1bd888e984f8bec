import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TablesSize } from '../messages.ts';
import { calculatorView } from './calculator.ts';

const PA_BITS = [32, 36, 40, 42, 44, 48, 52] as const;
const of = (stage: 1 | 2, granule: 4096 | 16384 | 65536, inputBits: number, more: Partial<TablesSize> = {}) =>
  calculatorView({ stage, granule, inputBits, paBits: 48, wide: false, ...more });
const field = (view: ReturnType<typeof of>, name: string) =>
  Number(view.registers[0]?.fields.find((each) => each.name === name)?.value);

describe('the calculator', () => {
  it('finds that concatenation saves a level: 40 bits with 4K pages are two tables of level 1', () => {
    const view = of(2, 4096, 40);
    expect(view.starts.filter(({ refused }) => refused === null)).toEqual([
      {
        level: 0,
        levels: 4,
        concatenated: 1,
        entries: 2,
        rootBytes: 16n,
        encoded: 'SL0 2',
        chosen: false,
        refused: null,
      },
      {
        level: 1,
        levels: 3,
        concatenated: 2,
        entries: 1024,
        rootBytes: 8192n,
        encoded: 'SL0 1',
        chosen: true,
        refused: null,
      },
    ]);
    expect([field(view, 'T0SZ'), field(view, 'SL0'), field(view, 'DS')]).toEqual([24, 1, 0]);
    expect(view.levels.map(({ level, bits, leaf }) => [level, bits, leaf])).toEqual([
      [1, '39:30', 'block'],
      [2, '29:21', 'block'],
      [3, '20:12', 'page'],
    ]);
  });

  it('starts at level -1 only where LPA2 is: 52 bits of VA with 4K pages', () => {
    expect(of(1, 4096, 52).problem).toContain('T0SZ 12');
    const view = of(1, 4096, 52, { wide: true, paBits: 52 });
    expect(view.problem).toBeNull();
    expect(view.starts.map(({ level, entries }) => [level, entries])).toEqual([[-1, 16]]);
    expect([field(view, 'T0SZ'), field(view, 'DS'), field(view, 'IPS')]).toEqual([12, 1, 6]);
  });

  it('says why a start level is refused', () => {
    const refused = (...args: Parameters<typeof of>) =>
      Object.fromEntries(of(...args).starts.flatMap(({ level, refused: why }) => (why === null ? [] : [[level, why]])));
    expect(refused(2, 4096, 40, { paBits: 42 })).toEqual({
      0: 'SL0 2 is reserved: start level 0 with 4K pages needs 44 bits of physical address',
      2: '40 bits from level 2 are 1024 concatenated tables, more than 16',
      3: '40 bits from level 3 are 524288 concatenated tables, more than 16',
    });
    expect(refused(2, 16384, 40, { paBits: 40 })[1]).toContain('needs 42 bits');
    expect(refused(2, 16384, 48)[0]).toContain('needs FEAT_LPA2 and DS');
    expect(refused(2, 65536, 43, { paBits: 44 })[1]).toBeUndefined();
    expect(refused(2, 4096, 44, { wide: true, paBits: 52 })[-1]).toContain('one entry');
  });

  it('says why there are no such tables', () => {
    expect(of(2, 4096, 52).problem).toContain('at most 48 bits');
    expect(of(2, 4096, 40, { paBits: 36 }).problem).toContain('at most 36 bits');
    expect(of(2, 16384, 30).problem).toContain('at least 32 bits');
  });

  it('joins no more entries by the contiguous bit than a table has', () => {
    const joined = (...args: Parameters<typeof of>) => of(...args).levels.map(({ contiguous }) => contiguous);
    expect(joined(1, 4096, 32)).toEqual([1, 16, 16]);
    expect(joined(2, 65536, 32)).toEqual([1, 32]);
    expect(joined(2, 65536, 40)).toEqual([32, 32]);
  });

  it('gives roots that translate exactly the input, KVM’s start level among those that are allowed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1 as const, 2 as const),
        fc.constantFrom(4096 as const, 16384 as const, 65536 as const),
        fc.integer({ min: 16, max: 52 }),
        fc.constantFrom(...PA_BITS),
        fc.boolean(),
        (stage, granule, inputBits, paBits, wide) => {
          const view = calculatorView({ stage, granule, inputBits, paBits, wide });
          if (view.problem !== null) return;
          expect(view.starts.filter(({ chosen }) => chosen)).toHaveLength(1);
          const [first] = view.levels;
          expect(BigInt(first!.entries) * first!.entrySize).toBe(1n << BigInt(inputBits));
          for (const { entries, contiguous } of view.levels) expect(contiguous).toBeLessThanOrEqual(entries);
          for (const { concatenated, rootBytes, refused, chosen } of view.starts) {
            if (chosen) expect(refused).toBeNull();
            if (refused !== null) continue;
            expect(concatenated).toBeLessThanOrEqual(16);
            expect(rootBytes).toBeLessThanOrEqual(BigInt(granule) * BigInt(concatenated));
          }
        },
      ),
    );
  });
});

/** The kernel's formulas, as its macros have them: pgtable-hwdef.h, stage2_pgtable.h, kvm_arm.h and kvm_get_vtcr of Linux 6.12. */
const PAGE_SHIFT = { 4096: 12, 16384: 14, 65536: 16 } as const;
const PARANGE = { 32: 0, 36: 1, 40: 2, 42: 3, 44: 4, 48: 5, 52: 6 } as const;

function kernel(page: keyof typeof PAGE_SHIFT, physShift: number, paBits: keyof typeof PARANGE, lpa2: boolean) {
  const shift = PAGE_SHIFT[page];
  const levels = (bits: number) => Math.trunc((bits - 4) / (shift - 3));
  const lvls = Math.max(2, levels(physShift - 4));
  const startLevel = 4 - lvls;
  const sl0Base = page === 4096 ? 2 : 3;
  const levelShift = (level: number) => (shift - 3) * (4 - level) + 3;
  const tg0 = { 4096: 0, 65536: 1, 16384: 2 }[page];
  const parangeMax = lpa2 || page === 65536 ? PARANGE[52] : PARANGE[48];
  const fields: [number, number][] = [
    [31, 1],
    [12, 3],
    [10, 1],
    [8, 1],
    [14, tg0],
    [16, Math.min(PARANGE[paBits], parangeMax)],
    [0, 64 - physShift],
    [6, sl0Base - (4 - lvls)],
    [21, 1],
    [32, lpa2 ? 1 : 0],
    [19, 1],
  ];
  return {
    startLevel,
    // kvm_pgd_pages: the index of the last address, in tables of the level above, and one.
    pgdPages: Number(((1n << BigInt(physShift)) - 1n) >> BigInt(levelShift(startLevel - 1))) + 1,
    vtcr: fields.reduce((value, [lo, field]) => value | (BigInt(field) << BigInt(lo)), 0n),
    stage1Levels: levels(physShift),
  };
}

describe('against the kernel’s formulas, for every size, page and CPU', () => {
  const all = ([4096, 16384, 65536] as const).flatMap((page) =>
    PA_BITS.flatMap((paBits) => [false, true].map((wide) => ({ page, paBits, wide, lpa2: wide && page !== 65536 }))),
  );

  it('has its levels, its concatenated tables and its VTCR_EL2', () => {
    let compared = 0;
    for (const { page, paBits, wide, lpa2 } of all) {
      const limit = Math.min(paBits, lpa2 || page === 65536 ? 52 : 48);
      for (let bits = 32; bits <= limit; bits++) {
        const view = of(2, page, bits, { paBits, wide });
        const wanted = kernel(page, bits, paBits, lpa2);
        const what = JSON.stringify({ page, bits, paBits, wide });
        expect(view.problem, what).toBeNull();
        const chosen = view.starts.find((start) => start.chosen)!;
        expect({ level: chosen.level, tables: chosen.concatenated, refused: chosen.refused }, what).toEqual({
          level: wanted.startLevel,
          tables: wanted.pgdPages,
          refused: null,
        });
        expect(view.registers[0]!.value, what).toBe(wanted.vtcr);
        expect(field(view, 'SL0'), what).toBe(Number((wanted.vtcr >> 6n) & 3n));
        compared++;
      }
    }
    expect(compared).toBe(
      all.reduce((sum, { paBits, lpa2, page }) => sum + Math.min(paBits, lpa2 || page === 65536 ? 52 : 48) - 31, 0),
    );
  });

  it('has the levels of stage 1 that ARM64_HW_PGTABLE_LEVELS says', () => {
    for (const { page, paBits, wide, lpa2 } of all) {
      for (let bits = page === 65536 ? 17 : 16; bits <= (wide ? 52 : 48); bits++) {
        const view = of(1, page, bits, { paBits, wide });
        const what = JSON.stringify({ page, bits, paBits, wide });
        expect(view.problem, what).toBeNull();
        expect(
          view.starts.map(({ levels, concatenated }) => ({ levels, concatenated })),
          what,
        ).toEqual([{ levels: kernel(page, bits, paBits, lpa2).stage1Levels, concatenated: 1 }]);
      }
    }
  });

  it('has every size that VTCR_EL2 can say among the start levels, and none that it can’t', () => {
    // AArch64.S2StartLevel, S2InvalidSL and S2InconsistentSL, case by case.
    const startLevels = {
      4096: [2, 1, 0, 3],
      16384: [3, 2, 1, 0],
      65536: [3, 2, 1],
    } as const;
    for (const { page, paBits, wide, lpa2 } of all) {
      const stride = PAGE_SHIFT[page] - 3;
      const invalid = (sl0: number) =>
        (page === 16384 && sl0 === 3 && (!lpa2 || paBits < 52)) || (sl0 === 2 && paBits < (page === 16384 ? 42 : 44));
      for (let bits = 32; bits <= Math.min(paBits, lpa2 || page === 65536 ? 52 : 48); bits++) {
        const consistent = (level: number) => {
          const least = (3 - level) * stride + PAGE_SHIFT[page] + 1;
          return bits >= least && bits <= least + stride - 1 + 4;
        };
        const wanted: number[] = startLevels[page].flatMap((level, sl0) =>
          consistent(level) && !invalid(sl0) ? [level] : [],
        );
        if (page === 4096 && lpa2 && paBits === 52 && consistent(-1)) wanted.push(-1);
        const { starts } = of(2, page, bits, { paBits, wide });
        const allowed = starts.filter(({ refused }) => refused === null).map(({ level }) => level);
        expect(allowed, JSON.stringify({ page, bits, paBits, wide })).toEqual([...wanted].sort((a, b) => a - b));
      }
    }
  });
});
