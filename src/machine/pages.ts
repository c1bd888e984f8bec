import type { Pa } from '../abi/address.ts';
import type { PhysicalMemory } from './memory.ts';

interface Zone {
  readonly base: Pa;
  readonly pages: number;
  /** One byte a page: 1 where it is taken. */
  readonly taken: Uint8Array;
  /** Every page below is taken: where a search begins. */
  hint: number;
}

/**
 * The host kernel's page allocator: lowest free run first, so that the same calls give the same addresses.
 * Runs are of pages of the host's size, zeroed when they are handed out.
 */
export class PageAllocator {
  readonly pageSize: number;
  /** Pages in use now, and there are in all. */
  used = 0;
  readonly total: number;
  readonly #memory: PhysicalMemory;
  readonly #zones: Zone[];

  constructor(memory: PhysicalMemory, pageSize: number) {
    this.pageSize = pageSize;
    this.#memory = memory;
    this.#zones = memory.banks.map(({ base, size }) => ({
      base,
      pages: size / pageSize,
      taken: new Uint8Array(size / pageSize),
      hint: 0,
    }));
    this.total = this.#zones.reduce((sum, zone) => sum + zone.pages, 0);
  }

  /** `count` contiguous zeroed pages, aligned to `alignment` bytes (a power of two); null where memory is used up. */
  allocate(count = 1, alignment = this.pageSize): Pa | null {
    for (const zone of this.#zones) {
      const page = this.#find(zone, count, Math.max(alignment, this.pageSize));
      if (page < 0) continue;
      zone.taken.fill(1, page, page + count);
      if (page === zone.hint) zone.hint = page + count;
      this.used += count;
      const pa = (zone.base + page * this.pageSize) as Pa;
      this.#memory.handOut(pa, count * this.pageSize);
      return pa;
    }
    return null;
  }

  /** Takes exactly these pages out of the free ones (the kernel's image, firmware); false if one is taken or no RAM. */
  reserve(pa: Pa, count: number): boolean {
    const place = this.#place(pa, count);
    if (!place || place.zone.taken.subarray(place.page, place.page + count).includes(1)) return false;
    place.zone.taken.fill(1, place.page, place.page + count);
    this.used += count;
    return true;
  }

  /** Gives back pages that were handed out. Throws for pages that were not: a bug of the host, never the guest's. */
  free(pa: Pa, count = 1): void {
    const place = this.#place(pa, count);
    if (!place || place.zone.taken.subarray(place.page, place.page + count).includes(0)) {
      throw new RangeError(`free of ${count} pages at 0x${pa.toString(16)} that are not in use`);
    }
    place.zone.taken.fill(0, place.page, place.page + count);
    place.zone.hint = Math.min(place.zone.hint, place.page);
    this.used -= count;
  }

  #place(pa: number, count: number): { zone: Zone; page: number } | null {
    for (const zone of this.#zones) {
      const page = (pa - zone.base) / this.pageSize;
      if (page >= 0 && page + count <= zone.pages && Number.isInteger(page)) return { zone, page };
    }
    return null;
  }

  #find(zone: Zone, count: number, alignment: number): number {
    const stride = alignment / this.pageSize;
    const aligned = (page: number) =>
      Math.ceil((zone.base / this.pageSize + page) / stride) * stride - zone.base / this.pageSize;
    while (zone.hint < zone.pages && zone.taken[zone.hint] === 1) zone.hint++;
    let start = aligned(zone.hint);
    while (start + count <= zone.pages) {
      const end = start + count;
      let obstacle = end - 1;
      while (obstacle >= start && zone.taken[obstacle] === 0) obstacle--;
      if (obstacle < start) return start;
      start = aligned(obstacle + 1);
    }
    return -1;
  }
}
