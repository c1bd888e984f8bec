import type { Field, StructDef } from '../abi/layout.ts';
import { structLayout } from '../abi/layout.ts';
import { readStruct, writeStruct, type InputOf, type StructValue } from '../abi/values.ts';
import type { UserMemory } from './descriptor.ts';
import { refuse, type Refusal } from './refusal.ts';

const ABI = 'arm64';

export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

export function copyFault(address: bigint, length: number, direction: 'from' | 'to', what: string): Refusal {
  const message =
    direction === 'from'
      ? `${what}: ${length} bytes at ${hex(address)} can't be read from the process`
      : `${what}: ${length} bytes at ${hex(address)} can't be written in the process`;
  return refuse('EFAULT', `user.copy-${direction}`, message, `copy_${direction}_user`);
}

/** copy_from_user of a structure. */
export function readUser<const F extends readonly Field[]>(
  user: UserMemory,
  address: bigint,
  def: StructDef<F>,
): StructValue<F> | Refusal {
  const { size } = structLayout(def, ABI);
  const bytes = user.read(address, size);
  return bytes ? readStruct(def, ABI, bytes) : copyFault(address, size, 'from', `struct ${def.name}`);
}

/** copy_to_user of a structure; members that are not given are zero. null: done. */
export function writeUser<const F extends readonly Field[]>(
  user: UserMemory,
  address: bigint,
  def: StructDef<F>,
  value: InputOf<StructValue<F>>,
): Refusal | null {
  const bytes = writeStruct(def, ABI, value);
  return user.write(address, bytes) ? null : copyFault(address, bytes.length, 'to', `struct ${def.name}`);
}

/** A little-endian integer of `size` bytes. */
export function readUserInteger(user: UserMemory, address: bigint, size: number, what: string): bigint | Refusal {
  const bytes = user.read(address, size);
  return bytes ? fromBytes(bytes) : copyFault(address, size, 'from', what);
}

export function writeUserInteger(
  user: UserMemory,
  address: bigint,
  size: number,
  value: bigint,
  what: string,
): Refusal | null {
  return user.write(address, toBytes(value, size)) ? null : copyFault(address, size, 'to', what);
}

export function fromBytes(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]!);
  return value;
}

export function toBytes(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let index = 0; index < size; index++) bytes[index] = Number((value >> BigInt(8 * index)) & 0xffn);
  return bytes;
}

/** `reserved[2] is 0x5 and must be 0`, of the first word that is not; null: all are. */
export function mustBeZero(name: string, words: ArrayLike<number>): string | null {
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? 0;
    if (word !== 0) return `${name}[${index}] is ${hex(word)} and must be 0`;
  }
  return null;
}
