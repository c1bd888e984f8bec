import { ipa, type Ipa } from '../abi/address.ts';
import { MEM_FLAGS } from '../abi/constants.ts';
import { kvm_userspace_memory_region, kvm_userspace_memory_region2 } from '../abi/structs.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller } from './descriptor.ts';
import { manualAndInitiallySet, newBitmap, type DirtyBitmap } from './dirty.ts';
import { DONE, isRefusal, refuse, type IoctlResult, type Refusal } from './refusal.ts';
import { hex, readUser } from './usercopy.ts';
import type { Vm } from './vm.ts';

/** A memory slot. Addresses and sizes are bytes. */
export interface Memslot {
  readonly id: number;
  readonly base: Ipa;
  readonly size: number;
  readonly flags: number;
  readonly userspaceAddress: bigint;
  readonly dirty: DirtyBitmap | null;
}

/** KVM_MEM_SLOTS_NUM: SHRT_MAX, all of them userspace's on arm64. */
export const USER_MEM_SLOTS = 32767;
/** KVM_MEM_MAX_NR_PAGES. */
const MAX_PAGES = (1n << 31n) - 1n;
const U64 = 1n << 64n;
const IPA_END = 1n << 52n;
const V1_FLAGS = MEM_FLAGS.KVM_MEM_LOG_DIRTY_PAGES | MEM_FLAGS.KVM_MEM_READONLY;
/** arm64 has no guest_memfd in 6.12 (kvm_arch_has_private_mem). */
const VALID_FLAGS = MEM_FLAGS.KVM_MEM_LOG_DIRTY_PAGES | MEM_FLAGS.KVM_MEM_READONLY;

export const MEMSLOT_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_USER_MEMORY', check: () => 1 },
  { name: 'KVM_CAP_USER_MEMORY2', check: () => 1 },
  { name: 'KVM_CAP_DESTROY_MEMORY_REGION_WORKS', check: () => 1 },
  { name: 'KVM_CAP_JOIN_MEMORY_REGIONS_WORKS', check: () => 1 },
  { name: 'KVM_CAP_SYNC_MMU', check: () => 1 },
  { name: 'KVM_CAP_READONLY_MEM', check: () => 1 },
  { name: 'KVM_CAP_NR_MEMSLOTS', check: () => USER_MEM_SLOTS },
];

interface Region {
  readonly slot: number;
  readonly flags: number;
  readonly guest_phys_addr: bigint;
  readonly memory_size: bigint;
  readonly userspace_addr: bigint;
}

/** KVM_SET_USER_MEMORY_REGION (kvm_vm_ioctl). */
export function setUserMemoryRegion(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const region = readUser(caller.memory, arg, kvm_userspace_memory_region);
  if (isRefusal(region)) return region;
  if ((region.flags & ~V1_FLAGS) !== 0) {
    const message = `flags ${hex(region.flags)} has bits other than KVM_MEM_LOG_DIRTY_PAGES and KVM_MEM_READONLY`;
    return refuse('EINVAL', 'memslot.v1-flags', message, 'kvm_vm_ioctl');
  }
  return setMemoryRegion(vm, region);
}

/** KVM_SET_USER_MEMORY_REGION2. */
export function setUserMemoryRegion2(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const region = readUser(caller.memory, arg, kvm_userspace_memory_region2);
  return isRefusal(region) ? region : setMemoryRegion(vm, region);
}

/** The slots of a VM: by their number, and sorted by address for the one that holds an IPA. */
export class Memslots {
  readonly #byId = new Map<number, Memslot>();
  readonly #byBase: Memslot[] = [];

  get size(): number {
    return this.#byId.size;
  }

  get(id: number): Memslot | undefined {
    return this.#byId.get(id);
  }

  values(): Iterable<Memslot> {
    return this.#byId.values();
  }

  set(slot: Memslot): void {
    this.delete(slot.id);
    this.#byId.set(slot.id, slot);
    this.#byBase.splice(this.#after(slot.base), 0, slot);
  }

  delete(id: number): void {
    const slot = this.#byId.get(id);
    if (!slot) return;
    this.#byId.delete(id);
    this.#byBase.splice(this.#after(slot.base) - 1, 1);
  }

  /** The slot that holds an IPA, or null. */
  at(address: Ipa): Memslot | null {
    const slot = this.#byBase[this.#after(address) - 1];
    return slot && address < slot.base + slot.size ? slot : null;
  }

  /** A slot other than `id` that touches [start, end), or null. */
  overlap(id: number, start: number, end: number): Memslot | null {
    for (let index = this.#after(ipa(end - 1)) - 1; index >= 0; index--) {
      const slot = this.#byBase[index]!;
      if (slot.base + slot.size <= start) return null;
      if (slot.id !== id) return slot;
    }
    return null;
  }

  /** How many slots begin at or below an IPA. */
  #after(address: Ipa): number {
    let low = 0;
    let high = this.#byBase.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#byBase[middle]!.base <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** kvm_are_all_memslots_empty. */
export function allMemslotsEmpty(vm: Vm): boolean {
  return vm.memslots.size === 0;
}

/** The slot whose log is asked for, as the dirty log ioctls look it up; `check` runs between the two halves. */
export function memslotForLog(
  vm: Vm,
  slotAndSpace: number,
  kernel: string,
  check?: () => Refusal | null,
): { slot: Memslot; bitmap: DirtyBitmap } | Refusal {
  const space = slotAndSpace >>> 16;
  const id = slotAndSpace & 0xffff;
  if (space !== 0 || id >= USER_MEM_SLOTS) {
    return refuse('EINVAL', 'dirty-log.slot', `there is no slot ${id} in address space ${space}`, kernel);
  }
  const refused = check?.();
  if (refused) return refused;
  const slot = vm.memslots.get(id);
  if (!slot?.dirty) {
    const message = slot ? `slot ${id} does not log dirty pages` : `there is no slot ${id}`;
    return refuse('ENOENT', 'dirty-log.not-logging', message, kernel);
  }
  return { slot, bitmap: slot.dirty };
}

/** untagged_addr: the top byte is a tag where bit 55 is clear. */
function untagged(address: bigint): bigint {
  return address & BigInt.asUintN(64, BigInt.asIntN(56, address));
}

/** access_ok for [address, address + size). */
function accessOk(taskSize: bigint, address: bigint, size: bigint): boolean {
  return size <= taskSize && untagged(address) <= taskSize - size;
}

/** The general checks of __kvm_set_memory_region, in its order. */
function checkRegion(vm: Vm, region: Region): Refusal | null {
  const kernel = '__kvm_set_memory_region';
  const { slot, flags, guest_phys_addr: base, memory_size: size, userspace_addr: hva } = region;
  const page = BigInt(vm.kvm.host.pageSize);
  const no = (rule: string, message: string): Refusal => refuse('EINVAL', `memslot.${rule}`, message, kernel);

  if ((slot & 0xffff) >= USER_MEM_SLOTS) {
    const message = `slot ${slot & 0xffff} is not below ${USER_MEM_SLOTS}`;
    return refuse('EINVAL', 'memslot.slot-id', message, 'kvm_vm_ioctl_set_memory_region');
  }
  if ((flags & ~VALID_FLAGS) !== 0) {
    return refuse(
      'EINVAL',
      'memslot.flags',
      `flags ${hex(flags)} has bits that this host does not know`,
      'check_memory_region_flags',
    );
  }
  if (size % page !== 0n)
    return no('size-alignment', `the size ${hex(size)} is not a multiple of the page size, ${hex(page)}`);
  if (base % page !== 0n)
    return no('ipa-alignment', `the IPA ${hex(base)} is not a multiple of the page size, ${hex(page)}`);
  if (hva % page !== 0n)
    return no('hva-alignment', `the address ${hex(hva)} is not a multiple of the page size, ${hex(page)}`);
  if (hva !== untagged(hva)) return no('hva-tag', `the address ${hex(hva)} has a tag in its top byte`);
  if (!accessOk(vm.mm.taskSize, hva, size)) {
    return no('hva-range', `${hex(hva)} with ${hex(size)} bytes is not all below TASK_SIZE, ${hex(vm.mm.taskSize)}`);
  }
  if (slot >>> 16 !== 0) return no('address-space', `address space ${slot >>> 16}: arm64 has one, 0`);
  if (base + size >= U64) return no('ipa-wrap', `the IPA ${hex(base)} with ${hex(size)} bytes wraps around 2^64`);
  if (size / page > MAX_PAGES) return no('too-large', `${hex(size)} bytes are more than ${MAX_PAGES} pages`);
  return null;
}

/** __kvm_set_memory_region. */
function setMemoryRegion(vm: Vm, region: Region): IoctlResult {
  const kernel = '__kvm_set_memory_region';
  const refused = checkRegion(vm, region);
  if (refused) return refused;
  const { flags, guest_phys_addr: base, memory_size: size, userspace_addr: hva } = region;
  const id = region.slot & 0xffff;
  const old = vm.memslots.get(id) ?? null;

  if (size === 0n) {
    if (!old) return refuse('EINVAL', 'memslot.delete-missing', `size 0 deletes, and there is no slot ${id}`, kernel);
    vm.stage2.because('slot deleted').unmap(old.base, old.base + old.size);
    vm.memslots.delete(id);
    return DONE;
  }

  const moves = old !== null && base !== BigInt(old.base);
  if (old) {
    const changed = (what: string): Refusal =>
      refuse('EINVAL', 'memslot.modify', `slot ${id} exists and its ${what} can't change; delete it first`, kernel);
    if (hva !== old.userspaceAddress) return changed(`address in the process, ${hex(old.userspaceAddress)},`);
    if (size !== BigInt(old.size)) return changed(`size, ${hex(old.size)},`);
    if (((flags ^ old.flags) & MEM_FLAGS.KVM_MEM_READONLY) !== 0) return changed('KVM_MEM_READONLY');
    if (!moves && flags === old.flags) return DONE;
  }
  if (!old || moves) {
    // All slots lie below 2^52: what reaches above is cut for the comparison.
    const other =
      base < IPA_END
        ? vm.memslots.overlap(id, Number(base), Number(base + size < IPA_END ? base + size : IPA_END))
        : null;
    if (other) {
      const message = `${hex(base)}-${hex(base + size)} overlaps slot ${other.id}, ${hex(other.base)}-${hex(other.base + other.size)}`;
      return refuse('EEXIST', 'memslot.overlap', message, kernel);
    }
  }

  // A slot that moves loses its mappings before the architecture may still refuse the new place.
  if (old && moves) vm.stage2.because('slot moved').unmap(old.base, old.base + old.size);
  if (base + size > 1n << BigInt(vm.ipaBits)) {
    const message = `the slot ends at ${hex(base + size)}, above the VM's IPA space of ${vm.ipaBits} bits, ${hex(1n << BigInt(vm.ipaBits))}`;
    return refuse('EFAULT', 'memslot.ipa-limit', message, 'kvm_arch_prepare_memory_region');
  }

  const logs = (flags & MEM_FLAGS.KVM_MEM_LOG_DIRTY_PAGES) !== 0;
  if (logs && vm.mm.hasPfnMapping(hva, hva + size)) {
    const message = `${hex(hva)}-${hex(hva + size)} in the process has a mapping of device memory, whose dirty pages can't be logged`;
    return refuse('EINVAL', 'memslot.log-device', message, 'kvm_arch_prepare_memory_region');
  }
  const pages = Number(size) / vm.kvm.host.pageSize;
  const dirty = logs ? (old?.dirty ?? newBitmap(vm, pages)) : null;
  const slot: Memslot = { id, base: ipa(Number(base)), size: Number(size), flags, userspaceAddress: hva, dirty };
  vm.memslots.set(slot);
  // kvm_arch_commit_memory_region: all pages are protected when logging begins, unless CLEAR does it bit by bit.
  if (logs && !manualAndInitiallySet(vm)) {
    vm.stage2.because('logging enabled').writeProtect(slot.base, slot.base + slot.size);
    vm.stage2.flushRange(slot.base, slot.base + slot.size);
    if (vm.splitChunkSize !== 0n) vm.stage2.split(slot.base, slot.base + slot.size, Number(vm.splitChunkSize));
  }
  return DONE;
}

/** The IPAs that the slots have for a range of the process' addresses, in the order of those (kvm_handle_hva_range). */
function forEachIpaRange(vm: Vm, start: bigint, end: bigint, visit: (from: number, to: number) => void): void {
  const touched: Memslot[] = [];
  for (const slot of vm.memslots.values()) {
    if (slot.userspaceAddress < end && slot.userspaceAddress + BigInt(slot.size) > start) touched.push(slot);
  }
  touched.sort((a, b) => Number(a.userspaceAddress - b.userspaceAddress));
  for (const { base, size, userspaceAddress } of touched) {
    const offset = base - Number(userspaceAddress);
    visit(Math.max(Number(start) + offset, base), Math.min(Number(end) + offset, base + size));
  }
}

/** Pages of the process are going away (kvm_mmu_notifier_invalidate_range_start): every IPA behind them is unmapped. */
export function unmapUserRange(vm: Vm, start: bigint, end: bigint): void {
  vm.stage2.because('host memory changed', Number(start));
  forEachIpaRange(vm, start, end, (from, to) => {
    vm.stage2.unmap(from, to);
    vm.invalidations++;
  });
}

/**
 * Whether the guest has used pages of the process since they were asked for the last time, which is forgotten
 * (kvm_mmu_notifier_clear_young; with `flush` kvm_mmu_notifier_clear_flush_young: uses that the TLB hides are seen from now on).
 */
export function ageUserRange(vm: Vm, start: bigint, end: bigint, flush: boolean): boolean {
  let young = false;
  vm.stage2.because('host memory aged', Number(start));
  forEachIpaRange(vm, start, end, (from, to) => {
    young = vm.stage2.age(from, to, true) || young;
  });
  if (young && flush) {
    vm.stage2.flushAll();
    vm.statistics.add('remote_tlb_flush_requests');
    vm.statistics.add('remote_tlb_flush');
  }
  return young;
}
