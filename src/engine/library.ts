/** Library functions as WebAssembly: a module for each, compiled once in the process when something first calls it. */
import type { Value } from '../isa/expr.ts';
import type { FunctionBody, LibraryFunction } from '../isa/library.ts';
import { StatementEmitter, type Frame } from './emit/statements.ts';
import { encodeModule, type FunctionImport } from './wasm/module.ts';
import { OP, VALUE_TYPES, type ValueType } from './wasm/opcodes.ts';

/** Where a module that calls library functions imports them from: `library` and the function's name. */
const MODULE = 'library';

interface Compiled {
  readonly fn: LibraryFunction;
  readonly module: WebAssembly.Module;
  readonly calls: readonly LibraryFunction[];
}

/** The library functions that a module calls, numbered from `first` on in the order of their first use. */
export class LibraryImports {
  readonly functions: LibraryFunction[] = [];
  readonly #first: number;

  /** `first`: how many functions the module imports otherwise, before these. */
  constructor(first = 0) {
    this.#first = first;
  }

  indexOf(fn: LibraryFunction): number {
    const known = this.functions.indexOf(fn);
    return this.#first + (known >= 0 ? known : this.functions.push(fn) - 1);
  }

  imports(): FunctionImport[] {
    return this.functions.map(({ name, parameters, result }) => ({
      module: MODULE,
      name,
      parameters: parameters.map((type) => VALUE_TYPES[type]),
      results: [VALUE_TYPES[result]],
    }));
  }
}

/** A function's locals beyond those it begins with, and what it calls. */
export class FunctionFrame implements Frame {
  readonly locals: ValueType[] = [];
  readonly #first: number;
  readonly #library: LibraryImports;

  /** `first`: parameters and locals that there are already. */
  constructor(first: number, library: LibraryImports) {
    this.#first = first;
    this.#library = library;
  }

  local(type: keyof typeof VALUE_TYPES): number {
    return this.#first + this.locals.push(VALUE_TYPES[type]) - 1;
  }
  callee(fn: LibraryFunction): number {
    return this.#library.indexOf(fn);
  }
  native(): void {
    /* Everything has a place. */
  }
}

class BodyEmitter extends StatementEmitter implements FunctionBody {
  parameters(fn: LibraryFunction): Value[] {
    return fn.parameters.map((type, index) => this.leaf(type, () => this.code.get(index)));
  }

  return(value: Value): void {
    this.emit(value);
    this.code.op(OP.return);
  }

  finish(value: Value): void {
    this.emit(value);
  }
}

const compiled = new Map<string, Compiled>();

function compile(fn: LibraryFunction): Compiled {
  const known = compiled.get(fn.name);
  if (known) {
    if (known.fn !== fn) throw new Error(`there are two library functions ${fn.name}`);
    return known;
  }
  const library = new LibraryImports();
  const frame = new FunctionFrame(fn.parameters.length, library);
  const body = new BodyEmitter(frame);
  body.finish(fn.body(body, body.parameters(fn)));
  const bytes = encodeModule(
    [
      {
        parameters: fn.parameters.map((type) => VALUE_TYPES[type]),
        results: [VALUE_TYPES[fn.result]],
        locals: frame.locals,
        code: body.code,
        export: fn.name,
      },
    ],
    { imports: library.imports() },
  );
  const made = { fn, module: new WebAssembly.Module(bytes), calls: library.functions };
  compiled.set(fn.name, made);
  return made;
}

/** The library functions of one engine: bound to its memory, where FPCR and FPSR are. */
export class Library {
  readonly #memory: WebAssembly.Memory;
  readonly #instances = new Map<string, WebAssembly.Import>();

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** What a module that calls these functions imports, besides the memory. */
  importsOf(functions: readonly LibraryFunction[]): WebAssembly.Imports {
    return {
      engine: { memory: this.#memory },
      [MODULE]: Object.fromEntries(functions.map((fn) => [fn.name, this.importOf(fn)])),
    };
  }

  /** What a function of integers gives, as JavaScript has them: 64 bits as an unsigned bigint. */
  compute(fn: LibraryFunction, ...operands: readonly (bigint | number)[]): bigint {
    const call = this.importOf(fn);
    if (!isIntegerFunction(call, fn)) throw new Error(`${fn.name} is no function of integers`);
    return BigInt.asUintN(64, BigInt(call(...operands)));
  }

  /** The function, for WebAssembly to import: most can't be called from JavaScript. */
  importOf(fn: LibraryFunction): WebAssembly.Import {
    const { module, calls } = compile(fn);
    const known = this.#instances.get(fn.name);
    if (known) return known;
    const { exports } = new WebAssembly.Instance(module, this.importsOf(calls));
    const made = exports[fn.name];
    if (!isFunction(made)) throw new Error(`${fn.name} is not exported`);
    this.#instances.set(fn.name, made);
    return made;
  }
}

function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === 'function';
}

function isIntegerFunction(
  value: WebAssembly.Import,
  { parameters, result }: LibraryFunction,
): value is (...operands: readonly (bigint | number)[]) => bigint | number {
  return isFunction(value) && [result, ...parameters].every((type) => type === 32 || type === 64);
}
