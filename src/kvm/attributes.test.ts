import { describe, expect, it } from 'vitest';
import { ARM_VCPU_ATTR_GROUPS, MEM_FLAGS } from '../abi/constants.ts';
import { kvm_device_attr } from '../abi/structs.ts';
import { TestVmm } from '../host/testing.ts';

const { KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PMU_V3_CTRL } = ARM_VCPU_ATTR_GROUPS;
const RAM = 0x4000_0000;
const PMU_V3 = 8;
const SET_PMU = 3n;

function vmm(features = 0, slotFlags = 0) {
  const made = new TestVmm();
  made.createVm();
  made.slot(0, RAM, 0x10000, made.map(0x10000), slotFlags);
  const { fd } = made.vcpu(0, features);
  const set = (group: number, attr: bigint, value: bigint) => {
    const addr = made.scratch + 0x100n;
    made.process.memory.write(addr, new Uint8Array(BigUint64Array.of(value).buffer));
    return made.call(fd, 'KVM_SET_DEVICE_ATTR', kvm_device_attr, { group, attr, addr });
  };
  return set;
}

describe('KVM_ARM_VCPU_PVTIME_IPA', () => {
  it('is taken once, in a slot that can be written', () => {
    const set = vmm();
    expect(set(KVM_ARM_VCPU_PVTIME_CTRL, 0n, BigInt(RAM + 0x20))).toMatchObject({ errno: 'EINVAL' });
    expect(set(KVM_ARM_VCPU_PVTIME_CTRL, 0n, BigInt(RAM))).toEqual({ ret: 0 });
    expect(set(KVM_ARM_VCPU_PVTIME_CTRL, 0n, BigInt(RAM))).toMatchObject({ errno: 'EEXIST' });
    const setReadOnly = vmm(0, MEM_FLAGS.KVM_MEM_READONLY);
    expect(setReadOnly(KVM_ARM_VCPU_PVTIME_CTRL, 0n, BigInt(RAM))).toMatchObject({ errno: 'EINVAL' });
  });
});

describe('KVM_ARM_VCPU_PMU_V3_SET_PMU', () => {
  it("takes the number that the recorded kernel's perf has given the PMU, and no other", () => {
    const set = vmm(PMU_V3);
    for (const type of [8n, 9n, 11n])
      expect(set(KVM_ARM_VCPU_PMU_V3_CTRL, SET_PMU, type)).toMatchObject({ errno: 'ENXIO' });
    expect(set(KVM_ARM_VCPU_PMU_V3_CTRL, SET_PMU, 10n)).toEqual({ ret: 0 });
  });
});
