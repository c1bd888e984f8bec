/** What regions and the interpreter share: the way into a region, and NZCV from flags that are kept as rule and operands. */
import { constant, eq, toWidth, type Expr } from '../../isa/expr.ts';
import type { FlagRule } from '../../isa/builder.ts';
import { Routine } from '../emit/routine.ts';
import { flagValues, joinFlags, splitFlags } from '../interpreter/flags.ts';
import * as at from '../layout.ts';
import { Code } from '../wasm/code.ts';
import { encodeModule, type FunctionImport, type FunctionSpec } from '../wasm/module.ts';
import { I32, I64, OP, OPERATORS } from '../wasm/opcodes.ts';
import { FLAG_KINDS, kindNumber, type FlagKind } from './flags.ts';
import * as local from './locals.ts';

export const NZCV_OF: FunctionImport = {
  module: 'engine',
  name: 'nzcvOf',
  parameters: [I32, I64, I64, I64],
  results: [I32],
};
const { geS, leU, shl, sub, xor } = OPERATORS;
const FUNCTION = { nzcvOf: 0, settle: 1, enter: 2 } as const;

/** Bytes of the host's stack that regions calling one another may take. */
const STACK_BYTES = 192 * 1024;

/** A memory's regions, by their numbers, and the functions that they and the interpreter import. */
export interface Runtime {
  readonly table: WebAssembly.Table;
  readonly enter: WebAssembly.Import;
  readonly nzcvOf: WebAssembly.Import;
}

let compiled: WebAssembly.Module | undefined;
export function makeRuntime(memory: WebAssembly.Memory): Runtime {
  compiled ??= new WebAssembly.Module(
    encodeModule([nzcvOf(), settle(), enter()], { table: true, types: [local.SIGNATURE] }),
  );
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: at.REGION_COUNT });
  const { nzcvOf: ofRule, enter: run } = new WebAssembly.Instance(compiled, { engine: { memory, table } }).exports;
  if (!isFunction(ofRule) || !isFunction(run)) throw new Error('the runtime lacks an export');
  return { table, enter: run, nzcvOf: ofRule };
}

function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === 'function';
}

const FLAGS = { n: at.FLAG_N, z: at.FLAG_Z, c: at.FLAG_C, v: at.FLAG_V } as const;

/** nzcvOf(kind, a, b, c): in bits 31:28; of kind 0 as memory has it. */
function nzcvOf(): FunctionSpec {
  const b = new Routine([32, 64, 64, 64]);
  const [kind, first, second, third] = [b.parameter(0), b.parameter(1), b.parameter(2), b.parameter(3)];
  for (const name of FLAG_KINDS) {
    const match = /^(add|sub|addCarry|logic)(32|64)$/.exec(name);
    if (!match) continue;
    const width = match[2] === '32' ? 32 : 64;
    const operands = [first, second, third].map((operand) => b.let(toWidth(width, operand))) as [Expr, Expr, Expr];
    b.when(isKind(kind, name), () =>
      b.return(joinFlags(flagValues(match[1] as FlagRule, (value) => b.let(value), ...operands))),
    );
  }
  b.when(isKind(kind, 'nzcv'), () => b.return(toWidth(32, first)));
  const zero = constant(32, 0);
  const lazy = b.let(b.load(32, 4, zero, at.LAZY_KIND));
  b.when(lazy, () =>
    b.return(
      b.call(
        32,
        FUNCTION.nzcvOf,
        lazy,
        b.load(64, 8, zero, at.LAZY_A),
        b.load(64, 8, zero, at.LAZY_B),
        b.load(64, 8, zero, at.LAZY_C),
      ),
    ),
  );
  const value = (flag: keyof typeof FLAGS) => b.load(64, 8, zero, FLAGS[flag]);
  return b.spec(joinFlags({ n: value('n'), z: value('z'), c: value('c'), v: value('v') }), 'nzcvOf');
}

const isKind = (kind: Expr, name: FlagKind) => eq(kind, constant(32, kindNumber(name)));

/** settle(): flags kept as rule and operands become the state block's. */
function settle(): FunctionSpec {
  const b = new Routine([]);
  const zero = constant(32, 0);
  const none = constant(64, 0);
  b.when(b.load(32, 4, zero, at.LAZY_KIND), () => {
    const flags = splitFlags(b.let(b.call(32, FUNCTION.nzcvOf, zero, none, none, none)));
    for (const flag of ['n', 'z', 'c', 'v'] as const) b.store(8, zero, FLAGS[flag], flags[flag]);
    b.store(4, zero, at.LAZY_KIND, zero);
  });
  return b.spec(null);
}

/**
 * enter(page, count, tables, region): runs a region; PC is in the state block then, the count is the result (see STEP), and
 * BRANCHED the type of an indirect branch if that was the last instruction, else 0. LAST_BRANCH is given.
 */
function enter(): FunctionSpec {
  const code = new Code();
  const [PAGE, COUNT, TABLES, REGION] = [0, 1, 2, 3] as const;
  const [TARGET, TYPE] = [4, 5] as const;
  code.get(PAGE);
  code.get(COUNT);
  code.get(TABLES);
  code.i32(STACK_BYTES);
  code.get(REGION);
  code.callIndirect(0);
  code.set(COUNT);
  code.set(TARGET);
  code.i32(0);
  code.get(TARGET);
  code.memory(OP.i64Store, at.PC);
  code.call(FUNCTION.settle);
  code.get(COUNT);
  code.i32(0);
  code.op(geS[32]);
  code.open(OP.if);
  code.i32(0);
  code.i32(0);
  code.memory(OP.i32Load, at.EXITS);
  code.i32(1);
  code.op(sub[32]);
  code.memory(OP.i32Store, at.EXITS);
  code.end();
  code.i32(0);
  code.memory(OP.i32Load, at.LAST_BRANCH);
  code.get(COUNT);
  code.i32(2);
  code.op(shl[32], xor[32]);
  code.set(TYPE);
  code.i32(0);
  code.get(TYPE);
  code.i32(0);
  code.get(TYPE);
  code.i32(3);
  code.op(leU[32], OP.select);
  code.memory(OP.i32Store, at.BRANCHED);
  code.get(COUNT);
  return { parameters: [I64, I32, I32, I32], results: [I32], locals: [I64, I32], code, export: 'enter' };
}
