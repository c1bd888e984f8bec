/** Bytes and numbers in the memory of the process. */
import { hex, integer, wanted } from './errors.ts';
import { host, type Integer } from './host.ts';

export function load(address: number, length: number): ArrayBuffer {
  const bytes = host.read(address, length);
  if (!bytes) throw new RangeError(`no readable memory of ${length} bytes at ${hex(address)} (SIGSEGV)`);
  return bytes;
}

export function store(address: number, bytes: ArrayBuffer, length: number): void {
  if (!host.write(address, bytes, length)) {
    throw new RangeError(`no writable memory of ${length} bytes at ${hex(address)} (SIGSEGV)`);
  }
}

const BITS: Readonly<Record<string, number>> = {
  u8: 8,
  s8: 8,
  char: 8,
  u16: 16,
  s16: 16,
  u32: 32,
  s32: 32,
  u64: 64,
  s64: 64,
  ulong: 64,
  pointer: 64,
  u128: 128,
};
const scratch = new ArrayBuffer(16);
const scratchView = new DataView(scratch);

export function getScalar(type: string, address: number): Integer {
  const bits = BITS[type]!;
  const view = new DataView(load(address, bits / 8));
  const signed = type[0] === 's';
  if (bits === 8) return signed ? view.getInt8(0) : view.getUint8(0);
  if (bits === 16) return signed ? view.getInt16(0, true) : view.getUint16(0, true);
  if (bits === 32) return signed ? view.getInt32(0, true) : view.getUint32(0, true);
  const low = view.getBigUint64(0, true);
  if (bits === 64) return signed ? BigInt.asIntN(64, low) : low;
  return low | (view.getBigUint64(8, true) << 64n);
}

export function setScalar(what: string, type: string, address: number, value: unknown): void {
  const bits = BITS[type]!;
  const exact =
    typeof value === 'bigint' ? value : BigInt(integer(what, typeof value === 'boolean' ? Number(value) : value));
  if (exact >= 1n << BigInt(bits) || exact < -(1n << BigInt(bits - 1))) {
    throw new RangeError(`${what}: ${exact < 0n ? exact : hex(exact)} does not fit ${type}`);
  }
  scratchView.setBigUint64(0, BigInt.asUintN(64, exact), true);
  if (bits === 128) scratchView.setBigUint64(8, BigInt.asUintN(64, exact >> 64n), true);
  store(address, scratch, bits / 8);
}

function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return new Uint8Array(bytes);
}

export function bytesOf(what: string, value: unknown): Uint8Array {
  if (typeof value === 'string') return utf8(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return Uint8Array.from(value, (byte) => integer(what, byte));
  return wanted(what, value, 'bytes or text');
}

/** The bytes alone in a buffer of their own, as the host takes them. */
export function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.byteLength === bytes.buffer.byteLength
    ? (bytes.buffer as ArrayBuffer)
    : (bytes.slice().buffer as ArrayBuffer);
}
