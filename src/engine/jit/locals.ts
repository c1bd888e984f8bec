/** The locals of a region's function. */
import type { Type } from '../../isa/expr.ts';
import { SLOT } from '../../isa/a64/operands.ts';
import { I32, I64, VALUE_TYPES, type ValueType } from '../wasm/opcodes.ts';

/**
 * Parameters: virtual address of the region's first page, instructions left to do, offset of the current TLB tables, bytes of
 * the host's stack that calls may still use.
 */
export const BASE = 0;
export const COUNT = 1;
export const TABLES = 2;
export const ROOM = 3;
export const PARAMETERS: readonly ValueType[] = [I64, I32, I32, I32];
/** Address of the next instruction, and how many are left: negative where the interpreter has to do that instruction. */
export const RESULTS: readonly ValueType[] = [I64, I32];
export const SIGNATURE = { parameters: PARAMETERS, results: RESULTS };
/** Where an exit is: see exits.ts. */
export const EXIT = 4;
/** Where a jump or a call went. */
export const TARGET = 5;
/** Flags whose rule depends on the way (flags.ts). */
export const FLAG_KIND = 6;
export const FLAG_A = 7;
export const FLAG_B = 8;
export const FLAG_C = 9;
const FIXED: readonly ValueType[] = [I32, I64, I32, I64, I64, I64];

export class RegionLocals {
  readonly types: ValueType[] = [...FIXED];
  readonly #registers = new Map<number, number>();
  readonly #temporaries = new Map<Type, number[]>();
  /** Temporaries in use. */
  readonly #used = new Set<number>();

  /** A local of its own. */
  fixed(type: Type): number {
    return PARAMETERS.length + this.types.push(VALUE_TYPES[type]) - 1;
  }

  register(slot: number): number {
    let local = this.#registers.get(slot);
    if (local === undefined) {
      local = this.fixed(slot >= SLOT.V0 ? 'v128' : 64);
      this.#registers.set(slot, local);
    }
    return local;
  }

  /** A local until the next `keep` that does not name it. */
  temporary(type: Type): number {
    const list = this.#temporaries.get(type) ?? [];
    this.#temporaries.set(type, list);
    let local = list.find((one) => !this.#used.has(one));
    if (local === undefined) {
      local = this.fixed(type);
      list.push(local);
    }
    this.#used.add(local);
    return local;
  }

  keep(locals: readonly number[]): void {
    this.#used.clear();
    for (const local of locals) this.#used.add(local);
  }
}
