import { pa, type Pa } from '../abi/address.ts';
import type { PhysicalMemory } from '../machine/memory.ts';
import {
  encodeAddress,
  entryAddress,
  LAST_LEVEL,
  levelShift,
  type TableFormat,
} from '../machine/translation/format.ts';
import { walk, type Step, type Tables } from '../machine/translation/walk.ts';

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

const VALID = 1n;
const TABLE_OR_PAGE = 2n;
const FOUND = 1;
const NO_MEMORY = 2;

/**
 * A tree of translation tables in host memory, edited as the kernel's page-table code does: every entry is bytes, tables
 * come from the page allocator and go back to it when their last entry goes. Input addresses are numbers below 2^52.
 */
export class PageTable {
  readonly tables: Tables;
  /** Tables that lie side by side at the start level. */
  readonly rootPages: number;
  readonly #memory: PhysicalMemory;
  /** Entries in use in each table but the root: what struct page's count is in the kernel. */
  readonly #used = new Map<number, number>();

  private constructor(memory: PhysicalMemory, tables: Tables, rootPages: number) {
    this.#memory = memory;
    this.tables = tables;
    this.rootPages = rootPages;
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
    return 2 ** levelShift(this.tables.format.granule, level);
  }

  /** Pages that hold tables, the root's among them. */
  get pages(): number {
    return this.rootPages + this.#used.size;
  }

  /** The entry at which a walk for `address` ends; null where the address is outside the tables' input range. */
  lookup(address: number): Leaf | null {
    let found: Leaf | null = null;
    walk(this.#memory, this.tables, address, address + 1, {
      leaf: (step) => {
        found = this.#leafOf(step);
        return FOUND;
      },
    });
    return found;
  }

  /**
   * Puts an entry for `size` bytes (the span of a level) in place, with the tables on the way. A table in its place is
   * freed with all below it. A block on the way gives way to a table that holds nothing else of it: what else it mapped
   * faults in again. False: no memory for a table.
   */
  map(address: number, size: number, output: number, attributes: bigint): boolean {
    const visit = (step: Step): number => {
      if (step.size !== size) return step.kind === 'table' || this.#makeTable(step, false) ? 0 : NO_MEMORY;
      if (step.kind === 'table') this.#freeTable(pa(step.output), step.level + 1);
      this.#write(pa(step.pa), this.entry(output, attributes, step.level));
      return FOUND;
    };
    return walk(this.#memory, this.tables, address, address + size, { leaf: visit, table: visit }) === FOUND;
  }

  /** A block or page descriptor. */
  entry(output: number, attributes: bigint, level: number): bigint {
    return this.#address(output) | attributes | VALID | (level === LAST_LEVEL ? TABLE_OR_PAGE : 0n);
  }

  /** All of a descriptor but address, validity and type. */
  attributes(value: bigint): bigint {
    return value & ~this.#address(2 ** 52 - this.#memory.pages.pageSize) & ~(VALID | TABLE_OR_PAGE);
  }

  /** Replaces a leaf's descriptor. */
  update(leaf: Leaf, value: bigint): void {
    this.#write(leaf.at, value);
  }

  /** Valid leaves that touch [start, end), in order. */
  leaves(start: number, end: number): Leaf[] {
    const found: Leaf[] = [];
    walk(this.#memory, this.tables, start, end, {
      leaf: (step) => {
        if (step.kind === 'block' || step.kind === 'page') found.push(this.#leafOf(step));
        return 0;
      },
    });
    return found;
  }

  /** Bytes of [start, end) that valid leaves map. */
  mappedBytes(start: number, end: number): number {
    let sum = 0;
    walk(this.#memory, this.tables, start, end, {
      leaf: ({ kind, input, size }) => {
        if (kind === 'block' || kind === 'page') sum += Math.min(end, input + size) - Math.max(start, input);
        return 0;
      },
    });
    return sum;
  }

  /** Makes pages of the blocks that touch [start, end); false: no memory for a table. */
  split(start: number, end: number): boolean {
    const leaf = (step: Step): number => (step.kind === 'block' && !this.#makeTable(step, true) ? NO_MEMORY : 0);
    return walk(this.#memory, this.tables, start, end, { leaf }) === 0;
  }

  /** Takes entries out, blocks as a whole, and frees tables that have none left. `gone` is told of each leaf. */
  unmap(start: number, end: number, gone?: (leaf: Leaf) => void): void {
    walk(this.#memory, this.tables, start, end, {
      leaf: (step) => {
        if (step.low === 0 && step.high === 0) return 0;
        const leaf = this.#leafOf(step);
        this.#write(leaf.at, 0n);
        if (leaf.valid) gone?.(leaf);
        return 0;
      },
      tableDone: (step) => {
        if (this.#used.get(step.output) !== 0) return 0;
        this.#used.delete(step.output);
        this.#memory.pages.free(pa(step.output));
        this.#write(pa(step.pa), 0n);
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

  #address(address: number): bigint {
    const { low, high } = encodeAddress(this.tables.format, address);
    return (BigInt(high) << 32n) | BigInt(low);
  }

  #leafOf(step: Step): Leaf {
    const value = (BigInt(step.high) << 32n) | BigInt(step.low);
    const valid = step.kind === 'block' || step.kind === 'page';
    const { level, input, size } = step;
    return { level, at: pa(step.pa), value, valid, input, size, output: pa(step.output) };
  }

  #write(at: Pa, value: bigint): void {
    const table = at - (at % this.#memory.pages.pageSize);
    const used = this.#used.get(table);
    if (used !== undefined) {
      const before = this.#memory.read64(at) === 0n ? 0 : 1;
      this.#used.set(table, used - before + (value === 0n ? 0 : 1));
    }
    this.#memory.write64(at, value);
  }

  /** Puts a table where an invalid entry or a block is; `keep`: a block's table holds the same mapping in smaller pieces. */
  #makeTable(step: Step, keep: boolean): boolean {
    const table = this.#memory.pages.allocate();
    if (table === null) return false;
    const level = step.level + 1;
    const size = this.span(level);
    let used = 0;
    if (keep && step.kind === 'block') {
      const attributes = this.attributes((BigInt(step.high) << 32n) | BigInt(step.low));
      for (; used * size < step.size; used++) {
        this.#memory.write64(table + used * 8, this.entry(step.output + used * size, attributes, level));
      }
    }
    this.#used.set(table, used);
    this.#write(pa(step.pa), this.#address(table) | VALID | TABLE_OR_PAGE);
    return true;
  }

  #freeTable(table: Pa, level: number): void {
    if (level < LAST_LEVEL) {
      for (let at = table; at < table + this.#memory.pages.pageSize; at = pa(at + 8)) {
        const value = this.#memory.read64(at);
        if ((value & (VALID | TABLE_OR_PAGE)) !== (VALID | TABLE_OR_PAGE)) continue;
        const low = Number(value & 0xffff_ffffn);
        const next = entryAddress(this.tables.format, level, low, Number(value >> 32n), 'table');
        this.#freeTable(pa(next), level + 1);
      }
    }
    this.#used.delete(table);
    this.#memory.pages.free(table);
  }
}
