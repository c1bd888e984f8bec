/** arch/powerpc/include/uapi/asm/kvm.h: Book E (e500) and what all powerpc VMs share. */
import { SREGS_E_FEATURES, SREGS_E_IMPLS, SREGS_E_UPDATES } from '../constants.ts';
import { array, field, struct, union, variants } from '../layout.ts';

export const kvm_regs_powerpc = struct('kvm_regs', [
  field('pc', 'u64', 'hex'),
  field('cr', 'u64', 'hex'),
  field('ctr', 'u64', 'hex'),
  field('lr', 'u64', 'hex'),
  field('xer', 'u64', 'hex'),
  field('msr', 'u64', 'hex'),
  field('srr0', 'u64', 'hex'),
  field('srr1', 'u64', 'hex'),
  field('pid', 'u64'),
  field('sprg0', 'u64', 'hex'),
  field('sprg1', 'u64', 'hex'),
  field('sprg2', 'u64', 'hex'),
  field('sprg3', 'u64', 'hex'),
  field('sprg4', 'u64', 'hex'),
  field('sprg5', 'u64', 'hex'),
  field('sprg6', 'u64', 'hex'),
  field('sprg7', 'u64', 'hex'),
  field('gpr', array('u64', 32), 'hex'),
]);

const sregs_s = struct('', [
  field('sdr1', 'u64', 'hex'),
  field(
    'ppc64',
    struct('', [field('slb', array(struct('', [field('slbe', 'u64', 'hex'), field('slbv', 'u64', 'hex')]), 64))]),
  ),
  field(
    'ppc32',
    struct('', [
      field('sr', array('u32', 16), 'hex'),
      field('ibat', array('u64', 8), 'hex'),
      field('dbat', array('u64', 8), 'hex'),
    ]),
  ),
]);

const sregs_fsl = struct('', [
  field('features', 'u32', { flags: { KVM_SREGS_E_FSL_PIDn: 1 } }),
  field('svr', 'u32', 'hex'),
  field('mcar', 'u64', 'hex'),
  field('hid0', 'u32', 'hex'),
  field('pid1', 'u32'),
  field('pid2', 'u32'),
]);

const sregs_e = struct('', [
  variants('impl', union([field('fsl', sregs_fsl), field('pad', array('u8', 256), 'padding')]), { always: 'fsl' }),
  field('features', 'u32', { flags: SREGS_E_FEATURES }),
  field('impl_id', 'u32', { values: SREGS_E_IMPLS }),
  field('update_special', 'u32', { flags: SREGS_E_UPDATES }),
  field('pir', 'u32', 'hex'),
  field('sprg8', 'u64', 'hex'),
  field('sprg9', 'u64', 'hex'),
  field('csrr0', 'u64', 'hex'),
  field('dsrr0', 'u64', 'hex'),
  field('mcsrr0', 'u64', 'hex'),
  field('csrr1', 'u32', 'hex'),
  field('dsrr1', 'u32', 'hex'),
  field('mcsrr1', 'u32', 'hex'),
  field('esr', 'u32', 'hex'),
  field('dear', 'u64', 'hex'),
  field('ivpr', 'u64', 'hex'),
  field('mcivpr', 'u64', 'hex'),
  field('mcsr', 'u64', 'hex'),
  field('tsr', 'u32', 'hex'),
  field('tcr', 'u32', 'hex'),
  field('decar', 'u32', 'hex'),
  field('dec', 'u32', 'hex'),
  field('tb', 'u64', 'hex'),
  field('dbsr', 'u32', 'hex'),
  field('dbcr', array('u32', 3), 'hex'),
  field('iac', array('u32', 4), 'hex'),
  field('dac', array('u32', 2), 'hex'),
  field('dvc', array('u32', 2), 'hex'),
  field('num_iac', 'u8', 'decimal'),
  field('num_dac', 'u8', 'decimal'),
  field('num_dvc', 'u8', 'decimal'),
  field('pad', 'u8', 'padding'),
  field('epr', 'u32', 'hex'),
  field('vrsave', 'u32', 'hex'),
  field('epcr', 'u32', 'hex'),
  field('mas0', 'u32', 'hex'),
  field('mas1', 'u32', 'hex'),
  field('mas2', 'u64', 'hex'),
  field('mas7_3', 'u64', 'hex'),
  field('mas4', 'u32', 'hex'),
  field('mas6', 'u32', 'hex'),
  field('ivor_low', array('u32', 16), 'hex'),
  field('ivor_high', array('u32', 18), 'hex'),
  field('mmucfg', 'u32', 'hex'),
  field('eptcfg', 'u32', 'hex'),
  field('tlbcfg', array('u32', 4), 'hex'),
  field('tlbps', array('u32', 4), 'hex'),
  field('eplc', 'u32', 'hex'),
  field('epsc', 'u32', 'hex'),
]);

export const kvm_sregs_powerpc = struct('kvm_sregs', [
  field('pvr', 'u32', 'hex'),
  variants('u', union([field('s', sregs_s), field('e', sregs_e), field('pad', array('u8', 1020), 'padding')]), {
    always: 'e',
  }),
]);

export const kvm_fpu_powerpc = struct('kvm_fpu', [field('fpr', array('u64', 32), 'hex')]);

const DEBUG_TYPES = { KVMPPC_DEBUG_BREAKPOINT: 2, KVMPPC_DEBUG_WATCH_WRITE: 4, KVMPPC_DEBUG_WATCH_READ: 8 } as const;

export const kvm_debug_exit_arch_powerpc = struct('kvm_debug_exit_arch', [
  field('address', 'u64', 'hex'),
  field('status', 'u32', { flags: DEBUG_TYPES }),
  field('reserved', 'u32', 'padding'),
]);

export const kvm_guest_debug_arch_powerpc = struct('kvm_guest_debug_arch', [
  field(
    'bp',
    array(
      struct('', [
        field('addr', 'u64', 'hex'),
        field('type', 'u32', { flags: DEBUG_TYPES }),
        field('reserved', 'u32', 'padding'),
      ]),
      16,
    ),
  ),
]);

export const kvm_sync_regs_powerpc = struct('kvm_sync_regs', []);

export const kvm_ppc_pvinfo = struct('kvm_ppc_pvinfo', [
  field('flags', 'u32', { flags: { KVM_PPC_PVINFO_FLAGS_EV_IDLE: 1 } }),
  field('hcall', array('u32', 4), 'hex'),
  field('pad', array('u8', 108), 'padding'),
]);

export const kvm_book3e_206_tlb_entry = struct('kvm_book3e_206_tlb_entry', [
  field('mas8', 'u32', 'hex'),
  field('mas1', 'u32', 'hex'),
  field('mas2', 'u64', 'hex'),
  field('mas7_3', 'u64', 'hex'),
]);

export const kvm_book3e_206_tlb_params = struct('kvm_book3e_206_tlb_params', [
  field('tlb_sizes', array('u32', 4), 'decimal'),
  field('tlb_ways', array('u32', 4), 'decimal'),
  field('reserved', array('u32', 8), 'padding'),
]);
