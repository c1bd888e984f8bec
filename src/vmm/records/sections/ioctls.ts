import { argument, type Recorded, type RecordedValue } from '../record.ts';
import type { Section } from './section.ts';

/** Calls whose answer is a descriptor. */
const MAKE_DESCRIPTORS = ['KVM_CREATE_VM', 'KVM_CREATE_VCPU', 'KVM_GET_STATS_FD'];
const RAW_DESCRIPTORS = [0x01, 0x41, 0xce];
const KVM_TYPE = 0xae00;

/** Numbers with no argument, on every kind of descriptor. The probe's device needs an interrupt controller. */
export const ioctls: Section = (probe) => {
  const make = () => {
    const vm = probe.vm();
    const initialized = probe.initialized(0);
    return { vm, uninitialized: probe.vcpu(vm), other: initialized.vm, initialized: initialized.vcpu };
  };
  const raw = make();

  return {
    null_arg: (record: Recorded) => {
      const name = String(record.args.ioctl);
      const number = Number(record.out.nr ?? 0);
      const { vm, uninitialized, other, initialized } = make();
      const on = (fd: number): RecordedValue => {
        const answer = probe.number(fd, number);
        if (answer.errno) return answer.errno;
        if (!MAKE_DESCRIPTORS.includes(name)) return answer.ret === 0 ? 0 : 'pos';
        probe.close(answer.ret);
        return 'fd';
      };
      const out = {
        nr: record.out.nr ?? null,
        sys: on(probe.kvm),
        vm: on(vm),
        vcpu_uninit: on(uninitialized),
        vcpu_init: name === 'KVM_RUN' ? 'skipped' : on(initialized),
      };
      probe.close(uninitialized, vm, initialized, other);
      return { ret: 0, errno: null, out, unasked: ['vgic3dev'] };
    },
    raw_IO: (record: Recorded) => {
      const nr = Number(argument(record, 'nr'));
      const on = (fd: number): RecordedValue => {
        const answer = probe.number(fd, KVM_TYPE | nr);
        if (answer.errno) return answer.errno;
        if (answer.ret <= 2) return answer.ret === 0 ? 0 : 1;
        if (RAW_DESCRIPTORS.includes(nr)) probe.close(answer.ret);
        return 'pos';
      };
      const out = { nr, sys: on(probe.kvm), vm: on(raw.vm), vcpu: on(raw.uninitialized) };
      return { ret: 0, errno: null, out, unasked: ['dev'] };
    },
  };
};
