import { describe, expect, test } from 'vitest';
import { boot, x, VECTORS, SET_VECTORS, vectorOf } from './cpu.testing.ts';
import { HCR } from './el2.ts';
import { tableFormat } from './translation/format.ts';
import { mapLeaf, newTables } from './translation/testing.ts';

describe('maintenance', () => {
  test('AT writes where stage 1 leads, or why it does not, to PAR_EL1', () => {
    const { cpu } = boot(`
      ldr x1, =0x40100000
      ldr x2, =0x40000705
      str x2, [x1, #8]
      msr ttbr0_el1, x1
      ldr x2, =0xff00
      msr mair_el1, x2
      ldr x2, =0x200803519
      msr tcr_el1, x2
      mrs x2, sctlr_el1
      orr x2, x2, #1
      msr sctlr_el1, x2
      isb
      ldr x3, =0x40123456
      at s1e1r, x3
      mrs x7, par_el1
      orr x2, x2, #4                  // C
      msr sctlr_el1, x2
      isb
      at s1e1r, x3
      mrs x4, par_el1
      at s1e0r, x3
      mrs x5, par_el1
      at s1e1w, xzr
      mrs x6, par_el1
      hvc #0
    `);
    cpu.run(1000);
    expect(x(cpu, 4, 5, 6)).toEqual([0xff00_0000_4012_3b80n, 0x81bn, 0x80bn]);
    expect(x(cpu, 7)).toEqual([0x4400_0000_4012_3b00n]);
  });
  test('AT finds what hardware would make accessible and writable, and changes no descriptor', () => {
    const { cpu } = boot(
      `
      ldr x1, =0x40100000
      ldr x2, =0x40000705
      str x2, [x1, #8]
      ldr x2, =0x0008000040000285     // DBM, read-only, AF 0
      str x2, [x1, #16]
      msr ttbr0_el1, x1
      ldr x2, =0xff00
      msr mair_el1, x2
      ldr x2, =0x18200803519          // HA, HD
      msr tcr_el1, x2
      mrs x2, sctlr_el1
      orr x2, x2, #1
      orr x2, x2, #4
      msr sctlr_el1, x2
      isb
      ldr x3, =0x80123456
      at s1e1r, x3
      mrs x4, par_el1
      at s1e1w, x3
      mrs x5, par_el1
      ldr x6, [x1, #16]
      str xzr, [x3]
      ldr x7, [x1, #16]
      hvc #0
    `,
      'max',
    );
    cpu.run(1000);
    const found = 0xff00_0000_4012_3b00n;
    expect(x(cpu, 4, 5, 6, 7)).toEqual([found, found, 0x0008_0000_4000_0285n, 0x0008_0000_4000_0605n]);
  });
  test('DC IVAC wants to write where it goes, other maintenance to read', () => {
    const { cpu, symbol } = boot(`
      ${SET_VECTORS}
      adr x0, table
      ldr x1, =0x40000481
      str x1, [x0, #8]
      mov x1, #25
      msr tcr_el1, x1
      msr ttbr0_el1, x0
      isb
      mrs x1, sctlr_el1
      orr x1, x1, #1
      msr sctlr_el1, x1
      isb
      dc civac, x0
      dc cvau, x0
    here: dc ivac, x0
      hvc #99
      .ltorg
      .balign 0x1000
    table: .skip 0x1000
      ${VECTORS}
    `);
    expect(vectorOf(cpu.run(1000))).toBe(4);
    /* Permission fault, level 1, CM and WnR. */
    expect(x(cpu, 20, 21, 22)).toEqual([0x9600_014dn, symbol('table'), symbol('here')]);
  });

  test('DC ZVA clears its block of 64 bytes and no other', () => {
    const { cpu, memory } = boot(
      'ldr x1, =0x40100044\n ldr x2, =0x40100000\n mov x3, #-1\n str x3, [x2, #56]\n str x3, [x2, #64]\n str x3, [x2, #120]\n str x3, [x2, #128]\n bic x1, x1, #7\n dc zva, x1\n hvc #0',
    );
    // The MMU is off: memory is Device, where DC ZVA is an alignment fault. HCR_EL2.DC makes it Normal.
    cpu.el2.HCR_EL2 |= HCR.DC;
    cpu.el2.VTCR_EL2 = 24n | (1n << 6n) | (2n << 16n) | (1n << 31n);
    const tables = newTables(memory, { format: tableFormat(2, '4K'), startLevel: 1, inputBits: 40 });
    mapLeaf(memory, tables, 1, 0x4000_0000, 0x4000_0000, { low: (1 << 10) | (3 << 6) | (0xf << 2), high: 0 });
    cpu.el2.VTTBR_EL2 = BigInt(tables.root);
    cpu.run(100);
    expect([56, 64, 120, 128].map((offset) => memory.read64(0x4010_0000 + offset))).toEqual([
      2n ** 64n - 1n,
      0n,
      0n,
      2n ** 64n - 1n,
    ]);
  });
});
