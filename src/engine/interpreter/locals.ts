/** The locals that all generated functions have in common, so that one fragment serves any of them. */
import type { Type } from '../../isa/expr.ts';
import type { Frame } from '../emit/statements.ts';
import { I32, I64, type ValueType } from '../wasm/opcodes.ts';

/** Parameters of all: instructions left to do, and the offset of the current regime's tables. */
export const COUNT = 0;
export const TABLES = 1;
export const PARAMETERS: readonly ValueType[] = [I32, I32];
/** The current record, its slot's first, and the virtual address of its page: parameters too where a handler is called. */
export const RECORD = 2;
export const SLOT = 3;
export const PAGE = 4;
export const CALLED_PARAMETERS: readonly ValueType[] = [I32, I32, I32, I32, I64];
/** Where an access goes, the exit's code. */
export const HOST = 5;
export const CODE = 6;
/** Virtual address of a jump's target, of an access. */
export const TARGET = 7;
export const VA = 8;
/** Of all, beyond the parameters of a called handler. */
export const CALLED_LOCALS: readonly ValueType[] = [I32, I32, I64, I64];
/** The first that a called handler has for itself. */
export const FREE = 9;

const FREE_I32_COUNT = 12;
const FREE_I64 = FREE + FREE_I32_COUNT;
const FREE_I64_COUNT = 16;

export const LOCALS: readonly ValueType[] = [
  ...CALLED_PARAMETERS.slice(PARAMETERS.length),
  ...CALLED_LOCALS,
  ...Array<ValueType>(FREE_I32_COUNT).fill(I32),
  ...Array<ValueType>(FREE_I64_COUNT).fill(I64),
];

/** A fragment of a function that has `LOCALS`: for integers, and not for many. */
export class InlineFrame implements Frame {
  #i32 = 0;
  #i64 = 0;

  local(type: Type): number {
    if (type === 32 && this.#i32 < FREE_I32_COUNT) return FREE + this.#i32++;
    if (type === 64 && this.#i64 < FREE_I64_COUNT) return FREE_I64 + this.#i64++;
    throw new Error(`the hot function has no more locals of type ${type}`);
  }
  callee(): number {
    throw new Error('the hot function calls no library functions');
  }
  native(): void {
    throw new Error('the hot function has no floating point and no vectors');
  }
}
