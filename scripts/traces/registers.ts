import { sysregId } from '../../src/abi/onereg.ts';
import {
  LOG,
  movImmediate,
  OFF,
  PSTATE,
  RAM,
  VECTORS,
  RESULTS,
  SCRATCH,
  DEVICE,
  hex,
  prologue,
  type TraceWriter,
} from './trace.ts';

/** System registers: what a guest reads and writes, and what userspace may make of ID registers. */

const inst = (word: number): string => `.inst ${hex(word >>> 0)}\n`;
const EL0T = 0x3c0;

function systemWord(
  read: boolean,
  op0: number,
  op1: number,
  crn: number,
  crm: number,
  op2: number,
  rt: number,
): number {
  return 0xd500_0000 | (read ? 1 << 21 : 0) | (op0 << 19) | (op1 << 16) | (crn << 12) | (crm << 8) | (op2 << 5) | rt;
}

/** Running counters, RNDR and RNDRRS; what would end or hang the sweep: WFE, WFI and their kin with a timeout. */
function isSwept(op0: number, op1: number, crn: number, crm: number): boolean {
  if (op0 === 3 && op1 === 3 && (crn === 14 || (crn === 2 && crm === 4))) return crn === 14 && crm > 3;
  return !(op0 === 0 && op1 === 3 && (crn === 2 || crn === 1));
}

/** Parts of the space of encodings in which there is something. */
const SPACES: readonly { readonly op0: number; readonly op1: number; readonly el0?: boolean }[] = [
  ...[0, 3, 4, 6].map((op1) => ({ op0: 3, op1 })),
  ...[0, 3, 4].map((op1) => ({ op0: 2, op1 })),
  ...[0, 3, 4, 6, 7].map((op1) => ({ op0: 1, op1 })),
  ...[0, 3].map((op1) => ({ op0: 0, op1 })),
  { op0: 3, op1: 0, el0: true },
  { op0: 3, op1: 3, el0: true },
  { op0: 2, op1: 3, el0: true },
  { op0: 1, op1: 3, el0: true },
  { op0: 3, op1: 1 },
  { op0: 3, op1: 2 },
];

/** All registers of one op0, op1 and CRn, read and then written back, at EL1 or EL0; ESR_EL1 of each trap. */
export function sysreg(t: TraceWriter, index: number): void {
  const crn = index & 15;
  const { op0, op1, el0 = false } = SPACES[(index >> 4) % SPACES.length]!;
  t.machine();
  let body = '';
  for (let crm = 0; crm < 16; crm++) {
    if (!isSwept(op0, op1, crn, crm)) continue;
    for (let op2 = 0; op2 < 8; op2++) {
      const readable = op0 >= 2;
      body += readable
        ? `mov x1, #0\n${inst(systemWord(true, op0, op1, crn, crm, op2, 1))}str x1, [x26], #8\n`
        : 'mov x1, x25\n';
      body += inst(systemWord(false, op0, op1, crn, crm, op2, op0 === 0 ? 31 : 1));
      if (readable) body += `mov x1, #0\n${inst(systemWord(true, op0, op1, crn, crm, op2, 1))}str x1, [x26], #8\n`;
    }
  }
  t.code(0, `${prologue('end')}${movImmediate('x25', RAM + SCRATCH)}${body}end: svc #0\nb .\n`);
  t.code(VECTORS, SKIP_TABLE);
  if (el0) t.set('v0', PSTATE, EL0T);
  t.run(1)
    .op('dump', `ram+${hex(RESULTS)}`, 2048)
    .op('dump', `ram+${hex(LOG)}`, 0xc00);
}

/** Handlers that keep ESR_EL1 and the word of the instruction, and skip it. */
const SKIP_TABLE = Array.from(
  { length: 16 },
  (_, n) => `.org ${0x80 * n}
    mrs x29, esr_el1
    str w29, [x28], #4
    mrs x29, elr_el1
    ldr w30, [x29]
    str w30, [x28], #4
    add x29, x29, #4
    msr elr_el1, x29
    cmp x29, x27
    b.hi 1f
    eret
1:  mov x0, #8
    movk x0, #0x8400, lsl #16
    hvc #0
    b 1b
`,
).join('');

/** Bytes of ID registers changed one after the other, before and after the first run; what a guest then reads. */
export function idregs(t: TraceWriter): void {
  const r = t.random;
  t.machine({ features: r.pick([4, 4, 0xc, 0]) });
  t.code(
    0,
    `mrs x1, id_aa64pfr0_el1\nmrs x2, id_aa64isar0_el1\nmrs x3, ctr_el0\nmrs x4, id_aa64mmfr0_el1\n${movImmediate('x0', DEVICE)}str x1, [x0]\nstr x2, [x0]\nstr x3, [x0]\nstr x4, [x0]\n${OFF}`,
  );
  for (let n = 0; n < 40; n++) {
    const id = r.pick([
      sysregId({ op0: 3, op1: 0, crn: 0, crm: 1 + r.below(7), op2: r.below(8) }),
      sysregId({ op0: 3, op1: 0, crn: 0, crm: 4 + r.below(4), op2: r.below(3) }),
      0x6030_0000_0013_d801n,
      0x6030_0000_0013_c801n,
    ]);
    t.get('v0', id);
    for (let m = 1 + r.below(2); m > 0; m--)
      t.op(
        'w8',
        `a+${hex(0x340 + r.below(8))}`,
        r.pick([0, 1, 0x10, 0x11, 0xff, 0x0f, 0xf0, 0x12, 0x21, 0x66, r.below(256)]),
      );
    t.ioctl('v0', 'KVM_SET_ONE_REG', '&a+0x300').get('v0', id);
    if (n === 30 && r.chance(0.8)) t.run(3);
  }
}
