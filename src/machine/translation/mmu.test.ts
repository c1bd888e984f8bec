import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PhysicalMemory } from '../memory.ts';
import { cpuModel } from '../presets.ts';
import { faultStatus } from './fault.ts';
import { levelShift, stage1StartLevel, stage2StartLevel, tableFormat, type GranuleName } from './format.ts';
import { Mmu, type AccessKind, type TranslationRegisters } from './mmu.ts';
import { mapLeaf, newTables } from './testing.ts';

const RAM = { base: 0x4000_0000, size: 8 << 20 };
const newMemory = () => new PhysicalMemory({ reserved: 0, ram: [RAM], pageSize: 4096 });
const MAX = cpuModel('max').features;

const SCTLR_M = 1n;
const SCTLR_WXN = 1n << 19n;
const HCR_VM = 1n;
const OFF: TranslationRegisters = {
  SCTLR_EL1: 0n,
  TCR_EL1: 0n,
  TTBR0_EL1: 0n,
  TTBR1_EL1: 0n,
  MAIR_EL1: 0x00ffn,
  HCR_EL2: 0n,
  VTCR_EL2: 0n,
  VTTBR_EL2: 0n,
};
const READ: AccessKind = { access: 'read', el: 1, pan: false };

/** Attr 0 of MAIR is Normal Write-Back, Attr 1 Device-nGnRnE. */
const AF = 1 << 10;
const INNER = 3 << 8;
const TG0 = { '4K': 0n, '64K': 1n, '16K': 2n } as const;
const TG1 = { '16K': 1n, '4K': 2n, '64K': 3n } as const;
const IPS_48 = 5n << 32n;
const EPD1 = 1n << 23n;

const tcr = (granule: GranuleName, bits: number, half: 0 | 1 = 0): bigint => {
  const size = BigInt(64 - bits);
  return half === 0
    ? size | (TG0[granule] << 14n) | EPD1 | IPS_48
    : (size << 16n) | (TG1[granule] << 30n) | (1n << 7n) | IPS_48;
};
const SL0: Record<GranuleName, Record<number, bigint>> = {
  '4K': { 2: 0n, 1: 1n, 0: 2n, 3: 3n },
  '16K': { 3: 0n, 2: 1n, 1: 2n },
  '64K': { 3: 0n, 2: 1n, 1: 2n },
};
const vtcr = (granule: GranuleName, bits: number, start: number) =>
  BigInt(64 - bits) | (SL0[granule][start]! << 6n) | (TG0[granule] << 14n) | (5n << 16n) | (1n << 31n);

const halves = (va: bigint) => [Number(va & 0xffff_ffffn), Number((va >> 32n) & 0xffff_ffffn)] as const;
const translate = (mmu: Mmu, va: bigint, kind: AccessKind) => mmu.translate(...halves(va), kind);

/** What the tables of the Arm ARM say, spelled out: AP[2:1] by level, data accesses. */
const DATA_BY_AP = [
  { el1: 'rw', el0: '' },
  { el1: 'rw', el0: 'rw' },
  { el1: 'r', el0: '' },
  { el1: 'r', el0: 'r' },
] as const;

function stage1Allows(ap: number, uxn: boolean, pxn: boolean, wxn: boolean, { access, el, pan }: AccessKind): boolean {
  const rights = DATA_BY_AP[ap]!;
  const here: string = el === 0 ? rights.el0 : rights.el1;
  if (access === 'fetch') {
    if (el === 0 ? uxn : pxn) return false;
    if (el === 1 && rights.el0 === 'rw') return false;
    return !(wxn && here.includes('w'));
  }
  if (el === 1 && pan && rights.el0 !== '') return false;
  return here.includes(access === 'read' ? 'r' : 'w');
}

interface Mapping {
  readonly level: number;
  readonly slot: number;
  readonly output: number;
  readonly ap: number;
  readonly uxn: boolean;
  readonly pxn: boolean;
}

const mapping = fc.record({
  level: fc.constantFrom(1, 2, 3),
  slot: fc.nat(1 << 20),
  output: fc.nat(1 << 30),
  ap: fc.nat(3),
  uxn: fc.boolean(),
  pxn: fc.boolean(),
});
const accessKind = fc.record({
  access: fc.constantFrom('read', 'write', 'fetch') as fc.Arbitrary<AccessKind['access']>,
  el: fc.constantFrom(0, 1) as fc.Arbitrary<0 | 1>,
  pan: fc.boolean(),
});
const granules = fc.constantFrom<GranuleName>('4K', '16K', '64K');

/** Keeps mappings that overlap none before them; addresses cut to their sizes. */
function place(mappings: readonly Mapping[], granule: GranuleName, bits: number, start: number, stage: 1 | 2) {
  const format = tableFormat(stage, granule);
  const placed: (Mapping & { readonly input: number; readonly size: number; readonly pa: number })[] = [];
  for (const one of mappings) {
    const level = Math.max(one.level, start);
    if (level < 3 && !format.granule.blockLevels[48].includes(level)) continue;
    const size = 2 ** levelShift(format.granule, level);
    const input = (one.slot * size * 37) % 2 ** bits;
    const at = input - (input % size);
    if (at + size > 2 ** bits) continue;
    if (placed.some((other) => at < other.input + other.size && other.input < at + size)) continue;
    placed.push({ ...one, level, input: at, size, pa: (one.output * size) % 2 ** 48 });
  }
  return placed
    .sort((a, b) => b.level - a.level)
    .filter((one, _, all) => all.every((other) => other === one || disjoint(one, other)));
}
const disjoint = (a: { input: number; size: number }, b: { input: number; size: number }) =>
  a.input + a.size <= b.input || b.input + b.size <= a.input;

describe('stage 1', () => {
  test('agrees with a list of mappings, whatever the granule, the size, the half and the access', () => {
    fc.assert(
      fc.property(
        granules,
        fc.integer({ min: 25, max: 48 }),
        fc.constantFrom<0 | 1>(0, 1),
        fc.array(mapping, { maxLength: 12 }),
        fc.array(fc.tuple(fc.nat(11), fc.bigInt(0n, (1n << 48n) - 1n), accessKind), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        (granule, bits, half, mappings, probes, wxn) => {
          const memory = newMemory();
          const format = tableFormat(1, granule);
          const startLevel = stage1StartLevel(format.granule, bits);
          const tables = newTables(memory, { format, startLevel, inputBits: bits });
          const placed = place(mappings, granule, bits, startLevel, 1);
          for (const { level, input, pa, ap, uxn, pxn } of placed) {
            mapLeaf(memory, tables, level, input, pa, {
              low: AF | (ap << 6),
              high: (uxn ? 1 << 22 : 0) | (pxn ? 1 << 21 : 0),
            });
          }
          const mmu = new Mmu(memory, MAX);
          const ttbr = BigInt(tables.root);
          mmu.configure({
            ...OFF,
            SCTLR_EL1: SCTLR_M | (wxn ? SCTLR_WXN : 0n),
            TCR_EL1: tcr(granule, bits, half),
            ...(half === 0 ? { TTBR0_EL1: ttbr } : { TTBR1_EL1: ttbr }),
          });
          const base = half === 0 ? 0n : (1n << 64n) - (1n << BigInt(bits));
          for (const [choice, offset, kind] of probes) {
            const target = placed[choice % (placed.length + 1)];
            const input = target
              ? BigInt(target.input) + (offset % BigInt(target.size))
              : offset % (1n << BigInt(bits));
            const mapped = placed.find((one) => input >= BigInt(one.input) && input < BigInt(one.input + one.size));
            const result = translate(mmu, base + input, kind);
            if (!mapped) {
              expect(result).toMatchObject({ ok: false, type: 'translation', stage: 1 });
            } else if (stage1Allows(mapped.ap, mapped.uxn, mapped.pxn, wxn, kind)) {
              expect(result).toMatchObject({
                ok: true,
                pa: mapped.pa + (Number(input) - mapped.input),
                size: mapped.size,
              });
            } else {
              expect(result).toMatchObject({ ok: false, type: 'permission', stage: 1, level: mapped.level });
            }
          }
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });

  const GB = 2 ** 30;
  function fourLevels(tcrValue = tcr('4K', 48)) {
    const memory = newMemory();
    const tables = newTables(memory, { format: tableFormat(1, '4K'), startLevel: 0, inputBits: 48 });
    const mmu = new Mmu(memory, MAX);
    const registers = { ...OFF, SCTLR_EL1: SCTLR_M, TCR_EL1: tcrValue, TTBR0_EL1: BigInt(tables.root) };
    mmu.configure(registers);
    return { memory, tables, mmu, registers };
  }
  /** The entry of each level on the way to VA 0, by writing into tables that lie one after the other. */
  function chain(level: number, entry: bigint) {
    const setup = fourLevels();
    let table: number = setup.tables.root;
    for (let at = 0; at < level; at++) {
      const next = setup.memory.pages.allocate()!;
      setup.memory.write64(table, BigInt(next) | 3n);
      table = next;
    }
    setup.memory.write64(table, entry);
    return setup.mmu;
  }
  const statusOf = (mmu: Mmu, kind: AccessKind = READ) => {
    const result = translate(mmu, 0n, kind);
    return result.ok ? null : faultStatus(result.type, result.level);
  };

  test.each([0, 1, 2, 3])('an invalid entry at level %i is a translation fault of that level', (level) => {
    expect(statusOf(chain(level, 0n))).toBe(0b000100 + level);
    expect(statusOf(chain(level, 2n))).toBe(0b000100 + level);
  });
  test('a block at level 0 and bits 1:0 = 01 at level 3 are reserved: translation faults', () => {
    expect(statusOf(chain(0, 1n | 0x400n))).toBe(0b000100);
    expect(statusOf(chain(3, 1n | 0x400n))).toBe(0b000111);
  });
  test.each([1, 2, 3])('the Access flag clear at level %i is an access flag fault', (level) => {
    expect(statusOf(chain(level, level === 3 ? 3n : 1n))).toBe(0b001000 + level);
  });
  test.each([1, 2, 3])('a write to a read-only leaf at level %i is a permission fault', (level) => {
    const entry = (level === 3 ? 3n : 1n) | 0x400n | 0x80n;
    expect(statusOf(chain(level, entry), { ...READ, access: 'write' })).toBe(0b001100 + level);
    expect(statusOf(chain(level, entry))).toBeNull();
  });
  test.each([0, 1, 2])('a table entry at level %i above IPS is an address size fault of that level', (level) => {
    const { memory, tables, mmu, registers } = fourLevels();
    mmu.configure({ ...registers, TCR_EL1: (registers.TCR_EL1 & ~(7n << 32n)) | (1n << 32n) });
    let table: number = tables.root;
    for (let at = 0; at < level; at++) {
      const next = memory.pages.allocate()!;
      memory.write64(table, BigInt(next) | 3n);
      table = next;
    }
    memory.write64(table, (1n << 36n) | 3n);
    expect(statusOf(mmu)).toBe(level);
  });
  test('a leaf above IPS is an address size fault of its level, before its Access flag', () => {
    const { memory, tables, mmu, registers } = fourLevels();
    mapLeaf(memory, tables, 3, 0, 2 ** 40, { low: 0, high: 0 });
    mmu.configure({ ...registers, TCR_EL1: (registers.TCR_EL1 & ~(7n << 32n)) | (2n << 32n) });
    expect(statusOf(mmu)).toBe(0b000011);
  });
  test('a base above IPS is an address size fault of level 0', () => {
    const { mmu, registers } = fourLevels();
    mmu.configure({ ...registers, TCR_EL1: registers.TCR_EL1 & ~(7n << 32n), TTBR0_EL1: 1n << 33n });
    expect(statusOf(mmu)).toBe(0);
  });
  test('a table where there is no RAM is an external abort on the walk, of its level', () => {
    expect(statusOf(chain(1, (8n << 32n) | 3n))).toBe(0b010110);
  });
  test('a forbidden walk, an address out of range and T0SZ out of range are translation faults of level 0', () => {
    const { mmu, registers } = fourLevels();
    const at = (va: bigint, change: Partial<TranslationRegisters>) => {
      mmu.configure({ ...registers, ...change });
      const result = translate(mmu, va, READ);
      return result.ok ? null : faultStatus(result.type, result.level);
    };
    expect(at(0n, { TCR_EL1: registers.TCR_EL1 | (1n << 7n) })).toBe(0b000100);
    expect(at(1n << 48n, {})).toBe(0b000100);
    expect(at(0n, { TCR_EL1: (registers.TCR_EL1 & ~0x3fn) | 60n })).toBe(0b000100);
    expect(at(0n, { TCR_EL1: (registers.TCR_EL1 & ~0x3fn) | 5n })).toBe(0b000100);
  });
  test('the top byte is ignored with TBI, and only with it', () => {
    const { memory, tables, mmu, registers } = fourLevels();
    mapLeaf(memory, tables, 1, 0, 0, { low: AF, high: 0 });
    expect(translate(mmu, 0xab00_0000_0000_1234n, READ).ok).toBe(false);
    mmu.configure({ ...registers, TCR_EL1: registers.TCR_EL1 | (1n << 37n) });
    expect(translate(mmu, 0xab00_0000_0000_1234n, READ)).toMatchObject({ ok: true, pa: 0x1234 });
  });
  test('tables above take rights away, unless TCR_EL1.HPD0', () => {
    const { memory, tables, mmu, registers } = fourLevels();
    const APTABLE_READ_ONLY = 1 << 30;
    const PXNTABLE = 1 << 27;
    mapLeaf(memory, tables, 2, 0, 0, { low: AF, high: 0 }, (APTABLE_READ_ONLY | PXNTABLE) >>> 0);
    expect(translate(mmu, 0n, { ...READ, access: 'write' })).toMatchObject({ ok: false, type: 'permission', level: 2 });
    expect(translate(mmu, 0n, { ...READ, access: 'fetch' })).toMatchObject({ ok: false, type: 'permission', level: 2 });
    expect(translate(mmu, 0n, READ).ok).toBe(true);
    mmu.configure({ ...registers, TCR_EL1: registers.TCR_EL1 | (1n << 41n) });
    expect(translate(mmu, 0n, { ...READ, access: 'write' }).ok).toBe(true);
    expect(translate(mmu, 0n, { ...READ, access: 'fetch' }).ok).toBe(true);
  });
  test('an unaligned access to Device memory is an alignment fault, to Normal memory none', () => {
    const { memory, tables, mmu } = fourLevels();
    mapLeaf(memory, tables, 1, 0, 0, { low: AF, high: 0 });
    mapLeaf(memory, tables, 1, GB, GB, { low: AF | (1 << 2), high: 0 });
    expect(translate(mmu, 1n, { ...READ, unaligned: true }).ok).toBe(true);
    expect(translate(mmu, BigInt(GB) + 1n, { ...READ, unaligned: true })).toMatchObject({
      ok: false,
      type: 'alignment',
    });
  });
  test('hardware sets the Access flag and dirty state where TCR_EL1.HA and HD say so, and a look does not', () => {
    const { memory, tables, mmu, registers } = fourLevels();
    const DBM = 1 << 19;
    mapLeaf(memory, tables, 1, 0, 0, { low: 1 << 7, high: DBM });
    const leaf = Number(memory.read64(tables.root) & ~0xfffn);
    mmu.configure({ ...registers, TCR_EL1: registers.TCR_EL1 | (3n << 39n) });
    expect(translate(mmu, 0n, { ...READ, peek: true }).ok).toBe(true);
    expect(memory.read64(leaf) & 0x480n).toBe(0x80n);
    expect(translate(mmu, 0n, READ).ok).toBe(true);
    expect(memory.read64(leaf) & 0x480n).toBe(0x480n);
    expect(translate(mmu, 0n, { ...READ, access: 'write' }).ok).toBe(true);
    expect(memory.read64(leaf) & 0x480n).toBe(0x400n);
  });
  test('off, an address is its own, up to the physical size', () => {
    const mmu = new Mmu(newMemory(), cpuModel('cortex-a53').features);
    mmu.configure(OFF);
    expect(translate(mmu, (1n << 40n) - 1n, READ)).toMatchObject({
      ok: true,
      pa: 2 ** 40 - 1,
      attributes: { type: 'device' },
    });
    expect(translate(mmu, 1n << 40n, READ)).toMatchObject({ ok: false, type: 'addressSize', level: 0, stage: 1 });
    expect(translate(mmu, 0n, { ...READ, access: 'fetch' })).toMatchObject({
      ok: true,
      attributes: { type: 'normal' },
    });
  });
});

describe('stage 2', () => {
  const MEMATTR_NORMAL = 0xf << 2;

  test('agrees with a list of mappings, with concatenated tables', () => {
    fc.assert(
      fc.property(
        granules,
        fc.integer({ min: 32, max: 48 }),
        fc.array(
          fc.record({
            level: fc.constantFrom(1, 2, 3),
            slot: fc.nat(1 << 20),
            output: fc.nat(1 << 30),
            s2ap: fc.nat(3),
            xn: fc.nat(3),
          }),
          { maxLength: 12 },
        ),
        fc.array(fc.tuple(fc.nat(11), fc.bigInt(0n, (1n << 48n) - 1n), accessKind), { minLength: 1, maxLength: 20 }),
        (granule, bits, mappings, probes) => {
          const memory = newMemory();
          const format = tableFormat(2, granule);
          const startLevel = stage2StartLevel(format.granule, bits);
          const tables = newTables(memory, { format, startLevel, inputBits: bits });
          const placed = place(
            mappings.map(({ s2ap, xn, ...rest }) => ({ ...rest, ap: s2ap, uxn: (xn & 2) !== 0, pxn: (xn & 1) !== 0 })),
            granule,
            bits,
            startLevel,
            2,
          );
          for (const { level, input, pa, ap, uxn, pxn } of placed) {
            const xn = (uxn ? 2 : 0) | (pxn ? 1 : 0);
            mapLeaf(memory, tables, level, input, pa, {
              low: AF | INNER | MEMATTR_NORMAL | (ap << 6),
              high: (xn << 21) >>> 0,
            });
          }
          const mmu = new Mmu(memory, MAX);
          mmu.configure({
            ...OFF,
            HCR_EL2: HCR_VM,
            VTCR_EL2: vtcr(granule, bits, startLevel),
            VTTBR_EL2: BigInt(tables.root),
          });
          expect(mmu.stage2?.tables).toMatchObject({ startLevel, inputBits: bits, root: tables.root });
          for (const [choice, offset, kind] of probes) {
            const target = placed[choice % (placed.length + 1)];
            const ipa = target ? BigInt(target.input) + (offset % BigInt(target.size)) : offset;
            const mapped = placed.find((one) => ipa >= BigInt(one.input) && ipa < BigInt(one.input + one.size));
            const result = translate(mmu, ipa, kind);
            if (!mapped) {
              expect(result).toMatchObject({
                ok: false,
                type: 'translation',
                stage: 2,
                ipa: Number(ipa),
                s1ptw: false,
              });
              if (ipa >> BigInt(bits) && !result.ok) expect(result.level).toBe(0);
              continue;
            }
            // FEAT_XNX: XN[1:0] = uxn:pxn here. 00 all, 01 EL0, 10 none, 11 EL1.
            const executable = [
              [true, true],
              [true, false],
              [false, false],
              [false, true],
            ][(mapped.uxn ? 2 : 0) | (mapped.pxn ? 1 : 0)]![kind.el];
            const allowed =
              kind.access === 'fetch'
                ? executable
                : ['', 'r', 'w', 'rw'][mapped.ap]!.includes(kind.access === 'read' ? 'r' : 'w');
            if (allowed)
              expect(result).toMatchObject({
                ok: true,
                pa: mapped.pa + (Number(ipa) - mapped.input),
                ipa: Number(ipa),
              });
            else expect(result).toMatchObject({ ok: false, type: 'permission', stage: 2, level: mapped.level });
          }
        },
      ),
      { numRuns: 200, seed: 2 },
    );
  });

  /** Stage 1 maps VA 0 in one page at IPA 2 MiB, its tables are identity mapped at stage 2 in 4K pages. */
  function nested() {
    const memory = newMemory();
    const stage1 = newTables(memory, { format: tableFormat(1, '4K'), startLevel: 0, inputBits: 48 });
    const stage2 = newTables(memory, { format: tableFormat(2, '4K'), startLevel: 1, inputBits: 40 });
    mapLeaf(memory, stage1, 3, 0, 2 << 20, { low: AF, high: 0 });
    const chain: number[] = [stage1.root];
    for (let level = 0; level < 3; level++) chain.push(Number(memory.read64(chain[level]!) & 0xffff_ffff_f000n));
    const RW = AF | INNER | MEMATTR_NORMAL | (3 << 6);
    for (const table of chain) mapLeaf(memory, stage2, 3, table, table, { low: RW, high: 0 });
    mapLeaf(memory, stage2, 2, 2 << 20, 0x4060_0000, { low: RW, high: 0 });
    const mmu = new Mmu(memory, MAX);
    const registers = {
      ...OFF,
      SCTLR_EL1: SCTLR_M,
      TCR_EL1: tcr('4K', 48),
      TTBR0_EL1: BigInt(stage1.root),
      HCR_EL2: HCR_VM,
      VTCR_EL2: vtcr('4K', 40, 1),
      VTTBR_EL2: BigInt(stage2.root),
    };
    mmu.configure(registers);
    return { memory, mmu, stage2, chain, registers };
  }
  const leafOf = (memory: PhysicalMemory, root: number, ipa: number) => {
    const l2 = Number(memory.read64(root + Math.floor(ipa / 2 ** 30) * 8) & 0xffff_ffff_f000n);
    const l3 = Number(memory.read64(l2 + (Math.floor(ipa / 2 ** 21) % 512) * 8) & 0xffff_ffff_f000n);
    return l3 + (Math.floor(ipa / 4096) % 512) * 8;
  };

  test('a walk through both stages reads stage 2 for each descriptor of stage 1, then for the address', () => {
    const { mmu, chain } = nested();
    const { steps, result } = mmu.trace(0x123n, READ);
    expect(result).toMatchObject({ ok: true, ipa: (2 << 20) + 0x123, pa: 0x4060_0123 });
    expect(steps.map(({ stage, level }) => `${stage}.${level}`).join(' ')).toBe(
      '2.1 2.2 2.3 1.0 2.1 2.2 2.3 1.1 2.1 2.2 2.3 1.2 2.1 2.2 2.3 1.3 2.1 2.2',
    );
    expect(steps.filter(({ stage }) => stage === 1).map(({ descriptorPa }) => descriptorPa)).toEqual(chain);
  });
  test.each([0, 1, 2, 3])(
    'a stage 1 table of level %i that stage 2 does not map is a stage 2 fault on the walk',
    (level) => {
      const { memory, mmu, stage2, chain } = nested();
      memory.write64(leafOf(memory, stage2.root, chain[level]!), 0n);
      expect(translate(mmu, 0n, READ)).toEqual({
        ok: false,
        type: 'translation',
        stage: 2,
        level: 3,
        s1ptw: 'read',
        ipa: chain[level],
      });
    },
  );
  test('SL0 that does not fit the size is a translation fault of level 0', () => {
    const { mmu, stage2 } = nested();
    mmu.configure({ ...OFF, HCR_EL2: HCR_VM, VTCR_EL2: vtcr('4K', 40, 2), VTTBR_EL2: BigInt(stage2.root) });
    expect(translate(mmu, 0n, READ)).toMatchObject({ ok: false, type: 'translation', stage: 2, level: 0 });
    expect(mmu.stage2?.broken?.why).toMatch(/1024 concatenated tables, more than 16/);
  });
  test('an IPA out of range is a translation fault, though the base is out of range too', () => {
    const { mmu } = nested();
    const base = 1n << 45n;
    const ps40 = vtcr('4K', 39, 1) ^ (7n << 16n);
    mmu.configure({ ...OFF, HCR_EL2: HCR_VM, VTCR_EL2: ps40, VTTBR_EL2: base });
    expect(translate(mmu, 0n, READ)).toMatchObject({ ok: false, type: 'addressSize', stage: 2, level: 0 });
    expect(translate(mmu, 1n << 39n, READ)).toMatchObject({ ok: false, type: 'translation', stage: 2, level: 0 });
    expect(mmu.trace(1n << 39n, READ).why).toBe('the address is not in 39 bits of IPA');
  });
  test('with SCTLR_EL1.C and I off memory is Non-cacheable, unless stage 2 forces otherwise', () => {
    const { memory, mmu, stage2, registers } = nested();
    const mair = (sctlr: bigint, access: AccessKind['access'], hcr = HCR_VM) => {
      mmu.configure({ ...registers, SCTLR_EL1: SCTLR_M | sctlr, HCR_EL2: hcr });
      const result = translate(mmu, 0n, { ...READ, access });
      return result.ok ? [result.attributes.mair, result.attributes.shareability] : null;
    };
    const [C, I, OUTER, INNER_SHAREABLE] = [1n << 2n, 1n << 12n, 2, 3];
    expect(mair(0n, 'read')).toEqual([0x44, OUTER]);
    expect(mmu.translateStage1(0, 0, READ)).toMatchObject({ attributes: { mair: 0x44, shareability: OUTER } });
    expect(mair(C, 'read')).toEqual([0xff, INNER_SHAREABLE]);
    expect(mair(C, 'fetch')).toEqual([0x44, OUTER]);
    expect(mair(I, 'fetch')).toEqual([0xff, INNER_SHAREABLE]);
    // MemAttr 6 with FWB: Write-Back.
    const l2 = Number(memory.read64(stage2.root) & 0xffff_ffff_f000n);
    memory.write64(l2 + 8, (memory.read64(l2 + 8) & ~0x3cn) | (6n << 2n));
    expect(mair(0n, 'read', HCR_VM | (1n << 46n))).toEqual([0xff, INNER_SHAREABLE]);
  });
  test('Device at stage 2 makes Normal memory Device, where what is not aligned faults before it is not permitted', () => {
    const { memory, mmu, stage2 } = nested();
    const l2 = Number(memory.read64(stage2.root) & 0xffff_ffff_f000n);
    memory.write64(l2 + 8, memory.read64(l2 + 8) & ~0x3cn);
    expect(translate(mmu, 0n, READ)).toMatchObject({ ok: true, attributes: { type: 'device' } });
    const unaligned = { ...READ, unaligned: true };
    expect(translate(mmu, 0n, unaligned)).toMatchObject({ ok: false, type: 'alignment', stage: 2 });
    memory.write64(l2 + 8, memory.read64(l2 + 8) & ~0xc0n);
    expect(translate(mmu, 0n, READ)).toMatchObject({ ok: false, type: 'permission', stage: 2 });
    expect(translate(mmu, 0n, unaligned)).toMatchObject({ ok: false, type: 'alignment', stage: 2 });
  });
});
