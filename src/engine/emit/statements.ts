import {
  eqz,
  leaf,
  or,
  type Expr,
  type F32,
  type F64,
  type Type,
  type Value,
  type ValueOf,
  type Vector,
} from '../../isa/expr.ts';
import {
  CONTROL_WORDS,
  type ControlWord,
  type LibraryFunction,
  type Statements,
  type Variable,
} from '../../isa/library.ts';
import * as at from '../layout.ts';
import { Code } from '../wasm/code.ts';
import { fusesMultiplyAdd } from '../wasm/relaxed.ts';
import { OP } from '../wasm/opcodes.ts';
import { emitExpression, type Surroundings } from './expression.ts';

/** The function that statements become part of. */
export interface Frame {
  /** A local that nobody else has. */
  local(type: Type): number;
  /** The number of a library function in the module. */
  callee(fn: LibraryFunction): number;
  /** May throw, where floating point and vectors have no place. */
  native(): void;
}

/** Emits what instructions and library functions have in common. */
export abstract class StatementEmitter implements Statements {
  readonly fusesMultiplyAdd = fusesMultiplyAdd();
  /** What is emitted now goes there. */
  code = new Code();
  readonly #frame: Frame;
  readonly #leaves: (() => void)[] = [];
  readonly #around: Surroundings;

  constructor(frame: Frame) {
    this.#frame = frame;
    this.#around = {
      leaf: (id) => this.#leaves[id]!(),
      callee: (fn) => frame.callee(fn),
      native: () => frame.native(),
    };
  }

  let(value: Expr): Expr;
  let(value: Vector): Vector;
  let(value: F32): F32;
  let(value: F64): F64;
  let(value: Value): Value {
    return value.op === 'const' ? value : this.#bind(value).value;
  }

  variable<T extends Type>(type: T, initial: ValueOf<T>): Variable<T>;
  variable(type: Type, initial: Value): { readonly value: Value; set(value: Value): void } {
    if (initial.width !== type)
      throw new Error(`a variable of type ${type} begins with a value of type ${initial.width}`);
    return this.#bind(initial);
  }

  when(condition: Expr, then: () => void, otherwise?: () => void): void {
    this.emit(condition);
    this.code.open(OP.if);
    then();
    if (otherwise) {
      this.code.op(OP.else);
      otherwise();
    }
    this.code.end();
  }

  loop(condition: () => Expr, body: () => void): void {
    const out = this.code.open(OP.block);
    const again = this.code.open(OP.loop);
    this.emit(eqz(condition()));
    this.code.brIf(out);
    body();
    this.code.br(again);
    this.code.end();
    this.code.end();
  }

  fpcr(): Expr {
    return this.stateValue(32, at.FPCR);
  }

  fpsr(): Expr {
    return this.stateValue(32, at.FPSR);
  }

  control(word: ControlWord): Expr {
    return this.stateValue(64, at.CONTROL + 8 * CONTROL_WORDS.indexOf(word));
  }

  raise(flags: Expr): void {
    this.setState(OP.i32Store, at.FPSR, or(this.fpsr(), flags));
  }

  setFpcr(value: Expr): void {
    this.setState(OP.i32Store, at.FPCR, value);
  }

  setFpsr(value: Expr): void {
    this.setState(OP.i32Store, at.FPSR, value);
  }

  pstate(): Expr {
    return this.stateValue(32, at.PSTATE);
  }

  spEl0(): Expr {
    return this.stateValue(64, at.SP_BANK);
  }

  setSpEl0(value: Expr): void {
    this.setState(OP.i64Store, at.SP_BANK, value);
  }

  protected emit(value: Value): void {
    emitExpression(this.code, value, this.#around);
  }

  /** A value that `emit` leaves on the stack wherever it is used. */
  protected leaf<T extends Type>(type: T, emit: () => void): ValueOf<T> {
    this.#leaves.push(emit);
    return leaf(type, this.#leaves.length - 1);
  }

  /** Part of the state block. */
  protected stateValue(width: 32 | 64, offset: number): Expr {
    return this.leaf(width, () => {
      this.code.i32(0);
      this.code.memory(width === 32 ? OP.i32Load : OP.i64Load, offset);
    });
  }

  protected setState(store: number, offset: number, value: Expr): void {
    this.code.i32(0);
    this.emit(value);
    this.code.memory(store, offset);
  }

  #bind(initial: Value): { readonly value: Value; set(value: Value): void } {
    const type = initial.width;
    const index = this.#frame.local(type);
    const set = (value: Value) => {
      this.emit(value);
      this.code.set(index);
    };
    set(initial);
    return { value: this.leaf<Type>(type, () => this.code.get(index)), set };
  }
}
