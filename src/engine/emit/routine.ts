import { type Expr, type Type, type ValueOf, type Width } from '../../isa/expr.ts';
import { FunctionFrame, LibraryImports } from '../library.ts';
import type { FunctionSpec } from '../wasm/module.ts';
import { OP, VALUE_TYPES } from '../wasm/opcodes.ts';
import { loadOpcode, storeOpcode } from './access.ts';
import { StatementEmitter } from './statements.ts';

/** A function of the host's own, beside what guest instructions do: statements, the memory, and other functions of its module. */
export class Routine extends StatementEmitter {
  readonly #parameters: readonly Width[];
  readonly #frame: FunctionFrame;

  constructor(parameters: readonly Width[]) {
    const frame = new FunctionFrame(parameters.length, new LibraryImports());
    super(frame);
    this.#frame = frame;
    this.#parameters = parameters;
  }

  parameter(index: number): Expr {
    return this.leaf(this.#parameters[index]!, () => this.code.get(index));
  }

  /** `bytes` at the address (32 bits) and a constant, without sign. Read where it is evaluated. */
  load(width: Width, bytes: number, address: Expr, offset = 0): Expr {
    return this.leaf(width, () => {
      this.emit(address);
      this.code.memory(loadOpcode(bytes, false, width), offset);
    });
  }

  store(bytes: number, address: Expr, offset: number, value: Expr): void {
    this.emit(address);
    this.emit(value);
    this.code.memory(storeOpcode(bytes, value.width), offset);
  }

  /** Calls a function of the module by its number. */
  call<T extends Type>(result: T, index: number, ...operands: readonly Expr[]): ValueOf<T> {
    return this.leaf(result, () => {
      for (const operand of operands) this.emit(operand);
      this.code.call(index);
    });
  }

  run(index: number, ...operands: readonly Expr[]): void {
    for (const operand of operands) this.emit(operand);
    this.code.call(index);
  }

  return(value: Expr): void {
    this.emit(value);
    this.code.op(OP.return);
  }

  /** The whole of it, which answers `result` where no `return` was met before. */
  spec(result: Expr | null, name?: string): FunctionSpec {
    if (result) this.emit(result);
    return {
      parameters: this.#parameters.map((width) => VALUE_TYPES[width]),
      results: result ? [VALUE_TYPES[result.width]] : [],
      locals: this.#frame.locals,
      code: this.code,
      ...(name === undefined ? {} : { export: name }),
    };
  }
}
