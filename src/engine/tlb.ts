import type { CodeCache } from './code-cache.ts';
import type { Access } from './exit.ts';
import * as at from './layout.ts';
import { extentRoutine, insertRoutine, pageChangedRoutine } from './tlb-routines.ts';
import type { Views } from './views.ts';
import { encodeModule } from './wasm/module.ts';

const TABLE = { read: at.READ_TABLE, write: at.WRITE_TABLE, fetch: at.FETCH_TABLE } as const;
const BIT = { read: 1, write: 2, fetch: 4 } as const;
const PAGE = -at.PAGE_BYTES;
const PAGE_SHIFT = Math.log2(at.PAGE_BYTES);
const pageOf = (offset: number) => (offset & PAGE) >>> 0;
const WITHOUT_TOP_BYTE = 0x00ffffff;
const FILTER_BYTES = 2 ** at.LARGE_BITS / 8;
/** Pages that are looked for one by one rather than among all entries. */
const FEW = 16;

let routines: WebAssembly.Module | undefined;

/**
 * What translation found, page by page of 4 KiB: which offset in the WebAssembly memory an address has.
 * Read, write and fetch have tables of their own, each regime has its set, and each space (an address space as the machine
 * sees it) all of these; no entry means that the access leaves the engine.
 * An entry stands for the address bit by bit: with a top byte that translation ignores, each top byte has its own.
 */
export class SoftTlb {
  readonly #views: Views;
  readonly #code: CodeCache;
  readonly #insert: (...operands: number[]) => unknown;
  readonly #extent: (...operands: number[]) => unknown;
  readonly #pageChanged: (...operands: number[]) => unknown;
  /** Spaces whose tables have been cleared once. */
  readonly #ready = new Set<number>();
  #refilled = 0;

  constructor(views: Views, code: CodeCache) {
    this.#views = views;
    this.#code = code;
    routines ??= new WebAssembly.Module(encodeModule([insertRoutine(), extentRoutine(), pageChangedRoutine()]));
    const { insert, extent, pageChanged } = new WebAssembly.Instance(routines, { engine: { memory: views.memory } })
      .exports;
    if (!isRoutine(insert) || !isRoutine(extent) || !isRoutine(pageChanged))
      throw new Error("the TLB's routines are not exported");
    this.#insert = insert;
    this.#extent = extent;
    this.#pageChanged = pageChanged;
    for (let space = 0; space < at.SPACES; space++) views.u8.fill(0, notesOf(space), notesOf(space) + at.NOTE.list);
    this.space = 0;
  }

  /** The set of tables in use: below SPACES. Whoever changes it says what each stands for, and flushes one that gets another meaning. */
  get space(): number {
    return this.#views.i32[at.SPACE >> 2]! / at.SPACE_BYTES;
  }
  set space(space: number) {
    if (!(space >= 0 && space < at.SPACES)) throw new RangeError(`space ${space} is not below ${at.SPACES}`);
    if (!this.#ready.has(space)) {
      this.#ready.add(space);
      this.#clearAll(space);
    }
    this.#views.i32[at.SPACE >> 2] = space * at.SPACE_BYTES;
  }

  /** Entries filled in a space since its last flush, about: what it would lose by the next one. */
  filled(space: number): number {
    return this.#ready.has(space) ? this.#count(space) : 0;
  }

  /** Accesses whose misses a refill function may fill; the others come out as exits. None at first. */
  setRefilled(accesses: readonly Access[]): void {
    this.#refilled = accesses.reduce((bits, access) => bits | BIT[access], 0);
    this.#syncRefilled();
  }
  /** Entries that `fill` made since the engine was made, by access; those of the refill function are `refills`. */
  readonly fills: Record<Access, number> = { read: 0, write: 0, fetch: 0 };
  /** Misses that the refill function has filled since the engine was made, modulo 2^32. */
  get refills(): Readonly<Record<Access, number>> {
    const count = (index: number) => this.#views.i32[(at.REFILLS >> 2) + index]! >>> 0;
    return { read: count(0), write: count(1), fetch: count(2) };
  }

  /**
   * Maps the page of the address (`lo`, `hi`: its u32 halves) to the page of RAM that the offset is in, for accesses of
   * `regime` in the current space, by default the current one. `aligned`: unaligned data accesses are refused (Device
   * memory, SCTLR_ELx.A). `guarded`: fetches after indirect branches need a landing pad. `size`: the bytes, a power of two, that `flushPage` of any address among them forgets with it.
   */
  fill(
    access: Access,
    lo: number,
    hi: number,
    ramOffset: number,
    regime = this.#regime(),
    aligned = false,
    size = at.PAGE_BYTES,
    guarded = false,
  ): void {
    if (!(regime >= 0 && regime < at.REGIMES)) throw new RangeError(`regime ${regime} is not below ${at.REGIMES}`);
    const page = pageOf(ramOffset);
    if (!(ramOffset >= at.ENGINE_BYTES && ramOffset < this.#views.u8.length)) {
      throw new RangeError(`offset ${ramOffset} is not in RAM`);
    }
    let flags = 0;
    let addend = page - (lo & PAGE);
    let slot = this.#code.slotOf(page);
    if (access === 'fetch') {
      if (slot === 0) slot = this.#addCode(page);
      this.#code.plant(slot, lo & PAGE, hi);
      addend = slot;
      if (guarded) {
        flags |= at.TAG_GUARDED;
        slot = page;
      }
    } else {
      if (aligned) flags |= at.TAG_ALIGNED;
      if (access === 'write' && slot !== 0) flags |= at.TAG_CODE;
    }
    this.fills[access]++;
    const space = this.#views.i32[at.SPACE >> 2]!;
    const table = space + regime * at.REGIME_BYTES + TABLE[access];
    this.#insert(table, at.TLB + space + at.SPACE_NOTES, lo, hi, addend, flags, slot, Math.log2(size));
  }

  /** How often everything, one space, one page was forgotten since the engine was made. */
  readonly flushes = { all: 0, space: 0, page: 0 };

  /** Forgets everything, or all of one space. */
  flush(space?: number): void {
    this.flushes[space === undefined ? 'all' : 'space']++;
    if (space === undefined) {
      for (const one of this.#ready) this.#flushSpace(one);
    } else if (this.#ready.has(space)) this.#flushSpace(space);
  }

  /** Forgets the page of the address in every regime of every space, and the whole of what it was mapped in, whatever the top byte of the address was. */
  flushPage(lo: number, hi: number): void {
    this.flushes.page++;
    for (const space of this.#ready) {
      const count = this.#count(space);
      if (count === 0) continue;
      const size = Number(this.#extent(notesOf(space), lo, hi));
      const pages = 2 ** (size - PAGE_SHIFT);
      if (pages <= FEW) {
        const first = lo & -(at.PAGE_BYTES * pages);
        for (let page = 0; page < pages; page++) this.#flushOne(space, first + page * at.PAGE_BYTES, hi);
      } else if (count > at.NOTED) this.#flushSpace(space);
      else this.#each(space, (entry) => this.#isWithin(entry, lo, hi, size) && this.#clear(entry));
    }
  }

  /** Forgets all that maps the page of RAM that the offset is in: its permissions or its use have changed. */
  flushRam(ramOffset: number): void {
    const page = pageOf(ramOffset);
    this.#changePage(page, this.#code.slotOf(page), 0);
  }

  /** Fetches have to come through `fill` again: breakpoints have changed. */
  flushFetch(): void {
    this.#syncRefilled();
    for (const space of this.#ready) this.#each(space, (entry) => isFetch(entry) && this.#clear(entry));
  }

  /** Breakpoints are put into records by `fill`. */
  #syncRefilled(): void {
    this.#views.i32[at.REFILLED >> 2] = this.#code.hasBreakpoints ? this.#refilled & ~BIT.fetch : this.#refilled;
  }

  #addCode(page: number): number {
    const evicted = this.#code.nextEvicted;
    if (evicted !== 0) this.flushRam(evicted);
    const slot = this.#code.add(page);
    this.#changePage(page, 0, slot);
    return slot;
  }

  #changePage(page: number, oldSlot: number, newSlot: number): void {
    for (const space of this.#ready) {
      if (this.#count(space) > 0) this.#pageChanged(at.TLB + space * at.SPACE_BYTES, page, oldSlot, newSlot);
    }
  }

  #flushOne(space: number, lo: number, hi: number): void {
    const { i32 } = this.#views;
    const first = at.TLB + space * at.SPACE_BYTES + entryOf(lo);
    for (let entry = first; entry < first + at.SPACE_NOTES; entry += at.TLB_BYTES) {
      const samePage = (i32[entry >> 2]! & PAGE) === (lo & PAGE);
      if (samePage && ((i32[(entry >> 2) + 1]! ^ hi) & WITHOUT_TOP_BYTE) === 0) this.#clear(entry);
    }
  }

  /** The entry's page is in the block of 2^`size` bytes around the address. */
  #isWithin(entry: number, lo: number, hi: number, size: number): boolean {
    const { i32 } = this.#views;
    const high = (i32[(entry >> 2) + 1]! ^ hi) & WITHOUT_TOP_BYTE;
    if (size >= 32) return high >>> (size - 32) === 0;
    return high === 0 && (i32[entry >> 2]! ^ lo) >>> size === 0;
  }

  #flushSpace(space: number): void {
    const count = this.#count(space);
    if (count === 0) return;
    if (count > at.NOTED) this.#clearAll(space);
    else {
      this.#each(space, (entry) => this.#clear(entry));
      this.#clearNotes(space);
    }
  }

  #clearAll(space: number): void {
    const start = at.TLB + space * at.SPACE_BYTES;
    this.#views.u8.fill(0xff, start, start + at.SPACE_NOTES);
    this.#clearNotes(space);
  }

  #clearNotes(space: number): void {
    const { i32, u8 } = this.#views;
    const notes = notesOf(space);
    i32[(notes + at.NOTE.count) >> 2] = 0;
    if (i32[(notes + at.NOTE.sizes) >> 2] === 0) return;
    i32[(notes + at.NOTE.sizes) >> 2] = 0;
    u8.fill(0, notes + at.NOTE.large, notes + at.NOTE.large + FILTER_BYTES);
  }

  #count(space: number): number {
    return this.#views.i32[(notesOf(space) + at.NOTE.count) >> 2]!;
  }

  /** Every entry of a space that may be filled. */
  #each(space: number, visit: (entry: number) => void): void {
    const count = this.#count(space);
    if (count <= at.NOTED) {
      const list = (notesOf(space) + at.NOTE.list) >> 2;
      for (let i = 0; i < count; i++) visit(this.#views.i32[list + i]!);
      return;
    }
    const start = at.TLB + space * at.SPACE_BYTES;
    for (let entry = start; entry < start + at.SPACE_NOTES; entry += at.TLB_ENTRY_BYTES) visit(entry);
  }

  #clear(entry: number): void {
    const { i32 } = this.#views;
    i32[entry >> 2] = -1;
    i32[(entry >> 2) + 1] = -1;
    i32[(entry >> 2) + 2] = -1;
    i32[(entry >> 2) + 3] = -1;
  }

  #regime(): number {
    return this.#views.i32[at.REGIME >> 2]!;
  }
}

const notesOf = (space: number) => at.TLB + space * at.SPACE_BYTES + at.SPACE_NOTES;
const entryOf = (lo: number) => (lo >>> 8) & ((at.TLB_ENTRIES - 1) * at.TLB_ENTRY_BYTES);
const isFetch = (entry: number) => ((entry - at.TLB) % at.SPACE_BYTES) % at.REGIME_BYTES >= at.FETCH_TABLE;

function isRoutine(value: unknown): value is (...operands: number[]) => unknown {
  return typeof value === 'function';
}
