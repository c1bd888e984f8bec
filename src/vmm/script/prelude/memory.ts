/** Memory of the process as scripts get it. */
import { answered, hex, integer } from './errors.ts';
import { host, type Integer } from './host.ts';
import { bytesOf, exactBuffer, getScalar, load, setScalar, store } from './scalars.ts';
import { assign, layoutOf, viewOf } from './structs.ts';

export class Memory {
  readonly address: bigint;
  readonly size: number;
  readonly #base: number;

  constructor(base: number, size: number) {
    this.#base = base;
    this.address = BigInt(base);
    this.size = size;
  }

  #at(offset: Integer, length: number): number {
    const at = integer('offset', offset);
    if (at < 0 || at + length > this.size) {
      throw new RangeError(`${length} bytes at offset ${hex(at)} are not inside memory of ${hex(this.size)} bytes`);
    }
    return this.#base + at;
  }

  getU8(offset: Integer): number {
    return getScalar('u8', this.#at(offset, 1)) as number;
  }
  getU16(offset: Integer): number {
    return getScalar('u16', this.#at(offset, 2)) as number;
  }
  getU32(offset: Integer): number {
    return getScalar('u32', this.#at(offset, 4)) as number;
  }
  getU64(offset: Integer): bigint {
    return getScalar('u64', this.#at(offset, 8)) as bigint;
  }
  setU8(offset: Integer, value: Integer): void {
    setScalar('setU8', 'u8', this.#at(offset, 1), value);
  }
  setU16(offset: Integer, value: Integer): void {
    setScalar('setU16', 'u16', this.#at(offset, 2), value);
  }
  setU32(offset: Integer, value: Integer): void {
    setScalar('setU32', 'u32', this.#at(offset, 4), value);
  }
  setU64(offset: Integer, value: Integer): void {
    setScalar('setU64', 'u64', this.#at(offset, 8), value);
  }

  bytes(offset: Integer = 0, length: Integer = this.size - integer('offset', offset)): Uint8Array {
    const count = integer('length', length);
    return new Uint8Array(load(this.#at(offset, count), count));
  }
  write(offset: Integer, data: unknown): void {
    const bytes = bytesOf('write', data);
    store(this.#at(offset, bytes.length), exactBuffer(bytes), bytes.length);
  }
  fill(value: Integer, offset: Integer = 0, length: Integer = this.size - integer('offset', offset)): void {
    const count = integer('length', length);
    store(this.#at(offset, count), new Uint8Array(count).fill(integer('fill', value)).buffer, count);
  }
  string(offset: Integer = 0, length?: Integer): string {
    const from = integer('offset', offset);
    const bytes = this.bytes(from, length ?? Math.min(this.size - from, 4096));
    let end = length === undefined ? bytes.indexOf(0) : bytes.length;
    if (end < 0) end = bytes.length;
    return String.fromCharCode(...bytes.subarray(0, Math.min(end, 4096)));
  }
  slice(offset: Integer, length: Integer = this.size - integer('offset', offset)): Memory {
    const count = integer('length', length);
    return new Memory(this.#at(offset, count), count);
  }
  as(name: string, offset: Integer = 0): object {
    const layout = layoutOf(name);
    return viewOf(layout, this.#at(offset, layout.size));
  }
}

/** Structures share pages: a chunk is cut from the front, 16-byte aligned. */
const CHUNK = 65536;
let chunkAt = 0;
let chunkEnd = 0;

export function allocateSmall(size: number): number {
  const rounded = Math.ceil(size / 16) * 16;
  if (rounded > CHUNK / 4) return answered('mmap', host.alloc(rounded, 0, false));
  if (chunkAt + rounded > chunkEnd) {
    chunkAt = answered('mmap', host.alloc(CHUNK, 0, false));
    chunkEnd = chunkAt + CHUNK;
  }
  const address = chunkAt;
  chunkAt += rounded;
  return address;
}

export function struct(name: string, members: object = {}): object {
  const layout = layoutOf(name);
  const base = allocateSmall(layout.size);
  assign(layout, base, members);
  return viewOf(layout, base);
}

export function alloc(size: Integer, options: { align?: Integer; shared?: boolean } = {}): Memory {
  const length = integer('size', size);
  const align = integer('align', options.align ?? 0);
  return new Memory(answered('mmap', host.alloc(length, align, options.shared === true)), length);
}
