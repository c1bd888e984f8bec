import { CAPABILITIES } from '../../src/abi/capabilities.ts';
import { NAMED_REGS } from '../../src/abi/onereg.ts';
import {
  core,
  LOG,
  movImmediate,
  OFF,
  PC,
  PSTATE,
  RAM,
  RESULTS,
  SCRATCH,
  DEVICE,
  hex,
  prologue,
  type TraceWriter,
  type Word,
} from './trace.ts';

/** HVC and SMC: PSCI, the SMCCC and its filter. */

const FUNCTIONS = [
  0x8400_0000, 0x8400_0001, 0x8400_0002, 0x8400_0003, 0xc400_0003, 0x8400_0004, 0xc400_0004, 0x8400_0005, 0xc400_0005,
  0x8400_0006, 0x8400_0007, 0xc400_0007, 0x8400_0008, 0x8400_0009, 0x8400_000a, 0x8400_000b, 0xc400_000c, 0x8400_000e,
  0xc400_000e, 0x8400_0012, 0xc400_0012, 0x8400_0015, 0xc400_0015, 0x8400_001f, 0x8400_0020, 0x8000_0000, 0x8000_0001,
  0x8000_0002, 0x8000_3fff, 0x8000_7fff, 0x8000_8000, 0xc000_8000, 0x8400_0050, 0x8400_0051, 0x8400_0052, 0xc400_0052,
  0xc500_0020, 0xc500_0021, 0x8500_0020, 0x8600_0000, 0x8600_ff01, 0x8600_ff03, 0xc600_0001, 0x95c1_ba5e, 0x95c1_ba5f,
  0x95c1_ba60, 0x95c1_ba61, 0x95c1_ba62, 0, 0xffff_ffff, 0x4000_0000, 0x0400_0000, 0xb000_0000,
];

function psciArgument({ random: r }: TraceWriter): Word {
  return r.pick<Word>([
    0,
    1,
    2,
    3,
    4,
    16,
    0x100,
    0x8000_0000,
    0x1_0000_0000n,
    0x1_0000_0001n,
    0x100_0000,
    RAM + 0x8000,
    RAM + 0x8001,
    RAM + 0x8002,
    r.pick(FUNCTIONS),
    r.pick(FUNCTIONS),
    r.pick(FUNCTIONS) + 2 ** 32,
    -1,
    r.bits(32),
    r.bits(64),
  ]);
}

/** Calls by HVC and SMC with odd arguments, under each version and filter; other vCPUs are turned on, and run. */
export function psci(t: TraceWriter): void {
  const r = t.random;
  const features = r.pick([0, 4, 4, 4, 4]);
  t.machine({ features });
  const others = r.below(3);
  for (let n = 1; n <= others; n++) {
    t.vcpu('vm', r.pick([n, n, 16 * n, 255 + n]), `v${n}`)
      .init(`v${n}`, features | r.below(2))
      .set(`v${n}`, PC, RAM + 0x8000);
    t.op('mmap', `run${n}`, `v${n}`, 0x1000, 0);
  }
  if (r.chance(0.5)) t.set('v0', NAMED_REGS.KVM_REG_ARM_PSCI_VERSION, r.pick([1, 2, 0x1_0000, 0x1_0001]));
  if (r.chance(0.3)) t.cap('vm', CAPABILITIES.KVM_CAP_ARM_SYSTEM_SUSPEND);
  if (r.chance(0.3))
    t.set(
      'v0',
      r.pick([
        NAMED_REGS.KVM_REG_ARM_STD_BMAP,
        NAMED_REGS.KVM_REG_ARM_STD_HYP_BMAP,
        NAMED_REGS.KVM_REG_ARM_VENDOR_HYP_BMAP,
      ]),
      r.pick([0, 1, 2, 3]),
    );
  if (r.chance(0.3)) t.op('w64', 'a+0x380', RAM + SCRATCH).attribute('SET', 'v0', 2, 0);
  for (let n = r.below(4); n > 0; n--) {
    t.op('fill', 'a+0x380', 24, 0).struct(
      'a+0x380',
      [32, r.pick(FUNCTIONS)],
      [32, r.pick([1, 1, 2, 16, 0x1_0000])],
      [8, r.pick([0, 1, 2, 2])],
    );
    t.attribute('SET', 'vm', 0, 0);
  }
  let body = '';
  const count = 6 + r.below(20);
  for (let n = 0; n < count; n++) {
    const fn = r.pick(FUNCTIONS);
    // CPU_SUSPEND waits for an interrupt that does not come; random numbers are.
    if (fn % 0x4000_0000 === 0x0400_0001) continue;
    body += movImmediate('x0', r.chance(0.1) ? BigInt(fn) | (1n << 35n) : fn);
    for (let arg = 1; arg < 4; arg++) body += movImmediate(`x${arg}`, psciArgument(t));
    body += `${r.pick(['hvc #0', 'hvc #0', 'hvc #0', 'smc #0', 'smc #0', 'hvc #1', 'smc #1', 'hvc #0xffff'])}\n`;
    body += 'stp x0, x1, [x26], #16\nstp x2, x3, [x26], #16\n';
  }
  t.code(0, `${prologue('end')}${body}end: ${OFF}`);
  t.code(
    0x8000,
    `mrs x1, currentel\nmrs x2, sctlr_el1\nmrs x3, mpidr_el1\n${movImmediate('x4', DEVICE)}str x0, [x4]\nstr x1, [x4]\nstr x2, [x4]\nstr x3, [x4]\nb .\n`,
  );
  for (let n = 0; n < 6; n++) {
    t.op('w32', 'a+0x500', 0)
      .ioctl('v0', 'KVM_SET_MP_STATE', '&a+0x500')
      .ioctl('v0', 'KVM_RUN')
      .op('r32', 'run+8')
      .op('dump', 'run+32', 40);
    t.ioctl('v0', 'KVM_GET_MP_STATE', '&a+0x500')
      .op('r32', 'a+0x500')
      .get('v0', PC)
      .get('v0', core(0))
      .get('v0', core(1))
      .get('v0', core(2));
  }
  t.op('dump', `ram+${hex(RESULTS)}`, 0x300)
    .op('dump', `ram+${hex(LOG)}`, 0x140)
    .op('dump', `ram+${hex(SCRATCH)}`, 8);
  for (let n = 1; n <= others; n++) {
    t.ioctl(`v${n}`, 'KVM_GET_MP_STATE', '&a+0x500')
      .op('r32', 'a+0x500')
      .get(`v${n}`, PC)
      .get(`v${n}`, core(0))
      .get(`v${n}`, PSTATE);
    t.op('w32', 'a+0x500', 0).ioctl(`v${n}`, 'KVM_SET_MP_STATE', '&a+0x500').run(4, `v${n}`, `run${n}`);
  }
}
