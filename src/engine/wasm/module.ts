import { ByteWriter } from './bytes.ts';
import type { Code } from './code.ts';
import { OP, type ValueType } from './opcodes.ts';

export interface FunctionSpec {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly code: Code;
  /** Name it is exported by. */
  readonly export?: string;
}

/** A module whose only import is the memory `engine.memory`; functions are numbered in their order. */
export function encodeModule(functions: readonly FunctionSpec[]): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  out.all([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(out, 1, (body) => {
    body.unsigned(functions.length);
    for (const { parameters, results } of functions) {
      body.byte(0x60);
      for (const types of [parameters, results]) {
        body.unsigned(types.length);
        body.all(types);
      }
    }
  });
  section(out, 2, (body) => {
    body.unsigned(1);
    body.text('engine');
    body.text('memory');
    body.all([2, 0, 1]);
  });
  section(out, 3, (body) => {
    body.unsigned(functions.length);
    functions.forEach((_, index) => body.unsigned(index));
  });
  section(out, 7, (body) => {
    const exported = functions.flatMap((f, index) => (f.export === undefined ? [] : [{ name: f.export, index }]));
    body.unsigned(exported.length);
    for (const { name, index } of exported) {
      body.text(name);
      body.byte(0);
      body.unsigned(index);
    }
  });
  section(out, 10, (body) => {
    body.unsigned(functions.length);
    for (const { locals, code } of functions) {
      const whole = new ByteWriter();
      whole.unsigned(locals.length);
      for (const type of locals) {
        whole.unsigned(1);
        whole.byte(type);
      }
      whole.all(code.bytes());
      whole.byte(OP.end);
      body.unsigned(whole.length);
      body.append(whole);
    }
  });
  return out.bytes().slice();
}

function section(out: ByteWriter, id: number, write: (body: ByteWriter) => void): void {
  const body = new ByteWriter();
  write(body);
  out.byte(id);
  out.unsigned(body.length);
  out.append(body);
}
