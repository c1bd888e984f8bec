import { sysregId } from '../../src/abi/onereg.ts';
import { core, LOG, OFF, PC, PSTATE, RAM, SCRATCH, DEVICE, hex, type TraceWriter } from './trace.ts';

/** What userspace injects into a guest, and how it steps it. */

const STEPPED = [
  'nop',
  'mov x1, #5',
  'add x2, x2, #1',
  'mrs x3, midr_el1',
  'mrs x3, id_aa64pfr0_el1',
  'msr tpidr_el1, x2',
  'brk #3',
  'svc #1',
  'hvc #1',
  'smc #0',
  '.inst 0',
  'ldr x4, [x25]',
  'str x4, [x25]',
  'str x4, [x24]',
  'ldr x4, [x24]',
  'wfe',
  'yield',
  'isb',
  'msr daifclr, #15',
  'msr daifset, #15',
  'mrs x3, mdscr_el1',
  'msr oslar_el1, xzr',
  'mrs x3, pmcr_el0',
  'ldxr x4, [x25]',
  'msr spsel, #1',
  'mrs x3, dbgbcr0_el1',
  'b 1f\n1:',
  'tbz xzr, #0, 1f\n1:',
  'hlt #2',
  'mrs x3, oslsr_el1',
];

/** Single steps, breakpoints and watchpoints of userspace, SErrors and aborts that it injects. */
export function debug(t: TraceWriter): void {
  const r = t.random;
  t.machine({ features: 4 });
  const count = 4 + r.below(10);
  const body = Array.from({ length: count }, () => `${r.pick(STEPPED)}\n`).join('');
  t.code(0, `${body}${OFF}`)
    .set('v0', core(28), RAM + LOG)
    .set('v0', core(27), RAM + 0x1000)
    .set('v0', core(25), RAM + SCRATCH)
    .set('v0', core(24), DEVICE);
  t.set('v0', PSTATE, r.pick([0x3c5, 0x3c5, 0x5, 0x2c5, 0x3c4, 0x20_03c5, 0x1c5]));
  if (r.chance(0.2))
    t.set('v0', sysregId({ op0: 2, op1: 0, crn: 0, crm: 2, op2: 2 }), r.pick([1, 0x8001, 0x2001, 0xa001]));
  if (r.chance(0.2)) t.set('v0', sysregId({ op0: 2, op1: 0, crn: 1, crm: 1, op2: 4 }), r.pick([8, 10]));
  const control = (): void => {
    const pc = RAM + 4 * r.below(count);
    t.op('fill', 'a+0x700', 0x208, 0).op(
      'w32',
      'a+0x700',
      r.pick([1, 3, 3, 3, 0x1_0001, 0x1_0003, 0x2_0001, 0x2_0003, 0x3_0003, 0]),
    );
    for (let n = 0; n < 2; n++) {
      t.op('w64', `a+${hex(0x708 + 8 * n)}`, r.pick([0, 0x1e5, 0x1e7, 0x1e3])).op(
        'w64',
        `a+${hex(0x788 + 8 * n)}`,
        r.pick([pc, pc + 4]),
      );
      t.op('w64', `a+${hex(0x808 + 8 * n)}`, r.pick([0, 0x1ff7, 0x1ff3, 0x1fef, 0x1e07])).op(
        'w64',
        `a+${hex(0x888 + 8 * n)}`,
        r.pick([RAM + SCRATCH, DEVICE, RAM + LOG]),
      );
    }
    t.ioctl('v0', 'KVM_SET_GUEST_DEBUG', '&a+0x700');
  };
  const event = (): void => {
    t.op('fill', 'a+0x600', 0x40, 0).struct(
      'a+0x600',
      [8, r.below(2)],
      [8, r.below(2)],
      [8, r.below(2)],
      [8, 0],
      [32, 0],
      [64, r.pick([0, 5, 0x1ff_ffff, 0x80_0000])],
    );
    t.ioctl('v0', 'KVM_SET_VCPU_EVENTS', '&a+0x600').get('v0', PC);
  };
  if (r.chance(0.8)) control();
  for (let n = 0; n < count + 4; n++) {
    t.run(1).get('v0', PC).get('v0', PSTATE);
    if (r.chance(0.12)) control();
    if (r.chance(0.12)) event();
    if (r.chance(0.15))
      t.op('fill', 'a+0x600', 0x40, 0).ioctl('v0', 'KVM_GET_VCPU_EVENTS', '&a+0x600').op('dump', 'a+0x600', 16);
    if (r.chance(0.3)) t.set('v0', PC, RAM + 4 * r.below(count));
  }
  t.op('dump', `ram+${hex(LOG)}`, 0x140)
    .get('v0', core(2))
    .get('v0', core(4))
    .get('v0', core(3));
}
