import { describe, expect, test } from 'vitest';
import { translationAbort } from './aborts.ts';
import { ENTRY, boot, x, trap, SET_VECTORS, VECTORS } from './cpu.testing.ts';
import { HCR } from './el2.ts';
import { ABORT } from './esr.ts';
import type { FaultType } from './translation/fault.ts';
import { tableFormat } from './translation/format.ts';
import type { Access } from './translation/mmu.ts';
import { mapLeaf, newTables } from './translation/testing.ts';

describe('stage 2', () => {
  const RW_NORMAL = { low: (1 << 10) | (3 << 8) | (3 << 6) | (0xf << 2), high: 0 };
  /** IPA 0x80000000 on is the program's RAM; nothing else is mapped. */
  function guest(source: string) {
    const setup = boot(source);
    const { memory, cpu } = setup;
    const tables = newTables(memory, { format: tableFormat(2, '4K'), startLevel: 1, inputBits: 40 });
    mapLeaf(memory, tables, 2, 0x8000_0000, ENTRY, RW_NORMAL);
    cpu.el2.VTTBR_EL2 = BigInt(tables.root);
    cpu.el2.VTCR_EL2 = 24n | (1n << 6n) | (2n << 16n) | (1n << 31n);
    cpu.el2.HCR_EL2 |= HCR.VM;
    cpu.state.pc = 0x8000_0000n;
    return { ...setup, tables };
  }

  test.each([
    ['str w3, [x1, #4]', 0x9383_0045, 0x900_0004n],
    ['strb w3, [x1]', 0x9303_0045, 0x900_0000n],
    ['str x3, [x1, #0x1008]', 0x93c3_8045, 0x900_1008n],
    ['ldrh w5, [x1]', 0x9345_0005, 0x900_0000n],
    ['ldrsb x5, [x1]', 0x9325_8005, 0x900_0000n],
    ['ldrsw x5, [x1]', 0x93a5_8005, 0x900_0000n],
    ['ldr xzr, [x1]', 0x93df_8005, 0x900_0000n],
    ['ldar w5, [x1]', 0x9385_4005, 0x900_0000n],
    ['ldp x5, x6, [x1]', 0x9200_0005, 0x900_0000n],
    ['ldr x5, [x1], #8', 0x9200_0005, 0x900_0000n],
    ['str w3, [x1, #4]!', 0x9200_0045, 0x900_0004n],
  ])('%s to an unmapped page stops with ESR, FAR and HPFAR', (instruction, esr, far) => {
    const { cpu, symbol } = guest(`mov x1, #0x9000000\n mov w3, #0x55\n here: ${instruction}\n hvc #0`);
    const stop = trap(cpu.run(100));
    expect(stop.esr.toString(16)).toBe(esr.toString(16));
    expect([stop.far, stop.hpfar]).toEqual([far, (far >> 12n) << 4n]);
    expect(cpu.state.pc).toBe(symbol('here') + 0x4000_0000n);
    expect(cpu.instructions).toBe(2);
    expect(x(cpu, 1, 5)).toEqual([0x900_0000n, 0n]);
  });

  test('fetching from an unmapped page stops with an instruction abort', () => {
    const { cpu } = guest('mov x1, #0x9000000\n br x1');
    expect(trap(cpu.run(100))).toEqual({
      why: 'trap',
      vector: 'sync',
      esr: 0x8200_0005,
      far: 0x900_0000n,
      hpfar: 0x9_0000n,
    });
  });

  test('the access goes on where it was once the page is mapped', () => {
    const { cpu, memory, tables } = guest(
      'mov x1, #0x9000000\n mov w3, #0x55\n str w3, [x1, #4]\n ldr w4, [x1, #4]\n hvc #0',
    );
    cpu.run(100);
    const page = memory.pages.allocate()!;
    mapLeaf(memory, tables, 3, 0x900_0000, page, RW_NORMAL);
    cpu.invalidateStage2();
    expect(trap(cpu.run(100)).esr >>> 26).toBe(0x16);
    expect(memory.read32(page + 4)).toBe(0x55);
    expect(cpu.state.x(4)).toBe(0x55n);
  });

  test('a read-only page refuses a write with a permission fault, and reads', () => {
    const { cpu, memory, tables } = guest('mov x1, #0x9000000\n ldr w4, [x1]\n str w4, [x1]\n hvc #0');
    const page = memory.pages.allocate()!;
    memory.write32(page, 77);
    mapLeaf(memory, tables, 3, 0x900_0000, page, { ...RW_NORMAL, low: RW_NORMAL.low & ~0x80 });
    expect(trap(cpu.run(100)).esr.toString(16)).toBe((0x9384_004f).toString(16));
    expect(cpu.state.x(4)).toBe(77n);
  });

  test('a stage 1 table that stage 2 does not map: S1PTW, no syndrome of the register, the address of the table', () => {
    const { cpu } = guest(`
      mov x1, #0x9000000
      msr ttbr0_el1, x1
      mov x1, #0x3519
      movk x1, #0x80, lsl #16
      msr tcr_el1, x1
      mrs x1, sctlr_el1
      orr x1, x1, #1
      msr sctlr_el1, x1
      isb
      hvc #0
    `);
    // The fetch that follows the MSR walks at once: T0SZ 25 starts at level 1, VA 0x80000020 has index 2.
    expect(trap(cpu.run(100))).toEqual({
      why: 'trap',
      vector: 'sync',
      esr: 0x8200_0085,
      far: 0x8000_0020n,
      hpfar: 0x9_0000n,
    });
  });

  test('an address above the IPA size is a translation fault of level 0', () => {
    const { cpu } = guest('mov x1, #0x10000000000\n ldr x2, [x1]');
    const stop = trap(cpu.run(100));
    expect([stop.esr & 0x3f, stop.hpfar]).toEqual([0x04, 0x1_0000_0000n]);
  });
});

describe('WnR of a stage 2 fault on a stage 1 walk', () => {
  const { S1PTW, WNR, CM } = ABORT;
  test.each<[string, Access, number, FaultType, 'read' | 'update', number]>([
    ['is 0 for a store whose table may not be read', 'write', WNR, 'permission', 'read', 0],
    ['is 1 for a load whose descriptor may not be updated', 'read', 0, 'permission', 'update', WNR],
    ['is the access’ where the table is not mapped', 'write', WNR, 'translation', 'read', WNR],
    ['is 1 for cache maintenance', 'read', CM | WNR, 'permission', 'read', CM | WNR],
    ['is none for a fetch', 'fetch', 0, 'permission', 'update', 0],
  ])('%s', (_what, access, iss, type, s1ptw, expected) => {
    const fault = { ok: false, type, stage: 2, level: 3, s1ptw, ipa: 0 } as const;
    const { esr } = translationAbort(fault, { access, va: 0n, word: 0, iss }, 1, 0n);
    expect(Number(esr) & (S1PTW | WNR | CM)).toBe(S1PTW | expected);
  });
});

describe('stage 1 tables where there is no RAM', () => {
  /** Tables in RAM for the lower half, which maps the program, and none for the upper one; T1SZ 25 starts at level 1. */
  const TABLES = `
    ldr x1, =0x40100000
    ldr x2, =0x40000705
    str x2, [x1, #8]
    msr ttbr0_el1, x1
    ldr x2, =0xff00
    msr mair_el1, x2
    ldr x2, =0x10000000
    msr ttbr1_el1, x2
    ldr x2, =0x2b5193519
    msr tcr_el1, x2
    mrs x2, sctlr_el1
    orr x2, x2, #1
    msr sctlr_el1, x2
    isb
    mov x3, #-8
  `;
  test.each([
    ['ldr x4, [x3]', 0x9200_0015],
    ['str x4, [x3]', 0x9200_0055],
    ['at s1e1r, x3', 0x9200_0155],
  ])('%s is a synchronous external abort on the walk, which HCR_EL2.TEA takes to EL2', (instruction, syndrome) => {
    const toEl2 = boot(`${TABLES} ${instruction}\n hvc #0`);
    toEl2.cpu.el2.HCR_EL2 |= HCR.TEA;
    const stop = trap(toEl2.cpu.run(1000));
    expect([stop.esr.toString(16), stop.far]).toEqual([syndrome.toString(16), 2n ** 64n - 8n]);

    const toEl1 = boot(`${SET_VECTORS} ${TABLES} ${instruction}\n hvc #0 \n ${VECTORS}`);
    toEl1.cpu.run(1000);
    const SAME_LEVEL = 1 << 26;
    expect(x(toEl1.cpu, 20, 21)).toEqual([BigInt(syndrome + SAME_LEVEL), 2n ** 64n - 8n]);
  });
});
