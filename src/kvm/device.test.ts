import { describe, expect, it } from 'vitest';
import { DEVICE_TYPES } from '../abi/constants.ts';
import { kvm_create_device, kvm_device_attr, kvm_ioeventfd } from '../abi/structs.ts';
import { readStruct } from '../abi/values.ts';
import { TestVmm } from '../host/testing.ts';

const FILE = 1;
const [ADD, DEL] = [1n, 2n];
const TEST = 1;

function vmm() {
  const made = new TestVmm();
  made.createVm();
  const create = (type: number, flags = 0) => {
    const result = made.call(made.vm, 'KVM_CREATE_DEVICE', kvm_create_device, { type, fd: 0xffff_ffff, flags });
    const { fd } = readStruct(kvm_create_device, 'arm64', made.process.memory.read(made.scratch, 12)!);
    return { result, fd };
  };
  const attribute = (fd: number, call: string, group: number, attr: bigint, value = 0) => {
    const addr = made.scratch + 0x100n;
    made.process.memory.write(addr, new Uint8Array(Int32Array.of(value).buffer));
    return made.call(fd, `KVM_${call}_DEVICE_ATTR`, kvm_device_attr, { group, attr, addr });
  };
  return { made, create, attribute };
}

describe('KVM_CREATE_DEVICE', () => {
  const { KVM_DEV_TYPE_VFIO } = DEVICE_TYPES;

  it('gives back the structure with a descriptor, and without one where it is only a test', () => {
    const { create } = vmm();
    expect(create(KVM_DEV_TYPE_VFIO, TEST)).toEqual({ result: { ret: 0 }, fd: 0xffff_ffff });
    const { result, fd } = create(KVM_DEV_TYPE_VFIO);
    expect(result).toEqual({ ret: 0 });
    expect(fd).toBeLessThan(100);
    expect(create(2).result).toMatchObject({ errno: 'ENODEV' });
  });

  it('makes one VFIO device for a VM, and another once that is closed', () => {
    const { made, create } = vmm();
    const { fd } = create(KVM_DEV_TYPE_VFIO);
    expect(create(KVM_DEV_TYPE_VFIO).result).toMatchObject({ errno: 'EBUSY' });
    made.process.close(fd);
    expect(create(KVM_DEV_TYPE_VFIO).result).toEqual({ ret: 0 });
  });

  it('has a VFIO device that no file of this host can be added to', () => {
    const { made, create, attribute } = vmm();
    const { fd } = create(KVM_DEV_TYPE_VFIO);
    expect(attribute(fd, 'HAS', FILE, ADD)).toEqual({ ret: 0 });
    expect(attribute(fd, 'HAS', FILE, 3n)).toMatchObject({ errno: 'ENXIO' });
    expect(attribute(fd, 'GET', FILE, ADD)).toMatchObject({ errno: 'EPERM' });
    expect(attribute(fd, 'SET', FILE, ADD, 999)).toMatchObject({ errno: 'EBADF' });
    expect(attribute(fd, 'SET', FILE, ADD, made.kvm)).toMatchObject({ errno: 'EINVAL' });
    expect(attribute(fd, 'SET', FILE, DEL, made.kvm)).toMatchObject({ errno: 'ENOENT' });
    expect(made.answer(fd, 'KVM_GET_MP_STATE', made.scratch)).toBe('ENOTTY');
  });
});

it("the terminal's descriptors are open, and no event descriptors", () => {
  const { made } = vmm();
  const on = { addr: 0x1000n, len: 4, fd: 0 };
  expect(made.call(made.vm, 'KVM_IOEVENTFD', kvm_ioeventfd, on)).toMatchObject({ errno: 'EINVAL' });
  expect(made.call(made.vm, 'KVM_IOEVENTFD', kvm_ioeventfd, { ...on, fd: 999 })).toMatchObject({ errno: 'EBADF' });
});
