import type { InstructionTable } from '../../isa/decoder.ts';
import * as at from '../layout.ts';
import { Code, type Label } from '../wasm/code.ts';
import { encodeModule, type FunctionImport, type FunctionSpec, type Signature } from '../wasm/module.ts';
import { I32, I64, OP, OPERATORS, WRAP } from '../wasm/opcodes.ts';
import { emitEntry, emitNext, emitPc } from './builder.ts';
import { commitFunction, translateFunction } from './careful.ts';
import { CALLED, CalledCode, GOTO, NEXT, TABLE_ENTRIES, ENTER_ENTRY, FIRST_ENTRY } from './called.ts';
import { codeNumber, type Code as ExitCode } from './codes.ts';
import { buildHandlers, SPECIAL, type Handlers } from './handlers.ts';
import { emitDiffers, emitLandingCheck } from './landing.ts';
import * as local from './locals.ts';

export interface Program {
  readonly module: WebAssembly.Module;
  readonly handlers: Handlers;
  readonly called: CalledCode;
  readonly bytes: number;
}

const FUNCTION = { refill: 0, translate: 1, commit: 2, fast: 3, careful: 4 } as const;
const REFILL: FunctionImport = { module: 'engine', name: 'refill', parameters: [I64, I32], results: [I32] };
/** See jit/runtime.ts. */
const ENTER: Signature = {
  parameters: [I64, I32, I32, I32],
  results: [I32],
};
const { add, sub, mul, and, or, xor, eq, ne, ltS, shl } = OPERATORS;

/** The interpreter of an instruction set, as a module to be instantiated with a memory. */
export function generateInterpreter(table: InstructionTable): Program {
  const handlers = buildHandlers(table, FUNCTION);
  const functions = [
    { ...translateFunction(FUNCTION.refill), export: 'translate' },
    { ...commitFunction(), export: 'commit' },
    fastFunction(handlers),
    carefulFunction(handlers),
    runFunction(),
  ];
  const bytes = encodeModule(functions, { imports: [REFILL], table: true, types: [CALLED, ENTER] });
  return {
    module: new WebAssembly.Module(bytes),
    handlers,
    called: new CalledCode(handlers.count),
    bytes: bytes.length,
  };
}

/**
 * fast(count, tables): runs from PC on, answers an exit's code. PC, REMAINING and EXIT_RECORD are left in the state block.
 * A record whose handler stops is not done: its count is given back.
 */
function fastFunction({ list, count }: Handlers): FunctionSpec {
  const code = new Code();
  /*
   * Instructions that may be done beyond COUNT; where, from RECORD, the handler of the next instruction is; the address of
   * one to be done though a region begins with it.
   */
  const REST = local.PARAMETERS.length + local.LOCALS.length;
  const [HANDLER, STEP] = [REST + 1, REST + 2] as const;
  const addCount = (value: number) => {
    code.get(local.COUNT);
    code.i32(value);
    code.op(add[32]);
    code.set(local.COUNT);
  };
  const stopWith = (exit: ExitCode, stop: Label) => {
    code.i32(codeNumber(exit));
    code.set(local.CODE);
    code.br(stop);
  };

  code.i32(0);
  code.memory(OP.i64Load, at.PC);
  code.set(local.TARGET);
  code.i32(0);
  code.memory(OP.i32Load, at.REST);
  code.set(REST);

  const missed = code.open(OP.block);
  const left = code.open(OP.block);
  const stop = code.open(OP.block);
  const exits = (['fp', 'spAlignment', 'slow', 'budget'] as const).map((exit) => [exit, code.open(OP.block)] as const);
  const out = Object.fromEntries(exits);

  const indirect = code.open(OP.loop);
  emitLandingCheck(code, missed);
  const goto = code.open(OP.loop);
  emitEntry(code, local.TARGET);
  code.get(local.TABLES);
  code.op(add[32]);
  code.tee(local.HOST);
  code.memory(OP.i64Load, at.TLB + at.FETCH_TABLE);
  emitDiffers(code);
  code.brIf(missed);
  code.get(local.HOST);
  code.memory(OP.i32Load, at.TLB + at.FETCH_TABLE + 8);
  code.tee(local.SLOT);
  code.get(local.TARGET);
  code.op(WRAP);
  code.i32(0xffc);
  code.op(and[32]);
  code.i32(3);
  code.op(shl[32], add[32]);
  code.set(local.RECORD);
  code.get(local.TARGET);
  code.i64(-4096n);
  code.op(and[64]);
  code.set(local.PAGE);

  const next = code.open(OP.loop);
  code.get(local.COUNT);
  code.i32(1);
  code.op(sub[32]);
  code.tee(local.COUNT);
  code.i32(0);
  code.op(ltS[32]);
  code.brIf(out['budget']!);

  code.get(local.RECORD);
  code.get(HANDLER);
  code.op(add[32]);
  code.memory(OP.i32Load16U, 0);
  code.set(local.CODE);
  code.i32(0);
  code.set(HANDLER);
  const called = code.open(OP.block);
  const blocks = Array.from({ length: count }, () => code.open(OP.block)).reverse();
  code.get(local.CODE);
  code.brTable([...blocks, called]);
  code.end();
  /* SPECIAL.undecoded */
  stopWith('undecoded', stop);
  code.end();
  /* SPECIAL.pageEnd */
  addCount(1);
  emitPc(code);
  code.set(local.TARGET);
  code.br(goto);
  code.end();
  /* SPECIAL.breakpoint */
  stopWith('breakpoint', stop);
  code.end();
  /* SPECIAL.undefined */
  stopWith('undefined', stop);
  for (const { fast } of list) {
    code.end();
    code.append(fast, { ...out, next, goto, indirect, stop });
  }
  code.end();
  code.get(local.CODE);
  code.i32(at.FIRST_REGION);
  code.op(OPERATORS.geU[32]);
  code.open(OP.if);
  emitRegion(code, { rest: REST, handler: HANDLER, step: STEP, next, indirect, left });
  code.end();
  emitCall(code, count, 0);
  code.tee(local.CODE);
  code.i32(NEXT);
  code.op(eq[32]);
  code.open(OP.if);
  emitNext(code);
  code.br(next);
  code.end();
  code.get(local.CODE);
  code.i32(GOTO);
  code.op(ne[32]);
  code.brIf(stop);
  code.i32(0);
  code.memory(OP.i64Load, at.PC);
  code.set(local.TARGET);
  code.br(indirect);
  for (const _loop of [next, goto, indirect]) {
    code.end();
    code.op(OP.unreachable);
  }

  for (const [exit] of [...exits].reverse()) {
    code.end();
    stopWith(exit, stop);
  }
  code.end();
  /* stop: */
  code.i32(0);
  emitPc(code);
  code.memory(OP.i64Store, at.PC);
  code.i32(0);
  code.get(local.RECORD);
  code.memory(OP.i32Store, at.EXIT_RECORD);
  code.i32(0);
  code.get(local.COUNT);
  code.i32(1);
  code.op(add[32]);
  code.memory(OP.i32Store, at.REMAINING);
  emitKeepRest(code, REST);
  code.get(local.CODE);
  code.op(OP.return);
  const jumped = (exit: ExitCode) => {
    code.i32(0);
    code.get(local.TARGET);
    code.memory(OP.i64Store, at.PC);
    code.i32(0);
    code.get(local.COUNT);
    code.memory(OP.i32Store, at.REMAINING);
    emitKeepRest(code, REST);
    code.i32(codeNumber(exit));
  };
  code.end();
  /* left: regions have come to where there is none often enough that someone should look. */
  jumped('left');
  code.op(OP.return);
  code.end();
  /* missed: the jump is done, the instruction at TARGET can't be fetched. */
  jumped('fetch');
  return { parameters: local.PARAMETERS, results: [I32], locals: [...local.LOCALS, I32, I32, I64], code };
}

/** A region that ends with an indirect branch leaves its type alone in BRANCHED. */
function emitBranchedByRegion(code: Code): void {
  code.i32(0);
  code.memory(OP.i32Load, at.BRANCHED);
  code.open(OP.if);
  code.i32(0);
  code.i32(0);
  code.memory(OP.i32Load, at.BRANCHED);
  code.get(local.COUNT);
  code.i32(2);
  code.op(shl[32], or[32]);
  code.memory(OP.i32Store, at.BRANCHED);
  code.end();
}

function emitKeepRest(code: Code, rest: number): void {
  code.i32(0);
  code.get(rest);
  code.memory(OP.i32Store, at.REST);
}

/** The record begins a region, whose handler is in CODE: runs it, or where it must not be run, the record's instruction. */
function emitRegion(
  code: Code,
  places: { rest: number; handler: number; step: number; next: Label; indirect: Label; left: Label },
): void {
  const { rest, handler, step, next, indirect, left } = places;
  /* This instruction's count comes back. */
  code.get(local.COUNT);
  code.i32(1);
  code.op(add[32]);
  code.set(local.COUNT);
  emitPc(code);
  code.get(step);
  code.op(eq[64]);
  code.open(OP.if);
  emitInstead(code, local.CODE);
  code.get(local.RECORD);
  code.op(sub[32]);
  code.set(handler);
  code.i64(-1n);
  code.set(step);
  code.br(next);
  code.end();
  /* Was the last instruction a branch, and the region does nothing, then it still was. */
  code.i32(0);
  code.i32(0);
  code.memory(OP.i32Load, at.BRANCHED);
  code.get(local.COUNT);
  code.i32(2);
  code.op(shl[32], xor[32]);
  code.tee(local.HOST);
  code.i32(0);
  code.get(local.HOST);
  code.i32(3);
  code.op(OPERATORS.leU[32], OP.select);
  code.get(local.COUNT);
  code.get(rest);
  code.op(add[32]);
  code.i32(2);
  code.op(shl[32], or[32]);
  code.memory(OP.i32Store, at.LAST_BRANCH);
  code.get(local.PAGE);
  code.get(local.COUNT);
  code.get(rest);
  code.op(add[32]);
  code.get(local.TABLES);
  code.get(local.CODE);
  code.i32(at.FIRST_REGION);
  code.op(sub[32]);
  code.i32(ENTER_ENTRY);
  code.callIndirect(1);
  code.set(local.HOST);
  code.i32(0);
  code.memory(OP.i64Load, at.PC);
  code.set(local.TARGET);
  code.get(local.HOST);
  code.i32(0);
  code.op(ltS[32]);
  code.open(OP.if);
  code.get(local.TARGET);
  code.set(step);
  code.get(local.HOST);
  code.i32(0x7fffffff);
  code.op(and[32]);
  code.set(local.HOST);
  code.end();
  code.get(local.HOST);
  code.get(local.COUNT);
  code.op(OPERATORS.ltU[32]);
  code.open(OP.if);
  code.get(local.HOST);
  code.set(local.COUNT);
  code.end();
  code.get(local.HOST);
  code.get(local.COUNT);
  code.op(sub[32]);
  code.set(rest);
  emitBranchedByRegion(code);
  code.i32(0);
  code.memory(OP.i32Load, at.EXITS);
  code.i32(0);
  code.op(OPERATORS.leS[32]);
  code.brIf(left);
  code.br(indirect);
}

/** From a region's handler number, in a local, to where that of the record's own is kept. */
function emitInstead(code: Code, handler: number): void {
  code.get(handler);
  code.i32(at.FIRST_REGION);
  code.op(sub[32]);
  code.i32(1);
  code.op(shl[32]);
  code.i32(at.REGION_HANDLERS);
  code.op(add[32]);
}

/** Calls the handler whose number is in CODE, `count` or above. */
function emitCall(code: Code, count: number, entry: number): void {
  for (const index of local.CALLED_PARAMETERS.keys()) code.get(index);
  code.get(local.CODE);
  code.i32(TABLE_ENTRIES);
  code.op(mul[32]);
  code.i32(FIRST_ENTRY + entry - count * TABLE_ENTRIES);
  code.op(add[32]);
  code.callIndirect(0);
}

/** careful(count, tables): does the instruction of EXIT_RECORD; 1, or 0 with the exit's report written. */
function carefulFunction({ list, count }: Handlers): FunctionSpec {
  const code = new Code();
  const refused = code.open(OP.block);
  const done = code.open(OP.block);
  code.i32(0);
  code.memory(OP.i32Load, at.EXIT_RECORD);
  code.tee(local.RECORD);
  code.memory(OP.i32Load16U, 0);
  code.tee(local.CODE);
  code.i32(at.FIRST_REGION);
  code.op(OPERATORS.geU[32]);
  code.open(OP.if);
  emitInstead(code, local.CODE);
  code.memory(OP.i32Load16U, 0);
  code.set(local.CODE);
  code.end();
  const careful = list.flatMap(({ careful }) => (careful ? [careful] : []));
  const called = code.open(OP.block);
  const none = code.open(OP.block);
  const blocks = careful.map(() => code.open(OP.block)).reverse();
  let used = 0;
  const special = Object.keys(SPECIAL).map(() => none);
  code.get(local.CODE);
  code.brTable([...special, ...list.map((handler) => (handler.careful ? blocks[used++]! : none)), called]);
  for (const fragment of careful) {
    code.end();
    code.append(fragment, { refused, done });
  }
  code.end();
  code.op(OP.unreachable);
  code.end();
  emitCall(code, count, 1);
  code.op(OP.return);
  code.end();
  code.i32(1);
  code.op(OP.return);
  code.end();
  code.i32(0);
  return { parameters: local.PARAMETERS, results: [I32], locals: local.LOCALS, code };
}

/** run(count, tables): `fast`, with `careful` in between where it asks for it, and `refill` where an instruction can't be fetched. */
function runFunction(): FunctionSpec {
  const code = new Code();
  const again = code.open(OP.loop);
  code.get(local.COUNT);
  code.get(local.TABLES);
  code.call(FUNCTION.fast);
  code.tee(local.CODE);
  code.i32(codeNumber('slow'));
  code.op(ne[32]);
  code.open(OP.if);
  code.get(local.CODE);
  code.i32(codeNumber('fetch'));
  code.op(eq[32]);
  code.open(OP.if);
  code.i32(0);
  code.memory(OP.i64Load, at.PC);
  code.tee(local.TARGET);
  code.op(WRAP);
  code.i32(3);
  code.op(and[32], OPERATORS.eqz[32]);
  code.open(OP.if);
  code.get(local.TARGET);
  code.get(local.TABLES);
  code.i32(at.FETCH_TABLE);
  code.op(add[32]);
  code.call(FUNCTION.refill);
  code.open(OP.if);
  code.i32(0);
  code.memory(OP.i32Load, at.REMAINING);
  code.set(local.COUNT);
  code.br(again);
  code.end();
  code.end();
  code.end();
  code.get(local.CODE);
  code.op(OP.return);
  code.end();
  code.i32(0);
  code.get(local.TABLES);
  code.call(FUNCTION.careful);
  code.open(OP.if);
  code.i32(0);
  code.i32(0);
  code.memory(OP.i64Load, at.PC);
  code.i64(4n);
  code.op(add[64]);
  code.memory(OP.i64Store, at.PC);
  code.i32(0);
  code.i32(0);
  code.memory(OP.i32Load, at.REMAINING);
  code.i32(1);
  code.op(sub[32]);
  code.tee(local.COUNT);
  code.memory(OP.i32Store, at.REMAINING);
  code.i32(0);
  code.memory(OP.i32Load, at.MODIFIED);
  code.op(OPERATORS.eqz[32]);
  code.brIf(again);
  code.i32(codeNumber('modified'));
  code.op(OP.return);
  code.end();
  code.i32(0);
  code.memory(OP.i32Load, at.EXIT_CODE);
  code.op(OP.return);
  code.end();
  code.op(OP.unreachable);
  return { parameters: local.PARAMETERS, results: [I32], locals: local.LOCALS, code, export: 'run' };
}
