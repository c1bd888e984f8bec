import type { CodeCache } from './code-cache.ts';
import type { Access } from './exit.ts';
import * as at from './layout.ts';
import type { Views } from './views.ts';

const TABLE = { read: at.READ_TABLE, write: at.WRITE_TABLE, fetch: at.FETCH_TABLE } as const;
const ALL_BYTES = at.REGIMES * at.REGIME_BYTES;
const PAGE = -at.PAGE_BYTES;
const pageOf = (offset: number) => (offset & PAGE) >>> 0;
const WITHOUT_TOP_BYTE = 0x00ffffff;
const TAG_BITS = at.TAG_CODE | at.TAG_ALIGNED;
/** As many entries as are still cleared faster one by one. */
const NOTED = 4096;

/**
 * What translation found, page by page of 4 KiB: which offset in the WebAssembly memory an address has.
 * Read, write and fetch have tables of their own, and each regime has its set; no entry means that the access leaves the engine.
 * An entry stands for the address bit by bit: with a top byte that translation ignores, each top byte has its own.
 */
export class SoftTlb {
  readonly #views: Views;
  readonly #code: CodeCache;
  /** Offsets of the entries filled since the last flush; beyond NOTED of them, all entries. */
  readonly #noted = new Int32Array(NOTED);
  #notedCount = 0;

  constructor(views: Views, code: CodeCache) {
    this.#views = views;
    this.#code = code;
    views.u8.fill(0xff, at.TLB, at.TLB + ALL_BYTES);
  }

  /**
   * Maps the page of the address (`lo`, `hi`: its u32 halves) to the page of RAM that the offset is in, for accesses of
   * `regime`, by default the current one. `aligned`: unaligned data accesses are refused (Device memory, SCTLR_ELx.A).
   */
  fill(access: Access, lo: number, hi: number, ramOffset: number, regime = this.#regime(), aligned = false): void {
    if (!(regime >= 0 && regime < at.REGIMES)) throw new RangeError(`regime ${regime} is not below ${at.REGIMES}`);
    const page = pageOf(ramOffset);
    if (!(ramOffset >= at.ENGINE_BYTES && ramOffset < this.#views.u8.length)) {
      throw new RangeError(`offset ${ramOffset} is not in RAM`);
    }
    const va = lo & PAGE;
    let tag = va;
    let addend = (page - va) | 0;
    let slot = this.#code.slotOf(page);
    if (access === 'fetch') {
      if (slot === 0) slot = this.#addCode(page);
      this.#code.plant(slot, va, hi);
      addend = slot;
    } else {
      if (aligned) tag |= at.TAG_ALIGNED;
      if (access === 'write' && slot !== 0) tag |= at.TAG_CODE;
    }
    const entry = at.TLB + regime * at.REGIME_BYTES + TABLE[access] + entryOf(lo);
    const { i32 } = this.#views;
    if (i32[(entry >> 2) + 1] === -1 && i32[entry >> 2] === -1) this.#note(entry);
    i32[entry >> 2] = tag;
    i32[(entry >> 2) + 1] = hi;
    i32[(entry >> 2) + 2] = addend;
    i32[(entry >> 2) + 3] = slot;
  }

  /** Forgets everything, or all of one regime. */
  flush(regime?: number): void {
    const { u8 } = this.#views;
    const from = at.TLB + (regime ?? 0) * at.REGIME_BYTES;
    const to = regime === undefined ? at.TLB + ALL_BYTES : from + at.REGIME_BYTES;
    if (this.#notedCount > NOTED) u8.fill(0xff, from, to);
    else this.#each((entry) => entry >= from && entry < to && this.#clear(entry));
    if (regime === undefined) this.#notedCount = 0;
  }

  /** Forgets the page of the address in every regime, whatever the top byte of the address was. */
  flushPage(lo: number, hi: number): void {
    const { i32 } = this.#views;
    for (let table = at.TLB; table < at.TLB + ALL_BYTES; table += at.TLB_BYTES) {
      const entry = table + entryOf(lo);
      const samePage = (i32[entry >> 2]! & PAGE) === (lo & PAGE);
      if (samePage && ((i32[(entry >> 2) + 1]! ^ hi) & WITHOUT_TOP_BYTE) === 0) this.#clear(entry);
    }
  }

  /** Forgets all that maps the page of RAM that the offset is in, in every regime: its permissions or its use have changed. */
  flushRam(ramOffset: number): void {
    const page = pageOf(ramOffset);
    this.#each((entry) => {
      if (this.#ramOf(entry) === page) this.#clear(entry);
    });
  }

  /** Fetches have to come through `fill` again: breakpoints have changed. */
  flushFetch(): void {
    this.#each((entry) => {
      if (isFetch(entry)) this.#clear(entry);
    });
  }

  #addCode(page: number): number {
    const evicted = this.#code.nextEvicted;
    if (evicted !== 0) this.flushRam(evicted);
    const slot = this.#code.add(page);
    const { i32 } = this.#views;
    this.#each((entry) => {
      if (this.#ramOf(entry) !== page) return;
      i32[entry >> 2]! |= at.TAG_CODE;
      i32[(entry >> 2) + 3] = slot;
    }, at.WRITE_TABLE);
    return slot;
  }

  /** The page of RAM that an entry maps; 0 if none. */
  #ramOf(entry: number): number {
    const { i32 } = this.#views;
    const tag = i32[entry >> 2]!;
    if ((tag & ~TAG_BITS & ~PAGE) !== 0) return 0;
    const addend = i32[(entry >> 2) + 2]!;
    return isFetch(entry) ? this.#code.pageOf(addend) : pageOf(addend + (tag & PAGE));
  }

  /** Every entry that may be filled, or those of one table. */
  #each(visit: (entry: number) => void, table?: number): void {
    const wanted = (entry: number) => table === undefined || tableOf(entry) === table;
    if (this.#notedCount <= NOTED) {
      for (let i = 0; i < this.#notedCount; i++) {
        const entry = this.#noted[i]!;
        if (wanted(entry)) visit(entry);
      }
      return;
    }
    for (let entry = at.TLB; entry < at.TLB + ALL_BYTES; entry += at.TLB_ENTRY_BYTES) if (wanted(entry)) visit(entry);
  }

  #note(entry: number): void {
    if (this.#notedCount < NOTED) this.#noted[this.#notedCount] = entry;
    this.#notedCount = Math.min(this.#notedCount + 1, NOTED + 1);
  }

  #clear(entry: number): void {
    this.#views.i32.fill(-1, entry >> 2, (entry >> 2) + 4);
  }

  #regime(): number {
    return this.#views.i32[at.REGIME >> 2]!;
  }
}

const entryOf = (lo: number) => (lo >>> 8) & ((at.TLB_ENTRIES - 1) * at.TLB_ENTRY_BYTES);
const tableOf = (entry: number) => Math.floor(((entry - at.TLB) % at.REGIME_BYTES) / at.TLB_BYTES) * at.TLB_BYTES;
const isFetch = (entry: number) => tableOf(entry) === at.FETCH_TABLE;
