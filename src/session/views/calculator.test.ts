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
