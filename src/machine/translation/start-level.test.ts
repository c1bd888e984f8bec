import { describe, expect, test } from 'vitest';
import type { TranslationFeatures } from '../features.ts';
import { cpuModel } from '../presets.ts';
import { stage1Regime, stage2Regime } from './control.ts';
import { concatenatedTables, type GranuleName } from './format.ts';

/** What a row of the manual's tables needs beside the granule. */
const NEEDS = ['DS', 'TTST', 'LPA', 'LVA'] as const;
type Need = (typeof NEEDS)[number];

interface Row {
  readonly level: number;
  /** SL2 and SL0. */
  readonly sl: number;
  /** First and last TnSZ. */
  readonly first: number;
  readonly last: number;
  /** How many are concatenated. */
  readonly tables: number;
  readonly need: Need | undefined;
}

/** A line for each start level: SL2 and SL0, the level, then `first-last×tables/need`. */
const rowsOf = (text: string): readonly Row[] =>
  text
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [sl, level, ...ranges] = line.trim().split(/ +/);
      return ranges.map((range) => {
        const [, first, last, tables, need] = /^(\d+)-(\d+)×(\d+)(?:\/(\w+))?$/.exec(range)!;
        return {
          level: Number(level),
          sl: parseInt(sl!, 2),
          first: Number(first),
          last: Number(last),
          tables: Number(tables),
          need: need === undefined ? undefined : NEEDS.find((each) => each === need)!,
        };
      });
    });

/** The permitted sizes of stage 2 by granule, as the Arm ARM's tables of VTCR_EL2.T0SZ, SL2 and SL0 have them. */
const STAGE2: Readonly<Record<GranuleName, readonly Row[]>> = {
  '4K': rowsOf(`
    100 -1 12-15×1/DS
    010  0 16-24×1      15-15×2/DS   14-14×4/DS   13-13×8/DS   12-12×16/DS
    001  1 25-33×1      24-24×2      23-23×4      22-22×8      21-21×16
    000  2 40-42×1/TTST 34-39×1      33-33×2      32-32×4      31-31×8      30-30×16
    011  3 43-48×1/TTST 42-42×2/TTST 41-41×4/TTST 40-40×8/TTST 39-39×16/TTST`),
  '16K': rowsOf(`
    011  0 12-16×1/DS
    010  1 17-27×1      16-16×2      15-15×4/DS   14-14×8/DS   13-13×16/DS
    001  2 28-38×1      27-27×2      26-26×4      25-25×8      24-24×16
    000  3 40-48×1/TTST 39-39×1      38-38×2      37-37×4      36-36×8      35-35×16`),
  '64K': rowsOf(`
    010  1 12-15×1/LPA  16-21×1
    001  2 22-34×1      21-21×2      20-20×4      19-19×8      18-18×16
    000  3 40-47×1/TTST 35-39×1      34-34×2      33-33×4      32-32×8      31-31×16`),
};

/** The same of stage 1, which has no SL and concatenates none. */
const STAGE1: Readonly<Record<GranuleName, readonly Row[]>> = {
  '4K': rowsOf(`
    - -1 12-15×1/DS
    -  0 16-24×1
    -  1 25-33×1
    -  2 34-39×1 40-42×1/TTST
    -  3 43-48×1/TTST`),
  '16K': rowsOf(`
    -  0 12-15×1/DS 16-16×1
    -  1 17-27×1
    -  2 28-38×1
    -  3 39-39×1 40-48×1/TTST`),
  '64K': rowsOf(`
    -  1 12-15×1/LVA 16-21×1
    -  2 22-34×1
    -  3 35-39×1 40-47×1/TTST`),
};

const holds =
  (size: number) =>
  ({ first, last }: Row) =>
    first <= size && size <= last;

const MAX = cpuModel('max').features;
const CPUS: readonly { readonly has: readonly Need[]; readonly features: TranslationFeatures }[] = [
  { has: ['TTST', 'LPA', 'LVA'], features: MAX },
  { has: ['LPA', 'LVA'], features: { ...MAX, smallTables: false } },
  { has: ['TTST', 'LPA'], features: { ...MAX, largeVa: false } },
  { has: ['TTST'], features: { ...MAX, paBits: 48, lpa2Stage1: [], lpa2Stage2: [], largeVa: false } },
];
const TG0 = { '4K': 0n, '64K': 1n, '16K': 2n } as const;
const GRANULES = ['4K', '16K', '64K'] as const;

/** Each CPU, granule and value of DS with what it has of what rows need. */
const every = CPUS.flatMap(({ has, features }) =>
  GRANULES.flatMap((granule) =>
    [false, true].map((ds) => ({
      features,
      granule,
      ds,
      meets: (need: Need | undefined) =>
        need === undefined || (need === 'DS' ? ds && features.lpa2Stage2.includes(granule) : has.includes(need)),
    })),
  ),
);

describe('for every size', () => {
  test('stage 2 starts where the manual’s tables say, with as many tables, and nowhere else', () => {
    let allowed = 0;
    for (const { features, granule, ds, meets } of every) {
      for (let sl = 0; sl < 8; sl++) {
        // SL2 counts with 4K pages and DS alone.
        const effective = granule === '4K' && ds && meets('DS') ? sl : sl & 3;
        const start = STAGE2[granule].filter((each) => each.sl === effective);
        for (let size = 0; size < 64; size++) {
          const vtcr =
            BigInt(size) |
            (BigInt(sl & 3) << 6n) |
            (TG0[granule] << 14n) |
            (6n << 16n) |
            (ds ? 1n << 32n : 0n) |
            (BigInt(sl >> 2) << 33n);
          const { tables, broken } = stage2Regime(vtcr, 0n, features);
          const row = start.find(holds(size));
          const permitted = row !== undefined && meets(row.need);
          expect(broken === null, JSON.stringify({ granule, ds, sl, size, why: broken?.why })).toBe(permitted);
          if (!permitted) {
            expect(broken?.fault).toBe('translation');
            continue;
          }
          allowed++;
          const { format, startLevel, inputBits } = tables;
          expect([startLevel, concatenatedTables(format.granule, startLevel, inputBits)]).toEqual([
            row.level,
            row.tables,
          ]);
        }
      }
    }
    expect(allowed).toBeGreaterThan(1000);
  });

  test('stage 1 starts where the manual’s tables say', () => {
    for (const { features, granule, ds, meets } of every) {
      for (let size = 0; size < 64; size++) {
        const tcr = BigInt(size) | (TG0[granule] << 14n) | (6n << 32n) | (ds ? 1n << 59n : 0n);
        const { tables, broken } = stage1Regime(tcr, 0n, 0, features);
        const row = STAGE1[granule].find(holds(size));
        const permitted = row !== undefined && meets(row.need);
        expect(broken === null, JSON.stringify({ granule, ds, size, why: broken?.why })).toBe(permitted);
        if (permitted) expect([tables.startLevel, tables.inputBits]).toEqual([row.level, 64 - size]);
      }
    }
  });
});
