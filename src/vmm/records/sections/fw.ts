import { ARM_VCPU_FEATURES } from '../../../abi/constants.ts';
import { ARM_REG_CLASSES, KVM_REG_ARM64 } from '../../../abi/onereg.ts';
import { argument, hex, type Recorded } from '../record.ts';
import type { Case, Section } from './section.ts';

const U64 = 3n << 52n;
const of = (group: number, n: bigint): bigint => KVM_REG_ARM64 | U64 | (BigInt(group) << 16n) | n;
const ALL = 0xffff_ffff_ffff_ffffn;
const PSCI_0_2 = 1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PSCI_0_2;
const PMU_V3 = 1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PMU_V3;

export const fw: Section = (probe) => {
  let current = { vm: -1, vcpu: -1 };
  let other = -1;
  const renew = (record: Recorded): number => {
    probe.close(current.vcpu, current.vm);
    current = probe.initialized(argument(record, 'psci02') === 0n ? 0 : PSCI_0_2);
    return current.vcpu;
  };
  const idOf = (record: Recorded): bigint =>
    record.args.fw === undefined
      ? of(ARM_REG_CLASSES.fwFeatBmap, argument(record, 'bmap'))
      : of(ARM_REG_CLASSES.fw, argument(record, 'fw'));
  const get = (record: Recorded) => {
    const { value, ...answer } = probe.getReg(renew(record), idOf(record));
    return { ...answer, out: { val: hex(value) } };
  };
  const set = (record: Recorded) => {
    const answer = probe.setReg(current.vcpu, idOf(record), argument(record, 'val'));
    return { ...answer, out: { readback: hex(probe.getReg(current.vcpu, idOf(record)).value) } };
  };
  const same: Case = (record) => {
    const id = idOf(record);
    return probe.setReg(current.vcpu, id, probe.getReg(current.vcpu, id).value);
  };
  const different: Case = (record) => probe.setReg(current.vcpu, idOf(record), argument(record, 'val'));
  return {
    FW_GET: get,
    FW_SET: set,
    BMAP_GET: get,
    BMAP_SET: (record) => {
      renew(record);
      return set(record);
    },
    run_imm: () => {
      probe.close(current.vcpu, current.vm);
      const vm = probe.vm();
      current = { vm, vcpu: probe.vcpu(vm, 0) };
      other = probe.vcpu(vm, 1);
      for (const vcpu of [current.vcpu, other]) probe.init(vcpu, [PSCI_0_2]);
      return probe.runImmediately(current.vcpu);
    },
    FW_SET_same_after_run: same,
    FW_SET_diff_after_run: different,
    BMAP_SET_same_after_run: same,
    BMAP_SET_diff_after_run: different,
    BMAP_SET_diff_on_other_vcpu_after_run: (record) => probe.setReg(other, idOf(record), argument(record, 'val')),
    BMAP_SET_invalid_after_run: (record) => probe.setReg(current.vcpu, idOf(record), ALL),
    INIT_diff_after_other_ran: () => probe.init(other, [PMU_V3]),
    INIT_same_after_ran: () => probe.init(current.vcpu, [PSCI_0_2]),
  };
};
