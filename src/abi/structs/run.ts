/** struct kvm_run, mapped from a vCPU's descriptor: what goes into KVM_RUN and why it came back. */
import { HYPERCALL_FLAGS, INTERNAL_ERRORS, IO_DIRECTIONS, MEMORY_FAULT_FLAGS, SYSTEM_EVENTS } from '../constants.ts';
import { EXIT_MEMBERS, EXIT_REASONS } from '../exits.ts';
import { array, field, struct, union, variants } from '../layout.ts';
import { kvm_debug_exit_arch, kvm_sync_regs } from './generic.ts';

const mmio = struct('', [
  field('phys_addr', 'u64', 'hex'),
  field('data', array('u8', 8)),
  field('len', 'u32', 'decimal'),
  field('is_write', 'u8'),
]);

const msr = struct('', [
  field('error', 'u8'),
  field('pad', array('u8', 7), 'padding'),
  field('reason', 'u32', 'hex'),
  field('index', 'u32', 'hex'),
  field('data', 'u64', 'hex'),
]);

const hyperv = struct('kvm_hyperv_exit', [
  field('type', 'u32'),
  field('pad1', 'u32', 'padding'),
  field(
    'u',
    union([
      field(
        'synic',
        struct('', [
          field('msr', 'u32', 'hex'),
          field('pad2', 'u32', 'padding'),
          field('control', 'u64', 'hex'),
          field('evt_page', 'u64', 'hex'),
          field('msg_page', 'u64', 'hex'),
        ]),
      ),
      field(
        'hcall',
        struct('', [
          field('input', 'u64', 'hex'),
          field('result', 'u64', 'hex'),
          field('params', array('u64', 2), 'hex'),
        ]),
      ),
      field(
        'syndbg',
        struct('', [
          field('msr', 'u32', 'hex'),
          field('pad2', 'u32', 'padding'),
          field('control', 'u64', 'hex'),
          field('status', 'u64', 'hex'),
          field('send_page', 'u64', 'hex'),
          field('recv_page', 'u64', 'hex'),
          field('pending_page', 'u64', 'hex'),
        ]),
      ),
    ]),
  ),
]);

const xen = struct('kvm_xen_exit', [
  field('type', 'u32'),
  field(
    'u',
    union([
      field(
        'hcall',
        struct('', [
          field('longmode', 'u32'),
          field('cpl', 'u32'),
          field('input', 'u64', 'hex'),
          field('result', 'u64', 'hex'),
          field('params', array('u64', 6), 'hex'),
        ]),
      ),
    ]),
  ),
]);

/** The variants of kvm_run's union; exits.ts says which exit reason has which. */
const exit = union([
  field('hw', struct('', [field('hardware_exit_reason', 'u64', 'hex')])),
  field(
    'fail_entry',
    struct('', [
      field('hardware_entry_failure_reason', 'u64', { flags: { KVM_EXIT_FAIL_ENTRY_CPU_UNSUPPORTED: 1 } }),
      field('cpu', 'u32', 'decimal'),
    ]),
  ),
  field('ex', struct('', [field('exception', 'u32'), field('error_code', 'u32', 'hex')])),
  field(
    'io',
    struct('', [
      field('direction', 'u8', { values: IO_DIRECTIONS }),
      field('size', 'u8', 'decimal'),
      field('port', 'u16', 'hex'),
      field('count', 'u32', 'decimal'),
      field('data_offset', 'u64', 'hex'),
    ]),
  ),
  field('debug', struct('', [field('arch', kvm_debug_exit_arch)])),
  field('mmio', mmio),
  field('iocsr_io', mmio),
  field(
    'hypercall',
    struct('', [
      field('nr', 'u64', 'hex'),
      field('args', array('u64', 6), 'hex'),
      field('ret', 'u64', 'hex'),
      variants('', union([field('longmode', 'u32'), field('flags', 'u64', { flags: HYPERCALL_FLAGS })]), {
        always: 'flags',
      }),
    ]),
  ),
  field(
    'tpr_access',
    struct('', [field('rip', 'u64', 'hex'), field('is_write', 'u32'), field('pad', 'u32', 'padding')]),
  ),
  field(
    's390_sieic',
    struct('', [field('icptcode', 'u8', 'hex'), field('ipa', 'u16', 'hex'), field('ipb', 'u32', 'hex')]),
  ),
  field('s390_reset_flags', 'u64', 'hex'),
  field('s390_ucontrol', struct('', [field('trans_exc_code', 'u64', 'hex'), field('pgm_code', 'u32', 'hex')])),
  field('dcr', struct('', [field('dcrn', 'u32', 'hex'), field('data', 'u32', 'hex'), field('is_write', 'u8')])),
  field(
    'internal',
    struct('', [
      field('suberror', 'u32', { values: INTERNAL_ERRORS }),
      field('ndata', 'u32', 'decimal'),
      field('data', array('u64', 16), 'hex'),
    ]),
  ),
  field(
    'emulation_failure',
    struct('', [
      field('suberror', 'u32', { values: INTERNAL_ERRORS }),
      field('ndata', 'u32', 'decimal'),
      field('flags', 'u64', { flags: { KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES: 1 } }),
      field('insn_size', 'u8', 'decimal'),
      field('insn_bytes', array('u8', 15)),
    ]),
  ),
  field('osi', struct('', [field('gprs', array('u64', 32), 'hex')])),
  field(
    'papr_hcall',
    struct('', [field('nr', 'u64', 'hex'), field('ret', 'u64', 'hex'), field('args', array('u64', 9), 'hex')]),
  ),
  field(
    's390_tsch',
    struct('', [
      field('subchannel_id', 'u16', 'hex'),
      field('subchannel_nr', 'u16', 'hex'),
      field('io_int_parm', 'u32', 'hex'),
      field('io_int_word', 'u32', 'hex'),
      field('ipb', 'u32', 'hex'),
      field('dequeued', 'u8'),
    ]),
  ),
  field('epr', struct('', [field('epr', 'u32', 'hex')])),
  field(
    'system_event',
    struct('', [
      field('type', 'u32', { values: SYSTEM_EVENTS }),
      field('ndata', 'u32', 'decimal'),
      variants('', union([field('flags', 'u64', 'hex'), field('data', array('u64', 16), 'hex')]), { always: 'data' }),
    ]),
  ),
  field(
    's390_stsi',
    struct('', [
      field('addr', 'u64', 'hex'),
      field('ar', 'u8'),
      field('reserved', 'u8', 'padding'),
      field('fc', 'u8'),
      field('sel1', 'u8'),
      field('sel2', 'u16', 'hex'),
    ]),
  ),
  field('eoi', struct('', [field('vector', 'u8', 'hex')])),
  field('hyperv', hyperv),
  field('arm_nisv', struct('', [field('esr_iss', 'u64', 'hex'), field('fault_ipa', 'u64', 'hex')])),
  field('msr', msr),
  field('xen', xen),
  field(
    'riscv_sbi',
    struct('', [
      field('extension_id', 'ulong', 'hex'),
      field('function_id', 'ulong', 'hex'),
      field('args', array('ulong', 6), 'hex'),
      field('ret', array('ulong', 2), 'hex'),
    ]),
  ),
  field(
    'riscv_csr',
    struct('', [
      field('csr_num', 'ulong', 'hex'),
      field('new_value', 'ulong', 'hex'),
      field('write_mask', 'ulong', 'hex'),
      field('ret_value', 'ulong', 'hex'),
    ]),
  ),
  field('notify', struct('', [field('flags', 'u32', 'hex')])),
  field(
    'memory_fault',
    struct('', [
      field('flags', 'u64', { flags: MEMORY_FAULT_FLAGS }),
      field('gpa', 'u64', 'hex'),
      field('size', 'u64', 'size'),
    ]),
  ),
  field('padding', array('char', 256), 'padding'),
]);

export const kvm_run = struct('kvm_run', [
  field('request_interrupt_window', 'u8'),
  field('immediate_exit', 'u8'),
  field('padding1', array('u8', 6), 'padding'),
  field('exit_reason', 'u32', { values: EXIT_REASONS }),
  field('ready_for_interrupt_injection', 'u8'),
  field('if_flag', 'u8'),
  field('flags', 'u16', 'hex'),
  field('cr8', 'u64', 'hex'),
  field('apic_base', 'u64', 'hex'),
  variants('', exit, { by: 'exit_reason', members: EXIT_MEMBERS }),
  field('kvm_valid_regs', 'u64', 'hex'),
  field('kvm_dirty_regs', 'u64', 'hex'),
  variants('s', union([field('regs', kvm_sync_regs), field('padding', array('char', 2048), 'padding')]), {
    always: 'regs',
  }),
]);
