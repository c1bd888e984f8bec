import { argument } from '../record.ts';
import type { Section } from './section.ts';

const VGIC_V2 = 5;
const VGIC_V3 = 7;

export const caps: Section = (probe) => {
  const vm = probe.vm();
  const withV3 = probe.vm();
  const withV2 = probe.vm();
  probe.device(withV3, VGIC_V3);
  probe.device(withV2, VGIC_V2);
  const check = (fd: number, cap: bigint) => probe.ioctl(fd, 'KVM_CHECK_EXTENSION', cap);
  return {
    KVM_GET_API_VERSION: (record) => probe.ioctl(probe.kvm, 'KVM_GET_API_VERSION', argument(record, 'arg')),
    KVM_GET_VCPU_MMAP_SIZE: (record) => probe.ioctl(probe.kvm, 'KVM_GET_VCPU_MMAP_SIZE', argument(record, 'arg')),
    KVM_CHECK_EXTENSION: (record) => {
      const cap = argument(record, 'cap');
      const answer = check(vm, cap);
      const sys = check(probe.kvm, cap);
      const out = {
        sys: sys.ret,
        sys_errno: 0,
        vm: answer.ret,
        vm_with_gicv3: check(withV3, cap).ret,
        vm_with_gicv2_attempt: check(withV2, cap).ret,
      };
      return { ...answer, out };
    },
    KVM_CHECK_EXTENSION_on_vcpu_fd: (record) => check(probe.vcpu(vm), argument(record, 'cap')),
  };
};
