import { IRQFD_FLAGS, IRQ_ROUTING_TYPES, MSI_FLAGS } from '../abi/constants.ts';
import { structLayout } from '../abi/layout.ts';
import { kvm_arm_device_addr, kvm_irq_routing, kvm_irq_routing_entry, kvm_irqfd, kvm_msi } from '../abi/structs.ts';
import { readStruct } from '../abi/values.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller } from './descriptor.ts';
import { eventSource } from './ioeventfd.ts';
import { DONE, isRefusal, refuse, type IoctlResult } from './refusal.ts';
import { copyFault, hex, readUser } from './usercopy.ts';
import type { Vm } from './vm.ts';

/** What goes to a VM's interrupt controller, of which these VMs have none in the kernel (eventfd.c, irqchip.c). */

/** KVM_MAX_IRQ_ROUTES. */
const MOST_ROUTES = 4096;
/** KVM_NR_IRQCHIPS and KVM_IRQCHIP_NUM_PINS. */
const IRQCHIPS = 1;
const PINS = 1020 - 32;

export const IRQCHIP_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_IRQ_ROUTING', check: () => MOST_ROUTES },
  { name: 'KVM_CAP_IRQFD', check: () => 1 },
  { name: 'KVM_CAP_IRQFD_RESAMPLE', check: () => 1 },
  { name: 'KVM_CAP_SIGNAL_MSI', check: () => 1 },
  { name: 'KVM_CAP_DEVICE_CTRL', check: () => 1 },
  { name: 'KVM_CAP_ARM_SET_DEVICE_ADDR', check: () => 1 },
  {
    name: 'KVM_CAP_MSI_DEVID',
    check: (_kvm, vm) =>
      vm
        ? 0
        : refuse('EINVAL', 'check-extension.vm', 'KVM_CAP_MSI_DEVID is asked of a VM', 'kvm_vm_ioctl_check_extension'),
  },
];

/** KVM_IRQFD (kvm_irqfd). */
export function irqFd(_vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const given = readUser(caller.memory, arg, kvm_irqfd);
  if (isRefusal(given)) return given;
  const { KVM_IRQFD_FLAG_DEASSIGN: DEASSIGN, KVM_IRQFD_FLAG_RESAMPLE: RESAMPLE } = IRQFD_FLAGS;
  if ((given.flags & ~(DEASSIGN | RESAMPLE)) !== 0) {
    return refuse('EINVAL', 'irqfd.flags', `flags ${hex(given.flags)} has bits that there are not`, 'kvm_irqfd');
  }
  if ((given.flags & DEASSIGN) !== 0) {
    const event = eventSource(caller, given.fd);
    // Nothing can be assigned, so there is nothing to take away.
    return isRefusal(event) ? event : DONE;
  }
  const message = 'the VM has no interrupt controller in the kernel that could take the interrupt';
  return refuse('EAGAIN', 'irqfd.no-irqchip', message, 'kvm_irqfd_assign');
}

/** KVM_SIGNAL_MSI (kvm_send_userspace_msi). */
export function signalMsi(_vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const given = readUser(caller.memory, arg, kvm_msi);
  if (isRefusal(given)) return given;
  return refuse(
    'EINVAL',
    'msi.no-irqchip',
    'the VM has no interrupt controller in the kernel',
    'kvm_send_userspace_msi',
  );
}

/** KVM_SET_GSI_ROUTING (kvm_set_irq_routing): checked; without a controller no interrupt takes a route. */
export function setGsiRouting(_vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const given = readUser(caller.memory, arg, kvm_irq_routing);
  if (isRefusal(given)) return given;
  const no = (rule: string, message: string, kernel = 'kvm_set_irq_routing'): IoctlResult =>
    refuse('EINVAL', `gsi-routing.${rule}`, message, kernel);
  if (given.nr > MOST_ROUTES) return no('count', `${given.nr} routes are more than ${MOST_ROUTES}`, 'kvm_vm_ioctl');
  if (given.flags !== 0) return no('flags', `flags ${hex(given.flags)} must be 0`, 'kvm_vm_ioctl');
  const header = BigInt(structLayout(kvm_irq_routing, 'arm64').size);
  const { size } = structLayout(kvm_irq_routing_entry, 'arm64');
  const bytes = given.nr === 0 ? new Uint8Array(0) : caller.memory.read(arg + header, size * given.nr);
  if (!bytes) return copyFault(arg + header, size * given.nr, 'from', 'the routes');
  const entries = Array.from({ length: given.nr }, (_, n) =>
    readStruct(kvm_irq_routing_entry, 'arm64', bytes.subarray(n * size, (n + 1) * size)),
  );
  const high = entries.find(({ gsi }) => gsi >= MOST_ROUTES);
  if (high) return no('gsi', `the interrupt ${high.gsi} is not below ${MOST_ROUTES}`);
  const taken = new Set<number>();
  for (const { gsi, type, flags, u } of entries) {
    const isMsi = type === IRQ_ROUTING_TYPES.KVM_IRQ_ROUTING_MSI;
    if ((flags & ~(isMsi ? MSI_FLAGS.KVM_MSI_VALID_DEVID : 0)) !== 0)
      return no('entry-flags', `flags ${hex(flags)} of the route of interrupt ${gsi}`);
    if (taken.has(gsi)) return no('twice', `interrupt ${gsi} has two routes`, 'setup_routing_entry');
    taken.add(gsi);
    if (isMsi) continue;
    if (type !== IRQ_ROUTING_TYPES.KVM_IRQ_ROUTING_IRQCHIP)
      return no('type', `arm64 has no route of type ${type}`, 'kvm_set_routing_entry');
    if (u.irqchip.pin >= PINS || u.irqchip.irqchip >= IRQCHIPS) {
      return no('pin', `there is no pin ${u.irqchip.pin} of controller ${u.irqchip.irqchip}`, 'kvm_set_routing_entry');
    }
  }
  return DONE;
}

/** KVM_ARM_SET_DEVICE_ADDR (kvm_vm_ioctl_set_device_addr): the old way to place a GICv2. */
export function setDeviceAddress(_vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const given = readUser(caller.memory, arg, kvm_arm_device_addr);
  if (isRefusal(given)) return given;
  const message = `id ${hex(given.id)}: the VM has no GICv2 to place`;
  return refuse('ENODEV', 'device-addr.no-gicv2', message, 'kvm_vm_ioctl_set_device_addr');
}

/** KVM_CREATE_IRQCHIP (kvm_vgic_create): a GICv2, which no host here can emulate for a guest. */
export function createIrqchip(): IoctlResult {
  return refuse(
    'ENODEV',
    'irqchip.no-gicv2',
    "this host's interrupt controller has no part for GICv2 guests",
    'kvm_vgic_create',
  );
}
