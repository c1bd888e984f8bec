/**
 * What semantics are written against. The interpreter's builder answers with run-time operands and calls a row's semantics
 * once for each piece of code it needs; a compiler's answers with the constants of one instruction. Either way:
 * - a builder is asked (`field`, `isZero`, `isSp`) only for what code may differ by; all else is an expression;
 * - an expression reads registers where it is evaluated, so what is needed after a `set` goes through `let` first;
 * - an exit (a miss, a refused alignment, `leave`) must leave everything as it was: first `access`, then `set`;
 * - control does not come back from `branch`, `jump` and `leave`; where none is reached the next instruction follows.
 */
import type { Expr, Vector, Width } from './expr.ts';
import type { Statements } from './library.ts';
import type { ImmediateOperand, RegisterOperand, Transfer } from './row.ts';

/** How flags follow from `a`, `b` (and `carry`): of a + b, a − b, a + b + carry, or N and Z of `a` with C = V = 0. */
export type FlagRule = 'add' | 'sub' | 'addCarry' | 'logic';

/** Exits whose instruction is someone else's to do. */
export type Leave =
  'svc' | 'hvc' | 'smc' | 'brk' | 'hlt' | 'dcps1' | 'dcps2' | 'dcps3' | 'system' | 'undefined' | 'wfi' | 'wfe';

/** PSTATE.BTYPE after an indirect branch (BTypeNext); 3 is 1 where the branch is not in a guarded page. */
export type BranchType = 1 | 2 | 3;

export interface AccessSpec {
  readonly access: 'read' | 'write' | 'readWrite';
  /** Of the whole access, all its registers included: 1 to 64. */
  readonly bytes: number;
  /** What SCTLR_ELx.A and Device memory want it aligned to: the bytes of one register. */
  readonly unit: number;
  /** Exclusive, atomic, acquire or release: always aligned to `bytes`, a power of two. */
  readonly ordered: boolean;
  readonly unprivileged: boolean;
}

/** A translated place in memory; good for the rest of the instruction. */
export interface Place {
  readonly id: number;
}

export interface Builder extends Statements {
  /** The value of one of the row's `variant` fields. */
  field(name: string): number;
  /** What the row says of its access to memory. */
  readonly transfer: Transfer | undefined;

  /** The operand is XZR as a source, or 0 as an immediate. Free in code that is made for it; ask where it pays. */
  isZero(operand: RegisterOperand | ImmediateOperand): boolean;
  /** The operand is the stack pointer. */
  isSp(operand: RegisterOperand): boolean;

  get(operand: RegisterOperand, width: Width): Expr;
  /** A 32-bit value clears the upper half. */
  set(operand: RegisterOperand, value: Expr): void;
  /** A half of a V register. */
  getV(operand: RegisterOperand, half: 0 | 1): Expr;
  setV(operand: RegisterOperand, low: Expr, high: Expr): void;
  /** A whole V register. */
  getVector(operand: RegisterOperand): Vector;
  setVector(operand: RegisterOperand, value: Vector): void;
  immediate(operand: ImmediateOperand, width: Width): Expr;
  /** The instruction's own address. */
  pc(): Expr;
  /** 0 or 1: ConditionHolds() of `cond`. */
  condition(cond: number): Expr;
  /** PSTATE.C as 0 or 1. */
  carry(width: Width): Expr;
  /** The operands must be bound by `let` or constants. */
  setFlags(rule: FlagRule, a: Expr, b?: Expr, carry?: Expr): void;
  /** NZCV in bits 31:28 of a 32-bit value. */
  nzcv(): Expr;
  setNzcv(value: Expr): void;
  /** PSTATE without NZCV, where SPSR_ELx has it: 32 bits. */
  pstate(): Expr;
  /** SP_EL0 while SP is another one. */
  spEl0(): Expr;
  setSpEl0(value: Expr): void;
  /** 32 bits. */
  setFpcr(value: Expr): void;
  setFpsr(value: Expr): void;

  /** Translates; where that can't be done at once, or alignment is refused, the instruction is left undone. */
  access(address: Expr, spec: AccessSpec): Place;
  /** `bytes` (1, 2, 4 or 8) at `offset`, extended to the width. */
  load(place: Place, offset: number, bytes: number, signed: boolean, width: Width): Expr;
  /** The low `bytes` of the value. */
  store(place: Place, offset: number, bytes: number, value: Expr): void;
  /** Sixteen bytes at `offset`. */
  loadVector(place: Place, offset: number): Vector;
  storeVector(place: Place, offset: number, value: Vector): void;
  /** Remembers the place for `monitorHolds`; `values` are the 64-bit values loaded. */
  setMonitor(place: Place, bytes: number, values: readonly Expr[]): void;
  /** 0 or 1: the monitor is set for this place and size, and memory still has what was loaded; `values` are read now. */
  monitorHolds(place: Place, bytes: number, values: readonly Expr[]): Expr;
  clearMonitor(): void;
  /** CheckSPAlignment() where the base is the stack pointer. */
  checkSpAlignment(): void;
  /** CheckFPEnabled64(). */
  checkFp(): void;

  /** The entry of one byte of the table for a bit-reversed CRC. */
  crcTable(polynomial: 'crc32' | 'crc32c', byte: Expr): Expr;

  /** To the instruction at PC + `imm`. */
  branch(): void;
  /** To an address, with this PSTATE.BTYPE; absent: 0. */
  jump(address: Expr, type?: BranchType): void;
  leave(kind: Leave): void;
  /** Before anything is done, as an access. */
  leaveUnless(condition: Expr, kind: Leave): void;
}
