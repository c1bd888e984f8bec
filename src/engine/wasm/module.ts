import { ByteWriter } from './bytes.ts';
import type { Code } from './code.ts';
import { OP, type ValueType } from './opcodes.ts';

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface FunctionSpec extends Signature {
  readonly locals: readonly ValueType[];
  readonly code: Code;
  /** Name it is exported by. */
  readonly export?: string;
}

export interface FunctionImport extends Signature {
  readonly module: string;
  readonly name: string;
}

export interface ModuleNeeds {
  /** They have the first numbers, then come the module's own functions in their order. */
  readonly imports?: readonly FunctionImport[];
  /** Imports `engine.table`, of functions. */
  readonly table?: boolean;
  /** What is called through the table: `callIndirect` names them by their place here. */
  readonly types?: readonly Signature[];
}

const FUNCTION = 0;
const TABLE = 1;
const MEMORY = 2;
const FUNCREF = 0x70;

/** A module that imports the memory `engine.memory`, and what else it needs. */
export function encodeModule(
  functions: readonly FunctionSpec[],
  { imports = [], table = false, types = [] }: ModuleNeeds = {},
): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  out.all([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(out, 1, (body) => {
    const signatures = [...types, ...imports, ...functions];
    body.unsigned(signatures.length);
    for (const { parameters, results } of signatures) {
      body.byte(0x60);
      for (const list of [parameters, results]) {
        body.unsigned(list.length);
        body.all(list);
      }
    }
  });
  section(out, 2, (body) => {
    body.unsigned(1 + (table ? 1 : 0) + imports.length);
    body.text('engine');
    body.text('memory');
    body.all([MEMORY, 0, 1]);
    if (table) {
      body.text('engine');
      body.text('table');
      body.all([TABLE, FUNCREF, 0, 0]);
    }
    imports.forEach(({ module, name }, index) => {
      body.text(module);
      body.text(name);
      body.byte(FUNCTION);
      body.unsigned(types.length + index);
    });
  });
  section(out, 3, (body) => {
    body.unsigned(functions.length);
    functions.forEach((_, index) => body.unsigned(types.length + imports.length + index));
  });
  section(out, 7, (body) => {
    const exported = functions.flatMap((f, index) => (f.export === undefined ? [] : [{ name: f.export, index }]));
    body.unsigned(exported.length);
    for (const { name, index } of exported) {
      body.text(name);
      body.byte(FUNCTION);
      body.unsigned(imports.length + index);
    }
  });
  branchHints(out, functions, imports.length);
  section(out, 10, (body) => {
    body.unsigned(functions.length);
    for (const { locals, code } of functions) {
      const whole = localDeclarations(locals);
      whole.all(code.bytes());
      whole.byte(OP.end);
      body.unsigned(whole.length);
      body.append(whole);
    }
  });
  return out.bytes().slice();
}

function localDeclarations(locals: readonly ValueType[]): ByteWriter {
  const out = new ByteWriter();
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  out.unsigned(runs.length);
  for (const { type, count } of runs) {
    out.unsigned(count);
    out.byte(type);
  }
  return out;
}

/** The custom section of the branch hinting proposal, where a function has any; who doesn't know it passes over it. */
function branchHints(out: ByteWriter, functions: readonly FunctionSpec[], first: number): void {
  const hinted = functions.flatMap(({ locals, code }, index) => {
    if (code.unlikelyAt.length === 0) return [];
    const start = localDeclarations(locals).length;
    return [{ index: first + index, offsets: code.unlikelyAt.map((at) => start + at) }];
  });
  if (hinted.length === 0) return;
  section(out, 0, (body) => {
    body.text('metadata.code.branch_hint');
    body.unsigned(hinted.length);
    for (const { index, offsets } of hinted) {
      body.unsigned(index);
      body.unsigned(offsets.length);
      for (const offset of offsets) {
        body.unsigned(offset);
        body.all([1, 0]);
      }
    }
  });
}

function section(out: ByteWriter, id: number, write: (body: ByteWriter) => void): void {
  const body = new ByteWriter();
  write(body);
  out.byte(id);
  out.unsigned(body.length);
  out.append(body);
}
