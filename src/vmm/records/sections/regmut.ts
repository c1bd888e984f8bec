import { ARM_VCPU_FEATURES } from '../../../abi/constants.ts';
import { reg_mask_range } from '../../../abi/structs.ts';
import { argument, hex } from '../record.ts';
import { sysregId } from './registers.ts';
import type { Section } from './section.ts';

const PSCI_0_2 = 1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PSCI_0_2;
const MPIDR_EL1 = sysregId(3, 0, 0, 0, 5);
const ID_AA64MMFR = [0, 1, 2].map((n) => sysregId(3, 0, 0, 7, n));
const MASKS = 192 * 8;

export const regmut: Section = (probe) => {
  const masks = probe.map({ length: MASKS });
  const plain = probe.vm();
  let run = { vm: -1, vcpu: -1 };
  const vcpus = probe.vm();
  const byId = new Map<number, number>();
  const MMFR0 = ID_AA64MMFR[0]!;

  const vcpuOf = (id: number): number => {
    const known = byId.get(id);
    if (known !== undefined) return known;
    const made = probe.vcpu(vcpus, id);
    probe.init(made, [PSCI_0_2]);
    byId.set(id, made);
    return made;
  };
  return {
    GET_REG_WRITABLE_MASKS: (record) =>
      probe.call(plain, 'KVM_ARM_GET_REG_WRITABLE_MASKS', reg_mask_range, {
        addr: record.args.addr === undefined ? masks : argument(record, 'addr'),
        range: Number(argument(record, 'range')),
        reserved: [Number(argument(record, 'reserved'))],
      }),
    run_before_idreg_set: () => {
      run = probe.initialized(PSCI_0_2);
      return probe.runImmediately(run.vcpu);
    },
    // Without the record of the run before, it had failed: the register was written to a VM that had not run.
    idreg_set_same_after_immexit_run: () =>
      run.vcpu < 0 ? null : probe.setReg(run.vcpu, MMFR0, probe.getReg(run.vcpu, MMFR0).value),
    idreg_set_diff_after_immexit_run: () => {
      if (run.vcpu < 0) return null;
      const { value } = probe.getReg(run.vcpu, MMFR0);
      const field = value & 0xfn;
      return probe.setReg(run.vcpu, MMFR0, (value & ~0xfn) | (field === 0n ? 0n : field - 1n));
    },
    MPIDR: (record) => {
      const { value, ...answer } = probe.getReg(vcpuOf(Number(argument(record, 'vcpu_id'))), MPIDR_EL1);
      return { ...answer, out: { mpidr: hex(value) } };
    },
    MPIDR_set_diff: (record) => {
      const vcpu = vcpuOf(Number(argument(record, 'vcpu_id')));
      return probe.setReg(vcpu, MPIDR_EL1, probe.getReg(vcpu, MPIDR_EL1).value ^ 1n);
    },
    MMFR_by_ipa: (record) => {
      const { vm, vcpu } = probe.initialized(PSCI_0_2, argument(record, 'type'));
      const [mmfr0, mmfr1, mmfr2] = ID_AA64MMFR.map((id) => hex(probe.getReg(vcpu, id).value));
      probe.close(vcpu, vm);
      return { ret: 0, errno: null, out: { mmfr0: mmfr0!, mmfr1: mmfr1!, mmfr2: mmfr2! } };
    },
  };
};
