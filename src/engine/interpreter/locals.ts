/** The locals that all generated functions have in common, so that one fragment serves any of them. */
import { I32, I64, type ValueType } from '../wasm/opcodes.ts';

/** Parameters: instructions left to do, and the offset of the current regime's tables. */
export const COUNT = 0;
export const TABLES = 1;
export const PARAMETERS: readonly ValueType[] = [I32, I32];
/** The current record, its slot's first, where an access goes, the exit's code. */
export const RECORD = 2;
export const SLOT = 3;
export const HOST = 4;
export const CODE = 5;
const FREE_I32 = 6;
const FREE_I32_COUNT = 12;
/** Virtual address of the page of the current record, of a jump's target, of an access. */
export const PAGE = FREE_I32 + FREE_I32_COUNT;
export const TARGET = PAGE + 1;
export const VA = PAGE + 2;
const FREE_I64 = PAGE + 3;
const FREE_I64_COUNT = 16;

export const LOCALS: readonly ValueType[] = [
  ...Array<ValueType>(4 + FREE_I32_COUNT).fill(I32),
  ...Array<ValueType>(3 + FREE_I64_COUNT).fill(I64),
];

/** Hands out locals for `let`. */
export class LocalPool {
  #i32 = 0;
  #i64 = 0;

  take(width: 32 | 64): number {
    const [used, count] = width === 32 ? [this.#i32++, FREE_I32_COUNT] : [this.#i64++, FREE_I64_COUNT];
    if (used >= count) throw new Error(`semantics bind more than ${count} values of ${width} bits`);
    return (width === 32 ? FREE_I32 : FREE_I64) + used;
  }
}
