/** The regions there are: in the table, in the records of their entries, and in the bits that say what instructions they are made of. */
import { slotOfRecord } from '../code-cache.ts';
import * as at from '../layout.ts';
import type { Views } from '../views.ts';

/** Instructions of a region in one slot, by their number in the page. */
export interface Extent {
  readonly slot: number;
  readonly words: readonly number[];
}

interface Region {
  readonly number: number;
  /** The record of its entry. */
  readonly record: number;
  readonly extents: readonly Extent[];
  readonly bytes: number;
}

export class Regions {
  readonly #views: Views;
  readonly #table: WebAssembly.Table;
  readonly #bySlot = new Map<number, Set<Region>>();
  readonly #free: number[] = [];
  #bytes = 0;

  constructor(views: Views, table: WebAssembly.Table) {
    this.#views = views;
    this.#table = table;
    for (let number = at.REGION_COUNT - 1; number >= 0; number--) this.#free.push(number);
  }

  get count(): number {
    return at.REGION_COUNT - this.#free.length;
  }
  /** Of WebAssembly. */
  get bytes(): number {
    return this.#bytes;
  }

  get full(): boolean {
    return this.#free.length === 0;
  }

  /** From now on the interpreter runs `fn` at the record. Not where it is `full`. */
  add(record: number, extents: readonly Extent[], fn: unknown, bytes: number): void {
    const number = this.#free.pop()!;
    const region: Region = { number, record, extents, bytes };
    this.#table.set(number, fn);
    const { view } = this.#views;
    view.setUint16(at.REGION_HANDLERS + 2 * number, view.getUint16(record, true), true);
    view.setUint16(record, at.FIRST_REGION + number, true);
    for (const extent of extents) {
      const there = this.#bySlot.get(extent.slot) ?? new Set();
      this.#bySlot.set(extent.slot, there.add(region));
      this.#cover(extent);
    }
    this.#bytes += bytes;
  }

  /** Instructions of a slot, by their numbers, are no longer what they were. Answers how many regions that was the end of. */
  forget(slot: number, first: number, last: number): number {
    const there = this.#bySlot.get(slot);
    if (!there) return 0;
    let count = 0;
    for (const region of [...there]) {
      const touched = region.extents.some(
        (extent) => extent.slot === slot && extent.words.some((word) => word >= first && word <= last),
      );
      if (!touched) continue;
      this.#remove(region);
      count++;
    }
    return count;
  }

  /** The record's instruction is in a region, which may be entered elsewhere. */
  covers(record: number): boolean {
    const slot = slotOfRecord(record);
    const word = (record - slot) / at.RECORD_BYTES;
    return ((this.#views.u8[slot + at.COVERED + (word >> 3)]! >> (word & 7)) & 1) !== 0;
  }

  /** The records at which the regions begin that an instruction of a slot is in, the oldest first. */
  entriesAround(slot: number, word: number): number[] {
    const around = [...(this.#bySlot.get(slot) ?? [])].filter(({ extents }) =>
      extents.some((extent) => extent.slot === slot && extent.words.includes(word)),
    );
    return around.map(({ record }) => record);
  }

  /** Gives all records their instructions back; nobody uses this any more. */
  clear(): void {
    for (const [slot, regions] of this.#bySlot) {
      for (const region of regions) this.#restore(region);
      this.#views.u8.fill(0, slot + at.COVERED, slot + at.COVERED + at.PAGE_RECORDS / 8);
    }
  }

  #restore({ record, number }: Region): void {
    const { view } = this.#views;
    if (view.getUint16(record, true) !== at.FIRST_REGION + number) return;
    view.setUint16(record, view.getUint16(at.REGION_HANDLERS + 2 * number, true), true);
  }

  #remove(region: Region): void {
    const { u8 } = this.#views;
    this.#restore(region);
    this.#table.set(region.number, null);
    this.#free.push(region.number);
    this.#bytes -= region.bytes;
    for (const { slot } of region.extents) {
      const there = this.#bySlot.get(slot)!;
      there.delete(region);
      if (there.size === 0) this.#bySlot.delete(slot);
      u8.fill(0, slot + at.COVERED, slot + at.COVERED + at.PAGE_RECORDS / 8);
      for (const { extents } of there) for (const extent of extents) if (extent.slot === slot) this.#cover(extent);
    }
  }

  #cover({ slot, words }: Extent): void {
    const { u8 } = this.#views;
    for (const word of words) u8[slot + at.COVERED + (word >> 3)]! |= 1 << (word & 7);
  }
}
