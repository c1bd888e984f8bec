import type { DeviceType } from './device.ts';
import { DONE, refuse, type IoctlResult } from './refusal.ts';
import { readUserInteger } from './usercopy.ts';

/** Tells KVM of the VFIO files whose devices a VM has (vfio.c). This host has no VFIO: there is no such file. */
const FILE = 1;
const FILE_ADD = 1n;
const FILE_DEL = 2n;

const noAttribute = (call: string): IoctlResult =>
  refuse('ENXIO', 'vfio.attribute', 'a VFIO device has KVM_DEV_VFIO_FILE_ADD and _DEL alone', `kvm_vfio_${call}_attr`);

const known = ({ group, attr }: { group: number; attr: bigint }): boolean =>
  group === FILE && (attr === FILE_ADD || attr === FILE_DEL);

export const VFIO: DeviceType = {
  name: 'VFIO',
  create: (vm) =>
    [...vm.devices].some(({ type }) => type === VFIO)
      ? refuse('EBUSY', 'vfio.again', 'the VM has a VFIO device already', 'kvm_vfio_create')
      : null,
  has: (_device, attribute) => (known(attribute) ? DONE : noAttribute('has')),
  set: (_device, attribute, caller) => {
    if (!known(attribute)) return noAttribute('set');
    const fd = readUserInteger(caller.memory, attribute.addr, 4, 'the descriptor');
    if (typeof fd !== 'bigint') return fd;
    const number = Number(BigInt.asIntN(32, fd));
    const adds = attribute.attr === FILE_ADD;
    const kernel = adds ? 'kvm_vfio_file_add' : 'kvm_vfio_file_del';
    if (!caller.descriptor(number)) return refuse('EBADF', 'vfio.bad', `${number} is no open descriptor`, kernel);
    return adds
      ? refuse('EINVAL', 'vfio.kind', `descriptor ${number} is no VFIO file`, kernel)
      : refuse('ENOENT', 'vfio.not-added', `descriptor ${number} was not added`, kernel);
  },
};
