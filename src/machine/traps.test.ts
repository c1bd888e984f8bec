import { beforeEach, describe, expect, test } from 'vitest';
import { ENTRY, boot, x, trap, trappedSystem } from './cpu.testing.ts';
import { HCR, MDCR } from './el2.ts';

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
