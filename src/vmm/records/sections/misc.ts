import { CAPABILITIES } from '../../../abi/capabilities.ts';
import { ARM_VCPU_FEATURES, IRQ_ROUTING_TYPES } from '../../../abi/constants.ts';
import { NAMED_REGS } from '../../../abi/onereg.ts';
import {
  kvm_arm_counter_offset,
  kvm_arm_device_addr,
  kvm_coalesced_mmio_zone,
  kvm_ioeventfd,
  kvm_irq_level,
  kvm_irqfd,
  kvm_msi,
  kvm_pmu_event_filter,
  kvm_pre_fault_memory,
  kvm_smccc_filter,
} from '../../../abi/structs.ts';
import { errnoName, type Probe } from '../probe.ts';
import { argument, hex, type Answer, type Recorded, type RecordedValue } from '../record.ts';
import type { Case, Section } from './section.ts';

const PSCI_0_2 = 1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PSCI_0_2;
const PMU_V3 = 1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PMU_V3;
const DOORBELL = 0x900_0000n;
const DEASSIGN = 4;
const NO_DESCRIPTOR = 9999;
const ROUTE_BYTES = 48;
const PMU_CTRL = { group: 0n, irq: 0n, init: 1n, filter: 2n, setPmu: 3n } as const;
const TIMER_CTRL = 1n;
const PVTIME_CTRL = 2n;
const PVTIME_SLOT = 0x10_0000n;
const EVENT_CYCLES = 0x11;

/** Cases of all modes of the interrupt controller; ours has no other than none. */
export const misc: Section = (probe) => ({
  ...interrupts(probe),
  ...vcpuAttributes(probe),
  ...ofVm(probe),
  STATS: (record) => statistics(probe, String(record.args.fd)),
});

const WITHOUT_GIC = new Set<RecordedValue | undefined>(['none', 0, undefined]);
/** With a controller in the kernel nothing is asked: a record of it is left out. */
const withoutGic =
  (ask: Case): Case =>
  (record) =>
    WITHOUT_GIC.has(record.args.gic) ? ask(record) : { ret: -1, errno: 'ENODEV' };

function interrupts(probe: Probe): Record<string, Case> {
  const vm = probe.vm();
  for (const id of [0, 1]) probe.init(probe.vcpu(vm, id), [PSCI_0_2]);
  let event = -1;
  const fresh = (): number => {
    const fd = probe.process.eventfd(0);
    return (event = typeof fd === 'number' ? fd : -1);
  };
  const irqfd = (fd: number, gsi: number, flags = 0): Answer =>
    probe.call(vm, 'KVM_IRQFD', kvm_irqfd, { fd, gsi, flags });
  const route = (nr: number, flags: number, type: number): Answer => {
    const bytes = new Uint8Array(8 + ROUTE_BYTES);
    const view = new DataView(bytes.buffer);
    const [TYPE, PIN] = [12, 28];
    view.setUint32(0, nr, true);
    view.setUint32(4, flags, true);
    view.setUint32(TYPE, type, true);
    view.setUint32(PIN, 5, true);
    probe.process.memory.write(probe.scratch, bytes);
    return probe.ioctl(vm, 'KVM_SET_GSI_ROUTING', probe.scratch);
  };
  const doorbell = (fd: number, len: number, flags: number, addr = DOORBELL): Answer =>
    probe.call(vm, 'KVM_IOEVENTFD', kvm_ioeventfd, { fd, addr, len, flags });
  const cases: Record<string, Case> = {
    IRQ_LINE: (record) =>
      probe.call(vm, 'KVM_IRQ_LINE', kvm_irq_level, {
        irq: Number(argument(record, 'irq')),
        level: Number(argument(record, 'level')),
      }),
    SIGNAL_MSI: (record) =>
      probe.call(vm, 'KVM_SIGNAL_MSI', kvm_msi, {
        address_lo: 0x808_0040,
        data: 0,
        flags: Number(argument(record, 'flags')),
      }),
    IRQFD: (record) => irqfd(fresh(), Number(argument(record, 'gsi'))),
    IRQFD_dup: (record) => {
      const answer = irqfd(event, Number(argument(record, 'gsi')));
      probe.close(event);
      return answer;
    },
    IRQFD_badfd: () => irqfd(NO_DESCRIPTOR, 0),
    IRQFD_badflags: () => irqfd(NO_DESCRIPTOR, 0, 8),
    SET_GSI_ROUTING: (record) => route(Number(argument(record, 'nr')), 0, Number(argument(record, 'type'))),
    SET_GSI_ROUTING_nr5000: () => route(5000, 0, 0),
    SET_GSI_ROUTING_flags1: () => route(1, 1, IRQ_ROUTING_TYPES.KVM_IRQ_ROUTING_IRQCHIP),
    IOEVENTFD: (record) => doorbell(fresh(), Number(argument(record, 'len')), 0),
    IOEVENTFD_deassign: (record) => doorbell(event, Number(argument(record, 'len')), DEASSIGN),
    IOEVENTFD_flags: (record) => {
      const flags = Number(argument(record, 'flags'));
      return doorbell(fresh(), 4, flags, DOORBELL + 64n * BigInt(Math.log2(flags)));
    },
    ARM_SET_DEVICE_ADDR: (record) =>
      probe.call(vm, 'KVM_ARM_SET_DEVICE_ADDR', kvm_arm_device_addr, {
        id: argument(record, 'id'),
        addr: argument(record, 'addr'),
      }),
  };
  return Object.fromEntries(Object.entries(cases).map(([name, ask]) => [name, withoutGic(ask)]));
}

function integer(probe: Probe, value: bigint): bigint {
  const at = probe.scratch + 0x2000n;
  probe.process.memory.write(at, new Uint8Array(BigUint64Array.of(value).buffer));
  return at;
}
const read32 = (probe: Probe, at: bigint): number =>
  new DataView((probe.process.memory.read(at, 4) ?? new Uint8Array(4)).slice().buffer).getUint32(0, true);

function vcpuAttributes(probe: Probe): Record<string, Case> {
  /** The vCPU of the probe's round with or without a PMU; rounds follow each other. */
  let round = { pmu: -1, vm: -1, vcpu: -1 };
  const current = (pmu: number): number => {
    if (round.pmu === pmu) return round.vcpu;
    probe.close(round.vcpu, round.vm);
    const { vm, vcpu } = probe.initialized(pmu === 0 ? PSCI_0_2 : PSCI_0_2 | PMU_V3);
    round = { pmu, vm, vcpu };
    return vcpu;
  };
  const set = (vcpu: number, group: bigint, attr: bigint, value: bigint): Answer =>
    probe.attribute(vcpu, 'SET', group, attr, integer(probe, value));
  const get = (vcpu: number, group: bigint, attr: bigint): { answer: Answer; at: bigint } => {
    const at = integer(probe, 0n);
    return { answer: probe.attribute(vcpu, 'GET', group, attr, at), at };
  };
  const own = (pmu: boolean, ask: (vcpu: number) => Answer): Answer => {
    const { vm, vcpu } = probe.initialized(pmu ? PSCI_0_2 | PMU_V3 : PSCI_0_2);
    const answer = ask(vcpu);
    probe.close(vcpu, vm);
    return answer;
  };
  const pmuOf = (record: Recorded): number => Number(argument(record, 'pmu'));
  const cases: Record<string, Case> = {
    vcpu_HAS_ATTR: (record) =>
      probe.attribute(current(pmuOf(record)), 'HAS', argument(record, 'group'), argument(record, 'attr')),
    PMU_INIT_before_irq: (record) => probe.attribute(current(pmuOf(record)), 'SET', PMU_CTRL.group, PMU_CTRL.init),
    PMU_IRQ: (record) =>
      own(pmuOf(record) !== 0, (vcpu) => {
        const irq = argument(record, 'irq');
        const { group } = PMU_CTRL;
        const answer = set(vcpu, group, PMU_CTRL.irq, irq);
        const out = {
          again: errnoName(set(vcpu, group, PMU_CTRL.irq, irq)),
          get: errnoName(get(vcpu, group, PMU_CTRL.irq).answer),
          init: errnoName(probe.attribute(vcpu, 'SET', group, PMU_CTRL.init)),
          init2: errnoName(probe.attribute(vcpu, 'SET', group, PMU_CTRL.init)),
          run: errnoName(probe.runImmediately(vcpu)),
        };
        return { ...answer, out };
      }),
    TIMER_IRQ: (record) =>
      own(false, (vcpu) => {
        const attr = argument(record, 'attr');
        const answer = set(vcpu, TIMER_CTRL, attr, argument(record, 'irq'));
        const read = get(vcpu, TIMER_CTRL, attr);
        return { ...answer, out: { get: errnoName(read.answer), rb: read32(probe, read.at) } };
      }),
    PVTIME_IPA: (record) => {
      const vcpu = current(0);
      if (argument(record, 'ipa') === 0n) {
        const length = 16 * probe.pageSize;
        probe.slot(round.vm, 0n, 0n, PVTIME_SLOT, BigInt(length), probe.map({ length }));
      }
      const answer = set(vcpu, PVTIME_CTRL, 0n, argument(record, 'ipa'));
      const read = get(vcpu, PVTIME_CTRL, 0n);
      return { ...answer, out: { get: errnoName(read.answer), rb: hex(probe.words(read.at, 1)[0] ?? 0n) } };
    },
    PMU_FILTER: (record) => {
      const filter = {
        base_event: Number(argument(record, 'base')) || EVENT_CYCLES,
        nevents: Number(argument(record, 'n')),
        action: Number(argument(record, 'action')),
      };
      return probe.attributeOf(current(1), 'SET', PMU_CTRL.group, PMU_CTRL.filter, kvm_pmu_event_filter, filter);
    },
    PMU_SET_PMU: (record) => set(current(1), PMU_CTRL.group, PMU_CTRL.setPmu, argument(record, 'id')),
  };
  return Object.fromEntries(Object.entries(cases).map(([name, ask]) => [name, withoutGic(ask)]));
}

function ofVm(probe: Probe): Record<string, Case> {
  const filtered = probe.vm();
  const filter = (base: bigint, n: bigint, action: bigint, pad = 0n): Answer =>
    probe.attributeOf(filtered, 'SET', 0n, 0n, kvm_smccc_filter, {
      base: Number(base),
      nr_functions: Number(n),
      action: Number(action),
      pad: [Number(pad)],
    });
  const offset = probe.initialized(PSCI_0_2);
  const setOffset = (reserved: bigint): Answer =>
    probe.call(offset.vm, 'KVM_ARM_SET_COUNTER_OFFSET', kvm_arm_counter_offset, { counter_offset: 1000n, reserved });
  const zones = probe.vm();
  const zone = (call: string, pio: number): Answer =>
    probe.call(zones, call, kvm_coalesced_mmio_zone, { addr: DOORBELL, size: 0x1000, pio });
  const withVcpu = probe.vm();
  return {
    vm_HAS_ATTR: (record) => probe.attribute(filtered, 'HAS', argument(record, 'group'), argument(record, 'attr')),
    SMCCC_FILTER: (record) =>
      filter(argument(record, 'base'), argument(record, 'n'), argument(record, 'action'), argument(record, 'pad0')),
    SMCCC_FILTER_after_run: () => {
      const vcpu = probe.vcpu(filtered);
      probe.init(vcpu, [PSCI_0_2]);
      probe.runImmediately(vcpu);
      return filter(0xc700_0000n, 1n, 1n);
    },
    SET_COUNTER_OFFSET: () => setOffset(0n),
    SET_COUNTER_OFFSET_again: () => setOffset(0n),
    SET_COUNTER_OFFSET_reserved: () => setOffset(1n),
    SET_TIMER_CNT_after_counter_offset: () => {
      const counter = NAMED_REGS.KVM_REG_ARM_TIMER_CNT;
      const before = probe.getReg(offset.vcpu, counter).value;
      const answer = probe.setReg(offset.vcpu, counter, 5n);
      return { ...answer, out: { ignored: probe.getReg(offset.vcpu, counter).value >= before } };
    },
    REGISTER_COALESCED: (record) => zone('KVM_REGISTER_COALESCED_MMIO', Number(argument(record, 'pio'))),
    UNREGISTER_COALESCED: () => zone('KVM_UNREGISTER_COALESCED_MMIO', 0),
    UNREGISTER_COALESCED_again: () => zone('KVM_UNREGISTER_COALESCED_MMIO', 0),
    DIRTY_RING: (record) => {
      const vm = probe.vm();
      const answer = probe.enable(vm, argument(record, 'cap'), 0n, argument(record, 'bytes'));
      probe.close(vm);
      return answer;
    },
    DIRTY_RING_after_vcpu: () => {
      probe.vcpu(withVcpu);
      return probe.enable(withVcpu, BigInt(CAPABILITIES.KVM_CAP_DIRTY_LOG_RING_ACQ_REL), 0n, 65536n);
    },
    RESET_DIRTY_RINGS_disabled: () => probe.ioctl(withVcpu, 'KVM_RESET_DIRTY_RINGS'),
    PRE_FAULT_MEMORY: () => {
      const { vcpu } = probe.initialized(PSCI_0_2);
      const range = { gpa: 0x10_0000n, size: BigInt(probe.pageSize) };
      return probe.call(vcpu, 'KVM_PRE_FAULT_MEMORY', kvm_pre_fault_memory, range);
    },
  };
}

/** The statistics file of a VM or of a vCPU: its header and its descriptors. */
function statistics(probe: Probe, of: string): Answer {
  const vm = probe.vm();
  const vcpu = probe.vcpu(vm);
  const { ret: fd } = probe.ioctl(of === 'vcpu' ? vcpu : vm, 'KVM_GET_STATS_FD');
  const read = (length: number, offset: number): DataView => {
    const bytes = probe.process.read(fd, length, offset);
    return new DataView((bytes instanceof Uint8Array ? bytes : new Uint8Array(length)).slice().buffer);
  };
  const header = read(24, 0);
  const [flags = 0, nameSize = 0, count = 0, idOffset = 0, at = 0, data = 0] = Array.from({ length: 6 }, (_, n) =>
    header.getUint32(4 * n, true),
  );
  const bytes = 16 + nameSize;
  const descs = Array.from({ length: count }, (_, n) => {
    const view = read(bytes, at + n * bytes);
    const name = Array.from({ length: nameSize }, (_, n) => view.getUint8(16 + n)).filter((byte) => byte !== 0);
    return [
      String.fromCharCode(...name),
      `0x${view.getUint32(0, true).toString(16)}`,
      view.getInt16(4, true),
      view.getUint16(6, true),
      view.getUint32(8, true),
      view.getUint32(12, true),
    ];
  });
  probe.close(fd, vcpu, vm);
  const sizes = { name_size: nameSize, num_desc: count, id_offset: idOffset, desc_offset: at, data_offset: data };
  return { ret: 0, errno: null, out: { flags, ...sizes, descs } };
}
