import type { Decoded, InstructionTable, TableRow } from '../isa/decoder.ts';
import { requiredFeatures, type Row } from '../isa/row.ts';
import { SPECIAL, type Handling } from './interpreter/handlers.ts';
import { find, type Tree } from './interpreter/questions.ts';
import type { Site } from './interpreter/record.ts';
import * as at from './layout.ts';
import type { Views } from './views.ts';

/** Instructions that are predecoded at once, while they follow one another. */
const AHEAD = 16;
const PAGE = -at.PAGE_BYTES;

/**
 * Predecoded instructions: a slot of records for each page of RAM that was fetched from, filled as execution gets there.
 * A slot is named by the offset of its first record, a page by the offset of its first byte.
 */
export class CodeCache {
  readonly #views: Views;
  readonly #table: InstructionTable;
  readonly #handlers: (row: TableRow) => Tree<Handling>;
  readonly #executes: (row: Row) => boolean;
  /** The page of each slot, by the slot's number; 0: none. */
  readonly #pages = new Uint32Array(at.SLOT_COUNT);
  #next = 0;
  /** Breakpoints by the high half and the page of their address. */
  #breakpoints = new Map<string, number[]>();
  /** Records that have a breakpoint instead of their instruction. */
  readonly #planted = new Set<number>();
  /** Is told before records of a slot, by their numbers, come to stand for something else. */
  changes: (slot: number, first: number, last: number) => void = () => undefined;

  constructor(
    views: Views,
    table: InstructionTable,
    handlers: (row: TableRow) => Tree<Handling>,
    absent: ReadonlySet<string>,
  ) {
    this.#views = views;
    this.#table = table;
    this.#handlers = handlers;
    this.#executes = (row) =>
      row.execute !== undefined && !requiredFeatures(row).some((feature) => absent.has(feature));
  }

  /** 0: the page has none. */
  slotOf(page: number): number {
    const number = this.#views.view.getUint16(pageSlot(page), true);
    return number === 0 ? 0 : slotAt(number - 1);
  }

  pageOf(slot: number): number {
    return this.#pages[slotNumber(slot)]!;
  }

  /** The page that loses its slot when one is added, or 0: nothing may fetch from that slot any more. */
  get nextEvicted(): number {
    return this.#pages[this.#next]!;
  }

  /** A slot for a page that has none. */
  add(page: number): number {
    const number = this.#next;
    this.#next = (this.#next + 1) % at.SLOT_COUNT;
    const slot = slotAt(number);
    const evicted = this.#pages[number]!;
    if (evicted !== 0) {
      this.changes(slot, 0, at.PAGE_RECORDS - 1);
      this.#views.view.setUint16(pageSlot(evicted), 0, true);
      for (const record of this.#planted) if (slotNumber(record) === number) this.#planted.delete(record);
    }
    this.#views.u8.fill(0, slot, slot + at.SLOT_BYTES);
    this.#views.view.setUint16(pageSlot(page), number + 1, true);
    this.#pages[number] = page;
    this.#setHandler(slot + at.PAGE_RECORDS * at.RECORD_BYTES, SPECIAL.pageEnd);
    return slot;
  }

  /** Predecodes the instruction of a record, and those that follow it. */
  predecode(record: number): void {
    const slot = at.SLOTS + slotNumber(record) * at.SLOT_BYTES;
    const end = Math.min(record + AHEAD * at.RECORD_BYTES, slot + at.PAGE_RECORDS * at.RECORD_BYTES);
    const { view } = this.#views;
    for (let place = record; place < end; place += at.RECORD_BYTES) {
      if (place !== record && view.getUint16(place, true) !== SPECIAL.undecoded) return;
      if (this.#predecodeOne(place, slot) !== 'next') return;
    }
  }

  /** The word that a record was made from. */
  wordAt(record: number): number {
    const slot = at.SLOTS + slotNumber(record) * at.SLOT_BYTES;
    return this.#views.view.getUint32(this.pageOf(slot) + ((record - slot) / at.RECORD_BYTES) * 4, true);
  }

  /** Memory has changed: forgets the records of these bytes. */
  written(offset: number, bytes: number): void {
    if (bytes <= 0) return;
    const last = offset + bytes - 1;
    for (let page = (offset & PAGE) >>> 0; page <= last; page += at.PAGE_BYTES) {
      const slot = this.slotOf(page);
      if (slot === 0) continue;
      const from = Math.max(offset, page) - page;
      const to = Math.min(last, page + at.PAGE_BYTES - 1) - page;
      this.changes(slot, from >> 2, to >> 2);
      for (let word = from >> 2; word <= to >> 2; word++) this.#setHandler(slot + word * at.RECORD_BYTES, 0);
    }
  }

  setBreakpoints(addresses: Iterable<bigint>): void {
    for (const record of this.#planted) this.#setHandler(record, SPECIAL.undecoded);
    this.#planted.clear();
    this.#breakpoints = new Map();
    for (const address of addresses) {
      const lo = Number(address & 0xffffffffn) | 0;
      const key = pageKey(lo, Number((address >> 32n) & 0xffffffffn));
      const offset = lo & (at.PAGE_BYTES - 1);
      if ((offset & 3) === 0) this.#breakpoints.set(key, [...(this.#breakpoints.get(key) ?? []), offset]);
    }
  }

  get hasBreakpoints(): boolean {
    return this.#breakpoints.size > 0;
  }
  isBreakpoint(lo: number, hi: number): boolean {
    return this.#breakpoints.get(pageKey(lo, hi))?.includes(lo & (at.PAGE_BYTES - 1)) ?? false;
  }

  /** The page of the address is fetched from a slot: puts its breakpoints there. */
  plant(slot: number, lo: number, hi: number): void {
    if (this.#breakpoints.size === 0) return;
    for (const offset of this.#breakpoints.get(pageKey(lo, hi)) ?? []) {
      this.replant(slot + (offset / 4) * at.RECORD_BYTES);
    }
  }

  /** Gives a record its instruction back, until `replant`. */
  uproot(record: number): void {
    this.#planted.delete(record);
    this.predecode(record);
  }
  replant(record: number): void {
    this.#planted.add(record);
    const slot = slotOfRecord(record);
    const number = (record - slot) / at.RECORD_BYTES;
    this.changes(slot, number, number);
    this.#setHandler(record, SPECIAL.breakpoint);
  }

  /** The instruction that a record stands for; null: none, or one with a breakpoint. */
  instructionAt(record: number): Decoded | null {
    return this.#planted.has(record) ? null : this.#table.decode(this.wordAt(record), this.#executes);
  }

  #predecodeOne(record: number, slot: number): string {
    if (this.#planted.has(record)) {
      this.#setHandler(record, SPECIAL.breakpoint);
      return 'breakpoint';
    }
    const decoded = this.#table.decode(this.wordAt(record), this.#executes);
    if (!decoded) {
      this.#setHandler(record, SPECIAL.undefined);
      return 'undefined';
    }
    const { row, fields } = decoded;
    const site: Site = { row, fields, offset: ((record - slot) / at.RECORD_BYTES) * 4, slot };
    const { handler, patches } = find(this.#handlers(decoded), site);
    const { view } = this.#views;
    for (const { at: patch, bytes, value } of patches) {
      const filled = value(site);
      if (bytes === 2) view.setUint16(record + patch, Number(filled), true);
      else if (bytes === 4) view.setInt32(record + patch, Number(filled), true);
      else view.setBigUint64(record + patch, BigInt(filled), true);
    }
    this.#setHandler(record, handler);
    return row.flow ?? 'next';
  }

  #setHandler(record: number, handler: number): void {
    this.#views.view.setUint16(record, handler, true);
  }
}

/** Where PAGE_SLOTS has a page. */
const pageSlot = (page: number) => at.PAGE_SLOTS + (page / at.PAGE_BYTES) * 2;
/** The first record of a record's slot. */
export const slotOfRecord = (record: number) => slotAt(slotNumber(record));
/** The record of the instruction at an offset in its page. */
export const recordAt = (slot: number, offset: number) => slot + (offset / 4) * at.RECORD_BYTES;

const slotAt = (number: number) => at.SLOTS + number * at.SLOT_BYTES;
const slotNumber = (record: number) => Math.floor((record - at.SLOTS) / at.SLOT_BYTES);
const pageKey = (lo: number, hi: number) => `${hi >>> 0}:${lo >>> 12}`;
