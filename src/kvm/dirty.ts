import type { Ipa } from '../abi/address.ts';
import { DIRTY_LOG_FLAGS, MEM_FLAGS } from '../abi/constants.ts';
import { kvm_clear_dirty_log, kvm_dirty_log } from '../abi/structs.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller, UserMemory } from './descriptor.ts';
import { type Memslot, memslotForLog } from './memslots.ts';
import { DONE, isRefusal, refuse, type IoctlResult } from './refusal.ts';
import { copyFault, hex, readUser } from './usercopy.ts';
import type { Vcpu } from './vcpu.ts';
import type { Vm } from './vm.ts';

const WORD_PAGES = 64;
const ALL = 0xffff_ffff_ffff_ffffn;
const CHUNK_WORDS = 8192;
const MANUAL_CAPS = DIRTY_LOG_FLAGS.KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | DIRTY_LOG_FLAGS.KVM_DIRTY_LOG_INITIALLY_SET;

/** A slot's bitmap of dirty pages, a bit a page; parts that were never touched take no room. */
export class DirtyBitmap {
  readonly pages: number;
  #initial: bigint;
  /** Words of a chunk by the chunk's number. */
  #chunks = new Map<number, BigUint64Array>();

  constructor(pages: number, initiallySet: boolean) {
    this.pages = pages;
    this.#initial = initiallySet ? ALL : 0n;
  }

  get words(): number {
    return Math.ceil(this.pages / WORD_PAGES);
  }

  set(page: number): void {
    const index = Math.floor(page / WORD_PAGES);
    const chunk = this.#chunk(index);
    chunk[index % CHUNK_WORDS]! |= 1n << BigInt(page % WORD_PAGES);
  }

  /** Clears the bits of `mask` in a word and gives those that were set. */
  clear(index: number, mask: bigint): bigint {
    const chunk = this.#chunk(index);
    const before = chunk[index % CHUNK_WORDS]!;
    chunk[index % CHUNK_WORDS] = before & ~mask;
    return before & mask;
  }

  /** A bitmap with what is set here; here nothing is any more. */
  take(): DirtyBitmap {
    const taken = new DirtyBitmap(this.pages, this.#initial !== 0n);
    taken.#chunks = this.#chunks;
    this.#chunks = new Map();
    this.#initial = 0n;
    return taken;
  }

  /** Calls back for each word with bits set: `mask` null for many words, from `index` to the end, that may have. */
  forEachDirty(visit: (index: number, mask: bigint | null) => void): void {
    if (this.#initial !== 0n) return visit(0, null);
    for (const [number, chunk] of this.#chunks) {
      chunk.forEach((mask, at) => {
        if (mask !== 0n) visit(number * CHUNK_WORDS + at, mask);
      });
    }
  }

  /** Writes all words to the process; false is EFAULT, and what came before it is written. */
  copyTo(user: UserMemory, address: bigint): boolean {
    for (let index = 0; index < this.words; index += CHUNK_WORDS) {
      const count = Math.min(CHUNK_WORDS, this.words - index);
      const chunk = this.#chunks.get(index / CHUNK_WORDS) ?? this.#fresh(index / CHUNK_WORDS);
      const bytes = new Uint8Array(chunk.buffer, 0, count * 8);
      if (!user.write(address + BigInt(index * 8), bytes)) return false;
    }
    return true;
  }

  #chunk(index: number): BigUint64Array {
    const number = Math.floor(index / CHUNK_WORDS);
    let chunk = this.#chunks.get(number);
    if (!chunk) this.#chunks.set(number, (chunk = this.#fresh(number)));
    return chunk;
  }

  #fresh(number: number): BigUint64Array {
    const chunk = new BigUint64Array(CHUNK_WORDS).fill(this.#initial);
    const left = this.words - number * CHUNK_WORDS;
    const rest = this.pages % WORD_PAGES;
    if (left <= CHUNK_WORDS && rest !== 0) chunk[left - 1]! &= (1n << BigInt(rest)) - 1n;
    return chunk;
  }
}

/** kvm_use_dirty_bitmap: a dirty ring alone does without. */
function usesBitmap(vm: Vm): boolean {
  return vm.dirtyRingSize === 0 || vm.dirtyRingWithBitmap;
}

/**
 * Write-protects pages again whose bits were taken, and all between them, so that the next write to one is seen
 * (kvm_arch_mmu_enable_log_dirty_pt_masked). Bit 0 of `mask` is page `page` of the slot. The caller has said why, and flushes the
 * TLB after it.
 */
export function reprotect(vm: Vm, slot: Memslot, page: number, mask: bigint): void {
  const { pageSize } = vm.kvm.host;
  const first = page + lowestBit(mask);
  const end = page + bitLength(mask);
  const range = [slot.base + first * pageSize, slot.base + end * pageSize] as const;
  vm.stage2.writeProtect(...range);
  if (manualAndInitiallySet(vm) && vm.splitChunkSize !== 0n) vm.stage2.split(...range, Number(vm.splitChunkSize));
}

/** One more than the number of the highest bit (__fls). */
export const bitLength = (mask: bigint): number => mask.toString(2).length;

function lowestBit(mask: bigint): number {
  let bit = 0;
  while (((mask >> BigInt(bit)) & 1n) === 0n) bit++;
  return bit;
}

export function manualAndInitiallySet(vm: Vm): boolean {
  return (vm.manualDirtyLogProtect & DIRTY_LOG_FLAGS.KVM_DIRTY_LOG_INITIALLY_SET) !== 0;
}

/** The bitmap that a slot which begins to log gets, or null where a ring does without (kvm_prepare_memory_region). */
export function newBitmap(vm: Vm, pages: number): DirtyBitmap | null {
  return usesBitmap(vm) ? new DirtyBitmap(pages, manualAndInitiallySet(vm)) : null;
}

function noBitmap(kernel: string): IoctlResult {
  return refuse('ENXIO', 'dirty-log.ring-only', 'the VM tracks dirty pages in rings without a bitmap', kernel);
}

/** KVM_GET_DIRTY_LOG (kvm_get_dirty_log_protect). */
export function getDirtyLog(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const kernel = 'kvm_get_dirty_log_protect';
  const log = readUser(caller.memory, arg, kvm_dirty_log);
  if (isRefusal(log)) return log;
  if (!usesBitmap(vm)) return noBitmap(kernel);
  const slot = memslotForLog(vm, log.slot, kernel);
  if (isRefusal(slot)) return slot;
  const { bitmap } = slot;
  let snapshot = bitmap;
  if (vm.manualDirtyLogProtect === 0) {
    // The snapshot is taken and pages are protected before the copy can fail.
    snapshot = bitmap.take();
    const { base, size } = slot.slot;
    let flush = false;
    vm.stage2.because('dirty log read');
    snapshot.forEachDirty((word, mask) => {
      flush = true;
      if (mask === null) vm.stage2.writeProtect(base, base + size);
      else reprotect(vm, slot.slot, word * WORD_PAGES, mask);
    });
    if (flush) vm.stage2.flushRange(base, base + size);
  }
  if (snapshot.copyTo(caller.memory, log.dirty_bitmap)) return DONE;
  return copyFault(log.dirty_bitmap, bitmap.words * 8, 'to', 'dirty_bitmap');
}

/** KVM_CLEAR_DIRTY_LOG (kvm_clear_dirty_log_protect). */
export function clearDirtyLog(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const kernel = 'kvm_clear_dirty_log_protect';
  const log = readUser(caller.memory, arg, kvm_clear_dirty_log);
  if (isRefusal(log)) return log;
  if (!usesBitmap(vm)) return noBitmap(kernel);
  const first = log.first_page;
  const slot = memslotForLog(vm, log.slot, kernel, () =>
    (first & 63n) === 0n
      ? null
      : refuse('EINVAL', 'dirty-log.first-page', `first_page ${first} is not a multiple of 64`, kernel),
  );
  if (isRefusal(slot)) return slot;
  const { bitmap } = slot;
  const left = BigInt(bitmap.pages) - first;
  const count = BigInt(log.num_pages);
  if (left < 0n || count > left || (count < left && (count & 63n) !== 0n)) {
    const message = `pages ${first} to ${first + count} of a slot of ${bitmap.pages}: outside, or an end that is neither the slot's nor a multiple of 64`;
    return refuse('EINVAL', 'dirty-log.range', message, kernel);
  }
  const words = Math.ceil(log.num_pages / WORD_PAGES);
  const firstWord = Number(first) / WORD_PAGES;
  const { base, size } = slot.slot;
  const read = (at: number) =>
    caller.memory.read(log.dirty_bitmap + BigInt(at * 8), Math.min(CHUNK_WORDS, words - at) * 8);
  // All of it is copied before anything is cleared; here it is read twice, since it may be larger than what one wants to hold.
  for (let at = 0; at < words; at += CHUNK_WORDS) {
    if (!read(at)) return copyFault(log.dirty_bitmap, words * 8, 'from', 'dirty_bitmap');
  }
  let flush = false;
  vm.stage2.because('dirty log cleared');
  for (let at = 0; at < words; at += CHUNK_WORDS) {
    const bytes = read(at);
    if (!bytes) break;
    const masks = new BigUint64Array(bytes.buffer);
    masks.forEach((mask, index) => {
      if (mask === 0n) return;
      const cleared = bitmap.clear(firstWord + at + index, mask);
      if (cleared === 0n) return;
      flush = true;
      reprotect(vm, slot.slot, (firstWord + at + index) * WORD_PAGES, cleared);
    });
  }
  if (flush) vm.stage2.flushRange(base, base + size);
  return DONE;
}

/** A page of a slot was written by a vCPU, or for it (mark_page_dirty_in_slot). */
export function markDirty(vcpu: Vcpu, slot: Memslot, ipa: Ipa): void {
  if ((slot.flags & MEM_FLAGS.KVM_MEM_LOG_DIRTY_PAGES) === 0) return;
  const page = Math.floor((ipa - slot.base) / vcpu.vm.kvm.host.pageSize);
  if (vcpu.dirtyRing) vcpu.dirtyRing.push(slot.id, page);
  else slot.dirty?.set(page);
}

export const DIRTY_CAPABILITIES: readonly CapabilityRow[] = [
  {
    name: 'KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2',
    check: () => MANUAL_CAPS,
    enable: (vm, { flags, args }) => {
      const value = args[0] ?? 0n;
      const enabled = (value & BigInt(DIRTY_LOG_FLAGS.KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)) !== 0n;
      const allowed = BigInt(enabled ? MANUAL_CAPS : DIRTY_LOG_FLAGS.KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
      if (flags !== 0 || (value & ~allowed) !== 0n) {
        const message = `flags ${hex(flags)} must be 0 and args[0] ${hex(value)} at most ${hex(allowed)}`;
        return refuse('EINVAL', 'enable-cap.manual-dirty-log', message, 'kvm_vm_ioctl_enable_cap_generic');
      }
      vm.manualDirtyLogProtect = Number(value);
      return DONE;
    },
  },
];
