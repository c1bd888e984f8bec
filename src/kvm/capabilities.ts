import { CAPABILITIES } from '../abi/capabilities.ts';
import { ATTRIBUTE_CAPABILITIES } from './attributes.ts';
import { COALESCED_CAPABILITIES } from './coalesced.ts';
import { DIRTY_CAPABILITIES } from './dirty.ts';
import { RING_CAPABILITIES } from './dirtyring.ts';
import { GUEST_DEBUG_CAPABILITIES } from './guestdebug.ts';
import { IOEVENTFD_CAPABILITIES } from './ioeventfd.ts';
import { IRQCHIP_CAPABILITIES } from './irqchip.ts';
import { MEMSLOT_CAPABILITIES } from './memslots.ts';
import type { KvmModule } from './module.ts';
import { PMU_CAPABILITIES } from './pmu.ts';
import { REG_SCOPE_CAPABILITIES } from './proposals/regscope.ts';
import { PVTIME_CAPABILITIES } from './pvtime.ts';
import { isRefusal, type IoctlResult, type Refusal } from './refusal.ts';
import { RUN_CAPABILITIES } from './run/run.ts';
import { STATISTICS_CAPABILITIES } from './stats.ts';
import { SYSTEM_CAPABILITIES } from './system.ts';
import { VCPU_CAPABILITIES } from './vcpu.ts';
import type { Vm } from './vm.ts';

export interface EnableArguments {
  readonly flags: number;
  readonly args: readonly bigint[];
}

/** Of the ABI, or one that was proposed for it. */
type Identity =
  | { readonly name: keyof typeof CAPABILITIES; readonly number?: undefined }
  | { readonly name: string; readonly number: number };

/** One capability, declared beside the code that implements it: what is not here is not advertised. */
export type CapabilityRow = Identity & {
  /** KVM_CHECK_EXTENSION's answer; `vm` is null on /dev/kvm. */
  readonly check: (kvm: KvmModule, vm: Vm | null) => number | Refusal;
  /** KVM_ENABLE_CAP on a VM, for one that can be enabled. */
  readonly enable?: (vm: Vm, given: EnableArguments) => IoctlResult;
};

const numberOf = (row: CapabilityRow): number => (row.number === undefined ? CAPABILITIES[row.name] : row.number);

let byNumber: ReadonlyMap<number, CapabilityRow> | null = null;

/** The row of a capability's number, or null for one that is not implemented. */
export function capability(number: bigint): CapabilityRow | null {
  byNumber ??= new Map(
    [
      SYSTEM_CAPABILITIES,
      MEMSLOT_CAPABILITIES,
      DIRTY_CAPABILITIES,
      RING_CAPABILITIES,
      COALESCED_CAPABILITIES,
      VCPU_CAPABILITIES,
      ATTRIBUTE_CAPABILITIES,
      PVTIME_CAPABILITIES,
      PMU_CAPABILITIES,
      GUEST_DEBUG_CAPABILITIES,
      RUN_CAPABILITIES,
      IOEVENTFD_CAPABILITIES,
      IRQCHIP_CAPABILITIES,
      STATISTICS_CAPABILITIES,
      REG_SCOPE_CAPABILITIES,
    ]
      .flat()
      .map((row) => [numberOf(row), row]),
  );
  return number < 0x1_0000_0000n ? (byNumber.get(Number(number)) ?? null) : null;
}

/** Capabilities of the ABI that arm64 does not have in Linux 6.12, where what comes in their place is worth a word. */
const ABSENT: Partial<Record<keyof typeof CAPABILITIES, string>> = {
  KVM_CAP_MEMORY_FAULT_INFO:
    'arm64 never makes a KVM_EXIT_MEMORY_FAULT in Linux 6.12: KVM_RUN returns EFAULT and says nothing in kvm_run',
  KVM_CAP_GUEST_MEMFD: 'arm64 has no guest_memfd in Linux 6.12 (kvm_arch_has_private_mem)',
  KVM_CAP_MEMORY_ATTRIBUTES: 'arm64 has no private memory in Linux 6.12, the one attribute there is',
};

/** Why KVM_CHECK_EXTENSION says 0 of a capability; null: nothing is known beyond that it does. */
export function whyAbsent(number: bigint): string | null {
  const names = Object.keys(ABSENT) as (keyof typeof CAPABILITIES)[];
  const name = names.find((each) => BigInt(CAPABILITIES[each]) === number);
  return (name && ABSENT[name]) ?? null;
}

/** KVM_CHECK_EXTENSION. */
export function checkExtension(kvm: KvmModule, vm: Vm | null, arg: bigint): IoctlResult {
  const answer = capability(arg)?.check(kvm, vm) ?? 0;
  return isRefusal(answer) ? answer : { ret: answer };
}
