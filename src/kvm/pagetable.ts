import { pa, type Pa } from '../abi/address.ts';
import type { PhysicalMemory } from '../machine/memory.ts';
import {
  encodeAddress,
  entryAddress,
  entryKind,
  LAST_LEVEL,
  levelShift,
  power,
  type EntryKind,
  type TableFormat,
} from '../machine/translation/format.ts';
import { walk, type Step, type Tables } from '../machine/translation/walk.ts';

/** A descriptor, or the part of one, as its two halves. */
export interface Halves {
  readonly low: number;
  readonly high: number;
}

/** A block or page entry, or with `valid` false the place where a walk ended without one. */
export interface Leaf {
  readonly level: number;
  /** Where the descriptor lies. */
  readonly at: Pa;
  readonly value: bigint;
  readonly valid: boolean;
  /** First input address and bytes that the entry stands for. */
  readonly input: number;
  readonly size: number;
  /** What a valid entry maps to. */
  readonly output: Pa;
}

/** An entry as a walk met it; the object is the walk's and holds until the next. */
export interface Entry extends Halves {
  readonly level: number;
  readonly pa: number;
  /** Where it lies in the WebAssembly memory. */
  readonly offset: number;
  readonly input: number;
  readonly size: number;
  readonly kind: EntryKind;
  /** The next table, or what a block or page maps to; 0 for others. */
  readonly output: number;
}

/**
 * Told of every change to entries before it is made, whatever it is part of. It may write to the entry: what it leaves there is
 * replaced next.
 */
export interface Observer {
  /** The entry is to be a leaf, or a table that is empty or was `filled` before. */
  making(entry: Entry, low: number, high: number): void;
  /** The entry is to be 0; a table that it points to has no entries left. */
  clearing(entry: Entry): void;
  /** A table that nothing points to yet has got all its entries: the block's mapping in smaller pieces, `low` and `high` the first. */
  filled(table: Pa, block: Entry, low: number, high: number): void;
}

const VALID = 1;
const TABLE_OR_PAGE = 2;
const NO_MEMORY = 1;

export const isLeaf = ({ kind }: { readonly kind: EntryKind }): boolean => kind === 'block' || kind === 'page';

/**
 * A tree of translation tables in host memory, edited as the kernel's page-table code does: every entry is bytes, tables
 * come from the page allocator and go back to it when their last entry goes. Input addresses are numbers below 2^52.
 */
export class PageTable {
  readonly tables: Tables;
  /** Tables that lie side by side at the start level. */
  readonly rootPages: number;
  /** At most one. */
  observer: Observer | null = null;
  readonly #memory: PhysicalMemory;
  /** Entries in use in each table but the root: what struct page's count is in the kernel. */
  readonly #used = new Map<number, number>();
  /** What `find` has found: one object for all walks. */
  readonly #found: Step;

  private constructor(memory: PhysicalMemory, tables: Tables, rootPages: number) {
    this.#memory = memory;
    this.tables = tables;
    this.rootPages = rootPages;
    const { startLevel: level, root } = tables;
    const nothing = { index: 0, input: 0, size: 0, address: root, pa: root, offset: 0, low: 0, high: 0, output: 0 };
    this.#found = { ...nothing, level, kind: 'invalid' };
  }

  /** null: no memory for the root. */
  static create(memory: PhysicalMemory, format: TableFormat, startLevel: number, inputBits: number): PageTable | null {
    const resolved = levelShift(format.granule, startLevel) + format.granule.bitsPerLevel;
    const rootPages = 2 ** Math.max(0, inputBits - resolved);
    const root = memory.pages.allocate(rootPages, rootPages * memory.pages.pageSize);
    return root === null ? null : new PageTable(memory, { format, root, startLevel, inputBits }, rootPages);
  }

  /** Bytes that one entry of a level maps. */
  span(level: number): number {
    return power(levelShift(this.tables.format.granule, level));
  }

  /** Pages that hold tables, the root's among them. */
  get pages(): number {
    return this.rootPages + this.#used.size;
  }

  /** The entry at which a walk for `address` ends; null where the address is outside the tables' input range. */
  lookup(address: number): Leaf | null {
    const entry = this.find(address);
    return entry && leafOf(entry);
  }

  /**
   * The same without a bigint or an object of its own: for a hot path. `size`: the walk goes no further than the entry that maps
   * so many bytes, a table or not.
   */
  find(address: number, size = 0): Entry | null {
    const { format, root, startLevel, inputBits } = this.tables;
    if (!(address >= 0 && address < power(inputBits))) return null;
    const { granule } = format;
    const found = this.#found;
    let table = root;
    let base = 0;
    for (let level = startLevel; ; level++) {
      const span = power(levelShift(granule, level));
      const index = Math.floor((address - base) / span);
      const at = table + index * 8;
      const offset = this.#memory.offset(at);
      const low = this.#memory.lowAt(offset);
      const high = this.#memory.highAt(offset);
      const kind = entryKind(format, level, low);
      const points = kind !== 'invalid' && kind !== 'reserved';
      const output = points ? entryAddress(format, level, low, high, kind) : 0;
      base += index * span;
      if (kind === 'table' && span > size && this.#memory.offset(output) >= 0) {
        table = output;
        continue;
      }
      found.level = level;
      found.index = index;
      found.input = base;
      found.size = span;
      found.address = found.pa = at;
      found.offset = offset;
      found.low = low;
      found.high = high;
      found.kind = kind;
      found.output = output;
      return found;
    }
  }

  /**
   * Puts an entry for `size` bytes (the span of a level) in place, with the tables on the way. A table in its place is
   * freed with all below it. A block on the way gives way to a table that holds nothing else of it: what else it mapped
   * faults in again. `keeps` may say that what is in its place shall stay. False: no memory for a table.
   */
  map(
    address: number,
    size: number,
    output: number,
    attributes: Halves,
    keeps?: (entry: Entry, low: number, high: number) => boolean,
  ): boolean {
    for (;;) {
      const entry = this.find(address, size);
      // Only a size that no level has, or bytes that are no table, bring a walk to an end too soon.
      if (!entry || entry.size < size || (entry.size > size && entry.kind === 'table')) return false;
      if (entry.size > size) {
        if (!this.#makeTable(entry, null)) return false;
        continue;
      }
      const below = entry.kind === 'table' ? pa(entry.output) : null;
      const { level } = entry;
      const { low, high } = this.entry(output, attributes, level);
      if (keeps?.(entry, low, high)) return true;
      this.#make(entry, low, high);
      if (below !== null) this.#freeTable(below, level + 1);
      return true;
    }
  }

  /** A block or page descriptor. */
  entry(output: number, attributes: Halves, level: number): Halves {
    const { low, high } = encodeAddress(this.tables.format, output);
    const type = level === LAST_LEVEL ? VALID | TABLE_OR_PAGE : VALID;
    return { low: (low | attributes.low | type) >>> 0, high: (high | attributes.high) >>> 0 };
  }

  /** Replaces a valid leaf's descriptor by another valid one. */
  update(entry: Entry, low: number, high: number): void {
    this.#memory.writeHalvesAt(entry.offset, low, high);
  }

  /** Visits each valid leaf that touches [start, end), in order; the visitor may `update` it. */
  forEachLeaf(start: number, end: number, visit: (entry: Entry) => void): void {
    walk(this.#memory, this.tables, start, end, {
      leaf: (step) => {
        if (isLeaf(step)) visit(step);
        return 0;
      },
    });
  }

  /** Valid leaves that touch [start, end), in order. */
  leaves(start: number, end: number): Leaf[] {
    const found: Leaf[] = [];
    this.forEachLeaf(start, end, (entry) => found.push(leafOf(entry)));
    return found;
  }

  /** Bytes of [start, end) that valid leaves map. */
  mappedBytes(start: number, end: number): number {
    let sum = 0;
    this.forEachLeaf(start, end, ({ input, size }) => {
      sum += Math.min(end, input + size) - Math.max(start, input);
    });
    return sum;
  }

  /**
   * Makes pages of the blocks that touch [start, end); `attributes` gives those of a block's pages, absent: the block's. False: no
   * memory for a table.
   */
  split(start: number, end: number, attributes = this.#attributes): boolean {
    const leaf = (step: Step): number => (step.kind === 'block' && !this.#makeTable(step, attributes) ? NO_MEMORY : 0);
    return walk(this.#memory, this.tables, start, end, { leaf }) === 0;
  }

  /** Takes entries out, blocks as a whole, and frees tables that have none left. `gone` is told of each leaf. */
  unmap(start: number, end: number, gone?: (entry: Entry) => void): void {
    walk(this.#memory, this.tables, start, end, {
      leaf: (step) => {
        if (step.low === 0 && step.high === 0) return 0;
        if (isLeaf(step)) gone?.(step);
        this.#clear(step);
        return 0;
      },
      tableDone: (step) => {
        if (this.#used.get(step.output) !== 0) return 0;
        const table = pa(step.output);
        this.#clear(step);
        this.#used.delete(table);
        this.#memory.pages.free(table);
        return 0;
      },
    });
  }

  /** Frees every table; the object must not be used any more. */
  destroy(): void {
    for (const table of this.#used.keys()) this.#memory.pages.free(pa(table));
    this.#used.clear();
    this.#memory.pages.free(pa(this.tables.root), this.rootPages);
  }

  #make(entry: Entry, low: number, high: number): void {
    this.observer?.making(entry, low, high);
    if (entry.low === 0 && entry.high === 0) this.#count(entry, 1);
    this.#memory.writeHalvesAt(entry.offset, low, high);
  }

  #clear(entry: Entry): void {
    this.observer?.clearing(entry);
    this.#count(entry, -1);
    this.#memory.writeHalvesAt(entry.offset, 0, 0);
  }

  #count(entry: Entry, change: 1 | -1): void {
    const table = entry.pa - (entry.pa & (this.#memory.pages.pageSize - 1));
    const used = this.#used.get(table);
    if (used !== undefined) this.#used.set(table, used + change);
  }

  /**
   * Puts a table where an invalid entry or a block is. With `attributes` a block's table holds the same mapping in smaller pieces;
   * null: nothing.
   */
  #makeTable(entry: Entry, attributes: ((block: Halves) => Halves) | null): boolean {
    const { pages } = this.#memory;
    const table = pages.allocate();
    if (table === null) return false;
    const used = attributes && entry.kind === 'block' ? this.#fill(table, entry, attributes(entry)) : 0;
    this.#used.set(table, used);
    const { low, high } = encodeAddress(this.tables.format, table);
    this.#make(entry, (low | VALID | TABLE_OR_PAGE) >>> 0, high);
    return true;
  }

  /** A block's mapping as entries of a table, which nothing points to yet; gives how many. */
  #fill(table: Pa, block: Entry, attributes: Halves): number {
    const level = block.level + 1;
    const span = this.span(level);
    const count = block.size / span;
    const offset = this.#memory.offset(table);
    for (let index = 0; index < count; index++) {
      const { low, high } = this.entry(block.output + index * span, attributes, level);
      this.#memory.writeHalvesAt(offset + index * 8, low, high);
    }
    this.observer?.filled(table, block, this.#memory.lowAt(offset), this.#memory.highAt(offset));
    return count;
  }

  /** All of a descriptor but address, validity and type. */
  readonly #attributes = ({ low, high }: Halves): Halves => {
    const address = encodeAddress(this.tables.format, 2 ** 52 - this.#memory.pages.pageSize);
    return { low: (low & ~(address.low | VALID | TABLE_OR_PAGE)) >>> 0, high: (high & ~address.high) >>> 0 };
  };

  #freeTable(table: Pa, level: number): void {
    // A descriptor that was written by hand may name any page.
    if (!this.#used.delete(table)) return;
    const { format } = this.tables;
    const { pages } = this.#memory;
    const first = this.#memory.offset(table);
    for (let at = first; level < LAST_LEVEL && at < first + pages.pageSize; at += 8) {
      const low = this.#memory.lowAt(at);
      if (entryKind(format, level, low) !== 'table') continue;
      this.#freeTable(pa(entryAddress(format, level, low, this.#memory.highAt(at), 'table')), level + 1);
    }
    pages.free(table);
  }
}

function leafOf(entry: Entry): Leaf {
  const { level, input, size } = entry;
  const value = (BigInt(entry.high) << 32n) | BigInt(entry.low);
  return { level, at: pa(entry.pa), value, valid: isLeaf(entry), input, size, output: pa(entry.output) };
}
