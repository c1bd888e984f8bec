/** Where a jump comes to: the fetch entry of its page, and the landing pads of guarded ones (FEAT_BTI). */
import * as at from '../layout.ts';
import type { Code, Label } from '../wasm/code.ts';
import { OP, OPERATORS, WRAP } from '../wasm/opcodes.ts';
import { emitEntry } from './builder.ts';
import * as local from './locals.ts';

const { add, sub, and, or, xor, eq, eqz, ne, geU, shl, shrU } = OPERATORS;

/** With a fetch entry's tag on the stack: whether it is another page's than TARGET's, or TARGET is not aligned. */
export function emitDiffers(code: Code): void {
  code.get(local.TARGET);
  code.op(xor[64]);
  code.i64(~0xffcn);
  code.op(and[64]);
  code.i64(0n);
  code.op(ne[64]);
}

/** Bit 4 * op + BTYPE: a BTI instruction whose bits 7:6 are op is where such a branch may go (BTypeCompatible_BTI). */
const LANDING_PADS = 0xea60;

/**
 * Where the last instruction was an indirect branch, and the page of TARGET is guarded: `refused` unless TARGET has a
 * landing pad for it. What is not decided here, the machine decides (AArch64.CheckBranchTarget).
 */
export function emitLandingCheck(code: Code, refused: Label): void {
  const allowed = code.open(OP.block);
  code.i32(0);
  code.memory(OP.i32Load, at.BRANCHED);
  code.get(local.COUNT);
  code.i32(2);
  code.op(shl[32], xor[32]);
  code.tee(local.CODE);
  code.i32(1);
  code.op(sub[32]);
  code.i32(3);
  code.op(geU[32]);
  code.brIf(allowed);
  emitEntry(code, local.TARGET);
  code.get(local.TABLES);
  code.op(add[32]);
  code.tee(local.HOST);
  code.memory(OP.i32Load, at.TLB + at.FETCH_TABLE);
  code.i32(at.TAG_GUARDED);
  code.op(and[32], eqz[32]);
  code.brIf(allowed);
  code.get(local.HOST);
  code.memory(OP.i64Load, at.TLB + at.FETCH_TABLE);
  emitDiffers(code);
  code.brIf(refused);
  code.get(local.HOST);
  code.memory(OP.i32Load, at.TLB + at.FETCH_TABLE + 12);
  code.get(local.TARGET);
  code.op(WRAP);
  code.i32(0xffc);
  code.op(and[32], add[32]);
  code.memory(OP.i32Load, 0);
  code.tee(local.HOST);
  code.i32(0xffffff3f | 0);
  code.op(and[32]);
  code.i32(0xd503241f | 0);
  code.op(eq[32]);
  code.open(OP.if);
  code.i32(LANDING_PADS);
  code.get(local.HOST);
  code.i32(4);
  code.op(shrU[32]);
  code.i32(12);
  code.op(and[32]);
  code.get(local.CODE);
  code.op(or[32], shrU[32]);
  code.i32(1);
  code.op(and[32]);
  code.brIf(allowed);
  code.end();
  code.get(local.CODE);
  code.i32(3);
  code.op(eq[32]);
  code.brIf(refused);
  /* PACIASP, PACIBSP. */
  code.get(local.HOST);
  code.i32(~0x40);
  code.op(and[32]);
  code.i32(0xd503233f | 0);
  code.op(ne[32]);
  code.brIf(refused);
  code.end();
}
