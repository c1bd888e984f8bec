/** arch/arm64/include/uapi/asm/kvm.h, asm/ptrace.h */
import {
  ARM_TARGETS,
  ARM_VCPU_FEATURES,
  DEVICE_IRQ_LEVELS,
  MTE_COPY_FLAGS,
  PMU_FILTER_ACTIONS,
  SMCCC_FILTER_ACTIONS,
} from '../constants.ts';
import { array, field, struct } from '../layout.ts';

export const user_pt_regs = struct('user_pt_regs', [
  field('regs', array('u64', 31), 'hex'),
  field('sp', 'u64', 'hex'),
  field('pc', 'u64', 'hex'),
  field('pstate', 'u64', 'hex'),
]);

export const user_fpsimd_state = struct('user_fpsimd_state', [
  field('vregs', array('u128', 32), 'hex'),
  field('fpsr', 'u32', 'hex'),
  field('fpcr', 'u32', 'hex'),
  field('__reserved', array('u32', 2), 'padding'),
]);

export const kvm_regs_arm64 = struct('kvm_regs', [
  field('regs', user_pt_regs),
  field('sp_el1', 'u64', 'hex'),
  field('elr_el1', 'u64', 'hex'),
  field('spsr', array('u64', 5), 'hex'),
  field('fp_regs', user_fpsimd_state),
]);

export const kvm_sregs_arm64 = struct('kvm_sregs', []);
export const kvm_fpu_arm64 = struct('kvm_fpu', []);

export const kvm_vcpu_init = struct('kvm_vcpu_init', [
  field('target', 'u32', { values: ARM_TARGETS }),
  field('features', array('u32', 7), { bits: ARM_VCPU_FEATURES }),
]);

export const kvm_guest_debug_arch_arm64 = struct('kvm_guest_debug_arch', [
  field('dbg_bcr', array('u64', 16), 'hex'),
  field('dbg_bvr', array('u64', 16), 'hex'),
  field('dbg_wcr', array('u64', 16), 'hex'),
  field('dbg_wvr', array('u64', 16), 'hex'),
]);

export const kvm_debug_exit_arch_arm64 = struct('kvm_debug_exit_arch', [
  field('hsr', 'u32', 'hex'),
  field('hsr_high', 'u32', 'hex'),
  field('far', 'u64', 'hex'),
]);

export const kvm_sync_regs_arm64 = struct('kvm_sync_regs', [
  field('device_irq_level', 'u64', { flags: DEVICE_IRQ_LEVELS }),
]);

export const kvm_vcpu_events_arm64 = struct('kvm_vcpu_events', [
  field(
    'exception',
    struct('', [
      field('serror_pending', 'u8'),
      field('serror_has_esr', 'u8'),
      field('ext_dabt_pending', 'u8'),
      field('pad', array('u8', 5), 'padding'),
      field('serror_esr', 'u64', 'hex'),
    ]),
  ),
  field('reserved', array('u32', 12), 'padding'),
]);

export const kvm_pmu_event_filter = struct('kvm_pmu_event_filter', [
  field('base_event', 'u16', 'hex'),
  field('nevents', 'u16', 'decimal'),
  field('action', 'u8', { values: PMU_FILTER_ACTIONS }),
  field('pad', array('u8', 3), 'padding'),
]);

export const kvm_arm_copy_mte_tags = struct('kvm_arm_copy_mte_tags', [
  field('guest_ipa', 'u64', 'hex'),
  field('length', 'u64', 'size'),
  field('addr', 'pointer', 'hex'),
  field('flags', 'u64', { values: MTE_COPY_FLAGS }),
  field('reserved', array('u64', 2), 'padding'),
]);

export const kvm_arm_counter_offset = struct('kvm_arm_counter_offset', [
  field('counter_offset', 'u64', 'hex'),
  field('reserved', 'u64', 'padding'),
]);

export const kvm_arm_device_addr = struct('kvm_arm_device_addr', [
  field('id', 'u64', 'hex'),
  field('addr', 'u64', 'hex'),
]);

export const kvm_smccc_filter = struct('kvm_smccc_filter', [
  field('base', 'u32', 'hex'),
  field('nr_functions', 'u32', 'decimal'),
  field('action', 'u8', { values: SMCCC_FILTER_ACTIONS }),
  field('pad', array('u8', 15), 'padding'),
]);

export const reg_mask_range = struct('reg_mask_range', [
  field('addr', 'u64', 'hex'),
  field('range', 'u32'),
  field('reserved', array('u32', 13), 'padding'),
]);
