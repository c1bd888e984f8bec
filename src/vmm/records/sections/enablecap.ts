import { CAPABILITIES } from '../../../abi/capabilities.ts';
import { argument } from '../record.ts';
import type { Case, Section } from './section.ts';

const PSCI_0_2 = 4;

export const enablecap: Section = (probe) => {
  let vm = probe.vm();
  let vcpu = -1;
  const renew = (): number => {
    probe.close(vcpu, vm);
    vcpu = -1;
    return (vm = probe.vm());
  };
  const enable = (fd: number): Case => {
    return (record) => {
      const [cap, flags, arg0, arg1] = ['cap', 'flags', 'arg0', 'arg1'].map((name) => argument(record, name));
      return probe.enable(fd, cap!, flags!, arg0!, arg1!);
    };
  };
  const again: Case = (record) => enable(vm)(record);
  const fresh: Case = (record) => enable(renew())(record);
  const slot = (size: bigint) => probe.slot(vm, 0n, 0n, 0x10_0000n, size, probe.buffer);
  const check = (cap: keyof typeof CAPABILITIES) => probe.ioctl(vm, 'KVM_CHECK_EXTENSION', BigInt(CAPABILITIES[cap]));
  return {
    vm_enable_cap_fresh: fresh,
    vm_enable_cap_flags1: fresh,
    vm_enable_cap_after_vcpu: (record) => {
      renew();
      vcpu = probe.vcpu(vm);
      return enable(vm)(record);
    },
    vcpu_enable_cap: (record) => {
      probe.init(vcpu, [PSCI_0_2]);
      return enable(vcpu)(record);
    },
    cap_arg0: fresh,
    cap_arg0_again: again,
    cap_arg1: fresh,
    EAGER_SPLIT_after_memslot: (record) => {
      renew();
      slot(16n * BigInt(probe.pageSize));
      return again(record);
    },
    EAGER_SPLIT_after_memslot_deleted: (record) => {
      slot(0n);
      return again(record);
    },
    MTE_after_memslot: again,
    check_eager: (record) => {
      if (record.args.when === 'before') renew();
      return check('KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE');
    },
    eager_set: again,
    check_block_sizes: () => check('KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES'),
    sys_enable_cap: (record) => probe.enable(probe.kvm, argument(record, 'cap')),
  };
};
