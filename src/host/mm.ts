import { pa, type Pa } from '../abi/address.ts';
import type { AddressSpaceListener, UserAddressSpace, UserPage } from '../kvm/descriptor.ts';
import { DONE, refuse, type IoctlResult, type Refusal } from '../kvm/refusal.ts';
import { isLeaf, PageTable, type Entry } from '../kvm/pagetable.ts';
import { hex } from '../kvm/usercopy.ts';
import type { PhysicalMemory } from '../machine/memory.ts';
import type { TableFormat } from '../machine/translation/format.ts';
import { Mappings, MAX_VMAS, type MappedFile, type Vma } from './mappings.ts';
import { BLOCK_LEVEL, filePage, MappedPages } from './pages.ts';
import { MAP_WINDOW, MMAP_BASE, place, type Placement } from './placement.ts';
import type { ZeroPages } from './zero.ts';

export interface Protection {
  readonly readable?: boolean;
  readonly writable?: boolean;
  readonly executable?: boolean;
}

export interface MmapRequest extends Protection, Placement {
  readonly length: number;
  /** MAP_SHARED; else MAP_PRIVATE. Anonymous private memory is what transparent huge pages serve. */
  readonly shared?: boolean;
  /** Bytes into the descriptor's mapping. */
  readonly offset?: bigint;
}

/** A page of the process' memory that is there: what reclaim looks at, huge ones as a whole. */
export interface OwnPage {
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  readonly pa: Pa;
}

/** A page that is there, as pagemap says it. */
export interface PresentPage {
  readonly pa: Pa;
  /** Of a file, or shared memory. */
  readonly file: boolean;
  /** Nobody else maps it. */
  readonly exclusive: boolean;
}

/** What madvise is told: 'normal' does nothing. */
export type Advice = 'normal' | 'dontneed' | 'hugepage' | 'nohugepage';

/** VVAR_NR_PAGES and the size of the vDSO's image. */
const VVAR_PAGES = 2;
const VDSO_PAGES = 1;

/**
 * The address space of a process: mappings, and host stage-1 tables as bytes that are filled when a page is first touched.
 */
export class AddressSpace implements UserAddressSpace {
  /** TASK_SIZE_MAX, which access_ok knows; the tables may resolve less. */
  readonly taskSize: bigint;
  readonly table: PageTable;
  /** Addresses of pages that were marked idle and that neither the process nor KVM for it has touched since (PG_idle). */
  readonly idle: Set<number>;
  /** First address that no mapping can have (TASK_SIZE). */
  readonly #limit: bigint;
  readonly #memory: PhysicalMemory;
  readonly #pages: MappedPages;
  readonly #pageSize: number;
  readonly #mappings: Mappings;
  readonly #listeners = new Set<AddressSpaceListener>();

  private constructor(memory: PhysicalMemory, zero: ZeroPages, table: PageTable, addressBits: number) {
    this.#memory = memory;
    this.table = table;
    this.taskSize = 1n << BigInt(addressBits);
    this.#limit = 1n << BigInt(table.tables.inputBits);
    this.#pageSize = memory.pages.pageSize;
    this.#mappings = new Mappings(this.#pageSize);
    this.#pages = new MappedPages(memory, zero, table, this.#mappings, (start, end) => this.#notify(start, end));
    this.idle = this.#pages.idle;
  }

  /** `addressBits`: TASK_SIZE of the kernel, `tableBits` what the hardware's tables resolve. null: no memory. */
  static create(
    memory: PhysicalMemory,
    zero: ZeroPages,
    format: TableFormat,
    startLevel: number,
    tableBits: number,
    addressBits: number,
  ): AddressSpace | null {
    const table = PageTable.create(memory, format, startLevel, tableBits);
    return table && new AddressSpace(memory, zero, table, addressBits);
  }

  /* ------------------------------------------------------------ system calls */

  /** mmap(2). A file's mapping takes a reference on it. */
  mmap(request: MmapRequest, file: MappedFile | null): { address: bigint } | Refusal {
    const { length, offset = 0n } = request;
    if (!Number.isSafeInteger(length) || length <= 0) {
      return refuse('EINVAL', 'mmap.length', `mmap of ${length} bytes`, 'do_mmap');
    }
    const size = this.#pageAlign(length);
    if (size >= MAP_WINDOW) return refuse('ENOMEM', 'mmap.length', `mmap of ${length} bytes: no such room`, 'do_mmap');
    if (offset < 0n || offset % BigInt(this.#pageSize) !== 0n || offset >= 2n ** 52n) {
      return refuse(
        'EINVAL',
        'mmap.offset',
        `mmap offset ${hex(offset)} is not a multiple of the page size`,
        'ksys_mmap_pgoff',
      );
    }
    if (this.#mappings.count >= MAX_VMAS) return refuse('ENOMEM', 'mmap.map-count', 'too many mappings', 'do_mmap');
    const start = place(this.#mappings, request, size, { limit: this.#limit, pageSize: this.#pageSize });
    if (typeof start !== 'number') return start;
    if (!this.#remove(start, start + size))
      return refuse('ENOMEM', 'mmap.tables', 'no memory for page tables', 'do_mmap');
    file?.retain();
    this.#mappings.insert({
      start,
      end: start + size,
      readable: request.readable ?? true,
      writable: request.writable ?? true,
      executable: request.executable ?? false,
      shared: request.shared ?? false,
      pfn: false,
      huge: true,
      file,
      fileOffset: Number(offset) / this.#pageSize,
    });
    return { address: BigInt(start) };
  }

  /** The kernel's data and code for every process, [vvar] and [vdso], below where mmap begins: not anonymous memory. */
  mapVdso(): void {
    const pages = (count: number): number => count * this.#pageSize;
    const end = { vdso: MMAP_BASE, vvar: MMAP_BASE - pages(VDSO_PAGES) };
    const common = { readable: true, writable: false, shared: true, huge: false, file: null, fileOffset: 0 };
    this.#mappings.insert({ ...common, start: end.vvar, end: end.vdso, executable: true, pfn: false });
    this.#mappings.insert({
      ...common,
      start: end.vvar - pages(VVAR_PAGES),
      end: end.vvar,
      executable: false,
      pfn: true,
    });
  }

  munmap(address: bigint, length: number): IoctlResult {
    const range = this.#range(address, length, 'munmap', 'do_vmi_munmap');
    if ('errno' in range) return range;
    if (range.end === range.start) return refuse('EINVAL', 'munmap.range', 'munmap of 0 bytes', 'do_vmi_munmap');
    if (this.#mappings.tooManyAfter(range)) return tooMany('split_vma');
    if (this.#remove(range.start, range.end)) return DONE;
    return refuse('ENOMEM', 'munmap.tables', 'no memory for page tables', 'do_vmi_munmap');
  }

  mprotect(address: bigint, length: number, protection: Protection): IoctlResult {
    const kernel = 'do_mprotect_pkey';
    const range = this.#span(address, length, 'mprotect', kernel);
    if ('errno' in range) return range;
    const { start } = range;
    // What comes before a hole gets the protection all the same.
    const end = this.#mappings.until(start, range.end);
    const hole = (): Refusal =>
      refuse('ENOMEM', 'mprotect.hole', `nothing is mapped at ${hex(end)}, after ${hex(start)}`, kernel);
    if (end === start) return range.end === start && !range.beyond ? DONE : hole();
    const pfn = this.#mappings.within(start, end).find((vma) => vma.pfn);
    if (pfn && protection.writable)
      return refuse('EACCES', 'mprotect.special', `the kernel's own pages are at ${hex(pfn.start)}`, kernel);
    if (this.#mappings.tooManyAfter({ start, end })) return tooMany('split_vma');
    const { readable = false, writable = false, executable = false } = protection;
    for (const vma of this.#mappings.within(start, end)) {
      // What has the protection already is left alone (mprotect_fixup).
      if (vma.readable === readable && vma.writable === writable && vma.executable === executable) continue;
      const [from, to] = [Math.max(start, vma.start), Math.min(end, vma.end)];
      if (!this.#splitMappings(from, to))
        return refuse('ENOMEM', 'mprotect.tables', 'no memory for page tables', kernel);
      this.#notify(from, to);
      for (const part of this.#mappings.carve(from, to))
        this.#mappings.insert({ ...part, readable, writable, executable });
    }
    this.#mappings.merge(start, end);
    this.#pages.protect(start, end);
    return end === range.end && !range.beyond ? DONE : hole();
  }

  /** madvise(2). Holes in the range are ENOMEM, once all that is mapped was done. */
  madvise(address: bigint, length: number, advice: Advice): IoctlResult {
    const range = this.#span(address, length, 'madvise', 'do_madvise');
    if ('errno' in range) return range;
    const { start, end } = range;
    const parts = this.#mappings.within(start, end);
    const pfn = parts.find((vma) => vma.pfn);
    if (pfn && advice !== 'normal')
      return refuse(
        'EINVAL',
        'madvise.special',
        `the kernel's own pages are at ${hex(pfn.start)}`,
        'madvise_vma_behavior',
      );
    const noTables = () => refuse('EAGAIN', 'madvise.tables', 'no memory for page tables', 'madvise_walk_vmas');
    if (advice === 'dontneed') {
      if (!this.#drop(parts, start, end)) return noTables();
    } else if (advice !== 'normal') {
      if (this.#mappings.tooManyAfter(range)) return tooMany('split_vma');
      if (!this.#splitMappings(start, end)) return noTables();
      for (const part of this.#mappings.carve(start, end))
        this.#mappings.insert({ ...part, huge: advice === 'hugepage' });
      this.#mappings.merge(start, end);
    }
    let at = start;
    while (at < end) {
      const until = this.#mappings.until(at, end);
      if (until === at) break;
      at = until;
    }
    if (at < end || range.beyond)
      return refuse('ENOMEM', 'madvise.hole', `nothing is mapped at ${hex(at)}`, 'madvise_walk_vmas');
    return DONE;
  }

  /** MADV_DONTNEED: private anonymous memory begins anew with zeros; what is shared, or a file's, keeps its content. */
  #drop(parts: readonly Vma[], start: number, end: number): boolean {
    this.#notify(start, end);
    if (!this.#pages.splitEdges(start, end)) return false;
    for (const vma of parts) {
      if (vma.file || vma.shared) continue;
      this.#pages.unmap(Math.max(start, vma.start), Math.min(end, vma.end), true);
    }
    return true;
  }

  /**
   * Whether guests have used pages of the range since they were asked for the last time: page_idle (mmu_notifier_clear_young), or
   * with `flush` reclaim, which also has the TLBs forget (mmu_notifier_clear_flush_young). The process' own accesses don't count.
   */
  age(address: bigint, length: number, flush: boolean): boolean {
    let young = false;
    for (const listener of this.#listeners) young = listener.age(address, address + BigInt(length), flush) || young;
    return young;
  }

  /** Memory of the process' own that is there, in order: not the kernel's that it has mapped. */
  ownPages(): OwnPage[] {
    const pages: OwnPage[] = [];
    for (const { file, pfn, start, end } of this.#mappings) {
      if (file || pfn) continue;
      this.table.forEachLeaf(start, end, (leaf) => {
        const { input, output, size } = leaf;
        if (!this.#pages.isZero(leaf)) pages.push({ address: input, size, pa: pa(output) });
      });
    }
    return pages;
  }

  /** The page behind an address if it is there, which looking does not change. What has no struct page is not (VM_PFNMAP). */
  present(address: number): PresentPage | null {
    const vma = this.#mappings.find(address);
    const leaf = vma && !vma.pfn ? this.#pages.at(address) : null;
    if (!vma || !leaf) return null;
    // The huge zero page is nobody's, but not anonymous; the small one has no struct page to ask (vm_normal_page).
    const file = vma.shared || vma.file !== null || this.#pages.isHugeZero(leaf);
    return { pa: pageOf(leaf, address, this.#pageSize), file, exclusive: !this.#pages.isZero(leaf) };
  }

  /** Every mapping goes, with its pages. */
  unmapAll(): void {
    this.#remove(0, Number(this.#limit));
  }

  /** Frees the page tables; nothing may be mapped any more, and the object not be used. */
  destroy(): void {
    this.#pages.destroy();
  }

  /** /proc/PID/maps: for views. */
  mappings(): readonly { start: bigint; end: bigint; readable: boolean; writable: boolean; file: boolean }[] {
    return [...this.#mappings].map((vma) => ({
      start: BigInt(vma.start),
      end: BigInt(vma.end),
      readable: vma.readable,
      writable: vma.writable,
      file: vma.file !== null,
    }));
  }

  /* ------------------------------------------------------------ what KVM uses */

  read(hva: bigint, length: number): Uint8Array | null {
    const bytes = new Uint8Array(length);
    const done = this.#copy(hva, length, false, (page, at, offset, count) => {
      const part = this.#memory.readBytes(page + offset, count);
      if (part) bytes.set(part, at);
      return part !== null;
    });
    return done ? bytes : null;
  }

  write(hva: bigint, bytes: Uint8Array): boolean {
    const pages: [number, number, number][] = [];
    const found = this.#copy(
      hva,
      bytes.length,
      true,
      (page, at, offset, count) => pages.push([page + offset, at, count]) > 0,
    );
    if (!found) return false;
    for (const [to, at, count] of pages) this.#memory.writeBytes(to, bytes.subarray(at, at + count));
    return true;
  }

  getPage(hva: bigint, write: boolean): UserPage | null {
    if (hva < 0n || hva >= this.taskSize) return null;
    const address = Number(hva);
    const vma = this.#mappings.find(address);
    if (!vma || !(write ? vma.writable : vma.readable)) return null;
    const leaf = this.#pages.touch(vma, address, write);
    if (!leaf) return null;
    if (this.idle.size > 0) this.idle.delete(leaf.input);
    const writable = vma.writable && !this.#pages.isZero(leaf);
    return { pa: pageOf(leaf, address, this.#pageSize), writable, mappingSize: leaf.size };
  }

  isMapped(hva: bigint): boolean {
    return hva >= 0n && hva < this.taskSize && this.#mappings.find(Number(hva)) !== null;
  }

  whyNoPage(hva: bigint, write: boolean): string {
    const vma = hva >= 0n && hva < this.taskSize ? this.#mappings.find(Number(hva)) : null;
    if (!vma) return 'where nothing is mapped';
    if (!vma.readable && !vma.writable) return 'which is PROT_NONE';
    if (!(write ? vma.writable : vma.readable)) return `which can't be ${write ? 'written' : 'read'}`;
    if (vma.file && vma.file.pageAt(filePage(vma, Number(hva), this.#pageSize)) === null) {
      return 'beyond the end of the file that is mapped there (SIGBUS)';
    }
    return 'for which the host has no memory left';
  }

  hasPfnMapping(start: bigint, end: bigint): boolean {
    return this.#mappings.within(Number(start), Number(end)).some((vma) => vma.pfn);
  }

  addListener(listener: AddressSpaceListener): void {
    this.#listeners.add(listener);
  }

  removeListener(listener: AddressSpaceListener): void {
    this.#listeners.delete(listener);
  }

  /* ------------------------------------------------------------ inside */

  #pageAlign(length: number): number {
    return Math.ceil(length / this.#pageSize) * this.#pageSize;
  }

  #range(address: bigint, length: number, call: string, kernel: string): { start: number; end: number } | Refusal {
    const valid = Number.isSafeInteger(length) && length >= 0 && address >= 0n;
    const size = valid ? this.#pageAlign(length) : 0;
    if (!valid || address % BigInt(this.#pageSize) !== 0n || address + BigInt(size) > this.#limit) {
      return refuse(
        'EINVAL',
        `${call}.range`,
        `${call} of ${length} bytes at ${hex(address)}: not pages of user space`,
        kernel,
      );
    }
    return { start: Number(address), end: Number(address) + size };
  }

  /** A range that may reach beyond what can be mapped: that part is like a hole. */
  #span(
    address: bigint,
    length: number,
    call: string,
    kernel: string,
  ): { start: number; end: number; beyond: boolean } | Refusal {
    const limit = Number(this.#limit);
    if (address % BigInt(this.#pageSize) !== 0n || !Number.isSafeInteger(length) || length < 0) {
      const message = `${call} of ${length} bytes at ${hex(address)}: not whole pages`;
      return refuse('EINVAL', `${call}.range`, message, kernel);
    }
    const start = Number(BigInt.asUintN(64, address));
    const end = start + this.#pageAlign(length);
    return { start: Math.min(start, limit), end: Math.min(end, limit), beyond: end > limit && length > 0 };
  }

  /** False: a huge page had to be split, and there is no memory for the table. */
  #remove(start: number, end: number): boolean {
    if (this.#mappings.within(start, end).length === 0) return true;
    if (!this.#splitMappings(start, end)) return false;
    this.#notify(start, end);
    for (const vma of this.#mappings.carve(start, end)) {
      this.#pages.unmap(vma.start, vma.end, !vma.file);
      vma.file?.release();
    }
    return true;
  }

  #notify(start: number, end: number): void {
    for (const listener of this.#listeners) listener.invalidate(BigInt(start), BigInt(end));
  }

  /**
   * Huge pages become pages where mappings are about to end and begin at the ends of the range (vma_adjust_trans_huge): what could
   * hold one and can't any more is invalidated, whether it holds one or pages.
   */
  #splitMappings(start: number, end: number): boolean {
    let from = -Infinity;
    for (const edge of [start, end]) {
      const huge = edge - (edge % this.#pages.hugeSize);
      const vma = this.#mappings.find(edge);
      if (!vma || huge === edge || huge < Math.max(from, vma.start) || huge + this.#pages.hugeSize > vma.end) continue;
      from = edge;
      const entry = this.table.find(edge);
      if (entry && entry.level >= BLOCK_LEVEL && !(isLeaf(entry) && entry.size > this.#pageSize))
        this.#notify(huge, huge + this.#pages.hugeSize);
    }
    return this.#pages.splitEdges(start, end);
  }

  #copy(
    hva: bigint,
    length: number,
    write: boolean,
    part: (page: number, at: number, offset: number, count: number) => boolean,
  ): boolean {
    if (hva < 0n || hva + BigInt(length) > this.taskSize) return false;
    for (let at = 0; at < length;) {
      const address = Number(hva) + at;
      const offset = address % this.#pageSize;
      const count = Math.min(length - at, this.#pageSize - offset);
      const page = this.getPage(BigInt(address), write);
      if (!page || !part(page.pa, at, offset, count)) return false;
      at += count;
    }
    return true;
  }
}

/** The page of a leaf that has an address. */
function pageOf({ input, output }: Entry, address: number, pageSize: number): Pa {
  const within = address - input;
  return pa(output + within - (within & (pageSize - 1)));
}

function tooMany(kernel: string): Refusal {
  return refuse('ENOMEM', 'mmap.map-count', `a process has ${MAX_VMAS} mappings at most`, kernel);
}
