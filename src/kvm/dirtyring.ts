import { DIRTY_GFN_FLAGS } from '../abi/constants.ts';
import type { Pa } from '../abi/address.ts';
import type { CapabilityRow } from './capabilities.ts';
import { bitLength, reprotect } from './dirty.ts';
import { allMemslotsEmpty } from './memslots.ts';
import type { KvmModule } from './module.ts';
import { DONE, refuse, type IoctlResult } from './refusal.ts';
import { hex } from './usercopy.ts';
import type { Vm } from './vm.ts';

/** Dirty pages in a ring of each vCPU (dirty_ring.c): struct kvm_dirty_gfn, which userspace maps and harvests. */
const ENTRY = { FLAGS: 0, SLOT: 4, OFFSET: 8, SIZE: 16 } as const;
const MOST_ENTRIES = 65536;
/** Entries kept free when the vCPU has to leave (KVM_DIRTY_RING_RSVD_ENTRIES). */
const RESERVED_ENTRIES = 64;
/** KVM_DIRTY_LOG_PAGE_OFFSET. */
export const RING_PAGE_OFFSET = 64;
const WORD_PAGES = 64n;

/** Pages of a slot: bit 0 of `mask` is `page`. */
interface Together {
  readonly slot: number;
  page: bigint;
  mask: bigint;
}

/** Whether one page more fits into the 64 that are protected at once; then it is among them. */
function joins(together: Together, slot: number, page: bigint): boolean {
  if (slot !== together.slot) return false;
  const delta = BigInt.asIntN(64, page - together.page);
  if (delta >= 0n && delta < WORD_PAGES) {
    together.mask |= 1n << delta;
    return true;
  }
  if (delta >= 0n || delta <= -WORD_PAGES || BigInt.asUintN(64, together.mask << -delta) !== together.mask << -delta) {
    return false;
  }
  together.page = page;
  together.mask = (together.mask << -delta) | 1n;
  return true;
}

export class DirtyRing {
  readonly #kvm: KvmModule;
  readonly #pages: readonly Pa[];
  readonly #entries: number;
  #dirtyIndex = 0;
  #resetIndex = 0;
  /** KVM_REQ_DIRTY_RING_SOFT_FULL: an entry was made that filled it. */
  #asked = false;

  private constructor(kvm: KvmModule, pages: readonly Pa[], entries: number) {
    this.#kvm = kvm;
    this.#pages = pages;
    this.#entries = entries;
  }

  /** null: no memory. `size` in bytes, a power of two of at least a page. */
  static create(kvm: KvmModule, size: number): DirtyRing | null {
    const { pages } = kvm.host.memory;
    const allocated: Pa[] = [];
    for (let at = 0; at < size; at += pages.pageSize) {
      const page = pages.allocate();
      if (page === null) {
        for (const taken of allocated) pages.free(taken);
        return null;
      }
      allocated.push(page);
    }
    return new DirtyRing(kvm, allocated, size / ENTRY.SIZE);
  }

  pageAt(index: number): Pa | null {
    return this.#pages[index] ?? null;
  }

  destroy(): void {
    for (const page of this.#pages) this.#kvm.host.memory.pages.free(page);
  }

  /** So full that the vCPU must not run before userspace has harvested (kvm_dirty_ring_check_request). */
  mustBeHarvested(): boolean {
    this.#asked &&= this.#isSoftFull();
    return this.#asked;
  }

  push(slot: number, page: number): void {
    const { memory } = this.#kvm.host;
    const entry = this.#entry(this.#dirtyIndex);
    memory.write32(entry + ENTRY.SLOT, slot);
    memory.write64(entry + ENTRY.OFFSET, BigInt(page));
    memory.write32(entry + ENTRY.FLAGS, DIRTY_GFN_FLAGS.KVM_DIRTY_GFN_F_DIRTY);
    this.#dirtyIndex++;
    this.#asked ||= this.#isSoftFull();
  }

  /**
   * Takes back what userspace has harvested and protects its pages again, those that follow each other closely at once, with all
   * between them; gives how many (kvm_dirty_ring_reset).
   */
  reset(vm: Vm): number {
    const { memory } = this.#kvm.host;
    let count = 0;
    let together: Together | null = null;
    for (; count < this.#entries; count++) {
      const entry = this.#entry(this.#resetIndex);
      if ((memory.read32(entry + ENTRY.FLAGS) & DIRTY_GFN_FLAGS.KVM_DIRTY_GFN_F_RESET) === 0) break;
      const slot = memory.read32(entry + ENTRY.SLOT);
      const page = memory.read64(entry + ENTRY.OFFSET);
      memory.write32(entry + ENTRY.FLAGS, 0);
      this.#resetIndex++;
      if (together && joins(together, slot, page)) continue;
      if (together) this.#reprotect(vm, together);
      together = { slot, page, mask: 1n };
    }
    if (together) this.#reprotect(vm, together);
    return count;
  }

  /** kvm_reset_dirty_gfn. Userspace can write to the ring: an entry may name anything. */
  #reprotect(vm: Vm, { slot, page, mask }: Together): void {
    const memslot = vm.memslots.get(slot);
    if (!memslot) return;
    const pages = BigInt(memslot.size / this.#kvm.host.pageSize);
    if (page >= pages || page + BigInt(bitLength(mask) - 1) >= pages) return;
    reprotect(vm, memslot, Number(page), mask);
  }

  /** kvm_dirty_ring_used wraps: userspace can have had entries reset that nobody had made. */
  #isSoftFull(): boolean {
    return (this.#dirtyIndex - this.#resetIndex) >>> 0 >= this.#entries - RESERVED_ENTRIES;
  }

  #entry(index: number): number {
    const at = (index % this.#entries) * ENTRY.SIZE;
    const { pageSize } = this.#kvm.host;
    return this.#pages[Math.floor(at / pageSize)]! + (at % pageSize);
  }
}

/** KVM_CAP_DIRTY_LOG_RING_ACQ_REL (kvm_vm_ioctl_enable_dirty_log_ring). */
function enableRing(vm: Vm, size: number): IoctlResult {
  const kernel = 'kvm_vm_ioctl_enable_dirty_log_ring';
  const no = (message: string): IoctlResult => refuse('EINVAL', 'dirty-ring.size', message, kernel);
  const { pageSize } = vm.kvm.host;
  if (size === 0 || (size & (size - 1)) !== 0) return no(`the ring's size ${hex(size)} is not a power of two`);
  const least = Math.max(RESERVED_ENTRIES * ENTRY.SIZE, pageSize);
  if (size < least) return no(`the ring's size ${hex(size)} is below ${hex(least)}`);
  if (size > MOST_ENTRIES * ENTRY.SIZE) {
    return refuse(
      'E2BIG',
      'dirty-ring.size',
      `the ring's size ${hex(size)} is above ${hex(MOST_ENTRIES * ENTRY.SIZE)}`,
      kernel,
    );
  }
  if (vm.dirtyRingSize !== 0)
    return refuse('EINVAL', 'dirty-ring.again', `the VM has dirty rings of ${vm.dirtyRingSize} bytes already`, kernel);
  if (vm.vcpus.length > 0)
    return refuse(
      'EINVAL',
      'dirty-ring.vcpus',
      `the VM has ${vm.vcpus.length} vCPUs, which would be without a ring`,
      kernel,
    );
  vm.dirtyRingSize = size;
  return DONE;
}

export const RING_CAPABILITIES: readonly CapabilityRow[] = [
  {
    name: 'KVM_CAP_DIRTY_LOG_RING_ACQ_REL',
    check: () => MOST_ENTRIES * ENTRY.SIZE,
    enable: (vm, { args }) => enableRing(vm, Number(BigInt.asUintN(32, args[0] ?? 0n))),
  },
  {
    name: 'KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP',
    check: () => 1,
    enable: (vm, { flags }) => {
      if (vm.dirtyRingSize === 0 || flags !== 0 || !allMemslotsEmpty(vm)) {
        const message = `needs a dirty ring (${vm.dirtyRingSize > 0}), flags 0 (${hex(flags)}) and no memory slot (${vm.memslots.size})`;
        return refuse('EINVAL', 'dirty-ring.with-bitmap', message, 'kvm_vm_ioctl_enable_cap_generic');
      }
      vm.dirtyRingWithBitmap = true;
      return DONE;
    },
  },
];

/** KVM_RESET_DIRTY_RINGS: how many entries are free again. */
export function resetDirtyRings(vm: Vm): IoctlResult {
  if (vm.dirtyRingSize === 0) {
    return refuse('EINVAL', 'dirty-ring.none', 'the VM has no dirty ring', 'kvm_vm_ioctl_reset_dirty_pages');
  }
  vm.stage2.because('dirty ring reset');
  const cleared = vm.vcpus.reduce((sum, vcpu) => sum + (vcpu.dirtyRing?.reset(vm) ?? 0), 0);
  if (cleared > 0) {
    vm.stage2.flushAll();
    vm.statistics.add('remote_tlb_flush_requests');
    vm.statistics.add('remote_tlb_flush');
  }
  return { ret: cleared };
}
