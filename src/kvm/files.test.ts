import { describe, expect, it } from 'vitest';
import { IOEVENTFD_FLAGS } from '../abi/constants.ts';
import { SIGNALS } from '../abi/posix.ts';
import { kvm_ioeventfd } from '../abi/structs.ts';
import { TestVmm } from '../host/testing.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import { signalSet } from './signals.ts';

function bytesOf(read: Uint8Array | Refusal): Uint8Array {
  if (isRefusal(read)) throw new Error(read.message);
  return read;
}

const DOORBELL = 0x900_0000;
/** str w1, [x0]; str w1, [x0, #4]: encoded by binutils. */
const TWO_STORES = [0xb9000001, 0xb9000401];

function guest() {
  const vmm = new TestVmm('max-4k');
  vmm.createVm(0);
  const ram = vmm.map(0x10000, { shared: true });
  vmm.process.memory.write(ram, new Uint8Array(Uint32Array.from(TWO_STORES).buffer));
  vmm.slot(0, 0x4000_0000, 0x10000, ram);
  const { fd, run } = vmm.vcpu();
  vmm.setCore(fd, 'pc', 0x4000_0000n);
  vmm.setCore(fd, 'x0', BigInt(DOORBELL));
  vmm.setCore(fd, 'x1', 7n);
  return { vmm, vm: vmm.vm, fd, run };
}

describe('KVM_IOEVENTFD', () => {
  const { KVM_IOEVENTFD_FLAG_DATAMATCH: DATAMATCH, KVM_IOEVENTFD_FLAG_DEASSIGN: DEASSIGN } = IOEVENTFD_FLAGS;

  it('signals the event of a store, and only of that one, without leaving KVM_RUN', () => {
    const { vmm, vm, fd, run } = guest();
    const event = vmm.process.eventfd(0);
    if (typeof event !== 'number') throw new Error(event.message);
    const on = { datamatch: 7n, addr: BigInt(DOORBELL), len: 4, fd: event, flags: DATAMATCH };
    expect(vmm.call(vm, 'KVM_IOEVENTFD', kvm_ioeventfd, on)).toEqual({ ret: 0 });
    expect(vmm.call(vm, 'KVM_IOEVENTFD', kvm_ioeventfd, on)).toMatchObject({ errno: 'EEXIST' });
    vmm.ioctl(fd, 'KVM_RUN');
    expect(vmm.runStruct(run).mmio.phys_addr).toBe(BigInt(DOORBELL + 4));
    expect([...bytesOf(vmm.process.read(event, 8))]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
    expect(vmm.process.read(event, 8)).toMatchObject({ errno: 'EAGAIN' });
    expect(vmm.call(vm, 'KVM_IOEVENTFD', kvm_ioeventfd, { ...on, flags: DATAMATCH | DEASSIGN })).toEqual({ ret: 0 });
    vmm.process.exit();
  });
});

describe('KVM_GET_STATS_FD', () => {
  it('counts the exits of a vCPU, in a file that says where', () => {
    const { vmm, fd } = guest();
    vmm.ioctl(fd, 'KVM_RUN');
    const file = vmm.ioctl(fd, 'KVM_GET_STATS_FD');
    if (isRefusal(file)) throw new Error(file.message);
    const read = (length: number, offset: number) => {
      const bytes = bytesOf(vmm.process.read(file.ret, length, offset));
      return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    };
    const header = read(24, 0);
    const [, nameSize = 0, count = 0, , descriptors = 0, data = 0] = Array.from({ length: 6 }, (_, n) =>
      header.getUint32(4 * n, true),
    );
    const values = new Map(
      Array.from({ length: count }, (_, n) => {
        const descriptor = read(16 + nameSize, descriptors + n * (16 + nameSize));
        const name = String.fromCharCode(
          ...new Uint8Array(descriptor.buffer, descriptor.byteOffset + 16, nameSize),
        ).replace(/\0.*/, '');
        return [name, read(8, data + descriptor.getUint32(8, true)).getBigUint64(0, true)] as const;
      }),
    );
    // The guest's first fetch, and its store.
    expect(values.get('exits')).toBe(2n);
    expect(values.get('mmio_exit_user')).toBe(1n);
    expect(values.get('hvc_exit_stat')).toBe(0n);
    vmm.process.exit();
  });

  it('keeps its VM as long as it is open', () => {
    const { vmm, vm, fd } = guest();
    const file = vmm.ioctl(vm, 'KVM_GET_STATS_FD');
    if (isRefusal(file)) throw new Error(file.message);
    vmm.process.memory.unmapAll();
    vmm.process.close(fd);
    vmm.process.close(vm);
    expect(vmm.host.kvm.vms.size).toBe(1);
    vmm.process.close(file.ret);
    expect(vmm.host.kvm.vms.size).toBe(0);
  });
});

describe('KVM_SET_SIGNAL_MASK', () => {
  it('lets KVM_RUN go on where it blocks the signal that is pending', () => {
    const { vmm, fd, run } = guest();
    vmm.host.control.signals = signalSet(SIGNALS.SIGUSR1);
    expect(vmm.ioctl(fd, 'KVM_RUN')).toMatchObject({ errno: 'EINTR' });
    const at = vmm.map(0x1000);
    vmm.process.memory.write(at, Uint8Array.of(8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
    expect(vmm.ioctl(fd, 'KVM_SET_SIGNAL_MASK', at)).toEqual({ ret: 0 });
    expect(vmm.ioctl(fd, 'KVM_RUN')).toEqual({ ret: 0 });
    expect(vmm.runStruct(run).mmio.phys_addr).toBe(BigInt(DOORBELL));
    expect(vmm.ioctl(fd, 'KVM_SET_SIGNAL_MASK', 0n)).toEqual({ ret: 0 });
    expect(vmm.ioctl(fd, 'KVM_RUN')).toMatchObject({ errno: 'EINTR' });
    vmm.host.control.signals = 0n;
    vmm.process.exit();
  });
});
