/** Registers and flags from the region's locals to the state block and back. */
import { slotOffset } from '../interpreter/record.ts';
import { SLOT } from '../../isa/a64/operands.ts';
import * as at from '../layout.ts';
import type { Code } from '../wasm/code.ts';
import { EXTEND_U, OP } from '../wasm/opcodes.ts';
import { flagKind, kindNumber, type Flags, type Operand } from './flags.ts';
import * as local from './locals.ts';

const isVector = (slot: number) => slot >= SLOT.V0;

export function emitSpill(code: Code, locals: local.RegionLocals, slots: readonly number[]): void {
  for (const slot of slots) {
    code.i32(0);
    code.get(locals.register(slot));
    code.memory(isVector(slot) ? OP.v128Store : OP.i64Store, slotOffset(slot));
  }
}

export function emitReload(code: Code, locals: local.RegionLocals, slots: readonly number[]): void {
  for (const slot of slots) {
    code.i32(0);
    code.memory(isVector(slot) ? OP.v128Load : OP.i64Load, slotOffset(slot));
    code.set(locals.register(slot));
  }
}

function emitOperand(code: Code, operand: Operand): void {
  if (operand.op === 'local') code.get(operand.local);
  else if (operand.width === 32) code.i32(Number(operand.value));
  else code.i64(operand.value);
}

/** The flags as rule and operands behind the state block: the interpreter gets them worked out, see runtime.ts. */
export function emitFlagsToMemory(code: Code, flags: Flags): void {
  const kind = (value: number) => {
    code.i32(0);
    code.i32(value);
    code.memory(OP.i32Store, at.LAZY_KIND);
  };
  const operand = (offset: number, value: Operand) => {
    code.i32(0);
    emitOperand(code, value);
    code.memory(value.width === 32 ? OP.i32Store : OP.i64Store, offset);
  };
  switch (flags.kind) {
    case 'memory':
      return;
    case 'rule':
      kind(kindNumber(flagKind(flags)));
      operand(at.LAZY_A, flags.a);
      if (flags.rule !== 'logic') operand(at.LAZY_B, flags.b);
      if (flags.rule === 'addCarry') operand(at.LAZY_C, flags.carry);
      return;
    case 'nzcv':
      kind(kindNumber('nzcv'));
      operand(at.LAZY_A, flags.value);
      return;
    case 'choice':
      emitOperand(code, flags.condition);
      code.open(OP.if);
      emitFlagsToMemory(code, flags.then);
      code.op(OP.else);
      emitFlagsToMemory(code, flags.otherwise);
      code.end();
      return;
    case 'dynamic':
      code.get(local.FLAG_KIND);
      code.open(OP.if);
      code.i32(0);
      code.get(local.FLAG_KIND);
      code.memory(OP.i32Store, at.LAZY_KIND);
      for (const [from, offset] of [
        [local.FLAG_A, at.LAZY_A],
        [local.FLAG_B, at.LAZY_B],
        [local.FLAG_C, at.LAZY_C],
      ] as const) {
        code.i32(0);
        code.get(from);
        code.memory(OP.i64Store, offset);
      }
      code.end();
  }
}

/** The flags in the locals of flags whose rule depends on the way. */
export function emitToDynamic(code: Code, flags: Flags): void {
  const kind = (value: number) => {
    code.i32(value);
    code.set(local.FLAG_KIND);
  };
  const operand = (into: number, value: Operand) => {
    emitOperand(code, value);
    if (value.width === 32) code.op(EXTEND_U);
    code.set(into);
  };
  switch (flags.kind) {
    case 'memory':
      kind(0);
      return;
    case 'dynamic':
      return;
    case 'rule':
      kind(kindNumber(flagKind(flags)));
      operand(local.FLAG_A, flags.a);
      if (flags.rule !== 'logic') operand(local.FLAG_B, flags.b);
      if (flags.rule === 'addCarry') operand(local.FLAG_C, flags.carry);
      return;
    case 'nzcv':
      kind(kindNumber('nzcv'));
      operand(local.FLAG_A, flags.value);
      return;
    case 'choice':
      emitOperand(code, flags.condition);
      code.open(OP.if);
      emitToDynamic(code, flags.then);
      code.op(OP.else);
      emitToDynamic(code, flags.otherwise);
      code.end();
  }
}
