import { KVM_API_VERSION } from '../abi/constants.ts';
import { checkExtension, type CapabilityRow } from './capabilities.ts';
import type { Caller, Descriptor, IoctlRun } from './descriptor.ts';
import { dispatch, handlerTable, unknownIoctl } from './dispatch.ts';
import type { KvmModule } from './module.ts';
import { isRefusal, refuse, type IoctlResult } from './refusal.ts';
import { hex } from './usercopy.ts';
import { Vm } from './vm.ts';

const always = (): number => 1;

export const SYSTEM_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_ARM_VM_IPA_SIZE', check: (kvm) => kvm.ipaLimit },
  // kvm_run.internal has its data, in whatever exit of that reason there is.
  { name: 'KVM_CAP_INTERNAL_ERROR_DATA', check: always },
  { name: 'KVM_CAP_CHECK_EXTENSION_VM', check: always },
  { name: 'KVM_CAP_ENABLE_CAP_VM', check: always },
];

function noArgument(value: number): (system: System, arg: bigint) => IoctlResult {
  return (_system, arg) =>
    arg === 0n
      ? { ret: value }
      : refuse('EINVAL', 'system.argument', `the argument must be 0, not ${hex(arg)}`, 'kvm_dev_ioctl');
}

const HANDLERS = handlerTable<System>({
  KVM_GET_API_VERSION: noArgument(KVM_API_VERSION),
  KVM_CHECK_EXTENSION: (system, arg) => checkExtension(system.kvm, null, arg),
  // struct kvm_run and the coalesced MMIO ring, a page each.
  KVM_GET_VCPU_MMAP_SIZE: (system, arg) => noArgument(2 * system.kvm.host.pageSize)(system, arg),
  KVM_CREATE_VM: (system, arg, caller) => system.createVm(arg, caller),
});

/** /dev/kvm. */
export class System implements Descriptor {
  readonly kind = 'system';
  readonly kvm: KvmModule;

  constructor(kvm: KvmModule) {
    this.kvm = kvm;
  }

  ioctl(request: number, arg: bigint, caller: Caller): IoctlRun {
    return dispatch(HANDLERS, this, request, arg, caller, unknownIoctl('system', 'kvm_dev_ioctl'));
  }

  /** kvm_dev_ioctl_create_vm; `type` carries the IPA size in bits 7:0. */
  createVm(type: bigint, caller: Caller): IoctlResult {
    if (!caller.canInstall)
      return refuse('EMFILE', 'fd.limit', 'the process has no free descriptor', 'get_unused_fd_flags');
    const vm = Vm.create(this.kvm, type, caller);
    if (isRefusal(vm)) return vm;
    const fd = caller.install(vm);
    if (typeof fd !== 'number') {
      vm.release();
      return fd;
    }
    return { ret: fd };
  }

  release(): void {
    // /dev/kvm itself holds nothing.
  }
}
