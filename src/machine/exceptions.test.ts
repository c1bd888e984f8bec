import { describe, expect, test } from 'vitest';
import { boot, x, trap, trappedSystem, VECTORS, SET_VECTORS, vectorOf } from './cpu.testing.ts';

describe('exceptions to EL1', () => {
  test('SVC goes to VBAR_EL1 with syndrome, return address and state, and ERET comes back', () => {
    const { cpu, symbol } = boot(`
      ${SET_VECTORS}
      svc #0x42
    after:
      mov x1, #7
      hvc #99
      .balign 0x800
    vectors:
      .skip 0x200
      mrs x20, esr_el1
      mrs x22, elr_el1
      mrs x23, spsr_el1
      mrs x24, daif
      eret
    `);
    const stop = trap(cpu.run(1000));
    expect(stop).toEqual({ why: 'trap', vector: 'sync', esr: 0x5a00_0063, far: 0n, hpfar: 0n });
    expect(x(cpu, 1, 20, 22, 23, 24)).toEqual([7n, 0x5600_0042n, symbol('after'), 0x3c5n, 0x3c0n]);
    expect(cpu.state.pc).toBe(symbol('after') + 8n);
    expect(cpu.instructions).toBe(10);
  });

  test('EL0 by ERET, its SVC at the lower level vector, its own stack pointer', () => {
    const { cpu, symbol } = boot(`
      ${SET_VECTORS}
      mov x1, #0x1000
      mov sp, x1
      mov x1, #0x2000
      msr sp_el0, x1
      adr x1, user
      msr elr_el1, x1
      msr spsr_el1, xzr
      eret
    user:
      mov x2, sp
      svc #1
      ${VECTORS}
    `);
    expect(vectorOf(cpu.run(1000))).toBe(8);
    expect(x(cpu, 2, 20, 22, 23)).toEqual([0x2000n, 0x5600_0001n, symbol('user') + 8n, 0n]);
    expect(cpu.state.sp(1)).toBe(0x1000n);
  });

  test.each([
    ['EL2h', 0x3c9],
    ['AArch32', 0x1d0],
    ['EL0 with SP_EL1', 0x3c1],
  ])(
    'a return to %s is illegal: the level stays, the next instruction takes Illegal Execution state',
    (_name, spsr) => {
      const { cpu, symbol } = boot(`
      ${SET_VECTORS}
      mov x1, #${spsr}
      msr spsr_el1, x1
      adr x1, target
      msr elr_el1, x1
      eret
    target:
      nop
      ${VECTORS}
    `);
      expect(vectorOf(cpu.run(1000))).toBe(4);
      expect(x(cpu, 20, 22)).toEqual([0x3a00_0000n, symbol('target')]);
      expect(cpu.state.x(23) & (1n << 20n)).not.toBe(0n);
      expect(cpu.state.x(23) & 0xfn).toBe(5n);
    },
  );

  test.each([
    ['udf #0', 0x0200_0000n],
    ['mrs x1, s3_6_c15_c0_0', 0x0200_0000n],
    ['mrs x1, vbar_el2', 0x0200_0000n],
    ['msr midr_el1, x1', 0x0200_0000n],
    ['smc #0', 0x0200_0000n],
    ['hlt #0', 0x0200_0000n],
    ['brk #0x123', 0xf200_0123n],
    ['msr id_aa64mmfr0_el1, x1', 0x0200_0000n],
  ])('%s', (instruction, esr) => {
    const { cpu, symbol } = boot(`${SET_VECTORS}\n here: ${instruction}\n ${VECTORS}`);
    expect(vectorOf(cpu.run(1000))).toBe(4);
    expect(x(cpu, 20, 22)).toEqual([esr, symbol('here')]);
  });

  test.each([
    ['mrs x1, sctlr_el1', 0x0200_0000n],
    ['hvc #0', 0x0200_0000n],
    ['eret', 0x0200_0000n],
    ['msr spsel, #1', 0x0200_0000n],
    ['mrs x1, ctr_el0', BigInt(trappedSystem(3, 3, 0, 0, 1, 1, 1))],
    ['msr daifset, #2', BigInt(trappedSystem(0, 3, 4, 2, 6, 31, 0))],
    ['mrs x1, cntvct_el0', BigInt(trappedSystem(3, 3, 14, 0, 2, 1, 1))],
    ['wfi', 0x07e0_0000n],
    ['dc civac, x1', BigInt(trappedSystem(1, 3, 7, 14, 1, 1, 0))],
    ['dc ivac, x1', 0x0200_0000n],
  ])('at EL0: %s', (instruction, esr) => {
    const { cpu } = boot(`
      ${SET_VECTORS}
      adr x1, user
      msr elr_el1, x1
      msr spsr_el1, xzr
      eret
    user:
      ${instruction}
      ${VECTORS}
    `);
    expect(vectorOf(cpu.run(1000))).toBe(8);
    expect(cpu.state.x(20).toString(16)).toBe(esr.toString(16));
  });

  test('a jump to an odd address faults there with it in FAR', () => {
    const { cpu } = boot(`${SET_VECTORS}\n mov x1, #2\n movk x1, #0x4000, lsl #16\n br x1\n ${VECTORS}`);
    expect(vectorOf(cpu.run(1000))).toBe(4);
    expect(x(cpu, 20, 21, 22)).toEqual([0x8a00_0000n, 0x4000_0002n, 0x4000_0002n]);
  });

  test('with the MMU off memory is Device: an unaligned access is an alignment fault', () => {
    const { cpu, symbol } = boot(
      `${SET_VECTORS}\n adr x1, data\n ldr x2, [x1]\n here: ldr x2, [x1, #1]\n .balign 8\n data: .quad 5\n ${VECTORS}`,
    );
    expect(vectorOf(cpu.run(1000))).toBe(4);
    expect(x(cpu, 2, 20, 21, 22)).toEqual([5n, 0x9600_0021n, symbol('data') + 1n, symbol('here')]);
  });

  test('registers made of elements are aligned where their elements are', () => {
    const { cpu, symbol } = boot(`
      ${SET_VECTORS}
      mov x1, #0x300000
      msr cpacr_el1, x1
      isb
      adr x1, data
      mov x3, #3
      ld1 {v0.8h, v1.8h}, [x1], x3
      umov w2, v1.h[7]
      here: ld2 {v0.4h, v1.4h}, [x1]
      .balign 16
      .hword 0
      data: .fill 15, 2, 1
      .hword 7
      ${VECTORS}
    `);
    expect(vectorOf(cpu.run(1000))).toBe(4);
    expect(x(cpu, 2, 20, 21, 22)).toEqual([7n, 0x9600_0021n, symbol('data') + 3n, symbol('here')]);
  });

  test('where nothing answers, an access is an external abort', () => {
    const { cpu } = boot(`${SET_VECTORS}\n mov x1, #0x9000000\n str w1, [x1]\n ${VECTORS}`);
    expect(vectorOf(cpu.run(1000))).toBe(4);
    expect(x(cpu, 20, 21)).toEqual([0x9600_0050n, 0x900_0000n]);
  });

  test('a storm of exceptions ends with the budget, and counts', () => {
    const { cpu } = boot('mov x0, #0x10000000\n msr vbar_el1, x0\n udf #0');
    expect(cpu.run(500)).toEqual({ why: 'budget' });
    expect(cpu.instructions).toBe(500);
    expect(cpu.state.pc).toBe(0x1000_0200n);
    expect(cpu.read('ESR_EL1')).toBe(0x8600_0010n);
  });
});
