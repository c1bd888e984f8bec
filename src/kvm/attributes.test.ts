import { describe, expect, it } from 'vitest';
import { ARM_VCPU_ATTR_GROUPS, MEM_FLAGS } from '../abi/constants.ts';
import { kvm_device_attr, kvm_dirty_log } from '../abi/structs.ts';
import { TestVmm } from '../host/testing.ts';
import { assemble } from '../isa/a64/assembler.ts';

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

  /** As recorded: whatever the guest does, the page of the stolen time is dirty after each KVM_RUN, and keeps its content. */
  it('has its page dirty whenever the vCPU has run', () => {
    const made = new TestVmm();
    made.createVm();
    const ram = made.map(0x10000);
    made.slot(0, RAM, 0x10000, ram, MEM_FLAGS.KVM_MEM_LOG_DIRTY_PAGES);
    const code = assemble(' movz x3, #0x900, lsl #16\nagain: ldr x2, [x3]\n b again\n', { origin: BigInt(RAM) });
    made.process.memory.write(ram, code.bytes);
    made.process.memory.write(ram + 0x2048n, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]));
    const { fd, run } = made.vcpu();
    made.setCore(fd, 'pc', BigInt(RAM));
    const addr = made.scratch + 0x100n;
    made.process.memory.write(addr, new Uint8Array(BigUint64Array.of(BigInt(RAM + 0x2040)).buffer));
    made.call(fd, 'KVM_SET_DEVICE_ATTR', kvm_device_attr, { group: KVM_ARM_VCPU_PVTIME_CTRL, attr: 0n, addr });
    const dirty = () => {
      made.call(made.vm, 'KVM_GET_DIRTY_LOG', kvm_dirty_log, { slot: 0, dirty_bitmap: made.scratch + 0x200n });
      return made.process.memory.read(made.scratch + 0x200n, 1)![0];
    };
    expect(dirty()).toBe(0);
    for (let times = 0; times < 2; times++) {
      expect(made.ioctl(fd, 'KVM_RUN')).toEqual({ ret: 0 });
      expect([dirty(), dirty()]).toEqual([4, 0]);
    }
    made.process.memory.write(run + 1n, new Uint8Array([1]));
    expect(made.answer(fd, 'KVM_RUN')).toBe('EINTR');
    expect(dirty()).toBe(0);
    expect(made.process.memory.read(ram + 0x2048n, 2)).toEqual(new Uint8Array([1, 2]));
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
