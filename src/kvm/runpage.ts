import type { Pa } from '../abi/address.ts';
import { findField } from '../abi/layout.ts';
import { kvm_run } from '../abi/structs.ts';
import type { PhysicalMemory } from '../machine/memory.ts';

interface Place {
  readonly offset: number;
  readonly size: number;
}

const places = new Map<string, Place>();

function place(path: string): Place {
  let found = places.get(path);
  if (!found) {
    const field = findField(kvm_run, 'arm64', path);
    if (!field) throw new RangeError(`struct kvm_run has no member ${path}`);
    places.set(path, (found = { offset: field.offset, size: field.layout.size }));
  }
  return found;
}

/** A vCPU's struct kvm_run: a page of host memory that userspace maps, so it may change under KVM at any time. */
export class RunPage {
  readonly pa: Pa;
  readonly #memory: PhysicalMemory;

  constructor(memory: PhysicalMemory, page: Pa) {
    this.#memory = memory;
    this.pa = page;
  }

  /** A member by its name in C, 8 bytes at most. */
  get(path: string): bigint {
    const { offset, size } = place(path);
    const at = this.pa + offset;
    const value = this.#memory.read64(at);
    return size === 8 ? value : BigInt.asUintN(8 * size, value);
  }

  /** The low 4 bytes of a member that has so many. */
  low32(path: string): number {
    return this.#memory.read32(this.pa + place(path).offset);
  }

  set(path: string, value: bigint | number): void {
    const { offset, size } = place(path);
    let rest = BigInt(value);
    for (let byte = 0; byte < size; byte++, rest >>= 8n)
      this.#memory.write8(this.pa + offset + byte, Number(rest & 0xffn));
  }

  clear(path: string): void {
    const { offset, size } = place(path);
    this.#memory.fill(this.pa + offset, size, 0);
  }

  get exitReason(): number {
    return Number(this.get('exit_reason'));
  }
  set exitReason(reason: number) {
    this.set('exit_reason', reason);
  }

  bytes(path: string, length: number): Uint8Array {
    return this.#memory.readBytes(this.pa + place(path).offset, length) ?? new Uint8Array(length);
  }
  setBytes(path: string, bytes: Uint8Array): void {
    this.#memory.writeBytes(this.pa + place(path).offset, bytes);
  }
}
