import type { Expr } from '../../isa/expr.ts';
import type { Code } from '../wasm/code.ts';
import { EXTEND_32S, EXTEND_S, EXTEND_U, I32, I64, OP, OPERATORS, WRAP } from '../wasm/opcodes.ts';

/** Emits code that leaves the value on the stack. `leaf` emits what the builder made itself. */
export function emitExpression(code: Code, e: Expr, leaf: (id: number) => void): void {
  const emit = (x: Expr) => emitExpression(code, x, leaf);
  switch (e.op) {
    case 'const':
      if (e.width === 32) code.i32(Number(e.value));
      else code.i64(e.value);
      return;
    case 'leaf':
      leaf(e.id);
      return;
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
      code.open(OP.if, e.width === 32 ? I32 : I64);
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
