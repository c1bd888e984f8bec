import { describe, expect, test } from 'vitest';
import { ENTRY, boot, x, VECTORS, SET_VECTORS, vectorOf } from './cpu.testing.ts';
import { HCR } from './el2.ts';

describe('interrupts', () => {
  test('a virtual interrupt waits for PSTATE.I, then goes to the IRQ vector and leaves ESR_EL1 alone', () => {
    const { cpu, symbol } = boot(`${SET_VECTORS}\n nop\n msr daifclr, #2\n here: nop\n ${VECTORS}`);
    cpu.el2.HCR_EL2 |= HCR.IMO | HCR.VI;
    expect(vectorOf(cpu.run(1000))).toBe(5);
    expect(x(cpu, 20, 22, 23)).toEqual([0n, symbol('here'), 0x345n]);
  });

  test('a virtual SError is taken once, with the syndrome of VSESR_EL2', () => {
    const { cpu } = boot(`${SET_VECTORS}\n nop\n msr daifclr, #4\n nop\n ${VECTORS}`);
    cpu.el2.HCR_EL2 |= HCR.AMO | HCR.VSE;
    cpu.el2.VSESR_EL2 = 0x100_0000n;
    expect(vectorOf(cpu.run(1000))).toBe(7);
    expect(cpu.state.x(20)).toBe(0xbf00_0000n);
    expect(cpu.el2.HCR_EL2 & HCR.VSE).toBe(0n);
  });

  describe('ESB with a virtual SError pending', () => {
    const run = (before: string, name: 'max' | 'cortex-a57') => {
      const { cpu } = boot(
        `${SET_VECTORS}\n ${before}\n esb\n msr daifclr, #4\n mrs x1, disr_el1\n hvc #99\n ${VECTORS}`,
        name,
      );
      cpu.el2.HCR_EL2 |= HCR.AMO | HCR.VSE;
      cpu.el2.VSESR_EL2 = 0xfe12_3456n;
      return { vector: vectorOf(cpu.run(1000)), disr: cpu.read('DISR_EL1'), pending: cpu.el2.HCR_EL2 & HCR.VSE };
    };

    test('defers one that is masked: DISR_EL1 has its syndrome, and nothing is taken later', () => {
      expect(run('nop', 'max')).toEqual({ vector: 99, disr: 0x8012_3456n, pending: 0n });
    });
    test('leaves one alone that is not masked: it is taken', () => {
      expect(run('msr daifclr, #4', 'max')).toEqual({ vector: 7, disr: 0n, pending: 0n });
    });
    test('does nothing without FEAT_RAS', () => {
      expect(run('nop', 'cortex-a57')).toMatchObject({ vector: 7, disr: 0n });
    });
  });

  test('of several virtual ones the IRQ is taken before the FIQ, and the SError last', () => {
    const { VI, IMO, VF, FMO, VSE, AMO } = HCR;
    const first = (pending: bigint): number => {
      const { cpu } = boot(`${SET_VECTORS}\n nop\n msr daifclr, #7\n nop\n ${VECTORS}`);
      cpu.el2.HCR_EL2 |= IMO | FMO | AMO | pending;
      return vectorOf(cpu.run(1000));
    };
    expect([VI | VF | VSE, VF | VSE, VSE].map(first)).toEqual([5, 6, 7]);
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
      cpu.timerInterrupts.virtual = true;
      return { cpu, symbol };
    };

    test('stops the guest after the instruction that raises it', () => {
      const { cpu } = withTimer(`msr cntv_tval_el0, xzr\n ${enable} nop`);
      expect(cpu.run(100)).toMatchObject({ why: 'trap', vector: 'irq' });
      expect(cpu.state.pc).toBe(BigInt(ENTRY + 12));
    });

    test('is not the physical one’s, which EL2 enables by itself', () => {
      const { cpu } = withTimer('msr cntp_tval_el0, xzr\n mov x1, #1\n msr cntp_ctl_el0, x1\n nop');
      cpu.el2.CNTHCTL_EL2 = 3n;
      expect(cpu.run(4)).toEqual({ why: 'budget' });
      cpu.timerInterrupts.physical = true;
      expect(cpu.run(100)).toMatchObject({ why: 'trap', vector: 'irq' });
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
      disabled.timerInterrupts.virtual = false;
      for (const cpu of [masked, unrouted, disabled]) expect(cpu.run(1000)).toEqual({ why: 'budget' });
    });
  });
});
