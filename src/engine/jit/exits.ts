/**
 * How a region is left. What differs from exit to exit is in locals: TARGET, or for an instruction that the interpreter has
 * to do, EXIT; registers and flags to be written back are the same for many, which share a tail of the function.
 */
import * as at from '../layout.ts';
import { Code, type Label } from '../wasm/code.ts';
import { encodeModule } from '../wasm/module.ts';
import { EXTEND_S, OP, OPERATORS, WRAP } from '../wasm/opcodes.ts';
import type { Offset } from './blocks.ts';
import { localsOf, type Flags } from './flags.ts';
import * as local from './locals.ts';
import { slots, type RegisterSet } from './registers.ts';
import { emitFlagsToMemory, emitSpill } from './spill.ts';

/** An instruction that may have to be done by the interpreter. */
export interface ExitSite {
  readonly at: Offset;
  /** Instructions done that COUNT does not know of. */
  readonly done: number;
  /** Registers that the block has written before. */
  readonly defined: RegisterSet;
  readonly flags: Flags;
}

/**
 * - `step`: the interpreter does the instruction that EXIT says;
 * - `return`: to whoever called, who goes on at TARGET;
 * - `jump`, `indirect`: to the region at TARGET, if there is one.
 */
export type How = 'step' | 'return' | 'jump' | 'indirect';

const DONE_BITS = 11;
/** What EXIT says: the address in words from BASE on, and how many instructions COUNT is too high. */
export function packed({ at: where, done }: Pick<ExitSite, 'at' | 'done'>): number {
  return ((where / 4) << DONE_BITS) | done;
}

/** The sign of a region's second result: the interpreter has to do the instruction. */
export const STEP = -0x80000000;

interface Tail {
  readonly how: How;
  readonly dirty: RegisterSet;
  readonly flags: Flags;
}

export class Tails {
  readonly #list: Tail[] = [];
  readonly #known = new Map<string, Label>();
  readonly #flagIds = new Map<Flags, number>();

  /** Where to branch to from the outermost level of the region's body; inner code says how much deeper it is. */
  label(how: How, dirty: RegisterSet, flags: Flags): Label {
    const key = [how, dirty.x, dirty.v, this.#idOf(flags)].join('/');
    const known = this.#known.get(key);
    if (known) return known;
    /* Tail n is n blocks outside of the body's outermost. */
    const label = { level: -this.#list.length };
    this.#known.set(key, label);
    this.#list.push({ how, dirty, flags });
    return label;
  }

  /** The function: `body`, which does not end, within its tails. `frameBytes`: what a call takes of the stack, see ROOM. */
  wrap(body: Code, locals: local.RegionLocals, frameBytes: number): Code {
    const code = new Code();
    const step = code.open(OP.block);
    const indirect = code.open(OP.block);
    const jump = code.open(OP.block);
    const finish = { step, indirect, jump, return: null };
    for (const _ of this.#list) code.open(OP.block);
    code.append(body, {});
    code.op(OP.unreachable);
    for (const { how, dirty, flags } of this.#list) {
      code.end();
      emitSpill(code, locals, slots(dirty));
      emitFlagsToMemory(code, flags);
      const where = finish[how];
      if (where) code.br(where);
      else emitReturn(code);
    }
    for (const kind of ['jump', 'indirect'] as const) {
      code.end();
      emitLookup(code, kind, (fail) => {
        if (hasTailCalls()) emitTailCall(code);
        else {
          emitCall(code, frameBytes, fail, () => {
            code.get(local.EXIT);
            code.callIndirect(0);
          });
          code.op(OP.return);
        }
      });
      emitReturn(code);
    }
    code.end();
    emitStep(code);
    return code;
  }

  #idOf(flags: Flags): number | string {
    if (localsOf(flags).length === 0 && flags.kind !== 'choice') return JSON.stringify(flags, bigintText);
    let id = this.#flagIds.get(flags);
    if (id === undefined) {
      id = this.#flagIds.size;
      this.#flagIds.set(flags, id);
    }
    return id;
  }
}

const bigintText = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);

function emitReturn(code: Code): void {
  code.get(local.TARGET);
  code.get(local.COUNT);
  code.op(OP.return);
}

function emitStep(code: Code): void {
  code.get(local.BASE);
  code.get(local.EXIT);
  code.i32(DONE_BITS);
  code.op(OPERATORS.shrS[32]);
  code.i32(2);
  code.op(OPERATORS.shl[32], EXTEND_S, OPERATORS.add[64]);
  code.get(local.COUNT);
  code.get(local.EXIT);
  code.i32((1 << DONE_BITS) - 1);
  code.op(OPERATORS.and[32], OPERATORS.sub[32]);
  code.i32(STEP);
  code.op(OPERATORS.or[32]);
}

/**
 * Looks for a region at TARGET: `found` is emitted where EXIT is its number, and where it branches to `fail` there is none.
 * Where an indirect branch needs a landing pad, the interpreter looks for that.
 */
export function emitLookup(code: Code, kind: 'jump' | 'indirect', found: (fail: Label) => void): void {
  const fail = code.open(OP.block);
  emitFetchEntry(code, local.TARGET);
  code.tee(local.EXIT);
  code.memory(OP.i64Load, at.TLB + at.FETCH_TABLE);
  code.get(local.TARGET);
  if (kind === 'jump') code.op(OPERATORS.xor[64]);
  code.i64(~0xffcn);
  code.op(OPERATORS.and[64]);
  if (kind === 'jump') code.i64(0n);
  code.op(OPERATORS.ne[64]);
  code.unlikely();
  code.brIf(fail);
  code.get(local.EXIT);
  code.memory(OP.i32Load, at.TLB + at.FETCH_TABLE + 8);
  code.get(local.TARGET);
  code.op(WRAP);
  code.i32(0xffc);
  code.op(OPERATORS.and[32]);
  code.i32(Math.log2(at.RECORD_BYTES / 4));
  code.op(OPERATORS.shl[32], OPERATORS.add[32]);
  code.memory(OP.i32Load16U, 0);
  emitRegionNumber(code, fail);
  found(fail);
  code.end();
}

/** The offset of an address's entry in the fetch table, from the table's begin in the memory. */
export function emitFetchEntry(code: Code, address: number): void {
  code.get(address);
  code.i64(8n);
  code.op(OPERATORS.shrU[64], WRAP);
  code.i32((at.TLB_ENTRIES - 1) * at.TLB_ENTRY_BYTES);
  code.op(OPERATORS.and[32]);
  code.get(local.TABLES);
  code.op(OPERATORS.add[32]);
}

/** From a record's handler to EXIT: the number of the region that it names. */
export function emitRegionNumber(code: Code, fail: Label): void {
  code.i32(at.FIRST_REGION);
  code.op(OPERATORS.sub[32]);
  code.tee(local.EXIT);
  code.i32(0);
  code.op(OPERATORS.ltS[32]);
  code.unlikely();
  code.brIf(fail);
}

/** Calls a region at TARGET; where the stack has no room left it branches to `fail`. */
export function emitCall(code: Code, frameBytes: number, fail: Label, call: () => void): void {
  code.get(local.ROOM);
  code.i32(frameBytes);
  code.op(OPERATORS.leS[32]);
  code.unlikely();
  code.brIf(fail);
  emitPageOfTarget(code);
  code.get(local.COUNT);
  code.get(local.TABLES);
  code.get(local.ROOM);
  code.i32(frameBytes);
  code.op(OPERATORS.sub[32]);
  call();
}

/** Goes on in the region EXIT at TARGET, whose results are this one's: it needs no more of the stack. */
function emitTailCall(code: Code): void {
  emitPageOfTarget(code);
  for (const parameter of [local.COUNT, local.TABLES, local.ROOM, local.EXIT]) code.get(parameter);
  code.returnCallIndirect(0);
}

function emitPageOfTarget(code: Code): void {
  code.get(local.TARGET);
  code.i64(-4096n);
  code.op(OPERATORS.and[64]);
}

let tailCalls: boolean | undefined;
/** Not every browser has them. */
function hasTailCalls(): boolean {
  if (tailCalls === undefined) {
    const code = new Code();
    code.i32(0);
    code.returnCallIndirect(0);
    const signature = { parameters: [], results: [] };
    const bytes = encodeModule([{ ...signature, locals: [], code }], { table: true, types: [signature] });
    tailCalls = WebAssembly.validate(bytes);
  }
  return tailCalls;
}
