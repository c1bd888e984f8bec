import type { Pa } from '../abi/address.ts';

/** What lies behind a mapping of a descriptor. */
export interface MappedFile {
  pageAt(pageOffset: number): Pa | null;
  retain(): void;
  release(): void;
}

/** vm_area_struct: a range with one backing and one protection. */
export interface Vma {
  readonly start: number;
  readonly end: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly shared: boolean;
  /** VM_PFNMAP: the kernel's own pages, not the process'. */
  readonly pfn: boolean;
  /** Transparent huge pages, where the mapping can have them; false: MADV_NOHUGEPAGE. */
  readonly huge: boolean;
  readonly file: MappedFile | null;
  /** In pages, at `start`. */
  readonly fileOffset: number;
}

/** sysctl_max_map_count. */
export const MAX_VMAS = 65530;

/** The mappings of a process: sorted, none overlaps another. Whoever inserts one with a file has taken a reference for it. */
export class Mappings implements Iterable<Vma> {
  readonly #pageSize: number;
  readonly #vmas: Vma[] = [];

  constructor(pageSize: number) {
    this.#pageSize = pageSize;
  }

  get count(): number {
    return this.#vmas.length;
  }

  [Symbol.iterator](): Iterator<Vma> {
    return this.#vmas[Symbol.iterator]();
  }

  find(address: number): Vma | null {
    const vma = this.#vmas[this.#indexAt(address)];
    return vma && vma.start <= address ? vma : null;
  }

  /** Those that have a part of a range. */
  within(start: number, end: number): Vma[] {
    const found: Vma[] = [];
    for (let index = this.#indexAt(start); ; index++) {
      const vma = this.#vmas[index];
      if (!vma || vma.start >= end) return found;
      found.push(vma);
    }
  }

  /** Where the mappings end that lie one after the other from `start` on, at most `end`. */
  until(start: number, end: number): number {
    let at = start;
    for (let index = this.#indexAt(start); at < end; index++) {
      const vma = this.#vmas[index];
      if (!vma || vma.start > at) return at;
      at = vma.end;
    }
    return Math.min(at, end);
  }

  /** End of the highest gap of `size` bytes below `top`; less than `size` where there is none. */
  gapBelow(top: number, size: number): number {
    let end = top;
    for (let index = this.#vmas.length - 1; index >= 0; index--) {
      const vma = this.#vmas[index]!;
      if (vma.start >= end) continue;
      if (end - vma.end >= size) break;
      end = vma.start;
    }
    return end;
  }

  /** Splitting at both ends of a range would make more mappings than a process may have. */
  tooManyAfter({ start, end }: { start: number; end: number }): boolean {
    const splits = [start, end].filter((edge) => (this.#vmas[this.#indexAt(edge)]?.start ?? edge) < edge).length;
    return this.#vmas.length + splits > MAX_VMAS;
  }

  /** Nothing may be where it lies. */
  insert(vma: Vma): void {
    this.#vmas.splice(this.#indexAt(vma.start), 0, vma);
  }

  /** Neighbours in and around a range that differ in nothing become one again (vma_merge). */
  merge(start: number, end: number): void {
    let index = Math.max(1, this.#indexAt(start));
    while (index < this.#vmas.length && this.#vmas[index]!.start <= end) {
      const below = this.#vmas[index - 1]!;
      const vma = this.#vmas[index]!;
      if (!isContinued(below, vma, this.#pageSize)) {
        index++;
        continue;
      }
      vma.file?.release();
      this.#vmas.splice(index - 1, 2, { ...below, end: vma.end });
    }
  }

  /** Takes [start, end) out and gives back the parts that lay in it, each with its reference on the file; the rests stay. */
  carve(start: number, end: number): Vma[] {
    const inside: Vma[] = [];
    const rests: Vma[] = [];
    for (const vma of this.#vmas.splice(this.#indexAt(start), this.within(start, end).length)) {
      const part = (from: number, to: number): Vma => ({
        ...vma,
        start: from,
        end: to,
        fileOffset: vma.fileOffset + (from - vma.start) / this.#pageSize,
      });
      if (vma.start < start) rests.push(part(vma.start, start));
      if (vma.end > end) rests.push(part(end, vma.end));
      inside.push(part(Math.max(start, vma.start), Math.min(end, vma.end)));
      for (let extra = Number(vma.start < start) + Number(vma.end > end); extra > 0; extra--) vma.file?.retain();
    }
    for (const rest of rests) this.insert(rest);
    return inside;
  }

  /** The index of the first mapping that ends above an address. */
  #indexAt(address: number): number {
    let low = 0;
    let high = this.#vmas.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#vmas[middle]!.end <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether the mapping above goes on where and as the one below ends. */
function isContinued(below: Vma, above: Vma, pageSize: number): boolean {
  return (
    below.end === above.start &&
    below.file === above.file &&
    below.readable === above.readable &&
    below.writable === above.writable &&
    below.executable === above.executable &&
    below.shared === above.shared &&
    below.pfn === above.pfn &&
    below.huge === above.huge &&
    (below.file === null || below.fileOffset + (below.end - below.start) / pageSize === above.fileOffset)
  );
}
