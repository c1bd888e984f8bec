import type { PhysicalMemory } from '../memory.ts';
import { entryAddress, entryKind, LAST_LEVEL, levelShift, power, type EntryKind, type TableFormat } from './format.ts';

/** The tables of one translation, as a control register or the software that built them says. */
export interface Tables {
  readonly format: TableFormat;
  /** Address of the first table: a PA, or for a guest's stage 1 an IPA (see Visitor.locate). */
  readonly root: number;
  readonly startLevel: number;
  /** The input is below 2^inputBits. More than the start level's table resolves: up to 16 tables are concatenated. */
  readonly inputBits: number;
}

/** One entry on the way. The object is the visitor's only while it is called. */
export interface Step {
  level: number;
  index: number;
  /** First input address that the entry translates, and how many bytes. */
  input: number;
  size: number;
  /** Where the entry lies: as its table says (IPA or PA), in physical memory, and in the WebAssembly memory. */
  address: number;
  pa: number;
  offset: number;
  low: number;
  high: number;
  kind: EntryKind;
  /** The next table, or what a block or page maps to; 0 for others. */
  output: number;
}

/** What a walk does on its way; a result other than 0 ends the walk and is its result. */
export interface Visitor {
  /** The physical address of a descriptor at a table's address, below 0 to end the walk: stage 2 under a guest's stage 1. */
  locate?(address: number, level: number): number;
  /** An entry that is no table. It may be written: the walk reads it again and goes down if it has become a table. */
  leaf?(step: Step): number;
  /** A table entry, before and after what it points to. `table` may change it (a block instead): it is read again. */
  table?(step: Step): number;
  tableDone?(step: Step): number;
}

/** Result of a walk that came to a descriptor where there is no RAM, or that `locate` could not place. */
export const UNREADABLE = -1;

/**
 * The one page-table walk: every entry that translates a part of [start, end), in order of input address.
 * Bounds are cut to the tables' input range. Levels bound the depth; the range bounds the time.
 */
export function walk(memory: PhysicalMemory, tables: Tables, start: number, end: number, visitor: Visitor): number {
  const limit = power(tables.inputBits);
  return walkTable(
    memory,
    tables,
    visitor,
    tables.startLevel,
    tables.root,
    0,
    Math.max(start, 0),
    Math.min(end, limit),
  );
}

function walkTable(
  memory: PhysicalMemory,
  tables: Tables,
  visitor: Visitor,
  level: number,
  table: number,
  base: number,
  start: number,
  end: number,
): number {
  const format = tables.format;
  const size = power(levelShift(format.granule, level));
  const first = Math.floor((start - base) / size);
  const step: Step = {
    level,
    index: 0,
    input: 0,
    size,
    address: 0,
    pa: 0,
    offset: 0,
    low: 0,
    high: 0,
    kind: 'invalid',
    output: 0,
  };
  for (let index = first; base + index * size < end; index++) {
    step.index = index;
    step.input = base + index * size;
    step.address = table + index * 8;
    step.pa = visitor.locate ? visitor.locate(step.address, level) : step.address;
    step.offset = step.pa < 0 ? -1 : memory.offset(step.pa);
    if (step.offset < 0) return UNREADABLE;
    read(memory, format, step);
    let result = 0;
    if (step.kind === 'table') {
      if (visitor.table) {
        result = visitor.table(step);
        if (result !== 0) return result;
        read(memory, format, step);
      }
    } else if (visitor.leaf) {
      result = visitor.leaf(step);
      if (result !== 0) return result;
      read(memory, format, step);
    }
    if (step.kind !== 'table' || level >= LAST_LEVEL) continue;
    const from = Math.max(start, step.input);
    const to = Math.min(end, step.input + size);
    result = walkTable(memory, tables, visitor, level + 1, step.output, step.input, from, to);
    if (result !== 0) return result;
    if (visitor.tableDone) {
      result = visitor.tableDone(step);
      if (result !== 0) return result;
    }
  }
  return 0;
}

function read(memory: PhysicalMemory, format: TableFormat, step: Step): void {
  const low = memory.lowAt(step.offset);
  const high = memory.highAt(step.offset);
  // As it was before its visitor, or as the entry beside it.
  if (low === step.low && high === step.high) return;
  step.low = low;
  step.high = high;
  step.kind = entryKind(format, step.level, low);
  step.output =
    step.kind === 'invalid' || step.kind === 'reserved' ? 0 : entryAddress(format, step.level, low, high, step.kind);
}
