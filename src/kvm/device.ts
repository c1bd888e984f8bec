import { CREATE_DEVICE_FLAGS, DEVICE_TYPES } from '../abi/constants.ts';
import { structLayout } from '../abi/layout.ts';
import { kvm_create_device, kvm_device_attr } from '../abi/structs.ts';
import { writeStruct, type StructValue } from '../abi/values.ts';
import type { Caller, Descriptor, IoctlRun } from './descriptor.ts';
import { dispatch, handlerTable } from './dispatch.ts';
import { DONE, isRefusal, refuse, type IoctlResult, type Refusal } from './refusal.ts';
import { copyFault, hex, readUser } from './usercopy.ts';
import { VFIO } from './vfio.ts';
import type { Vm } from './vm.ts';

export type DeviceAttribute = StructValue<(typeof kvm_device_attr)['fields']>;
type AttributeHandler = (device: Device, attribute: DeviceAttribute, caller: Caller) => IoctlResult;

/** What KVM_CREATE_DEVICE can make (struct kvm_device_ops). */
export interface DeviceType {
  readonly name: string;
  /** Why the VM can't have one, or null; absent: it can. */
  create?(vm: Vm): Refusal | null;
  readonly set?: AttributeHandler;
  readonly get?: AttributeHandler;
  readonly has?: AttributeHandler;
}

const TYPES: ReadonlyMap<number, DeviceType> = new Map([[DEVICE_TYPES.KVM_DEV_TYPE_VFIO, VFIO]]);

/** KVM_CREATE_DEVICE (kvm_ioctl_create_device); the structure is given back with the descriptor. */
export function createDevice(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const given = readUser(caller.memory, arg, kvm_create_device);
  if (isRefusal(given)) return given;
  const kernel = 'kvm_ioctl_create_device';
  const type = TYPES.get(given.type);
  if (!type) return refuse('ENODEV', 'device.type', `this host has no device of type ${given.type}`, kernel);
  let { fd } = given;
  if ((given.flags & CREATE_DEVICE_FLAGS.KVM_CREATE_DEVICE_TEST) === 0) {
    const refused = type.create?.(vm);
    if (refused) return refused;
    const device = new Device(vm, type);
    const installed = caller.install(device);
    if (typeof installed !== 'number') {
      device.release();
      return installed;
    }
    fd = installed;
  }
  const bytes = writeStruct(kvm_create_device, 'arm64', { ...given, fd });
  return caller.memory.write(arg, bytes)
    ? DONE
    : copyFault(arg, structLayout(kvm_create_device, 'arm64').size, 'to', 'struct kvm_create_device');
}

function attribute(call: 'set' | 'get' | 'has') {
  return (device: Device, arg: bigint, caller: Caller): IoctlResult => {
    const handler = device.type[call];
    if (!handler) {
      const message = `a ${device.type.name} device's attributes can't be ${call === 'get' ? 'read' : 'set'}`;
      return refuse('EPERM', `device.no-${call}`, message, 'kvm_device_ioctl_attr');
    }
    const given = readUser(caller.memory, arg, kvm_device_attr);
    return isRefusal(given) ? given : handler(device, given, caller);
  };
}

const HANDLERS = handlerTable<Device>({
  KVM_SET_DEVICE_ATTR: attribute('set'),
  KVM_GET_DEVICE_ATTR: attribute('get'),
  KVM_HAS_DEVICE_ATTR: attribute('has'),
});

/** A device in the kernel of a VM. */
export class Device implements Descriptor {
  readonly kind = 'device';
  readonly vm: Vm;
  readonly type: DeviceType;

  constructor(vm: Vm, type: DeviceType) {
    this.vm = vm;
    this.type = type;
    vm.devices.add(this);
    vm.retain();
  }

  /** kvm_device_ioctl. */
  ioctl(request: number, arg: bigint, caller: Caller): IoctlRun {
    const refused = this.vm.unusable(caller);
    const unknown = (): Refusal =>
      refused ?? refuse('ENOTTY', 'device.unknown-ioctl', `a device has no ioctl ${hex(request)}`, 'kvm_device_ioctl');
    return dispatch(refused ? new Map() : HANDLERS, this, request, arg, caller, unknown);
  }

  release(): void {
    this.vm.devices.delete(this);
    this.vm.release();
  }
}
