import { beforeEach, describe, expect, test } from 'vitest';
import { assemble } from '../isa/a64/assembler.ts';
import { CpuContext, resetContext } from './context.ts';
import { HCR, MDCR } from './el2.ts';
import { Machine } from './machine.ts';
import type { Stop } from './stop.ts';
import { tableFormat } from './translation/format.ts';
import { mapLeaf, newTables } from './translation/testing.ts';

const ENTRY = 0x4000_0000;
const RAM_SIZE = 4 << 20;

/** A machine whose kernel pages are taken from the second half of RAM. */
function boot(source: string, cpu: 'max' | 'cortex-a57' = 'cortex-a57') {
  const machine = new Machine({ cpu, pageSize: 4096, ram: [{ base: ENTRY, size: RAM_SIZE }] });
  machine.memory.pages.reserve(machine.memory.banks[0]!.base, RAM_SIZE / 2 / 4096);
  const { bytes, symbols, errors } = assemble(source, { origin: BigInt(ENTRY) });
  expect(errors).toEqual([]);
  machine.memory.writeBytes(ENTRY, bytes);
  machine.cpu.state.pc = BigInt(ENTRY);
  machine.cpu.el2.HCR_EL2 = HCR.RW;
  return { ...machine, machine, cpu: machine.cpu, symbol: (name: string) => symbols.get(name)! };
}

const x = (cpu: Machine['cpu'], ...registers: number[]) => registers.map((n) => cpu.state.x(n));
const trap = (stop: Stop) => (stop.why === 'trap' ? stop : expect.fail(`stopped by ${stop.why}`));
const EC = (esr: number) => esr >>> 26;
/** ESR_ELx of a trapped system instruction: class 0x18, IL, then op0, op2, op1, CRn, Rt, CRm and the direction. */
const trappedSystem = (op0: number, op1: number, CRn: number, CRm: number, op2: number, Rt: number, read: 0 | 1) =>
  0x6200_0000 + op0 * 2 ** 20 + op2 * 2 ** 17 + op1 * 2 ** 14 + CRn * 2 ** 10 + Rt * 2 ** 5 + CRm * 2 + read;

/** Vectors that stop with HVC of their number, after taking ESR, FAR, ELR and SPSR into X20 to X23. */
const VECTORS = `
  .balign 0x800
vectors:
  ${Array.from({ length: 16 }, (_, n) => `.balign 0x80\n mrs x20, esr_el1\n mrs x21, far_el1\n mrs x22, elr_el1\n mrs x23, spsr_el1\n hvc #${n}`).join('\n')}
`;
const SET_VECTORS = 'adr x0, vectors\n msr vbar_el1, x0\n';
const vectorOf = (stop: Stop) => {
  const { esr } = trap(stop);
  expect(EC(esr)).toBe(0x16);
  return esr & 0xffff;
};

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

  test('a guest that has slept for longer than a number counts exactly still ends with its budget', () => {
    const { cpu } = boot('mov x0, #0x10000000\n msr vbar_el1, x0\n udf #0');
    const counts = 2 ** 40;
    for (let n = 0; n < 1024; n++) cpu.retire(16 * counts);
    expect(cpu.physicalCount()).toBe(1n << 50n);
    expect(cpu.run(500)).toEqual({ why: 'budget' });
    expect([cpu.instructions, cpu.physicalCount()]).toEqual([500, (1n << 50n) + 31n]);
  });

  test('a storm of exceptions ends with the budget, and counts', () => {
    const { cpu } = boot('mov x0, #0x10000000\n msr vbar_el1, x0\n udf #0');
    expect(cpu.run(500)).toEqual({ why: 'budget' });
    expect(cpu.instructions).toBe(500);
    expect(cpu.state.pc).toBe(0x1000_0200n);
    expect(cpu.read('ESR_EL1')).toBe(0x8600_0010n);
  });

  test('a virtual interrupt waits for PSTATE.I, then goes to the IRQ vector and leaves ESR_EL1 alone', () => {
    const { cpu, symbol } = boot(`${SET_VECTORS}\n nop\n msr daifclr, #2\n here: nop\n ${VECTORS}`);
    cpu.el2.HCR_EL2 |= HCR.IMO | HCR.VI;
    expect(vectorOf(cpu.run(1000))).toBe(5);
    expect(x(cpu, 20, 22, 23)).toEqual([0n, symbol('here'), 0x345n]);
  });
});

describe('to EL2', () => {
  let run: (instruction: string, hcr?: bigint, mdcr?: bigint) => ReturnType<typeof trap> & { pc: bigint };
  beforeEach(() => {
    run = (instruction, hcr = 0n, mdcr = 0n) => {
      const { cpu } = boot(`mov x3, #0x123\n ${instruction}\n hvc #0xffff`);
      cpu.el2.HCR_EL2 |= hcr;
      cpu.el2.MDCR_EL2 = mdcr;
      return { ...trap(cpu.run(100)), pc: cpu.state.pc - BigInt(ENTRY) };
    };
  });

  test.each([
    ['hvc #5', 0n, 0x5a00_0005, 8n],
    ['smc #6', HCR.TSC, 0x5e00_0006, 4n],
    ['wfi', HCR.TWI, 0x07e0_0000, 4n],
    ['wfe', HCR.TWE, 0x07e0_0001, 4n],
    ['mrs x3, id_aa64pfr0_el1', HCR.TID3, trappedSystem(3, 0, 0, 4, 0, 3, 1), 4n],
    ['mrs x3, s3_0_c0_c7_7', HCR.TID3, trappedSystem(3, 0, 0, 7, 7, 3, 1), 4n],
    ['mrs x3, ctr_el0', HCR.TID2, trappedSystem(3, 3, 0, 0, 1, 3, 1), 4n],
    ['mrs x3, revidr_el1', HCR.TID1, trappedSystem(3, 0, 0, 0, 6, 3, 1), 4n],
    ['msr sctlr_el1, x3', HCR.TVM, trappedSystem(3, 0, 1, 0, 0, 3, 0), 4n],
    ['mrs x3, sctlr_el1', HCR.TRVM, trappedSystem(3, 0, 1, 0, 0, 3, 1), 4n],
    ['mrs x3, actlr_el1', HCR.TACR, trappedSystem(3, 0, 1, 0, 1, 3, 1), 4n],
    ['mrs x3, s3_0_c15_c2_0', HCR.TIDCP, trappedSystem(3, 0, 15, 2, 0, 3, 1), 4n],
    ['tlbi vmalle1', HCR.TTLB, trappedSystem(1, 0, 8, 7, 0, 31, 0), 4n],
    ['dc cisw, x3', HCR.TSW, trappedSystem(1, 0, 7, 14, 2, 3, 0), 4n],
  ])('%s', (instruction, hcr, esr, pc) => {
    expect(run(instruction, hcr)).toMatchObject({ vector: 'sync', esr, far: 0n, hpfar: 0n, pc });
  });
  test.each([
    ['mrs x3, mdscr_el1', MDCR.TDA, trappedSystem(2, 0, 0, 2, 2, 3, 1)],
    ['msr oslar_el1, x3', MDCR.TDOSA, trappedSystem(2, 0, 1, 0, 4, 3, 0)],
    ['mrs x3, pmcr_el0', MDCR.TPM, trappedSystem(3, 3, 9, 12, 0, 3, 1)],
    ['brk #7', MDCR.TDE, 0xf200_0007],
  ])('%s', (instruction, mdcr, esr) => {
    expect(run(instruction, 0n, mdcr).esr.toString(16)).toBe((esr >>> 0).toString(16));
  });

  test('an FP instruction by CPTR_EL2.TFP, after CPACR_EL1 has let it go', () => {
    const { cpu } = boot('mov x0, #0x300000\n msr cpacr_el1, x0\n mrs x1, fpcr\n hvc #1');
    cpu.el2.CPTR_EL2 = 1n << 10n;
    expect(trap(cpu.run(100)).esr >>> 0).toBe(0x1fe0_0000);
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

  test('an interrupt line of the machine stops the guest between two instructions, masked or not', () => {
    const { cpu } = boot('nop\n nop');
    cpu.el2.HCR_EL2 |= HCR.IMO;
    cpu.run(1);
    cpu.lines.irq = true;
    expect(cpu.run(10)).toEqual({ why: 'trap', vector: 'irq', esr: 0, far: 0n, hpfar: 0n });
    expect([cpu.instructions, cpu.state.pc]).toEqual([1, BigInt(ENTRY + 4)]);
  });

  describe("the virtual timer's interrupt, where EL2 has it enabled", () => {
    const enable = 'mov x1, #1\n msr cntv_ctl_el0, x1\n';
    const count = 'again: add x2, x2, #1\n b again';
    const withTimer = (source: string) => {
      const { cpu, symbol } = boot(source);
      cpu.el2.HCR_EL2 |= HCR.IMO;
      cpu.timerInterrupt = true;
      return { cpu, symbol };
    };

    test('stops the guest after the instruction that raises it', () => {
      const { cpu } = withTimer(`msr cntv_tval_el0, xzr\n ${enable} nop`);
      expect(cpu.run(100)).toMatchObject({ why: 'trap', vector: 'irq' });
      expect(cpu.state.pc).toBe(BigInt(ENTRY + 12));
    });

    test('comes at its count in a loop, and again until the timer is masked', () => {
      const { cpu } = withTimer(`mov x0, #100\n msr cntv_cval_el0, x0\n ${enable} ${count}`);
      expect(cpu.run(100_000)).toMatchObject({ why: 'trap', vector: 'irq' });
      expect([cpu.instructions, cpu.physicalCount()]).toEqual([1600, 100n]);
      expect(cpu.run(100)).toMatchObject({ vector: 'irq' });
      cpu.write('CNTV_CTL_EL0', 3n);
      expect(cpu.run(100)).toEqual({ why: 'budget' });
    });

    test('does not come where it is masked by the guest, not routed to EL2, or disabled there', () => {
      const masked = withTimer(`mov x1, #3\n msr cntv_ctl_el0, x1\n ${count}`).cpu;
      const unrouted = withTimer(enable + count).cpu;
      unrouted.el2.HCR_EL2 &= ~HCR.IMO;
      const disabled = withTimer(enable + count).cpu;
      disabled.timerInterrupt = false;
      for (const cpu of [masked, unrouted, disabled]) expect(cpu.run(1000)).toEqual({ why: 'budget' });
    });
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

  test('a virtual SError is taken once, with the syndrome of VSESR_EL2', () => {
    const { cpu } = boot(`${SET_VECTORS}\n nop\n msr daifclr, #4\n nop\n ${VECTORS}`);
    cpu.el2.HCR_EL2 |= HCR.AMO | HCR.VSE;
    cpu.el2.VSESR_EL2 = 0x100_0000n;
    expect(vectorOf(cpu.run(1000))).toBe(7);
    expect(cpu.state.x(20)).toBe(0xbf00_0000n);
    expect(cpu.el2.HCR_EL2 & HCR.VSE).toBe(0n);
  });

  test('the counter is the physical one less CNTVOFF_EL2, and is trapped where CNTHCTL_EL2 says so', () => {
    const { cpu } = boot('nop\n'.repeat(159) + 'mrs x0, cntvct_el0\n mrs x1, cntfrq_el0\n mrs x2, cntpct_el0');
    cpu.el2.CNTVOFF_EL2 = 3n;
    expect(trap(cpu.run(1000)).esr >>> 26).toBe(0x18);
    expect(x(cpu, 0, 1)).toEqual([BigInt(Math.floor(159 / 16) - 3), 62_500_000n]);
    cpu.el2.CNTHCTL_EL2 = 3n;
    cpu.run(1);
    expect(cpu.state.x(2)).toBe(BigInt(Math.floor(161 / 16)));
  });

  test('identification is what EL2 says it is', () => {
    const { cpu } = boot(
      'mrs x0, midr_el1\n mrs x1, mpidr_el1\n mrs x2, id_aa64mmfr0_el1\n mrs x3, s3_0_c0_c7_7\n hvc #0',
    );
    cpu.el2.VPIDR_EL2 = 0x410f_d034n;
    cpu.el2.VMPIDR_EL2 = 0x8000_0001n;
    cpu.run(100);
    expect(x(cpu, 0, 1, 2, 3)).toEqual([0x410f_d034n, 0x8000_0001n, 0x1124n, 0n]);
  });
});

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
      mrs x4, par_el1
      at s1e0r, x3
      mrs x5, par_el1
      at s1e1w, xzr
      mrs x6, par_el1
      hvc #0
    `);
    cpu.run(1000);
    expect(x(cpu, 4, 5, 6)).toEqual([0xff00_0000_4012_3b80n, 0x81bn, 0x80bn]);
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
