/** arch/x86/include/uapi/asm/kvm.h: the structures inside those that all architectures share, and the vCPU's registers. */
import { array, field, struct } from '../layout.ts';

export const kvm_regs_x86 = struct('kvm_regs', [
  field('rax', 'u64', 'hex'),
  field('rbx', 'u64', 'hex'),
  field('rcx', 'u64', 'hex'),
  field('rdx', 'u64', 'hex'),
  field('rsi', 'u64', 'hex'),
  field('rdi', 'u64', 'hex'),
  field('rsp', 'u64', 'hex'),
  field('rbp', 'u64', 'hex'),
  field('r8', 'u64', 'hex'),
  field('r9', 'u64', 'hex'),
  field('r10', 'u64', 'hex'),
  field('r11', 'u64', 'hex'),
  field('r12', 'u64', 'hex'),
  field('r13', 'u64', 'hex'),
  field('r14', 'u64', 'hex'),
  field('r15', 'u64', 'hex'),
  field('rip', 'u64', 'hex'),
  field('rflags', 'u64', 'hex'),
]);

export const kvm_segment = struct('kvm_segment', [
  field('base', 'u64', 'hex'),
  field('limit', 'u32', 'hex'),
  field('selector', 'u16', 'hex'),
  field('type', 'u8'),
  field('present', 'u8'),
  field('dpl', 'u8'),
  field('db', 'u8'),
  field('s', 'u8'),
  field('l', 'u8'),
  field('g', 'u8'),
  field('avl', 'u8'),
  field('unusable', 'u8'),
  field('padding', 'u8', 'padding'),
]);

export const kvm_dtable = struct('kvm_dtable', [
  field('base', 'u64', 'hex'),
  field('limit', 'u16', 'hex'),
  field('padding', array('u16', 3), 'padding'),
]);

export const kvm_sregs_x86 = struct('kvm_sregs', [
  field('cs', kvm_segment),
  field('ds', kvm_segment),
  field('es', kvm_segment),
  field('fs', kvm_segment),
  field('gs', kvm_segment),
  field('ss', kvm_segment),
  field('tr', kvm_segment),
  field('ldt', kvm_segment),
  field('gdt', kvm_dtable),
  field('idt', kvm_dtable),
  field('cr0', 'u64', 'hex'),
  field('cr2', 'u64', 'hex'),
  field('cr3', 'u64', 'hex'),
  field('cr4', 'u64', 'hex'),
  field('cr8', 'u64', 'hex'),
  field('efer', 'u64', 'hex'),
  field('apic_base', 'u64', 'hex'),
  field('interrupt_bitmap', array('u64', 4), 'hex'),
]);

export const kvm_fpu_x86 = struct('kvm_fpu', [
  field('fpr', array(array('u8', 16), 8)),
  field('fcw', 'u16', 'hex'),
  field('fsw', 'u16', 'hex'),
  field('ftwx', 'u8', 'hex'),
  field('pad1', 'u8', 'padding'),
  field('last_opcode', 'u16', 'hex'),
  field('last_ip', 'u64', 'hex'),
  field('last_dp', 'u64', 'hex'),
  field('xmm', array(array('u8', 16), 16)),
  field('mxcsr', 'u32', 'hex'),
  field('pad2', 'u32', 'padding'),
]);

export const kvm_debug_exit_arch_x86 = struct('kvm_debug_exit_arch', [
  field('exception', 'u32'),
  field('pad', 'u32', 'padding'),
  field('pc', 'u64', 'hex'),
  field('dr6', 'u64', 'hex'),
  field('dr7', 'u64', 'hex'),
]);

export const kvm_guest_debug_arch_x86 = struct('kvm_guest_debug_arch', [field('debugreg', array('u64', 8), 'hex')]);

export const kvm_vcpu_events_x86 = struct('kvm_vcpu_events', [
  field(
    'exception',
    struct('', [
      field('injected', 'u8'),
      field('nr', 'u8'),
      field('has_error_code', 'u8'),
      field('pending', 'u8'),
      field('error_code', 'u32', 'hex'),
    ]),
  ),
  field(
    'interrupt',
    struct('', [field('injected', 'u8'), field('nr', 'u8'), field('soft', 'u8'), field('shadow', 'u8')]),
  ),
  field(
    'nmi',
    struct('', [field('injected', 'u8'), field('pending', 'u8'), field('masked', 'u8'), field('pad', 'u8', 'padding')]),
  ),
  field('sipi_vector', 'u32', 'hex'),
  field('flags', 'u32', 'hex'),
  field(
    'smi',
    struct('', [
      field('smm', 'u8'),
      field('pending', 'u8'),
      field('smm_inside_nmi', 'u8'),
      field('latched_init', 'u8'),
    ]),
  ),
  field('triple_fault', struct('', [field('pending', 'u8')])),
  field('reserved', array('u8', 26), 'padding'),
  field('exception_has_payload', 'u8'),
  field('exception_payload', 'u64', 'hex'),
]);

export const kvm_sync_regs_x86 = struct('kvm_sync_regs', [
  field('regs', kvm_regs_x86),
  field('sregs', kvm_sregs_x86),
  field('events', kvm_vcpu_events_x86),
]);

export const kvm_lapic_state = struct('kvm_lapic_state', [field('regs', array('char', 0x400))]);

export const kvm_msr_entry = struct('kvm_msr_entry', [
  field('index', 'u32', 'hex'),
  field('reserved', 'u32', 'padding'),
  field('data', 'u64', 'hex'),
]);

export const kvm_msrs = struct('kvm_msrs', [
  field('nmsrs', 'u32', 'decimal'),
  field('pad', 'u32', 'padding'),
  field('entries', array(kvm_msr_entry, 0)),
]);

export const kvm_msr_list = struct('kvm_msr_list', [
  field('nmsrs', 'u32', 'decimal'),
  field('indices', array('u32', 0), 'hex'),
]);

export const kvm_cpuid_entry2 = struct('kvm_cpuid_entry2', [
  field('function', 'u32', 'hex'),
  field('index', 'u32', 'hex'),
  field('flags', 'u32', 'hex'),
  field('eax', 'u32', 'hex'),
  field('ebx', 'u32', 'hex'),
  field('ecx', 'u32', 'hex'),
  field('edx', 'u32', 'hex'),
  field('padding', array('u32', 3), 'padding'),
]);

export const kvm_cpuid2 = struct('kvm_cpuid2', [
  field('nent', 'u32', 'decimal'),
  field('padding', 'u32', 'padding'),
  field('entries', array(kvm_cpuid_entry2, 0)),
]);

export const kvm_debugregs = struct('kvm_debugregs', [
  field('db', array('u64', 4), 'hex'),
  field('dr6', 'u64', 'hex'),
  field('dr7', 'u64', 'hex'),
  field('flags', 'u64', 'hex'),
  field('reserved', array('u64', 9), 'padding'),
]);

export const kvm_xcr = struct('kvm_xcr', [
  field('xcr', 'u32', 'decimal'),
  field('reserved', 'u32', 'padding'),
  field('value', 'u64', 'hex'),
]);

export const kvm_xcrs = struct('kvm_xcrs', [
  field('nr_xcrs', 'u32', 'decimal'),
  field('flags', 'u32', 'hex'),
  field('xcrs', array(kvm_xcr, 16)),
  field('padding', array('u64', 16), 'padding'),
]);
