import { describe, expect, test } from 'vitest';
import { CpuContext, resetContext } from './context.ts';
import { ENTRY, boot, x, VECTORS, SET_VECTORS, vectorOf } from './cpu.testing.ts';

describe('the guest turns its MMU on', () => {
  test('with 4K tables it built itself, high and low halves, and finds its data', () => {
    // Level 1 table at 0x40100000 (T0SZ 25): entry 1 a 1 GiB block, identity. Upper half: level 1 at 0x40101000, entry 0 → level 2 → level 3 → page.
    const { cpu, memory, symbol } = boot(`
      ${SET_VECTORS}
      ldr x1, =0x40100000
      ldr x2, =0x40000701
      str x2, [x1, #8]
      ldr x2, =0x40102003
      ldr x3, =0x40101000
      str x2, [x3]
      ldr x2, =0x40103003
      ldr x4, =0x40102000
      str x2, [x4]
      ldr x2, =0x40104783
      ldr x4, =0x40103000
      str x2, [x4, #16]
      msr ttbr0_el1, x1
      msr ttbr1_el1, x3
      mov x2, #0xff
      msr mair_el1, x2
      ldr x2, =0x280193519
      msr tcr_el1, x2
      isb
      mrs x2, sctlr_el1
      orr x2, x2, #1
      msr sctlr_el1, x2
      isb
      ldr x5, =0xffffff8000002010
      mov x6, #0x1234
      ldr x7, =0x40104010
      str x6, [x7]
      ldr x8, [x5]
      ldr x9, [x5, #1]
    here:
      str x6, [x5]
      ${VECTORS}
    `);
    memory.write64(0x4010_4018, 0xffn);
    expect(vectorOf(cpu.run(1000))).toBe(4);
    expect(x(cpu, 8, 9)).toEqual([0x1234n, 0xff00_0000_0000_0012n]);
    // AP of the page is 10: read-only at EL1. A permission fault at level 3.
    expect(x(cpu, 20, 21, 22)).toEqual([0x9600_004fn, 0xffff_ff80_0000_2010n, symbol('here')]);
  });
});

describe('running', () => {
  const LOOP = 'loop: add x0, x0, #1\n b loop';
  test('a budget is exact, however it is cut', () => {
    for (const slices of [[1000], [1, 999], [333, 333, 334], Array.from({ length: 1000 }, () => 1)]) {
      const { cpu } = boot(LOOP);
      for (const slice of slices) expect(cpu.run(slice)).toEqual({ why: 'budget' });
      expect([cpu.instructions, cpu.state.x(0), cpu.state.pc]).toEqual([1000, 500n, BigInt(ENTRY)]);
    }
  });
  test('a breakpoint stops before its instruction, and running again goes on', () => {
    const { cpu, symbol } = boot(`${LOOP}\n`);
    cpu.setBreakpoints([symbol('loop') + 4n]);
    for (let n = 1n; n < 4n; n++) {
      expect(cpu.run(100)).toEqual({ why: 'breakpoint', address: symbol('loop') + 4n });
      expect(cpu.state.x(0)).toBe(n);
    }
    cpu.setBreakpoints([]);
    expect(cpu.run(100)).toEqual({ why: 'budget' });
  });
  test('a context saved and loaded into another CPU goes on as if nothing had been', () => {
    const first = boot(
      'mov x0, #1\n msr tpidr_el0, x0\n mov sp, x0\n cmp x0, #1\n mov x1, #2\n mrs x2, tpidr_el0\n mrs x3, nzcv\n hvc #0',
    );
    first.cpu.run(5);
    const context = new CpuContext();
    first.cpu.save(context);
    expect([context.x[1], context.read('TPIDR_EL0'), context.read('SP_EL1'), context.pstate & 0xf000_0000n]).toEqual([
      2n,
      1n,
      1n,
      0x6000_0000n,
    ]);
    first.cpu.load(resetContext());
    expect(first.cpu.state.x(1)).toBe(0n);
    first.cpu.load(context);
    first.cpu.run(100);
    expect(x(first.cpu, 2, 3)).toEqual([1n, 0x6000_0000n]);
  });

  test('a guest that has slept for longer than a number counts exactly still ends with its budget', () => {
    const { cpu } = boot('mov x0, #0x10000000\n msr vbar_el1, x0\n udf #0');
    const counts = 2 ** 40;
    for (let n = 0; n < 1024; n++) cpu.retire(16 * counts);
    expect(cpu.physicalCount()).toBe(1n << 50n);
    expect(cpu.run(500)).toEqual({ why: 'budget' });
    expect([cpu.instructions, cpu.physicalCount()]).toEqual([500, (1n << 50n) + 31n]);
  });

  test('instructions of EL0 are counted apart', () => {
    const { cpu } = boot(`
      ${SET_VECTORS} adr x1, user\n msr elr_el1, x1\n mov x2, #0\n msr spsr_el1, x2\n eret
    user: nop\n nop\n mrs x3, nzcv\n svc #0
      ${VECTORS}`);
    vectorOf(cpu.run(1000));
    expect(cpu.el0Instructions).toBe(4);
    expect(cpu.instructions).toBe(7 + 4 + 5);
  });

  test('contexts that take turns keep what each had, and what is written into one in between', () => {
    const { cpu } = boot('nop');
    const [first, second] = [resetContext(), resetContext()];
    cpu.save(first);
    cpu.save(second);
    second.spEl1 = 0x2000n;
    const seen = (context: CpuContext) => {
      cpu.load(context);
      const found = [cpu.read('TPIDR_EL1'), cpu.state.sp(1)];
      cpu.save(context);
      return found;
    };
    expect([seen(first), seen(second)]).toEqual([
      [0n, 0n],
      [0n, 0x2000n],
    ]);
    first.write('TPIDR_EL1', 7n);
    expect([seen(second), seen(first), seen(second)]).toEqual([
      [0n, 0x2000n],
      [7n, 0n],
      [0n, 0x2000n],
    ]);
    expect([first.spEl1, second.spEl1, first.read('TPIDR_EL1'), second.read('TPIDR_EL1')]).toEqual([
      0n,
      0x2000n,
      7n,
      0n,
    ]);
  });
  test('another translation holds from the next run on, whoever wrote its registers', () => {
    const { cpu } = boot('mov x0, #1\n mov x0, #2\n mov x0, #3');
    cpu.run(1);
    cpu.el2.HCR_EL2 |= 1n;
    cpu.el2.VTCR_EL2 = 0n;
    cpu.el2.VTTBR_EL2 = 0n;
    expect(cpu.run(1)).toMatchObject({ why: 'trap', vector: 'sync' });
    cpu.el2.HCR_EL2 &= ~1n;
    expect(cpu.run(1)).toEqual({ why: 'budget' });
    const context = new CpuContext();
    cpu.save(context);
    const MMU_ON = 1n;
    context.write('SCTLR_EL1', context.read('SCTLR_EL1') | MMU_ON);
    context.write('TCR_EL1', 1n << 7n);
    cpu.load(context);
    cpu.run(1);
    expect(cpu.mmu.stage1On).toBe(true);
  });

  test.each([
    ['cortex-a57', 0x07c0_0000n],
    ['max', 0x07c8_0000n],
  ] as const)('%s has FPCR.FZ16 if it has FEAT_FP16, for MSR and a world switch', (model, bits) => {
    const { cpu } = boot(
      'mov x0, #0x300000\n msr cpacr_el1, x0\n mov x1, #-1\n msr fpcr, x1\n mrs x2, fpcr\n hvc #1',
      model,
    );
    cpu.run(100);
    const context = resetContext();
    cpu.save(context);
    expect([cpu.state.x(2), context.fpcr]).toEqual([bits, bits]);
    context.fpcr = 2n ** 64n - 1n;
    cpu.load(context);
    cpu.save(context);
    expect(context.fpcr).toBe(bits);
  });
});
