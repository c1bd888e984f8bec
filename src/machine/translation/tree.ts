import type { PhysicalMemory } from '../memory.ts';
import { decodeDescriptor, type DecodedField, type MeaningContext } from './descriptor.ts';
import { entryAddress, entryKind, LAST_LEVEL, levelShift, type EntryKind } from './format.ts';
import type { Tables } from './walk.ts';

/** One table of a tree; `entries` only where asked for. Addresses are as the tables have them: IPAs for a guest's stage 1. */
export interface TableNode {
  readonly address: bigint;
  readonly level: number;
  readonly inputBase: bigint;
  readonly inputSize: bigint;
  readonly valid: number;
  readonly total: number;
  /** null: not asked for, above the limit, or the table can't be read. */
  readonly entries: readonly TableRow[] | null;
}

/** One entry, or a run of invalid ones that are all alike. */
export interface TableRow {
  readonly index: number;
  readonly count: number;
  readonly inputBase: bigint;
  readonly inputSize: bigint;
  readonly address: bigint;
  readonly value: bigint;
  readonly kind: EntryKind;
  readonly output: bigint | null;
  readonly fields: readonly DecodedField[];
  readonly child: TableNode | null;
}

export interface TreeOptions {
  /** Addresses of the tables whose entries are wanted. */
  readonly expanded: ReadonlySet<bigint>;
  /** The physical address of a table's address, below 0 where there is none: stage 2 under a guest's stage 1. */
  readonly locate?: (address: number) => number;
  /** Added to input addresses: the upper half's of stage 1. */
  readonly inputBase?: bigint;
  readonly context?: MeaningContext;
  /** Rows in all; tables that point to themselves would have no end. */
  readonly limit?: number;
}

const ROWS = 16_384;

/** The start level's table, or its concatenated tables, and below them what `expanded` names. */
export function tableTree(memory: PhysicalMemory, tables: Tables, options: TreeOptions): TableNode[] {
  const { format, root, startLevel, inputBits } = tables;
  const { granule } = format;
  const entryBits = inputBits - levelShift(granule, startLevel);
  const perTable = 2 ** Math.min(entryBits, granule.bitsPerLevel);
  const bytes = perTable * 8;
  const covered = perTable * 2 ** levelShift(granule, startLevel);
  const reader = new TreeReader(memory, tables, options);
  return Array.from({ length: 2 ** Math.max(0, entryBits - granule.bitsPerLevel) }, (_, n) =>
    reader.node(root + n * bytes, startLevel, n * covered, perTable),
  );
}

class TreeReader {
  readonly #memory: PhysicalMemory;
  readonly #tables: Tables;
  readonly #options: TreeOptions;
  readonly #base: bigint;
  #left: number;

  constructor(memory: PhysicalMemory, tables: Tables, options: TreeOptions) {
    this.#memory = memory;
    this.#tables = tables;
    this.#options = options;
    this.#base = options.inputBase ?? 0n;
    this.#left = options.limit ?? ROWS;
  }

  node(address: number, level: number, input: number, total: number): TableNode {
    const size = 2 ** levelShift(this.#tables.format.granule, level);
    const place = {
      address: BigInt(address),
      level,
      inputBase: this.#base + BigInt(input),
      inputSize: BigInt(size) * BigInt(total),
      total,
    };
    const pa = this.#options.locate ? this.#options.locate(address) : address;
    const offset = pa < 0 ? -1 : this.#memory.offset(pa);
    if (offset < 0 || this.#memory.offset(pa + total * 8 - 8) < 0) return { ...place, valid: 0, entries: null };
    let valid = 0;
    for (let n = 0; n < total; n++) valid += this.#memory.lowAt(offset + 8 * n) & 1;
    const wanted = this.#left > 0 && this.#options.expanded.has(place.address);
    return { ...place, valid, entries: wanted ? this.#rows(address, offset, level, input, size, total) : null };
  }

  #rows(table: number, offset: number, level: number, input: number, size: number, total: number): TableRow[] {
    const { format } = this.#tables;
    const rows: TableRow[] = [];
    for (let index = 0; index < total && this.#left > 0;) {
      this.#left--;
      const low = this.#memory.lowAt(offset + 8 * index);
      const high = this.#memory.highAt(offset + 8 * index);
      const kind = entryKind(format, level, low);
      let count = 1;
      while (kind === 'invalid' && index + count < total && this.#same(offset + 8 * (index + count), low, high))
        count++;
      const value = (BigInt(high) << 32n) | BigInt(low);
      const decoded = decodeDescriptor(format, level, value, this.#options.context);
      const base = input + index * size;
      rows.push({
        index,
        count,
        inputBase: this.#base + BigInt(base),
        inputSize: BigInt(size) * BigInt(count),
        address: BigInt(table + 8 * index),
        value,
        kind,
        output: decoded.output === null ? null : BigInt(decoded.output),
        fields: decoded.fields,
        child: kind === 'table' && level < LAST_LEVEL ? this.#child(low, high, level, base) : null,
      });
      index += count;
    }
    return rows;
  }

  #same(offset: number, low: number, high: number): boolean {
    return this.#memory.lowAt(offset) === low && this.#memory.highAt(offset) === high;
  }

  #child(low: number, high: number, level: number, input: number): TableNode {
    const { format } = this.#tables;
    const address = entryAddress(format, level, low, high, 'table');
    return this.node(address, level + 1, input, 2 ** format.granule.bitsPerLevel);
  }
}
