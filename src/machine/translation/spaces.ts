import type { SoftTlb } from '../../engine/engine.ts';
import { SPACE_BYTES, SPACES, TLB } from '../../engine/layout.ts';
import type { TranslationFeatures } from '../features.ts';
import {
  configurationOf,
  TRANSLATION_BITS,
  withTables,
  type Configuration,
  type TranslationRegisters,
} from './configuration.ts';
import { BLOCK_AT, BLOCK_BYTES, writeConfiguration, writeTables } from './parameters.ts';

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
  readonly #bytes: Uint8Array;
  readonly #features: TranslationFeatures;
  /** The one in use first, then as they were used. */
  readonly #spaces: Space[] = [];

  constructor(tlb: SoftTlb, memory: WebAssembly.Memory, features: TranslationFeatures) {
    this.#tlb = tlb;
    this.#view = new DataView(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
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

  /** TLBI of the VMID in use: all, or those of an ASID. */
  flush(asid: number | null): void {
    const vmid = this.#spaces[0]?.configuration.vmid;
    for (const { number, configuration } of this.#spaces) {
      const named = asid === null || configuration.asid === (asid & configuration.asidMask);
      if (named && configuration.vmid === vmid) this.#tlb.flush(number);
    }
  }

  /** TLBI of a VMID, in use or not. */
  flushVmid(vmid: number): void {
    for (const { number, configuration } of this.#spaces) if (configuration.vmid === vmid) this.#tlb.flush(number);
  }

  /** A space that is free or made free. Most are like the one before but for their tables. */
  #newSpace(registers: TranslationRegisters): Space {
    const before = this.#spaces[0];
    const like = before && isSameBesideTables(before.registers, registers) ? before : null;
    const number = this.#spaces.length < SPACES ? this.#spaces.length : this.#evict();
    const block = blockAt(number);
    if (like) {
      const configuration = withTables(like.configuration, registers);
      this.#bytes.copyWithin(block, blockAt(like.number), blockAt(like.number) + BLOCK_BYTES);
      writeTables(this.#view, block, configuration);
      return { number, registers, configuration };
    }
    const configuration = configurationOf(registers, this.#features);
    writeConfiguration(this.#view, block, configuration, this.#features);
    return { number, registers, configuration };
  }

  /** Empties the space that is missed least: of the less recently used half, one that few entries were filled in. */
  #evict(): number {
    const candidates = this.#spaces.slice(SPACES / 2).reverse();
    const filled = ({ number }: Space) => this.#tlb.filled(number);
    const least = candidates.reduce((best, space) => (filled(space) < filled(best) ? space : best));
    this.#spaces.splice(this.#spaces.indexOf(least), 1);
    this.#tlb.flush(least.number);
    return least.number;
  }
}

const blockAt = (space: number) => TLB + space * SPACE_BYTES + BLOCK_AT;

function isSame(a: TranslationRegisters, b: TranslationRegisters): boolean {
  return a.TTBR0_EL1 === b.TTBR0_EL1 && a.TTBR1_EL1 === b.TTBR1_EL1 && isSameBesideTables(a, b);
}

function isSameBesideTables(a: TranslationRegisters, b: TranslationRegisters): boolean {
  return (
    a.TCR_EL1 === b.TCR_EL1 &&
    a.MAIR_EL1 === b.MAIR_EL1 &&
    a.VTCR_EL2 === b.VTCR_EL2 &&
    a.VTTBR_EL2 === b.VTTBR_EL2 &&
    agree(a.SCTLR_EL1, b.SCTLR_EL1, TRANSLATION_BITS.SCTLR_EL1) &&
    agree(a.HCR_EL2, b.HCR_EL2, TRANSLATION_BITS.HCR_EL2)
  );
}

const agree = (a: bigint, b: bigint, bits: bigint) => a === b || ((a ^ b) & bits) === 0n;
