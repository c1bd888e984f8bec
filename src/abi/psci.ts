/** Power State Coordination Interface (Arm DEN0022; include/uapi/linux/psci.h) and what KVM says of it (include/kvm/arm_psci.h, asm/kvm.h). */

/** Function ids of SMC32; those of SMC64, where there are any, have `PSCI_64BIT` set. */
export const PSCI_FN = {
  VERSION: 0x8400_0000,
  CPU_SUSPEND: 0x8400_0001,
  CPU_OFF: 0x8400_0002,
  CPU_ON: 0x8400_0003,
  AFFINITY_INFO: 0x8400_0004,
  MIGRATE_INFO_TYPE: 0x8400_0006,
  SYSTEM_OFF: 0x8400_0008,
  SYSTEM_RESET: 0x8400_0009,
  FEATURES: 0x8400_000a,
  SYSTEM_SUSPEND: 0x8400_000e,
  SYSTEM_RESET2: 0x8400_0012,
  SYSTEM_OFF2: 0x8400_0015,
} as const;
export type PsciFunction = keyof typeof PSCI_FN;

export const PSCI_64BIT = 0x4000_0000;

/** Functions with an address among their arguments, and those that are as wide by the specification. */
export const PSCI_ALSO_64: readonly PsciFunction[] = [
  'CPU_SUSPEND',
  'CPU_ON',
  'AFFINITY_INFO',
  'SYSTEM_SUSPEND',
  'SYSTEM_RESET2',
  'SYSTEM_OFF2',
];

/** PSCI_1_3_OFF_TYPE_HIBERNATE_OFF: the type of SYSTEM_OFF2, and its bit in what FEATURES says of it. */
export const PSCI_HIBERNATE_OFF = 1;

/** KVM_REG_ARM_PSCI_VERSION; 1.2 and 1.3 came with Linux 6.13. */
export const PSCI_VERSIONS = {
  KVM_ARM_PSCI_0_1: 1,
  KVM_ARM_PSCI_0_2: 2,
  KVM_ARM_PSCI_1_0: 0x10000,
  KVM_ARM_PSCI_1_1: 0x10001,
  KVM_ARM_PSCI_1_2: 0x10002,
  KVM_ARM_PSCI_1_3: 0x10003,
} as const;

/** kvm_run.system_event.data[0] by the event's type; that of SHUTDOWN came with Linux 6.13. */
export const PSCI_EVENT_FLAGS = {
  KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2: 1,
  KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_PSCI_OFF2: 1,
} as const;
