import type { Value } from '../../isa/expr.ts';
import type { LibraryFunction } from '../../isa/library.ts';
import { NATIVE } from '../../isa/native.ts';
import type { Code } from '../wasm/code.ts';
import { EXTEND_32S, EXTEND_S, EXTEND_U, OP, OPERATORS, VALUE_TYPES, WRAP } from '../wasm/opcodes.ts';

/** What an expression needs to know of where it is emitted. */
export interface Surroundings {
  /** Emits what the builder made itself. */
  leaf(id: number): void;
  /** The function's number in the module. */
  callee(fn: LibraryFunction): number;
  /** May throw, where floating point and vectors have no place. */
  native(): void;
}

/** Emits code that leaves the value on the stack. */
export function emitExpression(code: Code, e: Value, around: Surroundings): void {
  const emit = (x: Value) => emitExpression(code, x, around);
  switch (e.op) {
    case 'const':
      if (e.width === 32) code.i32(Number(e.value));
      else code.i64(e.value);
      return;
    case 'leaf':
      around.leaf(e.id);
      return;
    case 'native': {
      around.native();
      for (const operand of e.operands) emit(operand);
      code.followed(NATIVE[e.name][0], e.follows);
      return;
    }
    case 'call': {
      for (const operand of e.operands) emit(operand);
      code.call(around.callee(e.callee));
      return;
    }
    case 'wrap':
      emit(e.a);
      code.op(WRAP);
      return;
    case 'extendU':
      emit(e.a);
      code.op(EXTEND_U);
      return;
    case 'extendS':
      emit(e.a);
      code.op(EXTEND_S);
      return;
    case 'extend32S':
      emit(e.a);
      code.op(EXTEND_32S);
      return;
    case 'eqz':
    case 'clz':
    case 'ctz':
    case 'popcnt':
    case 'extend8S':
    case 'extend16S':
      emit(e.a);
      code.op(OPERATORS[e.op][e.a.width]);
      return;
    case 'select':
      emit(e.a);
      emit(e.b);
      emit(e.condition);
      code.op(OP.select);
      return;
    case 'choose':
      emit(e.condition);
      code.open(OP.if, VALUE_TYPES[e.width]);
      emit(e.a);
      code.op(OP.else);
      emit(e.b);
      code.end();
      return;
    default:
      emit(e.a);
      emit(e.b);
      code.op(OPERATORS[e.op][e.a.width]);
  }
}
