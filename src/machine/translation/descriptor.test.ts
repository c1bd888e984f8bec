import { describe, expect, test } from 'vitest';
import { PhysicalMemory } from '../memory.ts';
import { contiguousRun } from './contiguous.ts';
import { combine, stage1Attributes } from './attributes.ts';
import { decodeDescriptor, mairText } from './descriptor.ts';
import { tableFormat, type GranuleName } from './format.ts';
import { mapLeaf, newTables } from './testing.ts';

const AF = 1 << 10;
const CONTIGUOUS = 1 << (52 - 32);
const DBM = 1 << (51 - 32);

describe('bits that should be 0', () => {
  const reserved = (stage: 1 | 2, granule: GranuleName, bits: 48 | 52, level: number, value: bigint) =>
    decodeDescriptor(tableFormat(stage, granule, bits), level, value).fields.find(({ name }) => name === 'RES0')?.bits;

  test.each([
    ['a page with every field set', 1, '4K', 48, 3, 0xfffc_ffff_ffff_ffffn, undefined],
    ['48 and 49, which FEAT_LPA2 has an address in', 1, '4K', 48, 3, 0x0003_0000_4000_0403n, '49:48'],
    ['none with FEAT_LPA2', 1, '4K', 52, 3, 0x0003_0000_4000_0403n, undefined],
    ['a block with address bits below its size, but for nT', 1, '4K', 48, 2, 0x4003_f401n, '17,15:12'],
    ['15:12 of a block of 64K with FEAT_LPA is its address', 1, '64K', 52, 2, 0x4000_f401n, undefined],
    ['50 of stage 2, which in stage 1 is GP', 2, '4K', 48, 3, 0x0004_0000_4000_0403n, '50'],
    ['63 of stage 2, which in stage 1 is software’s', 2, '4K', 48, 3, 0x8000_0000_4000_0403n, '63'],
    ['11 of stage 2', 2, '4K', 48, 3, 0x4000_0c03n, '11'],
    ['attributes of the tables below in stage 2', 2, '4K', 48, 2, 0x7800_0000_4000_0003n, '62:59'],
    ['none of them in stage 1, nor what hardware ignores', 1, '4K', 48, 2, 0xfff8_0000_4000_0fffn, undefined],
    ['63 of a table in stage 2', 2, '4K', 48, 2, 0x8000_0000_4000_0003n, '63'],
    ['9:8 of a table with FEAT_LPA2 are its address', 2, '4K', 52, 2, 0x07fb_0000_4000_0fffn, undefined],
    ['Contiguous of 512 GiB', 2, '4K', 52, 0, 0x0010_0000_0000_0401n, '52'],
    ['Contiguous of 64 GiB', 1, '16K', 52, 1, 0x0010_0000_0000_0401n, '52'],
    ['Contiguous of 4 TiB', 1, '64K', 52, 1, 0x0010_0000_0000_0401n, '52'],
    ['but not of 1 GiB', 1, '4K', 48, 1, 0x0010_0000_4000_0401n, undefined],
  ] as const)('%s', (_what, stage, granule, bits, level, value, expected) => {
    expect(reserved(stage, granule, bits, level, value)).toBe(expected);
  });

  test('are told in a page of a field less', () => {
    expect(reserved(1, '64K', 48, 3, 0x4000_1403n)).toBe('12');
  });
});

/** The Arm ARM's figures: descriptor formats of D8.3, by what is at each bit. */
describe('every bit has its place', () => {
  const bitsOf = (stage: 1 | 2, granule: GranuleName, bits: 48 | 52, level: number, type: bigint, name: string) =>
    decodeDescriptor(tableFormat(stage, granule, bits), level, type).fields.find((field) => field.name === name)?.bits;

  test.each([
    ['4K', 48, 1, '47:30'],
    ['4K', 48, 2, '47:21'],
    ['4K', 52, 0, '9:8,49:39'],
    ['4K', 52, 1, '9:8,49:30'],
    ['16K', 48, 2, '47:25'],
    ['16K', 52, 1, '9:8,49:36'],
    ['64K', 48, 2, '47:29'],
    ['64K', 52, 1, '15:12,47:42'],
    ['64K', 52, 2, '15:12,47:29'],
  ] as const)(
    'a block of %s pages with %i bits at level %i has its address in %s',
    (granule, bits, level, expected) => {
      for (const stage of [1, 2] as const)
        expect(bitsOf(stage, granule, bits, level, 1n, 'OutputAddress')).toBe(expected);
    },
  );

  test.each([
    ['4K', 48, '47:12'],
    ['4K', 52, '9:8,49:12'],
    ['16K', 48, '47:14'],
    ['16K', 52, '9:8,49:14'],
    ['64K', 48, '47:16'],
    ['64K', 52, '15:12,47:16'],
  ] as const)('a page or table of %s pages with %i bits has its address in %s', (granule, bits, expected) => {
    for (const stage of [1, 2] as const) {
      expect(bitsOf(stage, granule, bits, 3, 3n, 'OutputAddress')).toBe(expected);
      expect(bitsOf(stage, granule, bits, 2, 3n, 'NextTable')).toBe(expected);
    }
  });

  /** RES0 of tables D8-50 to D8-53 outside Secure state, but for bits that are named: NS, NSTable, GP and nT. */
  function reservedByManual(stage: 1 | 2, granule: GranuleName, bits: 48 | 52, level: number, kind: string): bigint {
    const range = (hi: number, lo: number) => (hi < lo ? 0n : (1n << BigInt(hi + 1)) - (1n << BigInt(lo)));
    const lpa2 = bits === 52 && granule !== '64K';
    const lpa = bits === 52 && granule === '64K';
    const upper = lpa2 ? 0n : range(49, 48);
    const below = { '4K': 0n, '16K': range(13, 12), '64K': lpa ? 0n : range(15, 12) }[granule];
    if (kind === 'table') return upper | range(50, 50) | below | (stage === 2 ? range(63, 59) : 0n);
    const leaf = upper | (stage === 2 ? range(63, 63) | range(50, 50) | range(11, 11) : 0n);
    if (kind === 'page') return leaf | below;
    const sizes: Record<GranuleName, Record<number, number>> = {
      '4K': { 0: 39, 1: 30, 2: 21 },
      '16K': { 1: 36, 2: 25 },
      '64K': { 1: 42, 2: 29 },
    };
    const contiguous = (granule === '4K' && level > 0) || level === 2 ? 0n : range(52, 52);
    return leaf | range(sizes[granule][level]! - 1, 17) | (lpa ? 0n : range(15, 12)) | contiguous;
  }

  test('and is reserved where the manual’s tables say so', () => {
    let kinds = 0;
    for (const stage of [1, 2] as const)
      for (const granule of ['4K', '16K', '64K'] as const)
        for (const bits of [48, 52] as const)
          for (let level = -1; level <= 3; level++)
            for (const type of [1n, 3n]) {
              const all = ((1n << 64n) - 4n) | type;
              const { kind, fields } = decodeDescriptor(tableFormat(stage, granule, bits), level, all);
              if (kind === 'reserved') continue;
              kinds++;
              const found = fields.find(({ name }) => name === 'RES0')?.value ?? 0n;
              const what = `stage ${stage} ${granule} ${bits} level ${level} ${kind}`;
              expect([what, found.toString(16)]).toEqual([
                what,
                reservedByManual(stage, granule, bits, level, kind).toString(16),
              ]);
            }
    expect(kinds).toBe(2 * (6 * 5 + 2 + 3 + 1 + 2 + 1 + 2));
  });

  test('and no bit has two, whatever the format, level and kind', () => {
    for (const stage of [1, 2] as const)
      for (const granule of ['4K', '16K', '64K'] as const)
        for (const bits of [48, 52] as const)
          for (let level = -1; level <= 3; level++)
            for (const type of [1n, 3n]) {
              const seen = new Set<number>();
              // All ones where that is no field's: what is RES0 is told.
              for (const { bits: parts } of decodeDescriptor(
                tableFormat(stage, granule, bits),
                level,
                type | (~3n & ((1n << 64n) - 1n)),
              ).fields)
                for (const part of parts.split(',')) {
                  const [hi, lo = hi] = part.split(':').map(Number);
                  for (let bit = lo!; bit <= hi!; bit++) {
                    expect(seen.has(bit), `${granule} ${bits} level ${level}: ${bit}`).toBe(false);
                    seen.add(bit);
                  }
                }
              if (seen.size > 2) expect(seen.size).toBe(64);
            }
  });
});

describe('the contiguous bit', () => {
  const RAM = { base: 0x4000_0000, size: 4 << 20 };
  const OUTPUT = 0x8000_0000;

  const words = (memory: PhysicalMemory, table: number, entries: number) =>
    new Uint32Array(memory.readBytes(table, 8 * entries)!.slice().buffer);

  function sixteenPages(
    change: (page: number, entry: { output: number; low: number; high: number }) => void = () => {},
  ) {
    const memory = new PhysicalMemory({ reserved: 0, ram: [RAM], pageSize: 4096 });
    const tables = newTables(memory, { format: tableFormat(1, '4K'), startLevel: 3, inputBits: 21 });
    for (let page = 32; page < 48; page++) {
      const entry = { output: OUTPUT + (page - 32) * 4096, low: AF, high: CONTIGUOUS };
      change(page, entry);
      if (entry.output >= 0) mapLeaf(memory, tables, 3, page * 4096, entry.output, entry);
    }
    return contiguousRun(tables.format, 3, words(memory, tables.root, 512), 37);
  }

  test('joins sixteen pages that lie and are marked as one', () => {
    expect(sixteenPages()).toEqual({ first: 32, count: 16, size: 65536, missing: 0, wrong: null });
  });

  /** I IPGVGZ of D8.7.1.1. */
  test('joins those that are there', () => {
    const some = sixteenPages((page, entry) => {
      if (page === 40 || page === 47) entry.output = -1;
    });
    expect(some).toEqual({ first: 32, count: 16, size: 65536, missing: 2, wrong: null });
  });

  test('joins them whatever hardware has set in one of them', () => {
    const dirty = sixteenPages((page, entry) => {
      entry.high |= DBM;
      entry.low = page === 40 ? AF : 1 << 7;
    });
    expect(dirty?.wrong).toBeNull();
  });

  test('joins them whatever software has noted in one of them', () => {
    const noted = sixteenPages((page, entry) => {
      if (page === 40) entry.high |= (1 << 31) | (1 << (55 - 32));
    });
    expect(noted?.wrong).toBeNull();
  });

  test.each([
    ['an entry leads elsewhere', 33, { output: OUTPUT }, 'entry 33 leads to 0x80000000'],
    ['an entry is not marked', 47, { high: 0 }, 'entry 47 is not marked'],
    ['permissions differ', 47, { low: AF | (1 << 7) }, 'entry 47 has other attributes'],
    ['the run begins elsewhere', 37, { output: OUTPUT + 4096 }, '0x80001000 has another place in its run'],
  ])('is misprogrammed where %s', (_what, at, change, wrong) => {
    expect(sixteenPages((page, entry) => page === at && Object.assign(entry, change))?.wrong).toBe(wrong);
  });

  test('joins none where its bit is 0, nor at a level where it is reserved', () => {
    const memory = new PhysicalMemory({ reserved: 0, ram: [RAM], pageSize: 4096 });
    const tables = newTables(memory, { format: tableFormat(1, '16K', 52), startLevel: 1, inputBits: 47 });
    mapLeaf(memory, tables, 1, 0, 0, { low: AF, high: CONTIGUOUS });
    const table = words(memory, tables.root, 2048);
    expect(contiguousRun(tables.format, 1, table, 0)).toBeNull();
    expect(contiguousRun(tables.format, 1, table, 1)).toBeNull();
  });

  test('of a table that is smaller than a run', () => {
    const memory = new PhysicalMemory({ reserved: 0, ram: [RAM], pageSize: 4096 });
    const tables = newTables(memory, { format: tableFormat(1, '4K'), startLevel: 3, inputBits: 15 });
    mapLeaf(memory, tables, 3, 0, OUTPUT, { low: AF, high: CONTIGUOUS });
    const run = contiguousRun(tables.format, 3, words(memory, tables.root, 8), 0);
    expect(run?.wrong).toBe('its table has no more than 8 entries');
  });
});

test('AF 0 is a fault, or set by the walk', () => {
  const meaning = (context: object) =>
    decodeDescriptor(tableFormat(2, '4K'), 3, 3n, context).fields.find(({ name }) => name === 'AF')?.meaning;
  expect(meaning({ hardwareAccessFlag: false })).toBe('not accessed: an access faults');
  expect(meaning({ hardwareAccessFlag: true })).toBe('not accessed: an access sets it');
  expect(meaning({})).toBe('not accessed');
});

test('PXN 0 says whether EL1 may execute, by who may write', () => {
  const meaning = (value: bigint, context: object = {}) =>
    decodeDescriptor(tableFormat(1, '4K'), 3, value | 3n, context).fields.find(({ name }) => name === 'PXN')?.meaning;
  const [el0, readOnly, dbm] = [1n << 6n, 1n << 7n, 1n << 51n];
  expect(meaning(0n)).toBe('executable at EL1');
  expect(meaning(el0)).toBe('not executable at EL1 while EL0 may write');
  expect(meaning(el0 | readOnly | dbm, { hardwareDirty: true })).toBe('not executable at EL1 while EL0 may write');
  expect(meaning(el0 | readOnly | dbm, { hardwareDirty: false })).toBe('executable at EL1');
});

test('a field without effect says so', () => {
  const meaning = (stage: 1 | 2, level: number, value: bigint, name: string, context: object) =>
    decodeDescriptor(tableFormat(stage, '4K'), level, value, context).fields.find((field) => field.name === name)
      ?.meaning;
  const dirty = (1n << 51n) | 3n;
  expect(meaning(2, 3, dirty, 'DBM', { hardwareDirty: false })).toMatch(/^no effect/);
  expect(meaning(2, 3, dirty, 'DBM', { hardwareDirty: true })).toBe('a write makes it writable, by hardware');
  const table = (31n << 59n) | 3n;
  for (const name of ['APTable', 'PXNTable', 'UXNTable']) {
    expect(meaning(1, 2, table, name, { hierarchical: false })).toBe('ignored: TCR_EL1.HPD');
    expect(meaning(1, 2, table, name, { hierarchical: true })).toMatch(/^no/);
  }
  expect(meaning(1, 3, (1n << 50n) | 3n, 'GP', { branchTargets: false })).toBe('reserved: no FEAT_BTI');
  expect(meaning(2, 2, (1n << 16n) | 1n, 'nT', { bbmLevel: 0 })).toBe('reserved: no FEAT_BBML1');
  expect(meaning(2, 3, (3n << 53n) | 3n, 'XN', { executeByEl: false })).toBe(
    'not executable; bit 53 is reserved without FEAT_XNX',
  );
});

describe('a reserved attribute says what it is taken for', () => {
  const NORMAL = stage1Attributes(0xffn, 0, 3);
  const meaning = (value: bigint, name: string, forcedWriteBack: boolean) =>
    decodeDescriptor(tableFormat(2, '4K'), 3, value | 3n, { forcedWriteBack }).fields.find(
      (field) => field.name === name,
    )?.meaning;

  test('MemAttr with a half of 00 beside another', () => {
    expect(meaning(0x8n << 2n, 'MemAttr', false)).toBe('reserved: here Normal, inner Write-Back, outer Write-Through');
    expect(combine(NORMAL, 0x8, 3, false)).toMatchObject({ type: 'normal', mair: 0xbf });
  });
  test('MemAttr 4 with HCR_EL2.FWB', () => {
    expect(meaning(0x4n << 2n, 'MemAttr', true)).toBe('reserved: here Device-nGnRnE');
    expect(combine(NORMAL, 4, 3, true)).toMatchObject({ type: 'device', mair: 0 });
    expect(meaning(0xen << 2n, 'MemAttr', true)).toBe('Normal Write-Back; bit 5 is reserved with HCR_EL2.FWB');
  });
  test('SH 1', () => {
    expect(meaning(1n << 8n, 'SH', false)).toBe('reserved: here Non-shareable');
    expect(combine(stage1Attributes(0xffn, 0, 0), 0xf, 1, false).shareability).toBe(0);
  });
  test('a byte of MAIR_EL1', () => {
    expect(mairText(0x03)).toBe('reserved: here Device');
    expect(stage1Attributes(0x03n, 0, 3).type).toBe('device');
    expect(mairText(0xf0)).toBe('reserved: here Normal');
    expect(stage1Attributes(0xf0n, 0, 3).type).toBe('normal');
  });
});
