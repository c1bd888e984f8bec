import type { SoftTlb } from '../../engine/engine.ts';
import { SPACE_BYTES, SPACES, TLB } from '../../engine/layout.ts';
import type { TranslationFeatures } from '../features.ts';
import {
  configurationOf,
  TRANSLATION_BITS,
  TRANSLATION_REGISTERS,
  type Configuration,
  type TranslationRegisters,
} from './configuration.ts';
import { BLOCK_AT, writeConfiguration } from './parameters.ts';

interface Space {
  readonly number: number;
  readonly registers: TranslationRegisters;
  readonly configuration: Configuration;
}

/**
 * Which of the TLB's spaces stands for which values of the translation registers. Those used last stay, so that a guest
 * goes from one process to another, and a host from one guest to another, without forgetting what both had found;
 * what a TLBI names is forgotten in all of them.
 */
export class AddressSpaces {
  readonly #tlb: SoftTlb;
  readonly #view: DataView;
  readonly #features: TranslationFeatures;
  /** The one in use first, then as they were used. */
  readonly #spaces: Space[] = [];

  constructor(tlb: SoftTlb, memory: WebAssembly.Memory, features: TranslationFeatures) {
    this.#tlb = tlb;
    this.#view = new DataView(memory.buffer);
    this.#features = features;
  }

  /** Makes the space of these values the one in use. null: it was already. */
  use(registers: TranslationRegisters): Configuration | null {
    const index = this.#spaces.findIndex((space) => isSame(space.registers, registers));
    if (index === 0) return null;
    const space = index > 0 ? this.#spaces[index]! : this.#newSpace(registers);
    if (index > 0) this.#spaces.splice(index, 1);
    this.#spaces.unshift(space);
    this.#tlb.space = space.number;
    return space.configuration;
  }

  /** TLBI by ASID, of the VMID in use. */
  flushAsid(asid: number): void {
    const vmid = this.#spaces[0]?.configuration.vmid;
    for (const { number, configuration } of this.#spaces) {
      if (configuration.vmid === vmid && configuration.asid === (asid & configuration.asidMask))
        this.#tlb.flush(number);
    }
  }

  /** The least recently used space, emptied. */
  #newSpace(registers: TranslationRegisters): Space {
    const number = this.#spaces.length < SPACES ? this.#spaces.length : this.#spaces.pop()!.number;
    this.#tlb.flush(number);
    const configuration = configurationOf(registers, this.#features);
    writeConfiguration(this.#view, TLB + number * SPACE_BYTES + BLOCK_AT, configuration, this.#features);
    return { number, registers, configuration };
  }
}

function isSame(a: TranslationRegisters, b: TranslationRegisters): boolean {
  for (const name of TRANSLATION_REGISTERS) {
    if (a[name] !== b[name] && ((a[name] ^ b[name]) & TRANSLATION_BITS[name]) !== 0n) return false;
  }
  return true;
}
