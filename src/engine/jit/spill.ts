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

/** How known flags are kept: the kind, and up to three operands. */
type Part = 'kind' | 'a' | 'b' | 'carry';

function parts(flags: Flags): Part[] {
  switch (flags.kind) {
    case 'nzcv':
      return ['kind', 'a'];
    case 'rule':
      if (flags.rule === 'addCarry') return ['kind', 'a', 'b', 'carry'];
      return flags.rule === 'logic' ? ['kind', 'a'] : ['kind', 'a', 'b'];
    case 'choice': {
      const both = [...parts(flags.then), ...parts(flags.otherwise)];
      return (['kind', 'a', 'b', 'carry'] as const).filter((part) => both.includes(part));
    }
    default:
      throw new Error('these flags are not known here');
  }
}

/** The part of known flags; an operand has 64 bits. What they don't have is anything. */
function emitPart(code: Code, flags: Flags, part: Part): void {
  const operand = (value: Operand) => {
    emitOperand(code, value);
    if (value.width === 32) code.op(EXTEND_U);
  };
  switch (flags.kind) {
    case 'rule':
      if (part === 'kind') code.i32(kindNumber(flagKind(flags)));
      else operand(flags[part]);
      return;
    case 'nzcv':
      if (part === 'kind') code.i32(kindNumber('nzcv'));
      else operand(flags.value);
      return;
    case 'choice':
      if (!parts(flags.otherwise).includes(part)) emitPart(code, flags.then, part);
      else if (!parts(flags.then).includes(part)) emitPart(code, flags.otherwise, part);
      else {
        emitPart(code, flags.then, part);
        emitPart(code, flags.otherwise, part);
        emitOperand(code, flags.condition);
        code.op(OP.select);
      }
      return;
    default:
      throw new Error('these flags are not known here');
  }
}

const IN_MEMORY = { kind: at.LAZY_KIND, a: at.LAZY_A, b: at.LAZY_B, carry: at.LAZY_C } as const;
const IN_LOCALS = { kind: local.FLAG_KIND, a: local.FLAG_A, b: local.FLAG_B, carry: local.FLAG_C } as const;
const ALL: readonly Part[] = ['kind', 'a', 'b', 'carry'];

/** The flags as rule and operands behind the state block: the interpreter gets them worked out, see runtime.ts. */
export function emitFlagsToMemory(code: Code, flags: Flags): void {
  const store = (part: Part, value: () => void) => {
    code.i32(0);
    value();
    code.memory(part === 'kind' ? OP.i32Store : OP.i64Store, IN_MEMORY[part]);
  };
  if (flags.kind === 'memory') return;
  if (flags.kind === 'dynamic') {
    code.get(local.FLAG_KIND);
    code.open(OP.if);
    for (const part of ALL) store(part, () => code.get(IN_LOCALS[part]));
    code.end();
    return;
  }
  for (const part of parts(flags)) store(part, () => emitPart(code, flags, part));
}

/** The flags in the locals of flags whose rule depends on the way. */
export function emitToDynamic(code: Code, flags: Flags): void {
  if (flags.kind === 'dynamic') return;
  if (flags.kind === 'memory') {
    code.i32(0);
    code.set(local.FLAG_KIND);
    return;
  }
  for (const part of parts(flags)) {
    emitPart(code, flags, part);
    code.set(IN_LOCALS[part]);
  }
}
