import { kvm_clear_dirty_log, kvm_dirty_log, kvm_guest_debug, kvm_irq_level } from '../../../abi/structs.ts';
import { kvm_smccc_filter, kvm_vcpu_events_arm64 } from '../../../abi/structs.ts';
import { GUESTDBG_FLAGS } from '../../../abi/constants.ts';
import { BUFFER, CODE, RecordedGuest, REGISTER, type GuestConfig } from '../guest.ts';
import type { Probe } from '../probe.ts';
import { program } from '../programs.ts';
import { argument, hex, type Answer, type Recorded, type RecordedValue } from '../record.ts';
import type { Case, Section } from './section.ts';

const DEFAULT: GuestConfig = { features: 4 };
const UNMAPPED = 0xa00_0000n;
const SLOT = 0x4000_0000n;
const SLOT_BYTES = 0x1_0000n;
const READ_ONLY = 2n;
const LOG = 1n;
const FILLED = 0x5a;
const VERSION_CALL = 0x8400_0000n;
const STR_X0_X26 = 0xf9000340;
const BRANCH_SELF = 0x14000000;

const done = (out: Answer['out'], answer: Answer = { ret: 0, errno: null }): Answer => ({
  ...answer,
  ...(out && { out }),
});

export const guest: Section = (probe) => {
  const subject = new RecordedGuest(probe);
  /** A program with its address in x0, played; null where the VM can't be. */
  const play = (name: string, x0: bigint, most: number, config = DEFAULT): Answer['out'] | null => {
    if (!subject.setup(config)) return null;
    subject.put(CODE, program(name));
    subject.set('x0', x0);
    return { ...subject.play(most) };
  };
  const failed: Answer = { ret: -1, errno: null };

  const events = (exception: object): Answer =>
    probe.call(subject.vcpu, 'KVM_SET_VCPU_EVENTS', kvm_vcpu_events_arm64, { exception });
  const debugged = (control: number, name: string, x0: bigint): Case => {
    return () => {
      subject.setup(DEFAULT);
      probe.call(subject.vcpu, 'KVM_SET_GUEST_DEBUG', kvm_guest_debug, { control });
      subject.put(CODE, program(name));
      subject.set('x0', x0);
      return done({ ...subject.play(4) });
    };
  };
  const { KVM_GUESTDBG_ENABLE: ENABLE, KVM_GUESTDBG_SINGLESTEP: STEP, KVM_GUESTDBG_USE_SW_BP: BRK } = GUESTDBG_FLAGS;

  const exits = (count: number, between: (n: number) => void): Answer['out'] => ({
    exits: Array.from({ length: count }, (_, n) => {
      const { exit } = subject.once();
      between(n);
      return exit;
    }),
  });

  return {
    snippet: (record) => snippet(subject, record),
    setup_failed: (record) => (subject.setup(configOf(record)) ? { ret: 0, errno: null } : failed),
    ro_slot: (record) => readOnlySlot(subject, record),
    bad_hva_slot: (record) => badMemory(subject, record),
    ...dirtyLog(subject),
    singlestep: debugged(ENABLE | STEP, 'dirty', BUFFER),
    sw_bp: debugged(ENABLE | BRK, 'brk', 0n),
    hvc_at_el0: () => {
      subject.setup(DEFAULT);
      subject.put(CODE, program('hvc'));
      subject.set('pstate', 0x3c0n);
      subject.set('x0', VERSION_CALL);
      return done({ ...subject.play(4) });
    },
    udf_with_unmapped_vbar: () => {
      subject.setup(DEFAULT);
      subject.setRegister(REGISTER.VBAR_EL1, 0xa000_0000n);
      subject.put(CODE, program('udf'));
      return done({ ...subject.play(3) });
    },
    initial_pc_unmapped: () => {
      subject.setup(DEFAULT);
      subject.set('pc', 0n);
      return done({ ...subject.play(3) });
    },
    initial_pc_misaligned: () => {
      subject.setup(DEFAULT);
      subject.set('pc', CODE + 2n);
      return done({ ...subject.play(3) });
    },
    ext_dabt_on_mmio: () => {
      subject.setup(DEFAULT);
      subject.put(CODE, program('ldr'));
      subject.set('x0', UNMAPPED);
      subject.once();
      const answer = events({ ext_dabt_pending: 1 });
      return done({ ...subject.play(4) }, answer);
    },
    serror_inject_unmasked: () => {
      subject.setup(DEFAULT);
      subject.put(CODE, program('ldr'));
      subject.set('pstate', 0x2c5n);
      subject.set('x0', BUFFER);
      const answer = events({ serror_pending: 1 });
      return done({ ...subject.play(4) }, answer);
    },
    cpu_irq_line_no_gic: () => {
      subject.setup(DEFAULT);
      subject.put(CODE, program('wfi'));
      subject.set('pstate', 0x345n);
      const answer = probe.call(subject.vm, 'KVM_IRQ_LINE', kvm_irq_level, { irq: 0, level: 1 });
      return done({ ...subject.play(4) }, answer);
    },
    smccc_filter_run: (record) => {
      subject.setup(DEFAULT);
      const filter = { base: Number(VERSION_CALL), nr_functions: 1, action: Number(argument(record, 'action')) };
      const answer = probe.attributeOf(subject.vm, 'SET', 0n, 0n, kvm_smccc_filter, filter);
      subject.put(CODE, program(argument(record, 'smc') === 0n ? 'hvc' : 'smc'));
      subject.set('x0', VERSION_CALL);
      return done({ ...subject.play(4) }, answer);
    },
    mmio_exit_reason_clobbered_to_0: () => {
      subject.setup(DEFAULT);
      subject.put(CODE, program('mmio'));
      subject.set('x0', UNMAPPED);
      subject.setExitReason(0);
      return done(exits(4, () => subject.setExitReason(0)));
    },
    pc_set_to_code_plus_0x18_while_mmio_pending: () => {
      subject.setup(DEFAULT);
      subject.put(CODE, program('mmio'));
      subject.set('x0', UNMAPPED);
      return done(exits(3, (n) => (n === 0 ? subject.set('pc', CODE + 0x18n) : undefined)));
    },
    slot_before_delete: () => {
      subject.setup(DEFAULT);
      probe.slot(subject.vm, 1n, 0n, SLOT, SLOT_BYTES, subject.spare);
      subject.put(CODE, program('ldr'));
      subject.set('x0', SLOT);
      return done({ ...subject.play(2) });
    },
    slot_after_delete: () => {
      const answer = probe.slot(subject.vm, 1n, 0n, SLOT, 0n, subject.spare);
      subject.complete();
      subject.set('pc', CODE);
      return done({ ...subject.play(2) }, answer);
    },
    // With an interrupt controller in the kernel: `play` gives up where there can be none.
    gic_guest_view: () => done(play('gicr', BUFFER, 8, { ...DEFAULT, gic: true }) ?? {}, failed),
    memslot_over_gicd_before_run: () => {
      // Slots of the cases after it still have what this one is filled with.
      probe.process.memory.write(subject.spare, new Uint8Array(Number(SLOT_BYTES)).fill(FILLED));
      return failed;
    },
    ldr_memslot_over_gicd: () => failed,
  };
};

function configOf(record: Recorded): GuestConfig {
  return {
    type: argument(record, 'type'),
    features: Number(argument(record, 'feat')),
    gic: argument(record, 'gic') !== 0n,
    nisv: argument(record, 'nisv_cap') !== 0n,
  };
}

function snippet(subject: RecordedGuest, record: Recorded): Answer {
  if (!subject.setup(configOf(record))) return { ret: -1, errno: null };
  subject.put(CODE, program(String(record.args.snippet)));
  subject.set('x0', argument(record, 'x0'));
  subject.set('x1', argument(record, 'x1'));
  subject.set('x10', 0x800_0000n);
  subject.set('x11', 0x80a_0000n);
  subject.set('x5', BigInt(subject.probe.pageSize));
  return done({ ...subject.play(64) });
}

const word = (probe: Probe, at: bigint): RecordedValue => hex(probe.words(at, 1)[0] ?? 0n);

function readOnlySlot(subject: RecordedGuest, record: Recorded): Answer {
  const { probe } = subject;
  const { memory } = probe.process;
  const name = String(record.args.snippet);
  subject.setup({ ...DEFAULT, nisv: argument(record, 'nisv_cap') !== 0n });
  memory.write(subject.spare, new Uint8Array(Number(SLOT_BYTES)).fill(FILLED));
  probe.slot(subject.vm, 1n, READ_ONLY, SLOT, SLOT_BYTES, subject.spare);
  if (name === 'br') memory.write(subject.spare, new Uint8Array(Uint32Array.of(STR_X0_X26, BRANCH_SELF).buffer));
  subject.put(CODE, program(name));
  subject.set('x0', SLOT);
  subject.set('x1', 0x99n);
  const played = subject.play(8);
  return done({ ...played, mem: word(probe, subject.spare) });
}

/** A slot whose memory in the process is not there, or not so accessible. */
function badMemory(subject: RecordedGuest, record: Recorded): Answer {
  const { probe } = subject;
  const length = Number(SLOT_BYTES);
  subject.setup(DEFAULT);
  const readable = record.args.hva !== 'PROT_NONE';
  const at = probe.map({ length, readable, writable: record.args.hva === 'unmapped' });
  probe.slot(subject.vm, 1n, 0n, SLOT, SLOT_BYTES, at);
  if (record.args.hva === 'unmapped') probe.process.munmap(at, length);
  subject.put(CODE, program(String(record.args.op)));
  subject.set('x0', SLOT);
  return done({ ...subject.play(6) });
}

const LOGGED_PAGES = 70;
const BITMAP_WORDS = 4;
const BIT_2 = 4n;

/** Which pages a guest has written, with and without KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. */
function dirtyLog(subject: RecordedGuest): Record<string, Case> {
  const { probe } = subject;
  const { memory } = probe.process;
  const bitmap = probe.map({ length: 0x1000 });
  let pages = 0n;
  const log = (): Answer => {
    memory.write(bitmap, new Uint8Array(8 * BITMAP_WORDS).fill(0xff));
    const answer = probe.call(subject.vm, 'KVM_GET_DIRTY_LOG', kvm_dirty_log, { slot: 1, dirty_bitmap: bitmap });
    const [w0 = 0n, w1 = 0n, w2 = 0n] = probe.words(bitmap, 3);
    return done({ w0: hex(w0), w1: hex(w1), w2_untouched: hex(w2) }, answer);
  };
  const run = (): void => {
    subject.set('pc', CODE);
    subject.set('x0', SLOT);
    subject.set('x5', BigInt(probe.pageSize));
    subject.play(4);
    subject.complete();
  };
  const begin = (): void => {
    const length = LOGGED_PAGES * probe.pageSize;
    pages = probe.map({ length });
    memory.write(pages, new Uint8Array(length).fill(1));
    probe.slot(subject.vm, 1n, LOG, SLOT, BigInt(length), pages);
  };
  const before: Readonly<Record<string, () => void>> = {
    after_run1: () => {
      subject.put(CODE, program('dirty'));
      run();
    },
    after_run2: run,
    after_run3: run,
    host_write_page3: () => memory.write(pages + 3n * BigInt(probe.pageSize), Uint8Array.of(9)),
  };
  return {
    dirty_cap: (record) => {
      subject.setup(DEFAULT);
      return probe.enable(subject.vm, 'KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2', 0n, argument(record, 'arg0'));
    },
    dirty: (record) => {
      if (record.args.when === 'fresh') {
        if (argument(record, 'manual') === 0n) subject.setup(DEFAULT);
        begin();
      } else before[String(record.args.when)]?.();
      return log();
    },
    dirty_clear_bit2: () => {
      memory.write(bitmap, new Uint8Array(BigUint64Array.of(BIT_2, 0n).buffer));
      const clear = { slot: 1, num_pages: LOGGED_PAGES, first_page: 0n, dirty_bitmap: bitmap };
      return probe.call(subject.vm, 'KVM_CLEAR_DIRTY_LOG', kvm_clear_dirty_log, clear);
    },
  };
}
