/** Translation of an access by the software TLB, as the interpreter does it: any doubt leaves the region. */
import type { AccessSpec } from '../../isa/builder.ts';
import * as at from '../layout.ts';
import type { Code } from '../wasm/code.ts';
import { OP, OPERATORS, WRAP } from '../wasm/opcodes.ts';
import * as local from './locals.ts';

const TABLES_OF = {
  read: [at.READ_TABLE],
  write: [at.WRITE_TABLE],
  readWrite: [at.READ_TABLE, at.WRITE_TABLE],
} as const;

export interface Translation {
  /** Local of the address, i64. */
  readonly va: number;
  /** Local that gets the offset in memory, i32. */
  readonly place: number;
  readonly spec: AccessSpec;
  /** The outward branch for what is not done here. */
  readonly miss: string;
}

/**
 * The page that accesses by one base register went to last, in two locals: i64, its address, -1 at first; i32, what an entry
 * of the TLB has as addend. Nothing changes the TLB while regions run.
 */
export interface LastPage {
  readonly page: number;
  readonly addend: number;
}

export function emitTranslation(code: Code, translation: Translation): void {
  const { va, place, spec, miss } = translation;
  emitEntry(code, va, spec);
  code.set(place);
  for (const table of TABLES_OF[spec.access]) {
    code.get(place);
    code.memory(OP.i64Load, at.TLB + table);
    emitLastPage(code, va, spec);
    code.op(OPERATORS.ne[64]);
    code.unlikely();
    code.brOut(OP.brIf, miss);
  }
  emitAlignment(code, translation);
  code.get(place);
  code.memory(OP.i32Load, at.TLB + TABLES_OF[spec.access].at(-1)! + 8);
  code.get(va);
  code.op(WRAP, OPERATORS.add[32]);
  code.set(place);
}

/**
 * The same where control comes often: an aligned access to the page of the last one does not look at the TLB. (An unaligned
 * one may begin in the page before.)
 */
export function emitRepeatedTranslation(code: Code, translation: Translation, last: LastPage): void {
  const { va, place, spec, miss } = translation;
  const [table] = TABLES_OF[spec.access];
  const alignment = 2 ** Math.ceil(Math.log2(spec.bytes));
  code.get(va);
  code.i64(-4096n | BigInt(alignment - 1));
  code.op(OPERATORS.and[64]);
  code.get(last.page);
  code.op(OPERATORS.ne[64]);
  code.unlikely();
  code.open(OP.if);
  emitEntry(code, va, spec);
  code.tee(place);
  code.memory(OP.i64Load, at.TLB + table);
  emitLastPage(code, va, spec);
  code.op(OPERATORS.ne[64]);
  code.unlikely();
  code.brOut(OP.brIf, miss);
  code.get(va);
  code.i64(-4096n);
  code.op(OPERATORS.and[64]);
  code.set(last.page);
  code.get(place);
  code.memory(OP.i32Load, at.TLB + table + 8);
  code.set(last.addend);
  code.end();
  emitAlignment(code, translation);
  code.get(last.addend);
  code.get(va);
  code.op(WRAP, OPERATORS.add[32]);
  code.set(place);
}

/** The offset of the address's entry in its table, from TLB. */
function emitEntry(code: Code, va: number, spec: AccessSpec): void {
  code.get(va);
  code.i64(8n);
  code.op(OPERATORS.shrU[64], WRAP);
  code.i32((at.TLB_ENTRIES - 1) * at.TLB_ENTRY_BYTES);
  code.op(OPERATORS.and[32]);
  if (spec.unprivileged) {
    code.i32(0);
    code.memory(OP.i32Load, at.UNPRIVILEGED_TABLES);
  } else code.get(local.TABLES);
  code.op(OPERATORS.add[32]);
}

/** The page of the access's last byte: an entry of the first byte has it where the access does not cross. */
function emitLastPage(code: Code, va: number, { bytes }: AccessSpec): void {
  code.get(va);
  if (bytes > 1) {
    code.i64(BigInt(bytes - 1));
    code.op(OPERATORS.add[64]);
  }
  code.i64(-4096n);
  code.op(OPERATORS.and[64]);
}

function emitAlignment(code: Code, { va, spec, miss }: Translation): void {
  if (spec.ordered && spec.bytes > 1) {
    code.get(va);
    code.op(WRAP);
    code.i32(spec.bytes - 1);
    code.op(OPERATORS.and[32]);
    code.unlikely();
    code.brOut(OP.brIf, miss);
  }
}
