import { describe, expect, test } from 'vitest';
import { assemble } from '../../isa/a64/assembler.ts';
import { resetContext } from '../context.ts';
import { HCR } from '../el2.ts';
import { Machine } from '../machine.ts';
import { stage1StartLevel, tableFormat, type GranuleName } from './format.ts';
import { mapLeaf, newTables } from './testing.ts';
import type { Tables } from './walk.ts';

const RAM = { base: 0x4000_0000, size: 32 << 20 };
const DATA = 0x4100_0000;
const PAGE = 4096;
const AF = 1 << 10;
const NOT_GLOBAL = 1 << 11;
const SCTLR_ON = 0x30d0_1985n;
const TCR = 25n | (1n << 23n) | (5n << 32n) | (1n << 36n);
const TG0 = { '4K': 0n, '64K': 1n, '16K': 2n } as const;

/** A guest at EL1 with its MMU on; its program is mapped by one block of each table made. */
function boot(source: string, granule: GranuleName = '4K') {
  const machine = new Machine({ cpu: 'max', pageSize: 4096, ram: [RAM] });
  const { memory, cpu } = machine;
  memory.pages.reserve(memory.banks[0]!.base, (24 << 20) / PAGE);
  const { bytes, errors } = assemble(source, { origin: BigInt(RAM.base) });
  expect(errors).toEqual([]);
  memory.writeBytes(RAM.base, bytes);
  const format = tableFormat(1, granule);
  const makeTables = (): Tables => {
    const tables = newTables(memory, { format, startLevel: stage1StartLevel(format.granule, 39), inputBits: 39 });
    const level = granule === '4K' ? 2 : 3;
    mapLeaf(memory, tables, level, RAM.base, RAM.base, { low: AF, high: 0 });
    return tables;
  };
  const start = (tables: Tables) => {
    const context = resetContext();
    context.pc = BigInt(RAM.base);
    context.write('TTBR0_EL1', BigInt(tables.root));
    context.write('TCR_EL1', TCR | (TG0[granule] << 14n));
    context.write('MAIR_EL1', 0xffn);
    context.write('SCTLR_EL1', SCTLR_ON);
    cpu.load(context);
    cpu.el2.HCR_EL2 = HCR.RW;
  };
  const refills = () => Object.values(machine.engine.tlb.refills).reduce((a, b) => a + b);
  return { machine, memory, cpu, makeTables, start, refills, x: (n: number) => cpu.state.x(n) };
}

function mapData(memory: Machine['memory'], tables: Tables, output: number, low = NOT_GLOBAL): void {
  mapLeaf(memory, tables, 3, DATA, output, { low: AF | low, high: 0 });
}

describe('address spaces', () => {
  const ALTERNATE = `
  1: msr ttbr0_el1, x1
     isb
     ldr x4, [x0]
     add x10, x10, x4
     msr ttbr0_el1, x2
     isb
     ldr x4, [x0]
     add x11, x11, x4
     b 1b`;

  test('EL2 has one VMID forgotten, and the other keeps what was found of it', () => {
    const { cpu, memory, makeTables, start, refills } = boot('1: ldr x4, [x0]\n b 1b');
    const tables = makeTables();
    mapData(memory, tables, DATA);
    start(tables);
    cpu.state.setX(0, BigInt(DATA));
    const found = (vmid: bigint) => {
      cpu.el2.VTTBR_EL2 = vmid << 48n;
      const before = refills();
      cpu.run(20);
      return refills() - before;
    };
    expect([found(1n), found(2n)].every((count) => count > 0)).toBe(true);
    expect([found(1n), found(2n)]).toEqual([0, 0]);
    cpu.invalidateStage2(2);
    expect(found(1n)).toBe(0);
    expect(found(2n)).toBeGreaterThan(0);
    cpu.invalidateStage2();
    expect([found(1n), found(2n)].every((count) => count > 0)).toBe(true);
  });

  test('with an ASID each see their own pages, and what was found of them stays', () => {
    const { cpu, memory, makeTables, start, refills, x } = boot(ALTERNATE);
    const [one, other] = [makeTables(), makeTables()];
    mapData(memory, one, DATA);
    mapData(memory, other, DATA + PAGE);
    memory.write32(DATA, 1);
    memory.write32(DATA + PAGE, 1000);
    start(one);
    cpu.state.setX(0, BigInt(DATA));
    cpu.state.setX(1, BigInt(one.root) | (1n << 48n));
    cpu.state.setX(2, BigInt(other.root) | (2n << 48n));
    cpu.run(90);
    const before = refills();
    expect(before).toBeGreaterThan(0);
    cpu.run(9 * 10_000);
    expect(refills()).toBe(before);
    expect([x(10), x(11)]).toEqual([10_010n, 10_010_000n]);
  });

  test('are as many as there are: one too many takes the place of that used least recently', () => {
    const { cpu, memory, makeTables, start, x } = boot(`
  1: add x5, x5, #1
     cmp x5, #20
     csel x5, xzr, x5, eq
     add x6, x1, x5, lsl #48
     msr ttbr0_el1, x6
     isb
     ldr x4, [x0]
     add x10, x10, x4
     b 1b`);
    const tables = makeTables();
    mapData(memory, tables, DATA);
    memory.write32(DATA, 3);
    start(tables);
    cpu.state.setX(0, BigInt(DATA));
    cpu.state.setX(1, BigInt(tables.root));
    cpu.run(9 * 1000);
    expect(x(10)).toBe(3000n);
  });

  test('other tables with the same ASID are another one', () => {
    const { cpu, memory, makeTables, start, x } = boot(ALTERNATE);
    const [one, other] = [makeTables(), makeTables()];
    mapData(memory, one, DATA);
    mapData(memory, other, DATA + PAGE);
    memory.write32(DATA, 1);
    memory.write32(DATA + PAGE, 1000);
    start(one);
    cpu.state.setX(0, BigInt(DATA));
    cpu.state.setX(1, BigInt(one.root));
    cpu.state.setX(2, BigInt(other.root));
    cpu.run(90);
    expect([x(10), x(11)]).toEqual([10n, 10_000n]);
  });
});

test('a guest that turns its MMU off and on finds what it changed in between', () => {
  const { cpu, memory, makeTables, start, x } = boot(`
     ldr x4, [x0]
     mrs x5, sctlr_el1
     bic x6, x5, #1
     msr sctlr_el1, x6
     isb
     str x2, [x1]
     msr sctlr_el1, x5
     isb
     ldr x7, [x0]
     hvc #0`);
  const tables = makeTables();
  mapLeaf(memory, tables, 2, DATA, DATA, { low: AF, high: 0 });
  memory.write32(DATA, 1);
  memory.write32(DATA + (2 << 20), 2);
  start(tables);
  const level1 = memory.read64(tables.root + 8 * (DATA >>> 30)) & 0xffff_ffff_f000n;
  const entry = Number(level1) + 8 * ((DATA >>> 21) & 511);
  cpu.state.setX(0, BigInt(DATA));
  cpu.state.setX(1, BigInt(entry));
  cpu.state.setX(2, memory.read64(entry) + (2n << 20n));
  cpu.run(100);
  expect([x(4), x(7)]).toEqual([1n, 2n]);
});

describe('TLBI', () => {
  /** Reads, points the page's entry (X1) elsewhere (X2), invalidates by X3, and reads again, in the address spaces of X8 and X9. */
  const REMAP = (operation: string) => `
     msr ttbr0_el1, x8
     isb
     ldr x4, [x0]
     msr ttbr0_el1, x9
     isb
     ldr x5, [x0]
     str x2, [x1]
     dsb ish
     tlbi ${operation}
     dsb ish
     isb
     ldr x6, [x0]
     msr ttbr0_el1, x8
     isb
     ldr x7, [x0]
     hvc #0`;

  function remapped(operation: string, operand: bigint, asids: readonly [bigint, bigint], global = false) {
    const { cpu, memory, makeTables, start, x } = boot(REMAP(operation));
    const tables = makeTables();
    mapData(memory, tables, DATA, global ? 0 : NOT_GLOBAL);
    // The last level's table, mapped where the guest can write it.
    const level1 = memory.read64(tables.root + 8 * (DATA >>> 30)) & 0xffff_ffff_f000n;
    const level2 = memory.read64(Number(level1) + 8 * ((DATA >>> 21) & 511)) & 0xffff_ffff_f000n;
    mapLeaf(memory, tables, 3, DATA + 8 * PAGE, Number(level2), { low: AF, high: 0 });
    memory.write32(DATA, 1);
    memory.write32(DATA + PAGE, 2);
    start(tables);
    const index = (DATA >>> 12) & 511;
    const entry = memory.read64(Number(level2) + 8 * index);
    cpu.state.setX(0, BigInt(DATA));
    cpu.state.setX(1, BigInt(DATA + 8 * PAGE + 8 * index));
    cpu.state.setX(2, entry + BigInt(PAGE));
    cpu.state.setX(3, operand);
    cpu.state.setX(8, BigInt(tables.root) | (asids[0] << 48n));
    cpu.state.setX(9, BigInt(tables.root) | (asids[1] << 48n));
    expect(cpu.run(100).why).toBe('trap');
    return [4, 5, 6, 7].map((n) => Number(x(n)));
  }
  const page = BigInt(DATA >>> 12);

  test.each([
    ['vmalle1', 'vmalle1', 0n],
    ['vae1, of the ASID in use', 'vae1, x3', page | (6n << 48n)],
    ['vale1is', 'vale1is, x3', page | (6n << 48n)],
    ['vaae1', 'vaae1, x3', page],
    ['aside1', 'aside1, x3', 6n << 48n],
    ['rvae1, four pages from the one before', 'rvae1, x3', (page - 1n) | (1n << 39n) | (1n << 46n) | (6n << 48n)],
    ['rvaae1, more pages than are worth a look', 'rvaae1, x3', (page & ~0xfffn) | (3n << 44n) | (1n << 46n)],
  ])('%s: the changed page is seen', (_name, operation, operand) => {
    expect(remapped(operation, operand, [6n, 6n])).toEqual([1, 1, 2, 2]);
  });

  test.each([
    ['vmalle1', 'vmalle1', 0n, false],
    ['vaae1', 'vaae1, x3', page, false],
    ['vae1 of a global page', 'vae1, x3', page | (6n << 48n), true],
  ])('%s: in other address spaces too', (_name, operation, operand, global) => {
    expect(remapped(operation, operand, [5n, 6n], global)).toEqual([1, 1, 2, 2]);
  });

  test('of one ASID leaves what another has found', () => {
    const { cpu, memory, makeTables, start, refills } = boot(`
     msr ttbr0_el1, x8
     isb
     ldr x4, [x0]
     msr ttbr0_el1, x9
     isb
     ldr x4, [x0]
     tlbi aside1, x3
     msr ttbr0_el1, x8
     isb
     hvc #1
     ldr x4, [x0]
     hvc #2`);
    const tables = makeTables();
    mapData(memory, tables, DATA);
    start(tables);
    cpu.state.setX(0, BigInt(DATA));
    cpu.state.setX(3, 6n << 48n);
    cpu.state.setX(8, BigInt(tables.root) | (5n << 48n));
    cpu.state.setX(9, BigInt(tables.root) | (6n << 48n));
    cpu.run(100);
    const before = refills();
    cpu.run(100);
    expect(refills()).toBe(before);
  });

  test.each(['4K', '16K', '64K'] as const)(
    'of any page of a block or larger page forgets all of it, and what lies beside it stays (%s)',
    (granule) => {
      const { machine, cpu, memory, makeTables, start, x } = boot(
        `ldr x4, [x0]
         ldr x5, [x1]
         hvc #1
         tlbi vaae1, x3
         ldr x4, [x0]
         ldr x5, [x1]
         hvc #2`,
        granule,
      );
      const tables = makeTables();
      const { shift } = tables.format.granule;
      const level = granule === '4K' ? 2 : 3;
      const size = granule === '4K' ? 2 << 20 : 2 ** shift;
      mapLeaf(memory, tables, level, DATA, DATA, { low: AF, high: 0 });
      mapLeaf(memory, tables, level, DATA + size, DATA, { low: AF, high: 0 });
      memory.write32(DATA, 7);
      start(tables);
      cpu.state.setX(0, BigInt(DATA));
      cpu.state.setX(1, BigInt(DATA + size));
      cpu.state.setX(3, BigInt((DATA + size / 2) >>> 12));
      cpu.run(100);
      const before = machine.engine.tlb.refills.read;
      cpu.run(100);
      expect([x(4), x(5)]).toEqual([7n, 7n]);
      expect(machine.engine.tlb.refills.read).toBe(before + 1);
    },
  );
});
