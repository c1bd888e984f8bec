import { CAPABILITIES } from '../../src/abi/capabilities.ts';
import { sysregId } from '../../src/abi/onereg.ts';
import {
  core,
  LOG,
  movImmediate,
  OFF,
  PC,
  PSTATE,
  RAM,
  VBAR_EL1,
  VECTORS,
  RESULTS,
  DEVICE,
  hex,
  prologue,
  type TraceWriter,
  type Word,
} from './trace.ts';

/** Guests that access what is memory, what is not, and what was. */

const WHERE = [
  DEVICE,
  DEVICE + 1,
  DEVICE + 0xffc,
  DEVICE + 0xfff,
  0,
  0x2000_0000,
  0x2000_0ff9,
  0x2000_fff8,
  0x3000_0000,
  0x3000_0000,
  2 ** 36 - 8,
  2 ** 36,
  2 ** 39,
  2 ** 40 - 4,
  2 ** 40,
  2 ** 44,
  2 ** 47,
  2 ** 48,
  2 ** 49,
];
const ACCESSES = [
  'ldrb w1,[x0]',
  'ldrh w1,[x0]',
  'ldr w1,[x0]',
  'ldr x1,[x0]',
  'ldrsb w1,[x0]',
  'ldrsb x1,[x0]',
  'ldrsh w1,[x0]',
  'ldrsh x1,[x0]',
  'ldrsw x1,[x0]',
  'strb w1,[x0]',
  'strh w1,[x0]',
  'str w1,[x0]',
  'str x1,[x0]',
  'str xzr,[x0]',
  'ldr xzr,[x0]',
  'ldr wzr,[x0]',
  'ldrsw xzr,[x0]',
  'ldr x0,[x0]',
  'ldur x2,[x0,#-3]',
  'stur w2,[x0,#5]',
  'ldr x2,[x0,x3]',
  'str x2,[x0,w3,sxtw]',
  'ldr x2,[x0,x3,lsl #3]',
  'str x1,[x0],#8',
  'ldr x1,[x0],#8',
  'ldr x1,[x0,#8]!',
  'str x1,[x0,#-8]!',
  'ldp x1,x2,[x0]',
  'stp x1,x2,[x0]',
  'ldp w1,w2,[x0]',
  'stp w1,w2,[x0],#16',
  'ldpsw x1,x2,[x0]',
  'ldnp x1,x2,[x0]',
  'ldxr x1,[x0]',
  'ldaxr w1,[x0]',
  'ldxrb w1,[x0]',
  'ldxp x1,x2,[x0]',
  'stxr w5,x1,[x0]',
  'stlxr w5,w1,[x0]',
  'ldar x1,[x0]',
  'ldarb w1,[x0]',
  'ldarh w1,[x0]',
  'stlr x1,[x0]',
  'stlrb w1,[x0]',
  'ldtr x1,[x0]',
  'sttr x1,[x0]',
  'ldtrsb w1,[x0]',
  'sttrh w1,[x0]',
  'ldr q0,[x0]',
  'ldr d0,[x0]',
  'ldr s0,[x0]',
  'str b0,[x0]',
  'str q0,[x0]',
  'ldp q0,q1,[x0]',
  'ld1 {v0.16b},[x0]',
  'st1 {v0.8b,v1.8b},[x0]',
  'ld1 {v0.b}[3],[x0]',
  'ld1r {v0.2d},[x0]',
  'prfm pldl1keep,[x0]',
  'dc zva,x0',
  'dc cvac,x0',
  'dc civac,x0',
  'dc ivac,x0',
  'ic ivau,x0',
  'br x0',
  'ldr w1,[x0,#4]',
  'strh w6,[x0,#2]',
  'str w30,[x0]',
  'ldrb w29,[x0]',
];

/** Each access by itself, with data from userspace, some with KVM_CAP_ARM_NISV_TO_USER. */
export function mmio(t: TraceWriter): void {
  const r = t.random;
  t.machine({ type: r.pick([0, 0, 36, 40]) });
  t.op('buf', 'rom', 0x1_0000, 0x1_0000)
    .op('fill', 'rom', 0x1_0000, 0xa5)
    .slot('vm', 1, 2, 0x3000_0000, 0x1_0000, '&rom');
  t.slot('vm', 2, 0, 0x2000_0000, 0x1_0000, r.pick<Word>(['&run+0x10000', 0x1000, '&ram+0x10000', TOP_OF_USER]));
  if (r.chance(0.4)) t.cap('vm', CAPABILITIES.KVM_CAP_ARM_NISV_TO_USER);
  if (r.chance(0.2))
    t.struct('a+0x500', [64, DEVICE], [32, r.pick([4, 0x1000])], [32, 0]).ioctl(
      'vm',
      'KVM_REGISTER_COALESCED_MMIO',
      '&a+0x500',
    );
  const fp = sysregId({ op0: 3, op1: 0, crn: 1, crm: 0, op2: 2 });
  t.set('v0', fp, 3 << 20);
  const store = Array.from({ length: 15 }, (_, n) => `stp x${2 * n}, x${2 * n + 1}, [x26], #16\n`).join('');
  for (let n = 0; n < 10; n++) {
    const at = 0x1000 * n;
    t.code(at, `${r.pick(ACCESSES)}\nnop\n${movImmediate('x26', RAM + RESULTS)}${store}${OFF}`);
    t.set('v0', PC, RAM + at)
      .set('v0', PSTATE, r.pick([0x3c5, 0x3c5, 0x3c4]))
      .set('v0', core(28), RAM + LOG)
      .set('v0', core(27), RAM + at + 4);
    t.set('v0', core(0), r.pick(WHERE))
      .set('v0', core(1), r.bits(64))
      .set('v0', core(3), r.pick([0, 8, 16]));
    t.ioctl('v0', 'KVM_RUN').op('r32', 'run+8').op('dump', 'run+32', 32).get('v0', PC).get('v0', core(0));
    t.op('w64', 'run+40', r.bits(64))
      .op('w8', 'run+1', 1)
      .ioctl('v0', 'KVM_RUN')
      .op('w8', 'run+1', 0)
      .get('v0', PC)
      .get('v0', core(1));
    t.op('w32', 'a+0x500', 0).ioctl('v0', 'KVM_SET_MP_STATE', '&a+0x500');
    if (r.chance(0.3))
      t.ioctl('v0', 'KVM_RUN')
        .op('r32', 'run+8')
        .op('dump', 'run+32', 32)
        .op('dump', `ram+${hex(RESULTS)}`, 64)
        .get('v0', PC);
    if (r.chance(0.3))
      t.op('fill', 'a+0x600', 0x40, 0)
        .op('w8', 'a+0x602', 1)
        .ioctl('v0', 'KVM_SET_VCPU_EVENTS', '&a+0x600')
        .get('v0', PC);
    t.ioctl('v0', 'KVM_SET_MP_STATE', '&a+0x500');
  }
  t.op('dump', `ram+${hex(LOG)}`, 0x140).op('dump', 'rom', 16);
}
const TOP_OF_USER = 0xf_ffff_f000_0000n;

/** Loads, stores and jumps among slots that change under the guest, with both kinds of dirty log. */
export function memory(t: TraceWriter): void {
  const r = t.random;
  const page = 0x1_0000;
  t.op('buf', 'far', 0x20_0000, 0x20_0000);
  t.op('buf', 'ram', 0x4_0000, 0x1_0000).vm('vm', r.pick([0, 36, 40]));
  const ring = r.chance(0.4);
  if (ring) t.cap('vm', CAPABILITIES.KVM_CAP_DIRTY_LOG_RING_ACQ_REL, [r.pick([0x1000, 0x4000, 0x4000])]);
  if (ring && r.chance(0.5)) t.cap('vm', CAPABILITIES.KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP);
  if (r.chance(0.4)) t.cap('vm', CAPABILITIES.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, [r.pick([1, 3])]);
  if (r.chance(0.3))
    t.cap('vm', CAPABILITIES.KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, [r.pick([0x1000, 0x4000, 0x20_0000, 0x200_0000])]);
  t.slot('vm', 0, 0, RAM, 0x4_0000, '&ram').vcpu('vm', 0, 'v0').init('v0', 4).op('mmap', 'run', 'v0', 0x1000, 0);
  if (ring) t.op('mmap', 'ring', 'v0', 0x4000, 0x4_0000).op('mmap', 'ring16', 'v0', 0x4000, 0x10_0000);
  t.set('v0', VBAR_EL1, RAM + VECTORS);
  t.code(VECTORS, FAR_TABLE);
  const bases = [0x5000_0000, 0x5000_0000, 0x6000_0000, 0x6001_0000];
  for (let p = 0; p < 32; p++) t.op('hex', `far+${hex(p * page)}`, 'c0035fd6');
  const set = (): void => {
    const id = 1 + r.below(2);
    t.slot(
      'vm',
      id,
      r.pick([0, 0, 1, 1, 1, 2, 3]),
      r.pick(bases),
      r.pick([0x20_0000, 0x20_0000, 0x20_0000, 0x10_0000, 4 * page, 0, 0]),
      r.pick(['&far', '&far', '&far', '&far+0x10000']),
    );
  };
  set();
  set();
  const steps = 8 + r.below(14);
  for (let n = 0; n < steps; n++) {
    const kind = r.below(12);
    if (kind < 6) {
      let body = prologue('end');
      for (let a = 1 + r.below(6); a > 0; a--) {
        const target =
          r.pick(bases) + r.pick([0, page, 2 * page, 0x4000, 0x1000, 31 * page, r.below(32) * page, 0x1f_f000]);
        body +=
          movImmediate('x0', target) +
          r.pick([
            'ldr x1, [x0]\n',
            'str x1, [x0, #8]\n',
            'str x1, [x0, #8]\n',
            'mov x25, x30\nblr x0\nmov x30, x25\n',
            'ldadd x1, x2, [x0, #16]\n'.replace(', #16', ''),
            'dc zva, x0\n',
            'stp x1, x2, [x0, #16]\n',
            'ldr x1, [x0, #8]\n',
          ]);
      }
      t.code(0, `${body}end: ${OFF}`).set('v0', PC, RAM).set('v0', core(1), 0xd65f_03c0);
      t.op('w32', 'a+0x500', 0);
      for (let m = 0; m < 4; m++) {
        t.ioctl('v0', 'KVM_SET_MP_STATE', '&a+0x500')
          .ioctl('v0', 'KVM_RUN')
          .op('r32', 'run+8')
          .op('dump', 'run+32', 24);
      }
      t.get('v0', PC).op('w8', 'run+1', 1).ioctl('v0', 'KVM_RUN').op('w8', 'run+1', 0);
      t.op('w32', 'a+0x500', 0)
        .ioctl('v0', 'KVM_SET_MP_STATE', '&a+0x500')
        .op('dump', `ram+${hex(LOG)}`, 0x78)
        .op('fill', `ram+${hex(LOG)}`, 0x200, 0);
    } else if (kind < 8) {
      t.op('fill', 'a+0x900', 0x80, 0xee)
        .struct('a+0x100', [32, 1 + r.below(2)], [32, 0], [64, '&a+0x900'])
        .ioctl('vm', 'KVM_GET_DIRTY_LOG', '&a+0x100')
        .op('dump', 'a+0x900', 72);
    } else if (kind < 9) {
      t.op('w64', 'a+0x900', r.pick([-1, 1, 3, r.bits(64)]))
        .struct(
          'a+0x100',
          [32, 1 + r.below(2)],
          [32, r.pick([64, 64, 512, 128, 32])],
          [64, r.pick([0, 0, 64, 448])],
          [64, '&a+0x900'],
        )
        .ioctl('vm', 'KVM_CLEAR_DIRTY_LOG', '&a+0x100');
    } else if (kind < 10) set();
    else if (ring) {
      t.op('dump', 'ring', 128);
      for (let e = 0; e < 4; e++) if (r.chance(0.7)) t.op('w32', `ring+${hex(16 * e)}`, r.pick([2, 2, 2, 3, 0]));
      t.ioctl('vm', 'KVM_RESET_DIRTY_RINGS').op('dump', 'ring', 64);
    } else set();
  }
  t.op('dump', 'far', 32);
}

/** As the common table, and off by SYSTEM_OFF at the code's end. */
const FAR_TABLE = Array.from(
  { length: 16 },
  (_, n) => `.org ${0x80 * n}
    mrs x29, esr_el1
    str x29, [x28], #8
    mrs x29, far_el1
    str x29, [x28], #8
    mrs x29, elr_el1
    str x29, [x28], #8
    ubfx x29, x29, #28, #8
    cmp x29, #4
    mrs x29, elr_el1
    add x29, x29, #4
    csel x29, x29, x30, eq
    msr elr_el1, x29
    eret
`,
).join('');
