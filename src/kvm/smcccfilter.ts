import { SMCCC_FILTER_ACTIONS } from '../abi/constants.ts';
import { kvm_smccc_filter } from '../abi/structs.ts';
import type { Caller } from './descriptor.ts';
import { DONE, isRefusal, refuse, type IoctlResult } from './refusal.ts';
import { hex, mustBeZero, readUser } from './usercopy.ts';
import type { Vm } from './vm.ts';

/** What is done with calls whose function is in first..last. */
export interface FilterRange {
  readonly first: number;
  readonly last: number;
  readonly action: number;
}

const { KVM_SMCCC_FILTER_HANDLE: HANDLE } = SMCCC_FILTER_ACTIONS;
/** The architecture's calls stay KVM's: userspace must not misstate mitigations (kvm_smccc_filter_insert_reserved). */
const RESERVED: readonly FilterRange[] = [
  { first: 0x8000_0000, last: 0x8000_ffff, action: HANDLE },
  { first: 0xc000_0000, last: 0xc000_ffff, action: HANDLE },
];

/** KVM_ARM_VM_SMCCC_FILTER (kvm_smccc_set_filter). */
export function setSmcccFilter(vm: Vm, address: bigint, caller: Caller): IoctlResult {
  const filter = readUser(caller.memory, address, kvm_smccc_filter);
  if (isRefusal(filter)) return filter;
  const kernel = 'kvm_smccc_set_filter';
  const no = (rule: string, message: string): IoctlResult => refuse('EINVAL', `smccc-filter.${rule}`, message, kernel);
  const set = mustBeZero('pad', filter.pad);
  if (set !== null) return no('pad', set);
  const first = filter.base;
  const last = (first + filter.nr_functions - 1) >>> 0;
  if (filter.nr_functions === 0 || last < first)
    return no('range', `${filter.nr_functions} functions from ${hex(first)} are no range`);
  if (!Object.values(SMCCC_FILTER_ACTIONS).some((action) => action === filter.action)) {
    return no('action', `there is no action ${filter.action}`);
  }
  if (vm.hasRunOnce) {
    const message = `${hex(first)}-${hex(last)} can't get an action once a vCPU of the VM has run`;
    return refuse('EBUSY', 'smccc-filter.after-run', message, kernel);
  }
  if (vm.smcccFilter.length === 0) vm.smcccFilter.push(...RESERVED);
  const taken = vm.smcccFilter.find((range) => range.first <= last && first <= range.last);
  if (taken) {
    const message = `${hex(first)}-${hex(last)} touches ${hex(taken.first)}-${hex(taken.last)}, which has an action already`;
    return refuse('EEXIST', 'smccc-filter.overlap', message, kernel);
  }
  vm.smcccFilter.push({ first, last, action: filter.action });
  return DONE;
}

export function filterAction(vm: Vm, id: number): number {
  return vm.smcccFilter.find(({ first, last }) => id >= first && id <= last)?.action ?? HANDLE;
}
