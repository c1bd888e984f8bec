import { NAMED_REGS, sysregId } from '../../src/abi/onereg.ts';
import { core, hex, LOG, movImmediate, OFF, PC, PSTATE, RAM, type TraceWriter, type Word } from './trace.ts';

/** Guests with stage 1 on, whose tables may be anywhere; guests with interrupt lines, timers and SErrors pending. */

const sysreg = (op0: number, op1: number, crn: number, crm: number, op2: number): bigint =>
  sysregId({ op0, op1, crn, crm, op2 });
const SCTLR_EL1 = sysreg(3, 0, 1, 0, 0);
const TTBR0_EL1 = sysreg(3, 0, 2, 0, 0);
const TTBR1_EL1 = sysreg(3, 0, 2, 0, 1);
const TCR_EL1 = sysreg(3, 0, 2, 0, 2);
const MAIR_EL1 = sysreg(3, 0, 10, 2, 0);
const GIB = 0x4000_0000n;
const TABLE = 0x3_0000;
const LOWER = 0x3_1000;

/** 39 bits of addresses by 4K pages, identity for the first two GiB; the third and fourth lead elsewhere. */
export function stage1(t: TraceWriter): void {
  const r = t.random;
  t.machine({ type: r.pick([0, 36]) });
  t.op('buf', 'rom', 0x1_0000, 0x1_0000).op('fill', 'rom', 0x1_0000, 0).slot('vm', 1, 2, 0x3000_0000, 0x1_0000, '&rom');
  const [AF, BLOCK, TABLE_BITS] = [0x400n, 1n, 3n];
  const far: readonly Word[] = [
    0x900_0000n,
    0x3000_0000n,
    RAM + LOWER,
    0x2000_0000,
    2 ** 36,
    2 ** 40,
    2 ** 44,
    2 ** 47,
  ];
  const table = (index: number, value: Word): void => void t.op('w64', `ram+${hex(TABLE + 8 * index)}`, value);
  table(0, AF | BLOCK | (1n << 2n));
  table(1, GIB | AF | BLOCK);
  table(
    2,
    r.pick([0n, BigInt(r.pick(far)) | TABLE_BITS, BigInt(r.pick(far)) | TABLE_BITS, BigInt(RAM + LOWER) | TABLE_BITS]),
  );
  table(
    3,
    r.pick([
      GIB | BLOCK,
      (1n << 36n) | AF | BLOCK,
      (1n << 40n) | AF | BLOCK,
      GIB | AF | BLOCK | 0x80n,
      GIB | AF | BLOCK | 0x40n,
      (1n << 47n) | AF | BLOCK,
    ]),
  );
  for (let n = 0; n < 4; n++)
    t.op(
      'w64',
      `ram+${hex(LOWER + 8 * n)}`,
      r.pick([
        0n,
        BigInt(RAM) | AF | BLOCK,
        BigInt(RAM) | AF | BLOCK | 0x80n,
        AF | BLOCK,
        BigInt(r.pick(far)) | TABLE_BITS,
        2n,
        0x20_0000n | AF | BLOCK,
        BLOCK,
      ]),
    );
  t.set('v0', MAIR_EL1, 0x00ffn).set(
    'v0',
    TCR_EL1,
    BigInt(25 | (1 << 23)) | (r.chance(0.2) ? 1n << 37n : 0n) | (r.pick([0n, 1n, 2n, 5n]) << 32n),
  );
  t.set('v0', TTBR0_EL1, r.chance(0.85) ? RAM + TABLE : r.pick(far)).set('v0', TTBR1_EL1, 0);
  t.set('v0', SCTLR_EL1, 0xc5_0078n | 0x1005n | (r.chance(0.2) ? 2n : 0n));
  let body = movImmediate('x26', RAM + LOG + 0x4000) + movImmediate('x28', RAM + LOG) + 'adr x27, end\n';
  for (let n = 0; n < 6; n++) {
    const page = 2n * GIB + BigInt(r.below(4)) * 0x20_0000n;
    const address = r.pick([
      page,
      page + 0x1000n,
      page + 8n,
      3n * GIB + 0x3_0008n,
      3n * GIB + 0x3_2000n,
      3n * GIB + 0x900_0000n,
      0x900_0010n,
      0x2000_0000n,
      BigInt(RAM + 0x3_8000),
      4n * GIB,
      1n << 39n,
      1n << 55n,
      -8n,
    ]);
    body +=
      movImmediate('x0', address) +
      r.pick([
        'ldr x1, [x0]\nstr x1, [x26], #8\n',
        'ldr x1, [x0]\nstr x1, [x26], #8\n',
        'str x26, [x0]\n',
        'strb w0, [x0]\n',
        'at s1e1r, x0\nmrs x1, par_el1\nand x1, x1, #0xff\nstr x1, [x26], #8\n',
        'ldtr x1, [x0]\n',
        'ldp x1, x2, [x0]\n',
        'ldaxr x1, [x0]\n',
      ]);
  }
  t.code(0, `${body}end: ${OFF}`);
  if (r.chance(0.15)) t.set('v0', PSTATE, 0x3c0);
  for (let n = 0; n < 9; n++) {
    t.op('w32', 'a+0x500', 0)
      .ioctl('v0', 'KVM_SET_MP_STATE', '&a+0x500')
      .ioctl('v0', 'KVM_RUN')
      .op('r32', 'run+8')
      .op('dump', 'run+32', 24);
  }
  t.get('v0', PC)
    .op('dump', `ram+${hex(LOG)}`, 0x140)
    .op('dump', `ram+${hex(LOG + 0x4000)}`, 64);
}

/**
 * Lines of the CPU, timers that have expired, SErrors: what a guest takes, and what leaves KVM_RUN. The physical timer is the
 * guest's alone to set: with one expired before the first entry the recorded kernel does not come back.
 */
export function lines(t: TraceWriter): void {
  const r = t.random;
  t.machine({ features: 4 });
  const steps = [
    'nop',
    'msr daifclr, #2',
    'msr daifset, #2',
    'msr daifclr, #4',
    'msr daifclr, #1',
    'msr daifclr, #15',
    'wfi',
    'isb',
    'esb',
    'mrs x3, isr_el1',
    'mrs x4, cntv_ctl_el0',
    'mrs x5, cntp_ctl_el0',
    'msr cntv_ctl_el0, xzr',
    'mov x1, #1\nmsr cntp_ctl_el0, x1',
    'mov x1, #3\nmsr cntp_ctl_el0, x1',
    'msr cntp_ctl_el0, xzr',
    'msr cntp_tval_el0, xzr',
    'mov x1, #3',
    'str x1, [x24]',
    'mrs x6, disr_el1',
    'dsb sy',
  ];
  const count = 4 + r.below(8);
  t.code(0, `${Array.from({ length: count }, () => `${r.pick(steps)}\n`).join('')}mrs x3, isr_el1\n${OFF}`);
  t.set('v0', core(28), RAM + LOG)
    .set('v0', core(27), RAM + 0x1000)
    .set('v0', core(24), 0x900_0000)
    .set('v0', core(7), -1)
    .set('v0', core(8), r.pick([0, 1, 2, 3]));
  t.set('v0', PSTATE, r.pick([0x3c5, 0x3c5, 0x5, 0x2c5, 0x345, 0x145]));
  const change = (): void => {
    const irq = r.pick([0, 0, 0, 1, 1, 2]);
    r.pick([
      () => t.struct('a+0x500', [32, irq], [32, r.pick([0, 1, 1])]).ioctl('vm', 'KVM_IRQ_LINE', '&a+0x500'),
      () =>
        t
          .set('v0', NAMED_REGS.KVM_REG_ARM_TIMER_CTL, r.pick([0, 1, 1, 3]))
          .set('v0', NAMED_REGS.KVM_REG_ARM_TIMER_CVAL, 0),
      () =>
        t
          .op('fill', 'a+0x600', 0x40, 0)
          .struct(
            'a+0x600',
            [8, 1],
            [8, r.below(2)],
            [8, r.below(2)],
            [8, 0],
            [32, 0],
            [64, r.pick([0, 5, 0x1ff_ffff])],
          )
          .ioctl('v0', 'KVM_SET_VCPU_EVENTS', '&a+0x600'),
    ])();
  };
  change();
  change();
  // WFI has an end: a line that is masked ends it too.
  t.struct('a+0x500', [32, 0], [32, 1]).ioctl('vm', 'KVM_IRQ_LINE', '&a+0x500');
  for (let n = 0; n < 7; n++) {
    t.op('w32', 'a+0x580', 0)
      .ioctl('v0', 'KVM_SET_MP_STATE', '&a+0x580')
      .ioctl('v0', 'KVM_RUN')
      .op('r32', 'run+8')
      .op('dump', 'run+32', 24)
      .op('r64', 'run+0x130')
      .get('v0', PC)
      .get('v0', NAMED_REGS.KVM_REG_ARM_TIMER_CTL)
      .get('v0', NAMED_REGS.KVM_REG_ARM_PTIMER_CTL);
    t.op('fill', 'a+0x600', 0x40, 0).ioctl('v0', 'KVM_GET_VCPU_EVENTS', '&a+0x600').op('dump', 'a+0x600', 16);
    if (r.chance(0.25)) change();
  }
  t.op('dump', `ram+${hex(LOG)}`, 0x190);
  for (const n of [3, 4, 5, 6]) t.get('v0', core(n));
}
