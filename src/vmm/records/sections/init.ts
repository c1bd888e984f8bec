import { CAPABILITIES } from '../../../abi/capabilities.ts';
import { coreRegId, CORE_REGS } from '../../../abi/onereg.ts';
import { kvm_arm_copy_mte_tags, kvm_vcpu_init } from '../../../abi/structs.ts';
import { readStruct } from '../../../abi/values.ts';
import { errnoName, madeIt } from '../probe.ts';
import { argument, hex, type Answer } from '../record.ts';
import { sysregId } from './registers.ts';
import type { Case, Section } from './section.ts';

const WORDS = 7;
const core = (name: string): bigint => coreRegId(CORE_REGS.find((reg) => reg.name === name)!);
const SCTLR_EL1 = sysregId(3, 0, 1, 0, 0);
const PSCI_0_2 = 4;
const SVE = 0x10;

export const init: Section = (probe) => {
  let vm = -1;
  let vcpu = -1;
  const fresh = (): number => {
    probe.close(vcpu, vm);
    vm = probe.vm();
    return (vcpu = probe.vcpu(vm));
  };
  const first = (answer: Answer) => ({ first_ret: answer.ret, first_errno: errnoName(answer) });
  const copyTags =
    (flags: bigint | null, ipa: bigint): Case =>
    (record) =>
      probe.call(vm, 'KVM_ARM_MTE_COPY_TAGS', kvm_arm_copy_mte_tags, {
        guest_ipa: ipa,
        length: BigInt(probe.pageSize),
        addr: probe.buffer,
        flags: flags ?? argument(record, 'flags'),
      });
  const slot = (n: bigint, shared: boolean): Case => {
    return () => {
      const memory = probe.map({ length: 16 * probe.pageSize, shared });
      return probe.slot(vm, n, 0n, 0x10_0000n * (n + 1n), 4n * BigInt(probe.pageSize), memory);
    };
  };
  return {
    PREFERRED_TARGET: () => {
      const answer = probe.ioctl(probe.vm(), 'KVM_ARM_PREFERRED_TARGET', probe.scratch);
      const bytes = probe.process.memory.read(probe.scratch, 4 + 4 * WORDS) ?? new Uint8Array(4 + 4 * WORDS);
      const given = readStruct(kvm_vcpu_init, 'arm64', bytes);
      return {
        ...answer,
        out: { target: given.target, features: given.features.map((word) => hex(BigInt(word))) },
      };
    },
    INIT_target: (record) => probe.init(fresh(), [0], Number(argument(record, 'target'))),
    INIT_feature_bit: (record) => {
      const words = Array.from({ length: WORDS }, () => 0);
      words[Number(argument(record, 'word'))] = (1 << Number(argument(record, 'bit'))) >>> 0;
      const answer = probe.init(fresh(), words);
      return { ...answer, out: { run_errno: errnoName(probe.runImmediately(vcpu)) } };
    },
    INIT_features0: (record) => probe.init(fresh(), [Number(argument(record, 'features0'))]),
    INIT_badtarget_badfeature: () => probe.init(fresh(), [2 ** 31], 99),
    INIT_badtarget: () => probe.init(vcpu, [2], 99),
    INIT_good_after_bad: () => probe.init(vcpu, [0]),
    INIT_twice: (record) => {
      const answer = probe.init(fresh(), [Number(argument(record, 'first'))]);
      return { ...probe.init(vcpu, [Number(argument(record, 'second'))]), out: first(answer) };
    },
    INIT_two_vcpus: (record) => {
      fresh();
      const second = probe.vcpu(vm, 1);
      const answer = probe.init(vcpu, [Number(argument(record, 'vcpu0'))]);
      const result = probe.init(second, [Number(argument(record, 'vcpu1'))]);
      probe.close(second);
      return { ...result, out: first(answer) };
    },
    create_after_init_of_other: () => {
      probe.init(fresh(), [0]);
      const made = probe.ioctl(vm, 'KVM_CREATE_VCPU', 1n);
      probe.close(vcpu);
      vcpu = made.ret;
      return madeIt(made);
    },
    INIT_other_features_after_first_init: (record) => probe.init(vcpu, [Number(argument(record, 'f'))]),
    INIT_resets_registers: () => {
      probe.init(fresh(), [PSCI_0_2]);
      probe.setReg(vcpu, core('x3'), 0x1234n);
      probe.setReg(vcpu, core('pc'), 0x8000n);
      probe.setReg(vcpu, SCTLR_EL1, 0n);
      const answer = probe.init(vcpu, [PSCI_0_2]);
      const value = (id: bigint): string => hex(probe.getReg(vcpu, id).value);
      const [x3, pc, pstate] = ['x3', 'pc', 'pstate'].map((name) => value(core(name)));
      return { ...answer, out: { x3: x3!, pc: pc!, pstate: pstate!, sctlr_el1: value(SCTLR_EL1) } };
    },
    FINALIZE: (record) => {
      const made = probe.init(fresh(), [argument(record, 'sve_feature') === 0n ? 0 : SVE]);
      const feature = Number(record.args.feature);
      const answer = probe.finalize(vcpu, feature);
      const second = probe.finalize(vcpu, feature);
      return {
        ...answer,
        out: {
          init_ret: made.ret,
          init_errno: errnoName(made),
          second_ret: second.ret,
          second_errno: errnoName(second),
        },
      };
    },
    SVE_init: () => probe.init(fresh(), [SVE]),
    MTE_ENABLE: () => {
      fresh();
      probe.close(vcpu);
      vcpu = -1;
      return probe.enable(vm, BigInt(CAPABILITIES.KVM_CAP_ARM_MTE));
    },
    MTE_with_EL1_32BIT: () => {
      vcpu = probe.vcpu(vm);
      return probe.init(vcpu, [2]);
    },
    MTE_with_default: () => probe.init(vcpu, [0]),
    MTE_slot_anon_private: slot(0n, false),
    MTE_slot_anon_shared: slot(1n, true),
    MTE_COPY_TAGS: copyTags(null, 0x10_0000n),
    MTE_COPY_TAGS_unaligned: copyTags(0n, 0x10_0010n),
    MTE_COPY_TAGS_noslot: copyTags(0n, 0x90_0000n),
    MTE_COPY_TAGS_no_mte_vm: (record) => {
      fresh();
      return copyTags(0n, 0x10_0000n)(record);
    },
  };
};
