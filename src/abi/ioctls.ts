/** One row per KVM ioctl: how its number is made, what its argument is, and which descriptors take it (uapi/linux/kvm.h). */
import type { Capability } from './capabilities.ts';
import { ABIS, array, field, struct, structLayout } from './layout.ts';
import type { Abi, Arch, ArchType, StructDef } from './layout.ts';
import * as structs from './structs.ts';

export type DescriptorKind = 'system' | 'vm' | 'vcpu' | 'device';
/** As _IO, _IOR, _IOW, _IOWR: whether the kernel writes and reads the argument's structure. */
export type Direction = 'none' | 'read' | 'write' | 'read-write';

export interface IoctlRow {
  readonly name: string;
  readonly dir: Direction;
  readonly nr: number;
  /** 'value': the argument is the number itself. 'none': it is not looked at, or must be 0. Else a pointer to this. */
  readonly arg: StructDef | ArchType | 'value' | 'none';
  readonly on: readonly DescriptorKind[];
  readonly capability?: Capability;
  /** Absent: every architecture. */
  readonly only?: readonly Arch[];
}

/** `int *`, as KVM_ARM_VCPU_FINALIZE takes it, seen as a structure of one member. */
const int = struct('int', [field('feature', 's32', { values: { KVM_ARM_VCPU_SVE: 4 } })]);
const u64 = struct('u64', [field('value', 'u64', 'hex')]);
const u32 = struct('u32', [field('value', 'u32', 'hex')]);

const irqchip = struct('kvm_irqchip', [
  field('chip_id', 'u32', 'decimal'),
  field('pad', 'u32', 'padding'),
  field('chip', array('char', 512)),
]);

type Rest = Pick<IoctlRow, 'capability' | 'only'>;
const system = ['system'] as const;
const vm = ['vm'] as const;
const vcpu = ['vcpu'] as const;
const arm64: Rest = { only: ['arm64'] };
const powerpc: Rest = { only: ['powerpc'] };
const x86: Rest = { only: ['x86'] };

const row = (
  name: string,
  dir: Direction,
  nr: number,
  arg: IoctlRow['arg'],
  on: readonly DescriptorKind[],
  rest?: Rest,
): IoctlRow => ({ name, dir, nr, arg, on, ...rest });

export const IOCTLS: readonly IoctlRow[] = [
  row('KVM_GET_API_VERSION', 'none', 0x00, 'none', system),
  row('KVM_CREATE_VM', 'none', 0x01, 'value', system),
  row('KVM_GET_MSR_INDEX_LIST', 'read-write', 0x02, structs.kvm_msr_list, system, x86),
  row('KVM_CHECK_EXTENSION', 'none', 0x03, 'value', ['system', 'vm']),
  row('KVM_GET_VCPU_MMAP_SIZE', 'none', 0x04, 'none', system),
  row('KVM_GET_SUPPORTED_CPUID', 'read-write', 0x05, structs.kvm_cpuid2, system, x86),

  row('KVM_CREATE_VCPU', 'none', 0x41, 'value', vm),
  row('KVM_GET_DIRTY_LOG', 'write', 0x42, structs.kvm_dirty_log, vm),
  row('KVM_SET_NR_MMU_PAGES', 'none', 0x44, 'value', vm, x86),
  row('KVM_GET_NR_MMU_PAGES', 'none', 0x45, 'none', vm, x86),
  row('KVM_SET_USER_MEMORY_REGION', 'write', 0x46, structs.kvm_userspace_memory_region, vm, {
    capability: 'KVM_CAP_USER_MEMORY',
  }),
  row('KVM_SET_TSS_ADDR', 'none', 0x47, 'value', vm, { only: ['x86'], capability: 'KVM_CAP_SET_TSS_ADDR' }),
  row('KVM_SET_IDENTITY_MAP_ADDR', 'write', 0x48, u64, vm, {
    only: ['x86'],
    capability: 'KVM_CAP_SET_IDENTITY_MAP_ADDR',
  }),
  row('KVM_SET_USER_MEMORY_REGION2', 'write', 0x49, structs.kvm_userspace_memory_region2, vm, {
    capability: 'KVM_CAP_USER_MEMORY2',
  }),
  row('KVM_CREATE_IRQCHIP', 'none', 0x60, 'none', vm, { capability: 'KVM_CAP_IRQCHIP' }),
  row('KVM_IRQ_LINE', 'write', 0x61, structs.kvm_irq_level, vm, { capability: 'KVM_CAP_IRQCHIP' }),
  row('KVM_GET_IRQCHIP', 'read-write', 0x62, irqchip, vm, x86),
  row('KVM_SET_IRQCHIP', 'read', 0x63, irqchip, vm, x86),
  row('KVM_IRQ_LINE_STATUS', 'read-write', 0x67, structs.kvm_irq_level, vm, {
    capability: 'KVM_CAP_IRQ_INJECT_STATUS',
  }),
  row('KVM_REGISTER_COALESCED_MMIO', 'write', 0x67, structs.kvm_coalesced_mmio_zone, vm, {
    capability: 'KVM_CAP_COALESCED_MMIO',
  }),
  row('KVM_UNREGISTER_COALESCED_MMIO', 'write', 0x68, structs.kvm_coalesced_mmio_zone, vm, {
    capability: 'KVM_CAP_COALESCED_MMIO',
  }),
  row('KVM_SET_GSI_ROUTING', 'write', 0x6a, structs.kvm_irq_routing, vm, { capability: 'KVM_CAP_IRQ_ROUTING' }),
  row('KVM_IRQFD', 'write', 0x76, structs.kvm_irqfd, vm, { capability: 'KVM_CAP_IRQFD' }),
  row('KVM_SET_BOOT_CPU_ID', 'none', 0x78, 'value', vm, { only: ['x86'], capability: 'KVM_CAP_SET_BOOT_CPU_ID' }),
  row('KVM_IOEVENTFD', 'write', 0x79, structs.kvm_ioeventfd, vm, { capability: 'KVM_CAP_IOEVENTFD' }),
  row('KVM_SET_CLOCK', 'write', 0x7b, structs.kvm_clock_data, vm, {
    only: ['x86'],
    capability: 'KVM_CAP_ADJUST_CLOCK',
  }),
  row('KVM_GET_CLOCK', 'read', 0x7c, structs.kvm_clock_data, vm, {
    only: ['x86'],
    capability: 'KVM_CAP_ADJUST_CLOCK',
  }),

  row('KVM_RUN', 'none', 0x80, 'none', vcpu),
  row('KVM_GET_REGS', 'read', 0x81, structs.kvm_regs, vcpu),
  row('KVM_SET_REGS', 'write', 0x82, structs.kvm_regs, vcpu),
  row('KVM_GET_SREGS', 'read', 0x83, structs.kvm_sregs, vcpu),
  row('KVM_SET_SREGS', 'write', 0x84, structs.kvm_sregs, vcpu),
  row('KVM_TRANSLATE', 'read-write', 0x85, structs.kvm_translation, vcpu),
  row('KVM_INTERRUPT', 'write', 0x86, structs.kvm_interrupt, vcpu),
  row('KVM_GET_MSRS', 'read-write', 0x88, structs.kvm_msrs, vcpu, x86),
  row('KVM_SET_MSRS', 'write', 0x89, structs.kvm_msrs, vcpu, x86),
  row('KVM_SET_SIGNAL_MASK', 'write', 0x8b, structs.kvm_signal_mask, vcpu),
  row('KVM_GET_FPU', 'read', 0x8c, structs.kvm_fpu, vcpu),
  row('KVM_SET_FPU', 'write', 0x8d, structs.kvm_fpu, vcpu),
  row('KVM_GET_LAPIC', 'read', 0x8e, structs.kvm_lapic_state, vcpu, x86),
  row('KVM_SET_LAPIC', 'write', 0x8f, structs.kvm_lapic_state, vcpu, x86),
  row('KVM_SET_CPUID2', 'write', 0x90, structs.kvm_cpuid2, vcpu, x86),
  row('KVM_GET_CPUID2', 'read-write', 0x91, structs.kvm_cpuid2, vcpu, x86),
  row('KVM_GET_MP_STATE', 'read', 0x98, structs.kvm_mp_state, vcpu, { capability: 'KVM_CAP_MP_STATE' }),
  row('KVM_SET_MP_STATE', 'write', 0x99, structs.kvm_mp_state, vcpu, { capability: 'KVM_CAP_MP_STATE' }),
  row('KVM_NMI', 'none', 0x9a, 'none', vcpu, { only: ['x86'], capability: 'KVM_CAP_USER_NMI' }),
  row('KVM_SET_GUEST_DEBUG', 'write', 0x9b, structs.kvm_guest_debug, vcpu, {
    capability: 'KVM_CAP_SET_GUEST_DEBUG',
  }),
  row('KVM_GET_VCPU_EVENTS', 'read', 0x9f, structs.kvm_vcpu_events, vcpu, {
    only: ['arm64', 'x86'],
    capability: 'KVM_CAP_VCPU_EVENTS',
  }),
  row('KVM_SET_VCPU_EVENTS', 'write', 0xa0, structs.kvm_vcpu_events, vcpu, {
    only: ['arm64', 'x86'],
    capability: 'KVM_CAP_VCPU_EVENTS',
  }),
  row('KVM_GET_DEBUGREGS', 'read', 0xa1, structs.kvm_debugregs, vcpu, {
    only: ['x86'],
    capability: 'KVM_CAP_DEBUGREGS',
  }),
  row('KVM_SET_DEBUGREGS', 'write', 0xa2, structs.kvm_debugregs, vcpu, {
    only: ['x86'],
    capability: 'KVM_CAP_DEBUGREGS',
  }),
  row('KVM_PPC_GET_PVINFO', 'write', 0xa1, structs.kvm_ppc_pvinfo, vm, {
    only: ['powerpc'],
    capability: 'KVM_CAP_PPC_GET_PVINFO',
  }),
  row('KVM_ENABLE_CAP', 'write', 0xa3, structs.kvm_enable_cap, ['vm', 'vcpu'], { capability: 'KVM_CAP_ENABLE_CAP' }),
  row('KVM_SIGNAL_MSI', 'write', 0xa5, structs.kvm_msi, vm, { capability: 'KVM_CAP_SIGNAL_MSI' }),
  row('KVM_GET_XCRS', 'read', 0xa6, structs.kvm_xcrs, vcpu, { only: ['x86'], capability: 'KVM_CAP_XCRS' }),
  row('KVM_SET_XCRS', 'write', 0xa7, structs.kvm_xcrs, vcpu, { only: ['x86'], capability: 'KVM_CAP_XCRS' }),
  row('KVM_PPC_ALLOCATE_HTAB', 'read-write', 0xa7, u32, vm, {
    only: ['powerpc'],
    capability: 'KVM_CAP_PPC_ALLOC_HTAB',
  }),
  row('KVM_DIRTY_TLB', 'write', 0xaa, structs.kvm_dirty_tlb, vcpu, {
    only: ['powerpc'],
    capability: 'KVM_CAP_SW_TLB',
  }),
  row('KVM_GET_ONE_REG', 'write', 0xab, structs.kvm_one_reg, vcpu, { capability: 'KVM_CAP_ONE_REG' }),
  row('KVM_ARM_SET_DEVICE_ADDR', 'write', 0xab, structs.kvm_arm_device_addr, vm, {
    only: ['arm64'],
    capability: 'KVM_CAP_ARM_SET_DEVICE_ADDR',
  }),
  row('KVM_SET_ONE_REG', 'write', 0xac, structs.kvm_one_reg, vcpu, { capability: 'KVM_CAP_ONE_REG' }),
  row('KVM_ARM_VCPU_INIT', 'write', 0xae, structs.kvm_vcpu_init, vcpu, arm64),
  row('KVM_ARM_PREFERRED_TARGET', 'read', 0xaf, structs.kvm_vcpu_init, vm, arm64),
  row('KVM_GET_REG_LIST', 'read-write', 0xb0, structs.kvm_reg_list, vcpu, {
    only: ['arm64'],
    capability: 'KVM_CAP_ONE_REG',
  }),
  row('KVM_SET_PMU_EVENT_FILTER', 'write', 0xb2, structs.kvm_pmu_event_filter, vcpu, {
    only: ['arm64'],
    capability: 'KVM_CAP_PMU_EVENT_FILTER',
  }),
  row('KVM_PPC_SVM_OFF', 'none', 0xb3, 'none', vm, powerpc),
  row('KVM_ARM_MTE_COPY_TAGS', 'read', 0xb4, structs.kvm_arm_copy_mte_tags, vm, {
    only: ['arm64'],
    capability: 'KVM_CAP_ARM_MTE',
  }),
  row('KVM_ARM_SET_COUNTER_OFFSET', 'write', 0xb5, structs.kvm_arm_counter_offset, vm, {
    only: ['arm64'],
    capability: 'KVM_CAP_COUNTER_OFFSET',
  }),
  row('KVM_ARM_GET_REG_WRITABLE_MASKS', 'read', 0xb6, structs.reg_mask_range, vm, {
    only: ['arm64'],
    capability: 'KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES',
  }),
  row('KVM_CLEAR_DIRTY_LOG', 'read-write', 0xc0, structs.kvm_clear_dirty_log, vm, {
    capability: 'KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2',
  }),
  row('KVM_ARM_VCPU_FINALIZE', 'write', 0xc2, int, vcpu, { only: ['arm64'], capability: 'KVM_CAP_ARM_SVE' }),
  row('KVM_RESET_DIRTY_RINGS', 'none', 0xc7, 'none', vm, { capability: 'KVM_CAP_DIRTY_LOG_RING' }),
  row('KVM_GET_STATS_FD', 'none', 0xce, 'none', ['vm', 'vcpu'], { capability: 'KVM_CAP_BINARY_STATS_FD' }),
  row('KVM_SET_MEMORY_ATTRIBUTES', 'write', 0xd2, structs.kvm_memory_attributes, vm, {
    capability: 'KVM_CAP_MEMORY_ATTRIBUTES',
  }),
  row('KVM_CREATE_GUEST_MEMFD', 'read-write', 0xd4, structs.kvm_create_guest_memfd, vm, {
    capability: 'KVM_CAP_GUEST_MEMFD',
  }),
  row('KVM_PRE_FAULT_MEMORY', 'read-write', 0xd5, structs.kvm_pre_fault_memory, vcpu, {
    capability: 'KVM_CAP_PRE_FAULT_MEMORY',
  }),
  row('KVM_CREATE_DEVICE', 'read-write', 0xe0, structs.kvm_create_device, vm, {
    capability: 'KVM_CAP_DEVICE_CTRL',
  }),
  row('KVM_SET_DEVICE_ATTR', 'write', 0xe1, structs.kvm_device_attr, ['device', 'vm', 'vcpu']),
  row('KVM_GET_DEVICE_ATTR', 'write', 0xe2, structs.kvm_device_attr, ['device', 'vm', 'vcpu']),
  row('KVM_HAS_DEVICE_ATTR', 'write', 0xe3, structs.kvm_device_attr, ['device', 'vm', 'vcpu']),
];

/* ---------------------------------------------------------------- numbers */

const KVMIO = 0xae;

/** _IOC's parameters: powerpc has 3 direction bits of its own values above 13 bits of size (asm/ioctl.h), others 2 above 14. */
const IOC: Readonly<Record<Arch, { sizeBits: number; none: number; read: number; write: number }>> = {
  arm64: { sizeBits: 14, none: 0, read: 2, write: 1 },
  x86: { sizeBits: 14, none: 0, read: 2, write: 1 },
  powerpc: { sizeBits: 13, none: 1, read: 2, write: 4 },
};

/** The request that userspace passes for this ioctl on an ABI, as an unsigned number of 32 bits. */
export function ioctlNumber(ioctl: IoctlRow, abi: Abi): number {
  const { sizeBits, none, read, write } = IOC[ABIS[abi].arch];
  const size = typeof ioctl.arg === 'string' ? 0 : structLayout(ioctl.arg, abi).size;
  const dir = { none, read, write, 'read-write': read | write }[ioctl.dir];
  return ((dir << (16 + sizeBits)) | (size << 16) | (KVMIO << 8) | ioctl.nr) >>> 0;
}

/** Whether the ioctl exists on the architecture at all. */
export const ioctlExists = (ioctl: IoctlRow, abi: Abi): boolean => !ioctl.only || ioctl.only.includes(ABIS[abi].arch);

const tables = new Map<Abi, Map<number, IoctlRow[]>>();

/**
 * The row of a request, or null for one that no row has. Two ioctls may share a number (KVM_GET_ONE_REG on a vCPU and
 * KVM_ARM_SET_DEVICE_ADDR on a VM): `on` says which descriptor it was made on.
 */
export function ioctlByNumber(abi: Abi, request: number, on?: DescriptorKind): IoctlRow | null {
  let table = tables.get(abi);
  if (!table) {
    table = new Map();
    for (const ioctl of IOCTLS) {
      if (!ioctlExists(ioctl, abi)) continue;
      const number = ioctlNumber(ioctl, abi);
      table.set(number, [...(table.get(number) ?? []), ioctl]);
    }
    tables.set(abi, table);
  }
  const rows = table.get(request >>> 0) ?? [];
  return rows.find((ioctl) => on !== undefined && ioctl.on.includes(on)) ?? rows[0] ?? null;
}

const byName = new Map(IOCTLS.map((ioctl) => [ioctl.name, ioctl]));

/** The row of an ioctl by its name (`KVM_RUN`), or null. */
export const ioctlByName = (name: string): IoctlRow | null => byName.get(name) ?? null;
