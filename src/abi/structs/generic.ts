/** include/uapi/linux/kvm.h: what the ioctls of all architectures take; kvm_run has a file of its own. */
import {
  CLOCK_FLAGS,
  CREATE_DEVICE_FLAGS,
  DEVICE_TYPES,
  DIRTY_GFN_FLAGS,
  GUESTDBG_FLAGS,
  IOEVENTFD_FLAGS,
  IRQFD_FLAGS,
  IRQ_ROUTING_TYPES,
  MEMORY_ATTRIBUTES,
  MEM_FLAGS,
  MMU_TYPES,
  MP_STATES,
  MSI_FLAGS,
} from '../constants.ts';
import { CAPABILITIES } from '../capabilities.ts';
import { array, field, perArch, struct, union, variants } from '../layout.ts';
import { oneRegText } from '../onereg.ts';
import {
  kvm_debug_exit_arch_arm64,
  kvm_fpu_arm64,
  kvm_guest_debug_arch_arm64,
  kvm_regs_arm64,
  kvm_sregs_arm64,
  kvm_sync_regs_arm64,
  kvm_vcpu_events_arm64,
} from './arm64.ts';
import {
  kvm_debug_exit_arch_powerpc,
  kvm_fpu_powerpc,
  kvm_guest_debug_arch_powerpc,
  kvm_regs_powerpc,
  kvm_sregs_powerpc,
  kvm_sync_regs_powerpc,
} from './powerpc.ts';
import {
  kvm_debug_exit_arch_x86,
  kvm_fpu_x86,
  kvm_guest_debug_arch_x86,
  kvm_regs_x86,
  kvm_sregs_x86,
  kvm_sync_regs_x86,
  kvm_vcpu_events_x86,
} from './x86.ts';

export const kvm_regs = perArch('kvm_regs', {
  arm64: kvm_regs_arm64,
  powerpc: kvm_regs_powerpc,
  x86: kvm_regs_x86,
});
export const kvm_sregs = perArch('kvm_sregs', {
  arm64: kvm_sregs_arm64,
  powerpc: kvm_sregs_powerpc,
  x86: kvm_sregs_x86,
});
export const kvm_fpu = perArch('kvm_fpu', { arm64: kvm_fpu_arm64, powerpc: kvm_fpu_powerpc, x86: kvm_fpu_x86 });
export const kvm_sync_regs = perArch('kvm_sync_regs', {
  arm64: kvm_sync_regs_arm64,
  powerpc: kvm_sync_regs_powerpc,
  x86: kvm_sync_regs_x86,
});
export const kvm_debug_exit_arch = perArch('kvm_debug_exit_arch', {
  arm64: kvm_debug_exit_arch_arm64,
  powerpc: kvm_debug_exit_arch_powerpc,
  x86: kvm_debug_exit_arch_x86,
});
export const kvm_guest_debug_arch = perArch('kvm_guest_debug_arch', {
  arm64: kvm_guest_debug_arch_arm64,
  powerpc: kvm_guest_debug_arch_powerpc,
  x86: kvm_guest_debug_arch_x86,
});
/** powerpc has no KVM_GET_VCPU_EVENTS. */
export const kvm_vcpu_events = perArch('kvm_vcpu_events', {
  arm64: kvm_vcpu_events_arm64,
  powerpc: struct('kvm_vcpu_events', []),
  x86: kvm_vcpu_events_x86,
});

export const kvm_userspace_memory_region = struct('kvm_userspace_memory_region', [
  field('slot', 'u32', 'decimal'),
  field('flags', 'u32', { flags: MEM_FLAGS }),
  field('guest_phys_addr', 'u64', 'hex'),
  field('memory_size', 'u64', 'size'),
  field('userspace_addr', 'u64', 'hex'),
]);

export const kvm_userspace_memory_region2 = struct('kvm_userspace_memory_region2', [
  field('slot', 'u32', 'decimal'),
  field('flags', 'u32', { flags: MEM_FLAGS }),
  field('guest_phys_addr', 'u64', 'hex'),
  field('memory_size', 'u64', 'size'),
  field('userspace_addr', 'u64', 'hex'),
  field('guest_memfd_offset', 'u64', 'hex'),
  field('guest_memfd', 'u32', 'decimal'),
  field('pad1', 'u32', 'padding'),
  field('pad2', array('u64', 14), 'padding'),
]);

export const kvm_irq_level = struct('kvm_irq_level', [
  field('', union([field('irq', 'u32', 'hex'), field('status', 's32', 'decimal')])),
  field('level', 'u32'),
]);

export const kvm_coalesced_mmio_zone = struct('kvm_coalesced_mmio_zone', [
  field('addr', 'u64', 'hex'),
  field('size', 'u32', 'size'),
  field('', union([field('pad', 'u32'), field('pio', 'u32')])),
]);

export const kvm_translation = struct('kvm_translation', [
  field('linear_address', 'u64', 'hex'),
  field('physical_address', 'u64', 'hex'),
  field('valid', 'u8'),
  field('writeable', 'u8'),
  field('usermode', 'u8'),
  field('pad', array('u8', 5), 'padding'),
]);

export const kvm_interrupt = struct('kvm_interrupt', [field('irq', 'u32', 'hex')]);

const dirty_bitmap = union([field('dirty_bitmap', 'pointer', 'hex'), field('padding2', 'u64', 'padding')]);

export const kvm_dirty_log = struct('kvm_dirty_log', [
  field('slot', 'u32', 'decimal'),
  field('padding1', 'u32', 'padding'),
  field('', dirty_bitmap),
]);

export const kvm_clear_dirty_log = struct('kvm_clear_dirty_log', [
  field('slot', 'u32', 'decimal'),
  field('num_pages', 'u32', 'decimal'),
  field('first_page', 'u64', 'hex'),
  field('', dirty_bitmap),
]);

export const kvm_dirty_gfn = struct('kvm_dirty_gfn', [
  field('flags', 'u32', { flags: DIRTY_GFN_FLAGS }),
  field('slot', 'u32', 'decimal'),
  field('offset', 'u64', 'hex'),
]);

export const kvm_signal_mask = struct('kvm_signal_mask', [
  field('len', 'u32', 'decimal'),
  field('sigset', array('u8', 0)),
]);

export const kvm_mp_state = struct('kvm_mp_state', [field('mp_state', 'u32', { values: MP_STATES })]);

export const kvm_guest_debug = struct('kvm_guest_debug', [
  field('control', 'u32', { flags: GUESTDBG_FLAGS }),
  field('pad', 'u32', 'padding'),
  field('arch', kvm_guest_debug_arch),
]);

export const kvm_ioeventfd = struct('kvm_ioeventfd', [
  field('datamatch', 'u64', 'hex'),
  field('addr', 'u64', 'hex'),
  field('len', 'u32'),
  field('fd', 's32', 'decimal'),
  field('flags', 'u32', { flags: IOEVENTFD_FLAGS }),
  field('pad', array('u8', 36), 'padding'),
]);

export const kvm_enable_cap = struct('kvm_enable_cap', [
  field('cap', 'u32', { values: CAPABILITIES }),
  field('flags', 'u32', 'hex'),
  field('args', array('u64', 4), 'hex'),
  field('pad', array('u8', 64), 'padding'),
]);

export const kvm_irq_routing_irqchip = struct('kvm_irq_routing_irqchip', [
  field('irqchip', 'u32', 'decimal'),
  field('pin', 'u32', 'decimal'),
]);

export const kvm_irq_routing_msi = struct('kvm_irq_routing_msi', [
  field('address_lo', 'u32', 'hex'),
  field('address_hi', 'u32', 'hex'),
  field('data', 'u32', 'hex'),
  field('', union([field('pad', 'u32', 'hex'), field('devid', 'u32', 'hex')])),
]);

export const kvm_irq_routing_s390_adapter = struct('kvm_irq_routing_s390_adapter', [
  field('ind_addr', 'u64', 'hex'),
  field('summary_addr', 'u64', 'hex'),
  field('ind_offset', 'u64', 'hex'),
  field('summary_offset', 'u32', 'hex'),
  field('adapter_id', 'u32', 'hex'),
]);

export const kvm_irq_routing_hv_sint = struct('kvm_irq_routing_hv_sint', [
  field('vcpu', 'u32', 'decimal'),
  field('sint', 'u32', 'decimal'),
]);

export const kvm_irq_routing_xen_evtchn = struct('kvm_irq_routing_xen_evtchn', [
  field('port', 'u32', 'decimal'),
  field('vcpu', 'u32', 'decimal'),
  field('priority', 'u32', 'hex'),
]);

export const kvm_irq_routing_entry = struct('kvm_irq_routing_entry', [
  field('gsi', 'u32', 'decimal'),
  field('type', 'u32', { values: IRQ_ROUTING_TYPES }),
  field('flags', 'u32', { flags: MSI_FLAGS }),
  field('pad', 'u32', 'padding'),
  variants(
    'u',
    union([
      field('irqchip', kvm_irq_routing_irqchip),
      field('msi', kvm_irq_routing_msi),
      field('adapter', kvm_irq_routing_s390_adapter),
      field('hv_sint', kvm_irq_routing_hv_sint),
      field('xen_evtchn', kvm_irq_routing_xen_evtchn),
      field('pad', array('u32', 8), 'hex'),
    ]),
    { by: 'type', members: { 1: 'irqchip', 2: 'msi', 3: 'adapter', 4: 'hv_sint', 5: 'xen_evtchn' } },
  ),
]);

export const kvm_irq_routing = struct('kvm_irq_routing', [
  field('nr', 'u32', 'decimal'),
  field('flags', 'u32', 'hex'),
  field('entries', array(kvm_irq_routing_entry, 0)),
]);

export const kvm_irqfd = struct('kvm_irqfd', [
  field('fd', 'u32', 'decimal'),
  field('gsi', 'u32', 'decimal'),
  field('flags', 'u32', { flags: IRQFD_FLAGS }),
  field('resamplefd', 'u32', 'decimal'),
  field('pad', array('u8', 16), 'padding'),
]);

export const kvm_clock_data = struct('kvm_clock_data', [
  field('clock', 'u64', 'hex'),
  field('flags', 'u32', { flags: CLOCK_FLAGS }),
  field('pad0', 'u32', 'padding'),
  field('realtime', 'u64', 'hex'),
  field('host_tsc', 'u64', 'hex'),
  field('pad', array('u32', 4), 'padding'),
]);

export const kvm_config_tlb = struct('kvm_config_tlb', [
  field('params', 'u64', 'hex'),
  field('array', 'u64', 'hex'),
  field('mmu_type', 'u32', { values: MMU_TYPES }),
  field('array_len', 'u32', 'size'),
]);

export const kvm_dirty_tlb = struct('kvm_dirty_tlb', [
  field('bitmap', 'u64', 'hex'),
  field('num_dirty', 'u32', 'decimal'),
]);

export const kvm_reg_list = struct('kvm_reg_list', [
  field('n', 'u64', 'decimal'),
  field('reg', array('u64', 0), { text: oneRegText }),
]);

export const kvm_one_reg = struct('kvm_one_reg', [
  field('id', 'u64', { text: oneRegText }),
  field('addr', 'u64', 'hex'),
]);

export const kvm_msi = struct('kvm_msi', [
  field('address_lo', 'u32', 'hex'),
  field('address_hi', 'u32', 'hex'),
  field('data', 'u32', 'hex'),
  field('flags', 'u32', { flags: MSI_FLAGS }),
  field('devid', 'u32', 'hex'),
  field('pad', array('u8', 12), 'padding'),
]);

export const kvm_create_device = struct('kvm_create_device', [
  field('type', 'u32', { values: DEVICE_TYPES }),
  field('fd', 'u32', 'decimal'),
  field('flags', 'u32', { flags: CREATE_DEVICE_FLAGS }),
]);

export const kvm_device_attr = struct('kvm_device_attr', [
  field('flags', 'u32', 'hex'),
  field('group', 'u32'),
  field('attr', 'u64', 'hex'),
  field('addr', 'u64', 'hex'),
]);

export const kvm_memory_attributes = struct('kvm_memory_attributes', [
  field('address', 'u64', 'hex'),
  field('size', 'u64', 'size'),
  field('attributes', 'u64', { flags: MEMORY_ATTRIBUTES }),
  field('flags', 'u64', 'hex'),
]);

export const kvm_create_guest_memfd = struct('kvm_create_guest_memfd', [
  field('size', 'u64', 'size'),
  field('flags', 'u64', 'hex'),
  field('reserved', array('u64', 6), 'padding'),
]);

export const kvm_pre_fault_memory = struct('kvm_pre_fault_memory', [
  field('gpa', 'u64', 'hex'),
  field('size', 'u64', 'size'),
  field('flags', 'u64', 'hex'),
  field('padding', array('u64', 5), 'padding'),
]);
