import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuModel } from '../presets.ts';
import { stage2Regime } from './control.ts';
import type { GranuleName } from './format.ts';
import { encodedStartLevel, startLevelFields } from './limits.ts';
import { describeBase, tcrEl1, vtcrEl2 } from './registers.ts';

const PA_BITS = [32, 36, 40, 42, 44, 48, 52] as const;
const of = (paBits: (typeof PA_BITS)[number]) => cpuModel('max', { paBits }).features;
const withoutTtst = cpuModel('cortex-a57').features;

describe('VTCR_EL2.SL0 is reserved', () => {
  /** The least PARange with which SL0 2 is a start level (AArch64.S2InvalidSL). */
  test.each<[GranuleName, number, number]>([
    ['4K', 0, 44],
    ['16K', 1, 42],
    ['64K', 1, 44],
  ])('with %s for level %i below %i bits of physical address', (granule, level, least) => {
    for (const paBits of PA_BITS) {
      const found = encodedStartLevel(granule, { sl0: 2, sl2: 0 }, false, of(paBits));
      expect(found.level).toBe(level);
      expect(found.reserved === null).toBe(paBits >= least);
    }
  });

  test('at 3: but for level 3 of 4K with FEAT_TTST and level 0 of 16K with LPA2', () => {
    const at3 = (granule: GranuleName, lpa2: boolean, features = of(52)) =>
      encodedStartLevel(granule, { sl0: 3, sl2: 0 }, lpa2, features);
    expect(at3('4K', false)).toEqual({ level: 3, reserved: null });
    expect(at3('4K', false, withoutTtst).reserved).toContain('FEAT_TTST');
    expect(at3('16K', true)).toEqual({ level: 0, reserved: null });
    expect(at3('16K', false).reserved).toContain('FEAT_LPA2');
    expect(at3('64K', false).level).toBeNull();
  });

  test('beside SL2, which counts with 4K and LPA2 alone', () => {
    expect(encodedStartLevel('4K', { sl0: 0, sl2: 1 }, true, of(52)).level).toBe(-1);
    for (const sl0 of [1, 2, 3]) expect(encodedStartLevel('4K', { sl0, sl2: 1 }, true, of(52)).reserved).not.toBeNull();
    expect(encodedStartLevel('4K', { sl0: 1, sl2: 1 }, false, of(52))).toEqual({ level: 1, reserved: null });
    expect(encodedStartLevel('16K', { sl0: 1, sl2: 1 }, true, of(52))).toEqual({ level: 2, reserved: null });
  });

  test('where LPA2 comes without 52 bits of physical address: level -1 of 4K and level 0 of 16K', () => {
    for (const paBits of PA_BITS) {
      const ofSl2 = encodedStartLevel('4K', { sl0: 0, sl2: 1 }, true, of(paBits)).reserved;
      const of16K = encodedStartLevel('16K', { sl0: 3, sl2: 0 }, true, of(paBits)).reserved;
      expect([ofSl2, of16K].map((why) => why === null)).toEqual([paBits === 52, paBits === 52]);
    }
    expect(encodedStartLevel('4K', { sl0: 0, sl2: 1 }, true, of(48)).reserved).toBe(
      'SL2 1 is reserved: start level -1 with 4K pages needs 52 bits of physical address',
    );
  });
});

test('fields of a start level encode it', () => {
  for (const granule of ['4K', '16K', '64K'] as const) {
    for (const lpa2 of granule === '64K' ? [false] : [false, true]) {
      for (let level = -1; level <= 3; level++) {
        const fields = startLevelFields(granule, level, lpa2);
        if (fields) expect(encodedStartLevel(granule, fields, lpa2, of(52)).level).toBe(level);
      }
    }
  }
});

describe('the fields of a register say what holds', () => {
  const vtcr = (granule: bigint, sl0: bigint, bits: number, ps: bigint, more = 0n) =>
    BigInt(64 - bits) | (sl0 << 6n) | (granule << 14n) | (ps << 16n) | (1n << 31n) | more;
  const said = (value: bigint, name: string, features = of(52)) =>
    vtcrEl2(value)
      .describe(features)
      .find((field) => field.name === name)?.meaning;

  test('of VTCR_EL2: a start level, or why there is none, as the walk finds it', () => {
    expect(said(vtcr(0n, 1n, 40, 5n), 'SL0')).toBe('walks start at level 1, of 2 concatenated tables');
    const reserved = vtcr(0n, 2n, 40, 2n);
    expect(said(reserved, 'SL0', of(40))).toMatch(
      /reserved: start level 0 .* 44 bits .* every access is a translation fault/,
    );
    expect(stage2Regime(reserved, 0n, of(40)).broken).toMatchObject({ fault: 'translation' });
    expect(said(vtcr(0n, 0n, 40, 5n), 'SL0')).toMatch(/1024 concatenated tables, more than 16/);
    expect(said(vtcr(3n, 1n, 40, 5n), 'TG0')).toBe('reserved: taken for 4K');
    expect(said(vtcr(0n, 1n, 40, 6n), 'PS', of(48))).toMatch(/^48 bits of PA of the 52 said/);
    expect(said(vtcr(0n, 1n, 40, 7n), 'PS')).toMatch(/reserved, taken for 52/);
    expect(said(vtcr(0n, 1n, 48, 2n), 'T0SZ', of(40))).toMatch(/16 is not in 24\.\.48/);
    expect(said(vtcr(0n, 1n, 40, 5n, 1n << 22n), 'HD')).toBe('no effect without HA');
    expect(said(vtcr(0n, 1n, 40, 5n, 1n << 22n), 'HD', withoutTtst)).toMatch(/no effect: this CPU has no/);
    expect(said(vtcr(1n, 1n, 40, 5n, 1n << 32n), 'DS')).toMatch(/no effect with 64K/);
    expect(said(vtcr(1n, 1n, 40, 5n, 1n << 19n), 'VS')).toBe('VMIDs have 16 bits');
    expect(said(vtcr(1n, 1n, 40, 5n, 1n << 19n), 'VS', cpuModel('cortex-a57').features)).toBe(
      'no effect: this CPU has no FEAT_VMID16',
    );
    expect(said(vtcr(0n, 1n, 40, 5n, 1n << 23n), 'RES0')).toMatch(/should be 0/);
    expect(said(vtcr(0n, 0n, 52, 6n, 3n << 32n), 'SL2')).toBe('walks start at level -1');
    expect(said(vtcr(0n, 1n, 52, 6n, 3n << 32n), 'SL2')).toBe('SL0 1 beside SL2 1 is reserved');
    expect(said(vtcr(0n, 0n, 40, 6n, 3n << 32n), 'SL2')).toMatch(/level -1 is too many levels for 40 bits/);
    expect(said(vtcr(1n, 1n, 51, 2n), 'SL0', withoutTtst)).toMatch(/T0SZ 13 is not in 20\.\.39/);
    expect(said(vtcr(1n, 1n, 40, 5n), 'DS')).toMatch(/52 bits by FEAT_LPA$/);
    expect(said(vtcr(1n, 1n, 40, 5n), 'DS', of(48))).toMatch(/FEAT_LPA .* is not here/);
  });

  test('of VTCR_EL2: that no walk begins, or where it starts, in every field that speaks of it', () => {
    const field = (bits: number) => fc.bigInt(0n, (1n << BigInt(bits)) - 1n);
    const models = [of(52), of(48), withoutTtst];
    fc.assert(
      fc.property(field(8), field(2), field(3), field(2), fc.constantFrom(...models), (low, tg, ps, high, features) => {
        const value = low | (tg << 14n) | (ps << 16n) | (1n << 31n) | (high << 32n);
        const { broken, tables } = stage2Regime(value, 0n, features);
        const meanings = vtcrEl2(value)
          .describe(features)
          .map(({ meaning }) => meaning);
        expect(meanings.some((meaning) => meaning.endsWith('every access is a translation fault, level 0'))).toBe(
          broken !== null,
        );
        for (const meaning of meanings) {
          const start = /walks start at level (-?\d)/.exec(meaning)?.[1];
          if (start !== undefined) expect([broken, Number(start)]).toEqual([null, tables.startLevel]);
        }
      }),
      { numRuns: 2000, seed: 5 },
    );
  });

  test('of TCR_EL1: every bit that is set is some field’s', () => {
    const fields = tcrEl1((1n << 64n) - 1n).describe(of(52));
    const covered = fields.reduce((sum, { bits }) => {
      const [hi, lo = hi] = bits.split(':').map(Number);
      return sum + hi! - lo! + 1;
    }, 0);
    expect(covered).toBe(64);
    const half = (name: string) =>
      tcrEl1((25n << 16n) | (2n << 30n))
        .describe(of(48))
        .find((field) => field.name === name);
    expect(half('T1SZ')?.meaning).toBe('39 bits of VA, 0xffffff8000000000 and up: walks start at level 1');
    const a57 = tcrEl1(1n << 51n).describe(cpuModel('cortex-a57').features);
    expect(a57.find(({ name }) => name === 'TBID0')?.meaning).toBe('no effect: this CPU has no FEAT_PAuth');
  });

  test('of TCR_EL1: IPS by the descriptors of the halves that are walked', () => {
    const ips = (value: bigint) =>
      tcrEl1(value | (6n << 32n))
        .describe(of(52))
        .find((field) => field.name === 'IPS')?.meaning;
    const [tg0Is64K, tg1Is64K, tg1Is4K] = [1n << 14n, 3n << 30n, 2n << 30n];
    const epd1 = 1n << 23n;
    expect(ips(tg1Is64K | epd1)).toMatch(/^48 bits of IPA of the 52 said/);
    expect(ips(tg0Is64K | tg1Is64K)).toMatch(/^52 bits of IPA;/);
    expect(ips(tg0Is64K | tg1Is4K)).toMatch(/^TTBR0: 52 bits of IPA; .* TTBR1: 48 bits of IPA of the 52 said/);
  });

  test('of TCR_EL1: DS by the granules of the halves that are walked', () => {
    const ds = (value: bigint) =>
      tcrEl1(value)
        .describe(of(52))
        .find((field) => field.name === 'DS')?.meaning;
    const tg0Is64K = 1n << 14n;
    const epd1 = 1n << 23n;
    expect(ds(tg0Is64K | epd1)).toMatch(/no effect with 64K/);
    expect(ds(tg0Is64K | epd1 | (1n << 59n))).toMatch(/no effect with 64K/);
    expect(ds(tg0Is64K | (2n << 30n))).toMatch(/48-bit descriptors/);
    expect(ds((1n << 7n) | epd1)).toMatch(/48-bit descriptors/);
  });
});

test('a base register is described as the control register beside it has it read', () => {
  const value = 0x1234_0000_4800_00fen;
  const fields = (base: Partial<Parameters<typeof describeBase>[1]>) =>
    describeBase(value, { id: 'VMID', idBits: 16, wide: false, root: 0x4800_0000, ...base }).map(
      ({ name, bits, value: is }) => [name, bits, is],
    );
  expect(fields({})).toEqual([
    ['VMID', '63:48', 0x1234n],
    ['BADDR', '47:1', 0x4800_00fen >> 1n],
    ['CnP', '0', 0n],
  ]);
  expect(fields({ idBits: 8, wide: true })).toEqual([
    ['RES0', '63:56', 0x12n],
    ['VMID', '55:48', 0x34n],
    ['BADDR', '5:2,47:6', (15n << 42n) | (0x4800_00c0n >> 6n)],
    ['RES0', '1', 1n],
    ['CnP', '0', 0n],
  ]);
});

test('a base register has bits 51:48 where 52 bits are asked for, and then tables of 64 bytes at least', () => {
  // 64K, 43 bits: 2 entries at level 1. PS 6 is 52 bits.
  const root = (ps: bigint) =>
    stage2Regime(BigInt(64 - 43) | (2n << 6n) | (1n << 14n) | (ps << 16n), 0x4800_00f0n, of(52)).tables.root;
  expect(root(5n)).toBe(0x4800_00f0);
  expect(root(6n)).toBe(0x000c_0000_4800_00c0);
  // Without FEAT_D128 7 represents what 6 does (VTCR_EL2.PS in D24.2).
  expect(root(7n)).toBe(root(6n));
});
