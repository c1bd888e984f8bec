import { ARM_IRQ_TYPES, ARM_VCPU_ATTR_GROUPS } from '../abi/constants.ts';
import { kvm_arm_counter_offset, kvm_device_attr, kvm_irq_level, reg_mask_range } from '../abi/structs.ts';
import { structLayout } from '../abi/layout.ts';
import { HCR } from '../machine/el2.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller } from './descriptor.ts';
import { pmuAttribute } from './pmu.ts';
import { pvTimeAttribute } from './pvtime.ts';
import { DONE, isRefusal, refuse, type IoctlResult, type Refusal } from './refusal.ts';
import { wakeUp } from './run/halt.ts';
import { setSmcccFilter } from './smcccfilter.ts';
import { SYSREGS, type SysregRow } from './sysregs/rows.ts';
import { copyFault, hex, readUser, writeUserInteger } from './usercopy.ts';
import type { Vcpu } from './vcpu.ts';
import type { Vm } from './vm.ts';

export type AttributeCall = 'set' | 'get' | 'has';

function noAttribute(group: number, attribute: bigint, kernel: string): Refusal {
  return refuse('ENXIO', 'attribute.unknown', `there is no attribute ${hex(attribute)} in group ${group}`, kernel);
}

/** KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER. */
const SMCCC_CTRL = 0;
const SMCCC_FILTER = 0n;

/** KVM_SET_DEVICE_ATTR and KVM_HAS_DEVICE_ATTR of a VM (kvm_vm_set_attr). */
export function vmAttribute(call: 'set' | 'has') {
  return (vm: Vm, arg: bigint, caller: Caller): IoctlResult => {
    const attr = readUser(caller.memory, arg, kvm_device_attr);
    if (isRefusal(attr)) return attr;
    if (attr.group !== SMCCC_CTRL || attr.attr !== SMCCC_FILTER)
      return noAttribute(attr.group, attr.attr, `kvm_vm_${call}_attr`);
    return call === 'has' ? DONE : setSmcccFilter(vm, attr.addr, caller);
  };
}

/** PPIs of the timers, by attribute (default_ppi). */
const TIMER_PPIS: readonly bigint[] = [27n, 30n, 28n, 26n];

function timerAttribute(call: AttributeCall, attribute: bigint, address: bigint, caller: Caller): IoctlResult {
  const kernel = `kvm_arm_timer_${call}_attr`;
  if (call === 'set') {
    return refuse(
      'EINVAL',
      'timer.no-irqchip',
      "a timer's interrupt needs an interrupt controller in the kernel",
      kernel,
    );
  }
  const ppi = attribute < BigInt(TIMER_PPIS.length) ? TIMER_PPIS[Number(attribute)] : undefined;
  if (ppi === undefined) return noAttribute(ARM_VCPU_ATTR_GROUPS.KVM_ARM_VCPU_TIMER_CTRL, attribute, kernel);
  return call === 'has' ? DONE : (writeUserInteger(caller.memory, address, 4, ppi, 'the interrupt') ?? DONE);
}

/** KVM_SET_DEVICE_ATTR and its kin of a vCPU (kvm_arm_vcpu_arch_set_attr). */
export function vcpuAttribute(call: AttributeCall) {
  return (vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult => {
    const attr = readUser(caller.memory, arg, kvm_device_attr);
    if (isRefusal(attr)) return attr;
    switch (attr.group) {
      case ARM_VCPU_ATTR_GROUPS.KVM_ARM_VCPU_PMU_V3_CTRL:
        return (
          pmuAttribute(vcpu, call, attr.attr, attr.addr, caller) ??
          noAttribute(attr.group, attr.attr, `kvm_arm_pmu_v3_${call}_attr`)
        );
      case ARM_VCPU_ATTR_GROUPS.KVM_ARM_VCPU_TIMER_CTRL:
        return timerAttribute(call, attr.attr, attr.addr, caller);
      case ARM_VCPU_ATTR_GROUPS.KVM_ARM_VCPU_PVTIME_CTRL:
        return (
          pvTimeAttribute(vcpu, call, attr.attr, attr.addr, caller) ??
          noAttribute(attr.group, attr.attr, `kvm_arm_pvtime_${call}_attr`)
        );
      default:
        return noAttribute(attr.group, attr.attr, `kvm_arm_vcpu_arch_${call}_attr`);
    }
  };
}

/** KVM_ARM_SET_COUNTER_OFFSET (kvm_vm_ioctl_set_counter_offset). */
export function setCounterOffset(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const offset = readUser(caller.memory, arg, kvm_arm_counter_offset);
  if (isRefusal(offset)) return offset;
  const kernel = 'kvm_vm_ioctl_set_counter_offset';
  if (offset.reserved !== 0n)
    return refuse('EINVAL', 'counter-offset.reserved', `reserved is ${hex(offset.reserved)} and must be 0`, kernel);
  const running = vm.vcpus.find(({ loaded }) => loaded);
  if (running) return refuse('EBUSY', 'counter-offset.running', `vCPU ${running.id} is in KVM_RUN`, kernel);
  vm.counterOffsetSet = true;
  vm.counterOffset.virtual = offset.counter_offset;
  vm.counterOffset.physical = offset.counter_offset;
  return DONE;
}

/** Masks of the feature ID range: op1 0, 1 and 3, CRm and op2, 8 of each (KVM_ARM_FEATURE_ID_RANGE_SIZE). */
const MASKS = 3 * 8 * 8;

/** Where a register of the feature ID space has its mask, or null (KVM_ARM_FEATURE_ID_RANGE_INDEX). */
function maskIndex({ key }: SysregRow): number | null {
  const [op0, op1, crn, crm, op2] = [key >>> 14, (key >>> 11) & 7, (key >>> 7) & 15, (key >>> 3) & 15, key & 7];
  if (op0 !== 3 || crn !== 0 || crm > 7 || (op1 > 1 && op1 !== 3)) return null;
  return ((op1 === 3 ? 2 : op1) << 6) | (crm << 3) | op2;
}

/** KVM_ARM_GET_REG_WRITABLE_MASKS (kvm_vm_ioctl_get_reg_writable_masks). */
export function getWritableMasks(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const range = readUser(caller.memory, arg, reg_mask_range);
  if (isRefusal(range)) return range;
  const kernel = 'kvm_vm_ioctl_get_reg_writable_masks';
  if (range.range !== 0 || range.reserved.some((word) => word !== 0)) {
    return refuse('EINVAL', 'writable-masks.range', `range ${range.range} and reserved must be 0`, kernel);
  }
  const masks = new BigUint64Array(MASKS);
  for (const row of SYSREGS) {
    const index = maskIndex(row);
    if (index === null || !row.set || (row.aarch32 && !vm.kvm.features.aarch32El0)) continue;
    masks[index] = row.writable ?? 0n;
  }
  const bytes = new Uint8Array(masks.buffer);
  return caller.memory.write(range.addr, bytes) ? DONE : copyFault(range.addr, bytes.length, 'to', 'the masks');
}

/** Fields of kvm_irq_level.irq on arm64 (KVM_ARM_IRQ_*). */
const CPU_IRQ = 0;
const CPU_FIQ = 1;

/** KVM_IRQ_LINE (kvm_vm_ioctl_irq_line): without an interrupt controller in the kernel, a vCPU's own two lines. */
export function irqLine(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const request = readUser(caller.memory, arg, kvm_irq_level);
  if (isRefusal(request)) return request;
  const kernel = 'kvm_vm_ioctl_irq_line';
  const { irq } = request;
  const type = (irq >>> 24) & 0xf;
  const id = ((irq >>> 16) & 0xff) + ((irq >>> 28) & 0xf) * 256;
  const number = irq & 0xffff;
  switch (type) {
    case ARM_IRQ_TYPES.KVM_ARM_IRQ_TYPE_CPU: {
      const vcpu = vm.vcpuById(id);
      if (!vcpu) return refuse('EINVAL', 'irq-line.vcpu', `the VM has no vCPU ${id}`, kernel);
      if (number !== CPU_IRQ && number !== CPU_FIQ) {
        return refuse(
          'EINVAL',
          'irq-line.number',
          `a vCPU has lines ${CPU_IRQ} (IRQ) and ${CPU_FIQ} (FIQ), not ${number}`,
          kernel,
        );
      }
      const bit = number === CPU_IRQ ? HCR.VI : HCR.VF;
      const hcr = request.level === 0 ? vcpu.hcr & ~bit : vcpu.hcr | bit;
      // vcpu_interrupt_line: a line that stays as it was kicks nobody.
      if (hcr !== vcpu.hcr) wakeUp(vcpu);
      vcpu.hcr = hcr;
      return DONE;
    }
    case ARM_IRQ_TYPES.KVM_ARM_IRQ_TYPE_SPI:
    case ARM_IRQ_TYPES.KVM_ARM_IRQ_TYPE_PPI:
      return refuse('ENXIO', 'irq-line.no-irqchip', 'the VM has no interrupt controller in the kernel', kernel);
    default:
      return refuse('EINVAL', 'irq-line.type', `there is no interrupt type ${type}`, kernel);
  }
}

/** KVM_IRQ_LINE_STATUS: the structure is given back, as it was where there is no controller to say more. */
export function irqLineStatus(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const result = irqLine(vm, arg, caller);
  if (isRefusal(result)) return result;
  const { size } = structLayout(kvm_irq_level, 'arm64');
  const bytes = caller.memory.read(arg, size);
  return bytes && caller.memory.write(arg, bytes) ? DONE : copyFault(arg, size, 'to', 'struct kvm_irq_level');
}

/** Sizes that stage 2 can map at once (kvm_supported_block_sizes). */
export function blockSizes(vm: { readonly kvm: Vm['kvm'] }): number {
  const { granule } = vm.kvm;
  const levels = [...granule.blockLevels[48], 3];
  return levels.reduce((sizes, level) => sizes + 2 ** (granule.shift + (3 - level) * granule.bitsPerLevel), 0);
}

export const ATTRIBUTE_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_VCPU_ATTRIBUTES', check: () => 1 },
  { name: 'KVM_CAP_COUNTER_OFFSET', check: () => 1 },
  { name: 'KVM_CAP_ARM_IRQ_LINE_LAYOUT_2', check: () => 1 },
  { name: 'KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES', check: () => 1 },
  { name: 'KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES', check: (kvm) => blockSizes({ kvm }) },
  {
    name: 'KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE',
    check: (_kvm, vm) => Number(vm?.splitChunkSize ?? 0n),
    enable: (vm, { flags, args }) => {
      const size = args[0] ?? 0n;
      const kernel = 'kvm_vm_ioctl_enable_cap';
      if (flags !== 0) return refuse('EINVAL', 'enable-cap.flags', `flags ${hex(flags)} must be 0`, kernel);
      if (vm.memslots.size > 0) {
        return refuse('EINVAL', 'eager-split.slots', `the VM has ${vm.memslots.size} memory slots already`, kernel);
      }
      const single = (size & (size - 1n)) === 0n && (size & BigInt(blockSizes(vm))) !== 0n;
      if (size !== 0n && !single) {
        return refuse(
          'EINVAL',
          'eager-split.size',
          `${hex(size)} is none of the block sizes in ${hex(blockSizes(vm))}`,
          kernel,
        );
      }
      vm.splitChunkSize = size;
      return DONE;
    },
  },
];
