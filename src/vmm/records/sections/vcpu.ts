import { ARM_VCPU_FEATURES } from '../../../abi/constants.ts';
import { structLayout, type ArchType, type Layout, type StructDef } from '../../../abi/layout.ts';
import { coreRegId, CORE_REGS } from '../../../abi/onereg.ts';
import { kvm_guest_debug, kvm_mp_state, kvm_run, kvm_vcpu_events_arm64, kvm_vcpu_init } from '../../../abi/structs.ts';
import { readStruct } from '../../../abi/values.ts';
import { madeIt } from '../probe.ts';
import { argument, hex, type Recorded } from '../record.ts';
import type { Case, Section } from './section.ts';

const X0 = coreRegId(CORE_REGS.find(({ name }) => name === 'x0')!);
const PSCI_0_2 = 1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PSCI_0_2;
const POWER_OFF = 1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_POWER_OFF;
const VGIC_V2 = 5;
const VGIC_V3 = 7;

/** Where a member of kvm_run begins, in the unnamed unions too. */
function offsetIn(layout: Layout, name: string): number | null {
  if (!('fields' in layout)) return null;
  for (const placed of layout.fields) {
    if (placed.field.name === name) return placed.offset;
    const inside = placed.field.name === '' ? offsetIn(placed.layout, name) : null;
    if (inside !== null) return placed.offset + inside;
  }
  return null;
}
const inRun = (name: string): number | null => offsetIn(structLayout(kvm_run, 'arm64'), name);
const sizeOf = (struct: StructDef | ArchType): number => structLayout(struct, 'arm64').size;
const OFFSETS: Readonly<Record<string, number | null>> = {
  mmio_off: inRun('mmio'),
  system_event_off: inRun('system_event'),
  hypercall_off: inRun('hypercall'),
  arm_nisv_off: inRun('arm_nisv'),
  s_regs_off: inRun('s'),
  memory_fault_off: inRun('memory_fault'),
  sizeof_vcpu_init: sizeOf(kvm_vcpu_init),
  sizeof_vcpu_events: sizeOf(kvm_vcpu_events_arm64),
  sizeof_guest_debug: sizeOf(kvm_guest_debug),
};

export const vcpu: Section = (probe) => {
  let vm = probe.vm();
  /** A vCPU before KVM_ARM_VCPU_INIT, then after. */
  let one = -1;
  let device = false;
  const page = probe.pageSize;
  const runSize = 2 * page;

  const create = (fd: number, record: Recorded) => probe.ioctl(fd, 'KVM_CREATE_VCPU', argument(record, 'id'));
  const inVm: Case = (record) => madeIt(create(vm, record));
  const afterDevice =
    (type: number): Case =>
    (record) => {
      if (argument(record, 'id') === 0n) {
        vm = probe.vm();
        device = probe.device(vm, type).errno === null;
      }
      return { ...madeIt(create(vm, record)), out: { dev: device } };
    };
  const mapping =
    (how: { shared: boolean; writable?: boolean; offset?: bigint }): Case =>
    (record) => {
      const length = record.args.size === undefined ? page : Number(argument(record, 'size'));
      const mapped = probe.process.mmap({ readable: true, writable: true, length, fd: one, ...how });
      return 'errno' in mapped ? { ret: -1, errno: mapped.errno } : { ret: 0, errno: null };
    };
  const mpState = () => {
    const answer = probe.ioctl(one, 'KVM_GET_MP_STATE', probe.scratch);
    return { answer, state: Number(probe.words(probe.scratch, 1)[0]! & 0xffff_ffffn) };
  };
  const setMpState = (record: Recorded) =>
    probe.call(one, 'KVM_SET_MP_STATE', kvm_mp_state, { mp_state: Number(argument(record, 'mp_state')) });
  const debug: Case = (record) =>
    probe.call(one, 'KVM_SET_GUEST_DEBUG', kvm_guest_debug, { control: Number(argument(record, 'control')) });
  const events = (fd: number) => {
    probe.process.memory.write(probe.scratch, new Uint8Array(64));
    const answer = probe.ioctl(fd, 'KVM_GET_VCPU_EVENTS', probe.scratch);
    const bytes = probe.process.memory.read(probe.scratch, 64) ?? new Uint8Array(64);
    return { answer, now: readStruct(kvm_vcpu_events_arm64, 'arm64', bytes).exception };
  };
  return {
    create_asc: inVm,
    create_dup: inVm,
    create_sparse: (record) => {
      if (argument(record, 'id') === 511n) vm = probe.vm();
      return inVm(record);
    },
    create_after_vgic3: afterDevice(VGIC_V3),
    create_after_vgic2: afterDevice(VGIC_V2),
    vgic2_after_n_vcpus: (record) => {
      const fd = probe.vm();
      const made = Array.from({ length: Number(argument(record, 'n')) }, (_, id) => probe.vcpu(fd, id));
      const answer = madeIt(probe.device(fd, VGIC_V2));
      probe.close(...made, fd);
      return answer;
    },
    mmap_shared: (record) => {
      vm = probe.vm();
      one = probe.vcpu(vm);
      return mapping({ shared: true })(record);
    },
    mmap_private: mapping({ shared: false }),
    mmap_ro: mapping({ shared: true, writable: false }),
    mmap_bigger: mapping({ shared: true }),
    mmap_off1: mapping({ shared: true, offset: BigInt(page) }),
    kvm_run_initial: () => {
      const now = probe.runStruct(probe.map({ length: runSize, shared: true, fd: one }));
      const { exit_reason, ready_for_interrupt_injection, kvm_valid_regs, flags } = now;
      const out = { exit_reason, ready_for_interrupt_injection, kvm_valid_regs: hex(kvm_valid_regs), flags };
      return { ret: 0, errno: null, out };
    },
    // The record has the offsets beside the size, in its arguments.
    sizeof_kvm_run: (record) => {
      const wrong = Object.keys(OFFSETS).filter((name) => OFFSETS[name] !== Number(argument(record, name)));
      return { ret: wrong.length === 0 ? structLayout(kvm_run, 'arm64').size : -1, errno: null };
    },
    RUN_before_init: () => probe.runImmediately(one),
    GET_ONE_REG_before_init: () => {
      const { ret, errno } = probe.getReg(one, X0);
      return { ret, errno };
    },
    SET_ONE_REG_before_init: () => probe.setReg(one, X0, 0n),
    GET_REG_LIST_before_init: () => {
      probe.process.memory.write(probe.scratch, new Uint8Array(8));
      return probe.ioctl(one, 'KVM_GET_REG_LIST', probe.scratch);
    },
    GET_MP_STATE_before_init: () => {
      const { answer, state } = mpState();
      return { ...answer, out: { mp_state: answer.errno ? 0xffff_ffff : state } };
    },
    SET_MP_STATE_before_init: setMpState,
    GET_VCPU_EVENTS_before_init: () => events(one).answer,
    SET_VCPU_EVENTS_before_init: () => probe.call(one, 'KVM_SET_VCPU_EVENTS', kvm_vcpu_events_arm64, {}),
    FINALIZE_before_init: (record) => probe.finalize(one, Number(argument(record, 'feature'))),
    vcpu_HAS_DEVICE_ATTR_before_init: (record) =>
      probe.attribute(one, 'HAS', argument(record, 'group'), argument(record, 'attr')),
    SET_GUEST_DEBUG_before_init: debug,
    SET_MP_STATE: (record) => {
      if (argument(record, 'mp_state') === 0n) probe.init(one, [PSCI_0_2]);
      const answer = setMpState(record);
      return { ...answer, out: { readback: mpState().state } };
    },
    RUN_immediate_exit: () => {
      probe.call(one, 'KVM_SET_MP_STATE', kvm_mp_state, { mp_state: 0 });
      return probe.runImmediately(one);
    },
    RUN_immediate_exit_poweroff: () => {
      const fd = probe.vm();
      const off = probe.vcpu(fd, 1);
      probe.call(off, 'KVM_ARM_VCPU_INIT', kvm_vcpu_init, { target: 5, features: [POWER_OFF] });
      probe.ioctl(off, 'KVM_GET_MP_STATE', probe.scratch);
      const state = Number(probe.words(probe.scratch, 1)[0]! & 0xffff_ffffn);
      return { ...probe.runImmediately(off), out: { mp_state: state } };
    },
    SET_GUEST_DEBUG: debug,
    GET_VCPU_EVENTS: () => {
      const { answer, now } = events(one);
      const { serror_pending, serror_has_esr, ext_dabt_pending, serror_esr } = now;
      return {
        ...answer,
        out: {
          pending: serror_pending,
          has_esr: serror_has_esr,
          ext_dabt: ext_dabt_pending,
          serror_esr: hex(serror_esr),
        },
      };
    },
    SET_VCPU_EVENTS: (record) => {
      const made = probe.initialized(PSCI_0_2);
      const answer = probe.call(made.vcpu, 'KVM_SET_VCPU_EVENTS', kvm_vcpu_events_arm64, {
        exception: {
          serror_pending: Number(argument(record, 'pending')),
          serror_has_esr: Number(argument(record, 'has_esr')),
          ext_dabt_pending: Number(argument(record, 'dabt')),
          serror_esr: argument(record, 'esr'),
        },
      });
      const { now } = events(made.vcpu);
      probe.close(made.vcpu, made.vm);
      return {
        ...answer,
        out: {
          rb_pending: now.serror_pending,
          rb_has_esr: now.serror_has_esr,
          rb_esr: hex(now.serror_esr),
          rb_dabt: now.ext_dabt_pending,
        },
      };
    },
    SET_VCPU_EVENTS_pad: (record) => {
      const variants: Readonly<Record<string, object>> = {
        pad: { exception: { pad: [1] } },
        reserved: { reserved: [1] },
        'pending=2': { exception: { serror_pending: 2 } },
      };
      return probe.call(one, 'KVM_SET_VCPU_EVENTS', kvm_vcpu_events_arm64, variants[String(record.args.variant)] ?? {});
    },
  };
};
