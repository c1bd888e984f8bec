import type { Pa } from '../abi/address.ts';
import { PageAllocator } from './pages.ts';

/** A range of physical addresses with RAM behind it; `offset` is where its first byte lies in the WebAssembly memory. */
export interface Bank {
  readonly base: Pa;
  readonly size: number;
  readonly offset: number;
}

export interface MemoryLayout {
  /** Bytes at the bottom of the WebAssembly memory that belong to the engine: `ENGINE_BYTES`. */
  readonly reserved: number;
  /** RAM as the memory node of the machine says; multiples of 64 KiB, not overlapping, below 2^52. */
  readonly ram: readonly { readonly base: number; readonly size: number }[];
  /** The host kernel's page size: the unit of `pages`. */
  readonly pageSize: 4096 | 16384 | 65536;
}

const WASM_PAGE = 65536;
/** What is known to be zero is known by pages of the smallest size. */
const PAGE_SHIFT = 12;
const PAGE = 2 ** PAGE_SHIFT;
const WASM_LIMIT = 2 ** 32;
const PA_LIMIT = 2 ** 52;

const NO_BANK: Bank = { base: 0 as Pa, size: 0, offset: 0 };

/** Memory of the machine that was given up last: to make another and have this one collected costs more than to clear it. */
let spare: WebAssembly.Memory | null = null;
/** Bytes that are cleared at most to use a memory again. */
const MOST_CLEARED = 64 << 20;

function takeMemory(bytes: number): WebAssembly.Memory {
  const found = spare;
  // One of another size is not kept beside the new one.
  spare = null;
  if (found?.buffer.byteLength === bytes) return found;
  return new WebAssembly.Memory({ initial: bytes / WASM_PAGE, maximum: bytes / WASM_PAGE });
}

/**
 * RAM of the machine in one WebAssembly memory. Physical addresses are exact numbers below 2^52; a bank maps a sparse
 * range of them to an offset. Reads where no RAM is give 0 and writes are dropped: callers that must know ask `offset`.
 */
export class PhysicalMemory {
  readonly memory: WebAssembly.Memory;
  /** Bytes of RAM in all banks. */
  readonly size: number;
  /** The host kernel's pages. */
  readonly pages: PageAllocator;
  /** Told of every write that goes through this class, by offset: whoever caches what RAM holds drops it. */
  onWrite: ((offset: number, length: number) => void) | null = null;
  #bytes: Uint8Array;
  #data: DataView;
  /** For each 4 KiB of the memory, from offset 0 on: 1 where something was written or handed out to be written. */
  readonly #touched: Uint8Array;
  #banks: readonly Bank[];
  #last: Bank;

  /** Throws RangeError for a layout that can't be: it comes from a checked configuration. */
  constructor(layout: MemoryLayout) {
    const sorted = [...layout.ram].sort((a, b) => a.base - b.base);
    let offset = Math.ceil(layout.reserved / WASM_PAGE) * WASM_PAGE;
    let end = 0;
    const banks: Bank[] = [];
    for (const { base, size } of sorted) {
      if (base % WASM_PAGE !== 0 || size % WASM_PAGE !== 0 || size <= 0 || base < end || base + size > PA_LIMIT) {
        throw new RangeError(
          `RAM of ${size} bytes at 0x${base.toString(16)}: not aligned, empty, overlapping or above 2^52`,
        );
      }
      banks.push({ base: base as Pa, size, offset });
      offset += size;
      end = base + size;
    }
    const first = banks[0];
    if (!first || offset > WASM_LIMIT) throw new RangeError(`${offset} bytes of RAM do not fit a WebAssembly memory`);
    this.#banks = banks;
    this.#last = first;
    this.size = banks.reduce((sum, bank) => sum + bank.size, 0);
    this.memory = takeMemory(offset);
    this.#touched = new Uint8Array(offset / PAGE);
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#data = new DataView(this.memory.buffer);
    this.pages = new PageAllocator(this, layout.pageSize);
  }

  get banks(): readonly Bank[] {
    return this.#banks;
  }

  /** Where the byte at `pa` lies in the WebAssembly memory, or -1 where there is no RAM. */
  offset(pa: number): number {
    const last = this.#last;
    if (pa >= last.base && pa < last.base + last.size) return pa - last.base + last.offset;
    for (const bank of this.#banks) {
      if (pa >= bank.base && pa < bank.base + bank.size) {
        this.#last = bank;
        return pa - bank.base + bank.offset;
      }
    }
    return -1;
  }

  /** The physical address of an offset in the WebAssembly memory, or -1 if none. */
  physical(offset: number): number {
    for (const bank of this.banks) {
      if (offset >= bank.offset && offset < bank.offset + bank.size) return bank.base + (offset - bank.offset);
    }
    return -1;
  }

  read8(pa: number): number {
    const at = this.offset(pa);
    return at < 0 ? 0 : this.#bytes[at]!;
  }
  read16(pa: number): number {
    const at = this.#span(pa, 2);
    return at < 0 ? 0 : this.#data.getUint16(at, true);
  }
  read32(pa: number): number {
    const at = this.#span(pa, 4);
    return at < 0 ? 0 : this.#data.getUint32(at, true);
  }
  read64(pa: number): bigint {
    const at = this.#span(pa, 8);
    return at < 0 ? 0n : this.#data.getBigUint64(at, true);
  }
  write8(pa: number, value: number): void {
    const at = this.offset(pa);
    if (at < 0) return;
    this.#bytes[at] = value;
    this.#wrote(at, 1);
  }
  write16(pa: number, value: number): void {
    const at = this.#span(pa, 2);
    if (at < 0) return;
    this.#data.setUint16(at, value, true);
    this.#wrote(at, 2);
  }
  write32(pa: number, value: number): void {
    const at = this.#span(pa, 4);
    if (at < 0) return;
    this.#data.setUint32(at, value, true);
    this.#wrote(at, 4);
  }
  write64(pa: number, value: bigint): void {
    const at = this.#span(pa, 8);
    if (at < 0) return;
    this.#data.setBigUint64(at, value, true);
    this.#wrote(at, 8);
  }

  /** The low and high half of the 64-bit word at an offset that `offset` gave: what the walker reads descriptors with. */
  lowAt(offset: number): number {
    return this.#data.getUint32(offset, true);
  }
  highAt(offset: number): number {
    return this.#data.getUint32(offset + 4, true);
  }
  writeHalvesAt(offset: number, low: number, high: number): void {
    this.#data.setUint32(offset, low, true);
    this.#data.setUint32(offset + 4, high, true);
    this.#wrote(offset, 8);
  }

  /** A copy of `length` bytes, or null if any of them has no RAM. */
  readBytes(pa: number, length: number): Uint8Array | null {
    const at = this.#span(pa, length);
    return at < 0 ? null : this.#bytes.slice(at, at + length);
  }

  /** Writes all of `bytes`, or nothing (false) if any has no RAM. */
  writeBytes(pa: number, bytes: Uint8Array): boolean {
    const at = this.#span(pa, bytes.length);
    if (at < 0) return false;
    this.#bytes.set(bytes, at);
    this.#wrote(at, bytes.length);
    return true;
  }

  /** Fills a range of one bank; false if it has no RAM. */
  fill(pa: number, length: number, value: number): boolean {
    const at = this.#span(pa, length);
    if (at < 0) return false;
    this.#bytes.fill(value, at, at + length);
    this.#wrote(at, length);
    return true;
  }

  /** Hands out pages of one bank to be written, as zeros: what never was written is that already. False if they have no RAM. */
  handOut(pa: number, length: number): boolean {
    const at = this.#span(pa, length);
    if (at < 0) return false;
    this.#clear(at, at + length);
    this.#wrote(at, length);
    return true;
  }

  /** What says where a guest writes was edited: from now on that may be any of RAM, not just pages that were handed out. */
  exposeAll(): void {
    this.#touched.fill(1);
  }

  /**
   * The machine is given up, and another may have its memory: RAM is cleared. From now on there is no RAM here, and nothing
   * that was made over `memory` may run any more.
   */
  release(): void {
    if (this.#banks.length === 0) return;
    const [{ offset } = NO_BANK] = this.#banks;
    if (this.#clear(offset, this.#bytes.length, MOST_CLEARED)) spare = this.memory;
    this.#banks = [];
    this.#last = NO_BANK;
    this.#bytes = new Uint8Array();
    this.#data = new DataView(new ArrayBuffer(0));
  }

  /** Makes zeros of the pages that touch [start, end). False: there are more bytes to clear than `most`. */
  #clear(start: number, end: number, most = Infinity): boolean {
    const touched = this.#touched;
    const last = (end - 1) >>> PAGE_SHIFT;
    let left = most;
    for (let page = start >>> PAGE_SHIFT; page <= last; page++) {
      if (touched[page] === 0) continue;
      const first = page;
      while (page < last && touched[page + 1] === 1) page++;
      left -= (page + 1 - first) * PAGE;
      if (left < 0) return false;
      this.#bytes.fill(0, first * PAGE, (page + 1) * PAGE);
    }
    return true;
  }

  #wrote(at: number, length: number): void {
    const first = at >>> PAGE_SHIFT;
    const last = (at + length - 1) >>> PAGE_SHIFT;
    this.#touched[first] = 1;
    if (last > first) this.#touched.fill(1, first, last + 1);
    this.onWrite?.(at, length);
  }

  /** The offset if the whole range lies in one bank, else -1; a range that continues in the next bank is not RAM as one. */
  #span(pa: number, length: number): number {
    const at = this.offset(pa);
    if (at < 0 || length <= 1) return at;
    const end = this.offset(pa + length - 1);
    return end === at + length - 1 ? at : -1;
  }
}
