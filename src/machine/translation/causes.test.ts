import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PhysicalMemory } from '../memory.ts';
import { cpuModel } from '../presets.ts';
import type { Cause } from './causes.ts';
import { tableFormat } from './format.ts';
import { Mmu, type AccessKind, type TranslationRegisters } from './mmu.ts';
import { mapLeaf, newTables } from './testing.ts';

const RAM = { base: 0x4000_0000, size: 1 << 20 };
const MAX = cpuModel('max').features;
const WITHOUT_HAFDBS = cpuModel('cortex-a57').features;
const AF = 1n << 10n;
const WXN = 1n << 19n;
const HA = 1n << 39n;
const HD = 1n << 40n;
const HPD0 = 1n << 41n;
const PTW = 1n << 2n;
const STAGE2_HA = 1n << 21n;
const STAGE2_HD = 1n << 22n;
const DBM = 1n << 51n;
const OUTPUT = 1 << 21;
const WALKED = 0b01 << 6;

/** VA 0 leads to a page of IPA 2 MiB; the tables are mapped by 4K pages at stage 2, to themselves. */
class Machine {
  readonly memory = new PhysicalMemory({ reserved: 0, ram: [RAM], pageSize: 4096 });
  readonly #mmu: Mmu;
  readonly stage1 = newTables(this.memory, { format: tableFormat(1, '4K'), startLevel: 0, inputBits: 48 });
  readonly stage2 = newTables(this.memory, { format: tableFormat(2, '4K'), startLevel: 1, inputBits: 39 });
  readonly registers: Record<keyof TranslationRegisters, bigint> = {
    SCTLR_EL1: 1n,
    TCR_EL1: 16n | (1n << 23n) | (5n << 32n),
    TTBR0_EL1: BigInt(this.stage1.root),
    TTBR1_EL1: 0n,
    MAIR_EL1: 0xffn,
    HCR_EL2: 1n,
    VTCR_EL2: BigInt(64 - 39) | (1n << 6n) | (5n << 16n) | (1n << 31n),
    VTTBR_EL2: BigInt(this.stage2.root),
  };

  constructor(features = MAX, tables2 = 0xf << 2) {
    this.#mmu = new Mmu(this.memory, features);
    mapLeaf(this.memory, this.stage1, 3, 0, OUTPUT, { low: Number(AF), high: 0 });
    mapLeaf(this.memory, this.stage2, 2, OUTPUT, OUTPUT, { low: Number(AF) | (0xf << 2) | (3 << 6), high: 0 });
    const walked = Number(AF) | tables2 | WALKED;
    for (let page = RAM.base; page < RAM.base + 0x1_0000; page += 4096)
      mapLeaf(this.memory, this.stage2, 3, page, page, { low: walked, high: 0 });
  }

  look(kind: AccessKind) {
    this.#mmu.configure(this.registers);
    return this.#mmu.trace(0n, kind);
  }
  /** Changes the descriptor of a stage and level that translates VA 0, or the IPA that it leads to. */
  change(stage: 1 | 2, level: number, to: (value: bigint) => bigint): void {
    const { steps } = this.look({ access: 'read', el: 1, pan: false });
    const read = steps.findLast((step) => step.stage === stage && step.level === level)!;
    this.memory.write64(read.descriptorPa, to(read.value));
  }
  at(pa: number, to: (value: bigint) => bigint): void {
    this.memory.write64(pa, to(this.memory.read64(pa)));
  }
}

const READ: AccessKind = { access: 'read', el: 1, pan: false };
const fields = (causes: readonly Cause[]) => causes.map(({ field }) => field);

const access = fc.record({
  access: fc.constantFrom('read', 'write', 'fetch') as fc.Arbitrary<AccessKind['access']>,
  el: fc.constantFrom(0, 1) as fc.Arbitrary<0 | 1>,
  pan: fc.boolean(),
});

/** Bits of a descriptor that let an access through which the field forbade. */
const LETS: Readonly<Record<string, (value: bigint, kind: AccessKind) => bigint>> = {
  AP: (value, { access: what, el }) =>
    el === 0 ? (value & ~0xc0n) | 0x40n : what === 'fetch' ? value & ~0x40n : value & ~0x80n,
  PXN: (value) => value & ~(1n << 53n),
  UXN: (value) => value & ~(1n << 54n),
  PXNTable: (value) => value & ~(1n << 59n),
  UXNTable: (value) => value & ~(1n << 60n),
  APTable: (value, { el }) => value & ~((el === 0 ? 3n : 2n) << 61n),
  S2AP: (value) => value | 0xc0n,
  XN: (value) => value & ~(3n << 53n),
};

describe('the causes of a permission fault', () => {
  test('forbid the access each by itself, and nothing else forbids it', () => {
    let faults = 0;
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        access,
        fc.record({ ap: fc.bigInt(0n, 3n), never: fc.bigInt(0n, 3n), dirty: fc.boolean() }),
        fc.array(fc.bigInt(0n, 31n), { minLength: 3, maxLength: 3 }),
        fc.record({ s2ap: fc.bigInt(0n, 3n), xn: fc.bigInt(0n, 3n), dirty: fc.boolean() }),
        fc.record({ wxn: fc.boolean(), hpd: fc.boolean(), ha: fc.boolean(), hd: fc.boolean() }),
        (kind, leaf, tables, leaf2, control) => {
          const machine = new Machine();
          machine.change(1, 3, (value) => value | (leaf.ap << 6n) | (leaf.never << 53n) | (leaf.dirty ? DBM : 0n));
          tables.forEach((limits, level) => machine.change(1, level, (value) => value | ((limits & 31n) << 59n)));
          machine.change(
            2,
            2,
            (value) => (value & ~0xc0n) | (leaf2.s2ap << 6n) | (leaf2.xn << 53n) | (leaf2.dirty ? DBM : 0n),
          );
          machine.registers.SCTLR_EL1 |= control.wxn ? WXN : 0n;
          machine.registers.TCR_EL1 |= (control.hpd ? HPD0 : 0n) | (control.ha ? HA : 0n) | (control.hd ? HD : 0n);
          machine.registers.VTCR_EL2 |= (control.ha ? STAGE2_HA : 0n) | (control.hd ? STAGE2_HD : 0n);
          // Updates by hardware write stage 1's tables.
          if (control.ha && control.hd)
            for (let page = 0; page < 16; page++) machine.at(tableEntry(machine, page), (value) => value | 0x80n);

          const { result, causes, steps, why } = machine.look(kind);
          if (result.ok || result.type !== 'permission') {
            expect(causes).toEqual([]);
            return;
          }
          faults++;
          causes.forEach(({ field }) => seen.add(field));
          expect(causes).not.toEqual([]);
          for (const { text } of causes) expect(why).toContain(text);
          // All but one, and then all of them.
          for (let kept = 0; kept <= causes.length; kept++) {
            let without = kind;
            const { SCTLR_EL1 } = machine.registers;
            const before = steps.map(({ descriptorPa, value }) => ({ descriptorPa, value }));
            causes.forEach(({ field, read }, index) => {
              if (index === kept) return;
              if (field === 'PSTATE.PAN') without = { ...without, pan: false };
              else if (field === 'SCTLR_EL1.WXN') machine.registers.SCTLR_EL1 &= ~WXN;
              else machine.at(steps[read!]!.descriptorPa, (value) => LETS[field]!(value, kind));
            });
            const again = machine.look(without);
            if (kept < causes.length)
              expect(again.result).toMatchObject({ ok: false, type: 'permission', stage: result.stage });
            else if (!again.result.ok) expect(again.result.stage).toBeGreaterThan(result.stage);
            for (const { descriptorPa, value } of before) machine.memory.write64(descriptorPa, value);
            machine.registers.SCTLR_EL1 = SCTLR_EL1;
          }
        },
      ),
      { numRuns: 1000, seed: 5 },
    );
    expect(faults).toBeGreaterThan(300);
    expect([...seen].sort()).toEqual(
      ['AP', 'APTable', 'PSTATE.PAN', 'PXN', 'PXNTable', 'S2AP', 'SCTLR_EL1.WXN', 'UXN', 'UXNTable', 'XN'].sort(),
    );
  });

  test('say which descriptor has them', () => {
    const machine = new Machine();
    machine.change(1, 3, (value) => value | (3n << 6n));
    machine.change(1, 1, (value) => value | (1n << 62n));
    const { causes, why, steps } = machine.look({ ...READ, access: 'write' });
    expect(why).toBe('AP 3 of the level 3 page: EL1 and EL0 read-only. APTable 2 of the level 1 table: no writes');
    expect(causes.map(({ read }) => [steps[read!]!.stage, steps[read!]!.level])).toEqual([
      [1, 3],
      [1, 1],
    ]);
  });

  test('tell why DBM does not help', () => {
    const machine = new Machine();
    machine.change(1, 3, (value) => value | DBM | (2n << 6n));
    expect(machine.look({ ...READ, access: 'write' }).why).toMatch(/^AP 2 of .*; DBM 1 would have it made writable/);
  });
});

const tableEntry = ({ memory, stage2 }: Machine, page: number) => {
  const next = (table: number, index: number) => Number(memory.read64(table + index * 8) & 0xffff_ffff_f000n);
  return next(next(stage2.root, 1), 0) + page * 8;
};

describe('the cause of another fault', () => {
  test('is the descriptor that maps nothing', () => {
    const machine = new Machine();
    machine.change(1, 2, () => 0n);
    expect(machine.look(READ)).toMatchObject({
      why: 'the level 2 descriptor is invalid',
      causes: [{ field: 'Valid', read: 11 }],
    });
  });
  test('is a type that its level does not have', () => {
    const machine = new Machine();
    machine.change(1, 3, (value) => value & ~2n);
    expect(machine.look(READ).why).toBe('bits 1:0 of the level 3 descriptor are 1, which is reserved there');
  });
  test('is an address that is too large', () => {
    const machine = new Machine();
    machine.registers.TCR_EL1 &= ~(7n << 32n);
    machine.change(1, 3, (value) => value | (1n << 40n));
    expect(machine.look(READ)).toMatchObject({
      result: { type: 'addressSize', stage: 1, level: 3 },
      why: 'the address 0x10000200000 in the level 3 page is above 32 bits (TCR_EL1.IPS, and what the CPU has)',
    });
  });
  test.each([
    [MAX, 'TCR_EL1.HA is 0'],
    [WITHOUT_HAFDBS, 'the CPU has no FEAT_HAFDBS'],
  ])('is the Access flag, where hardware does not set it', (features, why) => {
    const machine = new Machine(features);
    machine.change(1, 3, (value) => value & ~AF);
    expect(machine.look(READ).why).toContain(
      `AF 0 of the level 3 page: not accessed, and hardware does not set it (${why})`,
    );
  });
  test('is HCR_EL2.PTW, where tables are in Device memory', () => {
    const machine = new Machine(MAX, 0);
    machine.registers.HCR_EL2 |= PTW;
    expect(machine.look(READ)).toMatchObject({
      result: { stage: 2, s1ptw: 'read' },
      causes: [{ field: 'HCR_EL2.PTW', read: null }],
    });
  });
  test('is none in descriptors where there is no RAM', () => {
    const machine = new Machine();
    machine.change(1, 0, (value) => value + (1n << 30n));
    machine.registers.HCR_EL2 = 0n;
    expect(machine.look(READ)).toMatchObject({
      causes: [],
      why: 'there is no RAM where the level 1 table of stage 1 lies',
    });
  });
});

describe('a trace', () => {
  test('ends where hardware could not set the Access flag, as the access would', () => {
    const machine = new Machine();
    machine.registers.TCR_EL1 |= HA;
    machine.change(1, 3, (value) => value & ~AF);
    const { result, why, steps, causes } = machine.look(READ);
    expect(result).toMatchObject({ ok: false, type: 'permission', stage: 2, level: 3, s1ptw: 'update' });
    expect(why).toBe(
      'hardware has to write the stage 1 descriptor, its Access flag or dirty state; S2AP 1 of the level 3 page: read-only',
    );
    // The stage 2 page of the last table.
    expect(fields(causes)).toEqual(['S2AP']);
    expect(steps.length - 1 - causes[0]!.read!).toBe(1);
  });
  test('changes nothing, the descriptors of stage 2 on its way included', () => {
    const machine = new Machine();
    machine.registers.VTCR_EL2 |= STAGE2_HA;
    machine.registers.TCR_EL1 |= HA;
    for (let page = 0; page < 16; page++) machine.at(tableEntry(machine, page), (value) => (value & ~AF) | 0x80n);
    machine.change(1, 3, (value) => value & ~AF);
    const bytes = () => Buffer.from(machine.memory.readBytes(RAM.base, RAM.size)!);
    const before = bytes();
    expect(machine.look(READ).result.ok).toBe(true);
    expect(bytes().equals(before)).toBe(true);
  });
});
