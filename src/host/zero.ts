import type { Pa } from '../abi/address.ts';
import type { PhysicalMemory } from '../machine/memory.ts';

/**
 * What private memory is that was read and never written: frames of zeros that all processes map, read-only. Nobody writes them.
 */
export class ZeroPages {
  /** empty_zero_page. */
  readonly page: Pa;
  readonly #memory: PhysicalMemory;
  /** Pages of the huge one. */
  readonly #pages: number;
  #huge: Pa | null = null;
  /** Address spaces that may map the huge one (huge_zero_refcount). */
  #users = 0;

  /** `hugeSize`: bytes of a transparent huge page. Throws RangeError where the machine has not a page. */
  constructor(memory: PhysicalMemory, hugeSize: number) {
    const page = memory.pages.allocate();
    if (page === null) throw new RangeError('no memory for the zero page');
    this.page = page;
    this.#memory = memory;
    this.#pages = hugeSize / memory.pages.pageSize;
  }

  /** Whether a frame that an entry maps is one of them. */
  has(frame: number): boolean {
    return frame === this.page || this.isHuge(frame);
  }

  isHuge(frame: number): boolean {
    return frame === this.#huge;
  }

  /** The huge one, for another address space (mm_get_huge_zero_folio). null: no memory for it. */
  take(): Pa | null {
    const { pageSize } = this.#memory.pages;
    this.#huge ??= this.#memory.pages.allocate(this.#pages, this.#pages * pageSize);
    if (this.#huge !== null) this.#users++;
    return this.#huge;
  }

  /** An address space that had it is gone (mm_put_huge_zero_folio); the last gives it back. */
  put(): void {
    if (--this.#users > 0 || this.#huge === null) return;
    this.#memory.pages.free(this.#huge, this.#pages);
    this.#huge = null;
  }
}
