import { pa, type Pa } from '../abi/address.ts';
import { isLeaf, type Entry, type Halves, type PageTable } from '../kvm/pagetable.ts';
import type { PhysicalMemory } from '../machine/memory.ts';
import { levelShift } from '../machine/translation/format.ts';
import type { Mappings, Vma } from './mappings.ts';
import { hostLeafAttributes } from './stage1.ts';
import type { ZeroPages } from './zero.ts';

/** Of blocks that are transparent huge pages (PMD). */
export const BLOCK_LEVEL = 2;

/**
 * The pages behind the mappings of a process: what its tables hold, and how touching memory changes that. Private memory that is read
 * first is the zero page, until it is written.
 */
export class MappedPages {
  readonly table: PageTable;
  /** Size of a block at the level above pages: a transparent huge page. */
  readonly hugeSize: number;
  /** Addresses of pages that were marked idle and that neither the process nor KVM for it has touched since (PG_idle). */
  readonly idle = new Set<number>();
  readonly #memory: PhysicalMemory;
  readonly #zero: ZeroPages;
  readonly #mappings: Mappings;
  readonly #notify: (start: number, end: number) => void;
  readonly #pageSize: number;
  /** The huge zero page, once it was mapped here (MMF_HUGE_ZERO_PAGE). */
  #hugeZero: Pa | null = null;

  /** `notify`: told before pages that are there go from a range, or others take their place. */
  constructor(
    memory: PhysicalMemory,
    zero: ZeroPages,
    table: PageTable,
    mappings: Mappings,
    notify: (start: number, end: number) => void,
  ) {
    this.table = table;
    this.hugeSize = 2 ** levelShift(table.tables.format.granule, BLOCK_LEVEL);
    this.#memory = memory;
    this.#zero = zero;
    this.#mappings = mappings;
    this.#notify = notify;
    this.#pageSize = memory.pages.pageSize;
  }

  /** What maps an address; it holds until the next look into the table. */
  at(address: number): Entry | null {
    const entry = this.table.find(address);
    return entry && isLeaf(entry) ? entry : null;
  }

  /** Whether an entry maps zeros that all share, and only for reads. */
  isZero({ output }: Entry): boolean {
    return this.#zero.has(output);
  }

  isHugeZero({ output }: Entry): boolean {
    return this.#zero.isHuge(output);
  }

  /**
   * What maps an address for an access that its mapping permits (handle_mm_fault). null: the host has no memory for it, or the file no
   * such page.
   */
  touch(vma: Vma, address: number, write: boolean): Entry | null {
    const there = this.at(address);
    if (there && !(write && this.isZero(there))) return there;
    const done = there ? this.#unshare(vma, address, there) : this.#fault(vma, address, write);
    return done ? this.at(address) : null;
  }

  /** Pages that are there take the protection of their mapping. */
  protect(start: number, end: number): void {
    this.table.forEachLeaf(start, end, (leaf) => {
      const vma = this.#mappings.find(leaf.input);
      if (vma) this.#update(leaf, leaf.output, this.#attributes(vma, leaf.output));
    });
  }

  /** Pages go; with `free` to the host, as they are the process' own. */
  unmap(start: number, end: number, free: boolean): void {
    this.table.unmap(start, end, (leaf) => {
      const { input, output, size } = leaf;
      if (!free || this.isZero(leaf)) return;
      this.idle.delete(input);
      this.#memory.pages.free(pa(output), size / this.#pageSize);
    });
  }

  /** Blocks that reach across an end of the range become pages (__split_huge_pmd). False: no memory for a table. */
  splitEdges(start: number, end: number): boolean {
    return [start, end].every((edge) => {
      const leaf = this.at(edge);
      return !leaf || leaf.input === edge || this.#split(leaf);
    });
  }

  /** Frees the tables; nothing may be mapped any more, and the object not be used. */
  destroy(): void {
    if (this.#hugeZero !== null) this.#zero.put();
    this.table.destroy();
  }

  /* ------------------------------------------------------------ inside */

  /** Memory that is touched for the first time: private, and by a read, it is content with zeros (do_anonymous_page). */
  #fault(vma: Vma, address: number, write: boolean): boolean {
    const page = address - (address % this.#pageSize);
    if (vma.file) {
      const found = vma.file.pageAt(filePage(vma, page, this.#pageSize));
      return found !== null && this.#put(vma, page, this.#pageSize, found);
    }
    const reads = !write && !vma.shared;
    const huge = address - (address % this.hugeSize);
    if (vma.huge && !vma.shared && huge >= vma.start && huge + this.hugeSize <= vma.end && this.#emptyBlock(huge)) {
      if (reads ? this.#putHugeZero(vma, huge) : this.#allocate(vma, huge, this.hugeSize)) return true;
    }
    if (reads) return this.#put(vma, page, this.#pageSize, this.#zero.page);
    return this.#allocate(vma, page, this.#pageSize);
  }

  /** Zeros are written: a page takes their place, no more of the huge zero page either (do_wp_page). */
  #unshare(vma: Vma, address: number, zeros: Entry): boolean {
    const page = address - (address % this.#pageSize);
    if (zeros.size > this.#pageSize && !this.#split(zeros)) return false;
    const found = this.#memory.pages.allocate();
    if (found === null) return false;
    this.#notify(page, page + this.#pageSize);
    return this.#put(vma, page, this.#pageSize, found);
  }

  /** The huge zero page becomes the zero page many times (__split_huge_zero_page_pmd). */
  #split({ input, size, output }: Entry): boolean {
    const zeros = this.#zero.isHuge(output);
    this.#notify(input, input + size);
    if (!this.table.split(input, input + 1)) return false;
    const vma = this.#mappings.find(input);
    if (!zeros || !vma) return true;
    const { page } = this.#zero;
    const attributes = this.#attributes(vma, page);
    this.table.forEachLeaf(input, input + size, (leaf) => this.#update(leaf, page, attributes));
    return true;
  }

  #update(leaf: Entry, output: number, attributes: Halves): void {
    const { low, high } = this.table.entry(output, attributes, leaf.level);
    this.table.update(leaf, low, high);
  }

  #attributes(vma: Vma, output: number): Halves {
    const { executable } = vma;
    const readable = vma.readable || vma.writable;
    const writable = vma.writable && !this.#zero.has(output);
    return hostLeafAttributes(this.table.tables.format, { readable, writable, executable });
  }

  #emptyBlock(address: number): boolean {
    const leaf = this.table.find(address);
    return leaf !== null && !isLeaf(leaf) && leaf.size >= this.hugeSize;
  }

  #allocate(vma: Vma, address: number, size: number): boolean {
    const pages = size / this.#pageSize;
    const found = this.#memory.pages.allocate(pages, size);
    if (found === null) return false;
    if (this.#put(vma, address, size, found)) return true;
    this.#memory.pages.free(found, pages);
    return false;
  }

  #putHugeZero(vma: Vma, address: number): boolean {
    this.#hugeZero ??= this.#zero.take();
    return this.#hugeZero !== null && this.#put(vma, address, this.hugeSize, this.#hugeZero);
  }

  #put(vma: Vma, address: number, size: number, output: Pa): boolean {
    return this.table.map(address, size, output, this.#attributes(vma, output));
  }
}

/** Which page of its file a mapping has at an address. */
export function filePage(vma: Vma, address: number, pageSize: number): number {
  return vma.fileOffset + Math.floor((address - vma.start) / pageSize);
}
