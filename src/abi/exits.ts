/** Why KVM_RUN came back: kvm_run.exit_reason, and the member of kvm_run's union that then holds. */
export interface Exit {
  readonly name: string;
  readonly nr: number;
  /** null: the exit carries no data. */
  readonly member: string | null;
}

export const EXITS = [
  { name: 'KVM_EXIT_UNKNOWN', nr: 0, member: 'hw' },
  { name: 'KVM_EXIT_EXCEPTION', nr: 1, member: 'ex' },
  { name: 'KVM_EXIT_IO', nr: 2, member: 'io' },
  { name: 'KVM_EXIT_HYPERCALL', nr: 3, member: 'hypercall' },
  { name: 'KVM_EXIT_DEBUG', nr: 4, member: 'debug' },
  { name: 'KVM_EXIT_HLT', nr: 5, member: null },
  { name: 'KVM_EXIT_MMIO', nr: 6, member: 'mmio' },
  { name: 'KVM_EXIT_IRQ_WINDOW_OPEN', nr: 7, member: null },
  { name: 'KVM_EXIT_SHUTDOWN', nr: 8, member: null },
  { name: 'KVM_EXIT_FAIL_ENTRY', nr: 9, member: 'fail_entry' },
  { name: 'KVM_EXIT_INTR', nr: 10, member: null },
  { name: 'KVM_EXIT_SET_TPR', nr: 11, member: null },
  { name: 'KVM_EXIT_TPR_ACCESS', nr: 12, member: 'tpr_access' },
  { name: 'KVM_EXIT_S390_SIEIC', nr: 13, member: 's390_sieic' },
  { name: 'KVM_EXIT_S390_RESET', nr: 14, member: 's390_reset_flags' },
  { name: 'KVM_EXIT_DCR', nr: 15, member: 'dcr' },
  { name: 'KVM_EXIT_NMI', nr: 16, member: null },
  { name: 'KVM_EXIT_INTERNAL_ERROR', nr: 17, member: 'internal' },
  { name: 'KVM_EXIT_OSI', nr: 18, member: 'osi' },
  { name: 'KVM_EXIT_PAPR_HCALL', nr: 19, member: 'papr_hcall' },
  { name: 'KVM_EXIT_S390_UCONTROL', nr: 20, member: 's390_ucontrol' },
  { name: 'KVM_EXIT_WATCHDOG', nr: 21, member: null },
  { name: 'KVM_EXIT_S390_TSCH', nr: 22, member: 's390_tsch' },
  { name: 'KVM_EXIT_EPR', nr: 23, member: 'epr' },
  { name: 'KVM_EXIT_SYSTEM_EVENT', nr: 24, member: 'system_event' },
  { name: 'KVM_EXIT_S390_STSI', nr: 25, member: 's390_stsi' },
  { name: 'KVM_EXIT_IOAPIC_EOI', nr: 26, member: 'eoi' },
  { name: 'KVM_EXIT_HYPERV', nr: 27, member: 'hyperv' },
  { name: 'KVM_EXIT_ARM_NISV', nr: 28, member: 'arm_nisv' },
  { name: 'KVM_EXIT_X86_RDMSR', nr: 29, member: 'msr' },
  { name: 'KVM_EXIT_X86_WRMSR', nr: 30, member: 'msr' },
  { name: 'KVM_EXIT_DIRTY_RING_FULL', nr: 31, member: null },
  { name: 'KVM_EXIT_AP_RESET_HOLD', nr: 32, member: null },
  { name: 'KVM_EXIT_X86_BUS_LOCK', nr: 33, member: null },
  { name: 'KVM_EXIT_XEN', nr: 34, member: 'xen' },
  { name: 'KVM_EXIT_RISCV_SBI', nr: 35, member: 'riscv_sbi' },
  { name: 'KVM_EXIT_RISCV_CSR', nr: 36, member: 'riscv_csr' },
  { name: 'KVM_EXIT_NOTIFY', nr: 37, member: 'notify' },
  { name: 'KVM_EXIT_LOONGARCH_IOCSR', nr: 38, member: 'iocsr_io' },
  { name: 'KVM_EXIT_MEMORY_FAULT', nr: 39, member: 'memory_fault' },
] as const satisfies readonly Exit[];

export type ExitName = (typeof EXITS)[number]['name'];

/** kvm_run.exit_reason by name. */
export const EXIT_REASONS = Object.fromEntries(EXITS.map((exit) => [exit.name, exit.nr])) as Readonly<
  Record<ExitName, number>
>;

/** The row of an exit reason, or null where Linux 6.12 has none. */
export const exitByReason = (reason: number): Exit | null => EXITS[reason] ?? null;

/** Exit reason → member of kvm_run's union, for the exits that carry data. */
export const EXIT_MEMBERS: Readonly<Record<number, string>> = Object.fromEntries(
  EXITS.flatMap((exit): [number, string][] => (exit.member === null ? [] : [[exit.nr, exit.member]])),
);
