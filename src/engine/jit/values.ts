/** Operands, registers and values of a block of a region, and where its instructions leave to be interpreted. */
import type { AccessSpec, Builder } from '../../isa/builder.ts';
import { SLOT } from '../../isa/a64/operands.ts';
import {
  add,
  constant,
  extendU,
  toWidth,
  type Expr,
  type F32,
  type F64,
  type Type,
  type Value,
  type ValueOf,
  type Vector,
  type Width,
} from '../../isa/expr.ts';
import type { LibraryFunction, Variable } from '../../isa/library.ts';
import type { ImmediateOperand, RegisterOperand } from '../../isa/row.ts';
import { StatementEmitter } from '../emit/statements.ts';
import { OP } from '../wasm/opcodes.ts';
import type { Instruction } from './blocks.ts';
import { packed, type ExitSite } from './exits.ts';
import { localsOf, type Flags } from './flags.ts';
import { fold } from './fold.ts';
import * as local from './locals.ts';
import type { LastPage } from './memory.ts';
import { has, NONE, one, union, type RegisterSet } from './registers.ts';

/** What the blocks of a region share. */
export interface RegionParts {
  readonly locals: local.RegionLocals;
  callee(fn: LibraryFunction): number;
  /** The function of runtime.ts that answers NZCV of the flag locals. */
  readonly nzcvOf: number;
  lastPage(base: number, access: AccessSpec['access']): LastPage;
}

/** What an exit of a block is called among the outward branches of its code. */
export const exitName = (id: number) => `exit${id}`;

export abstract class BlockValues extends StatementEmitter {
  readonly exits: ExitSite[] = [];
  /** Read before written. */
  used: RegisterSet = NONE;
  /** Written, in every case or some. */
  defined: RegisterSet = NONE;
  flags: Flags;
  /** Something wants the flags that the block begins with. */
  usesFlags = false;
  protected readonly parts: RegionParts;
  protected readonly incoming: Flags;
  /** Inside of `when` or `loop`. */
  protected depth = 0;
  /** The arm of a `when` has done what can't be done where its condition fails. */
  protected impure = false;
  /** By the ids of leaves that locals are. */
  protected readonly localOf = new Map<number, number>();
  #instruction: Instruction | null = null;
  /** Instructions done since COUNT was right. */
  #done: number;
  #site: number | null = null;

  constructor(parts: RegionParts, flags: Flags, done: number) {
    super({
      local: (type) => parts.locals.temporary(type),
      callee: (fn) => {
        this.impure = true;
        return parts.callee(fn);
      },
      native: () => undefined,
    });
    this.parts = parts;
    this.incoming = flags;
    this.flags = flags;
    this.#done = done;
    parts.locals.keep(localsOf(flags));
  }

  get done(): number {
    return this.#done;
  }

  /** Emits an instruction, by `execute`. */
  protected emitInstruction(instruction: Instruction, execute: () => void): void {
    this.#instruction = instruction;
    this.#site = null;
    execute();
    this.#done++;
    this.parts.locals.keep(localsOf(this.flags));
  }

  /** Emits a branch whose target is the next instruction, or which the block's end stands for. */
  skip(): void {
    this.#done++;
  }

  get transfer(): Builder['transfer'] {
    return this.decoded.row.transfer;
  }

  protected get decoded() {
    return this.#instruction!.decoded;
  }

  field(name: string): number {
    const value = this.decoded.fields[name];
    if (value === undefined) throw new Error(`${this.decoded.row.name} has no field ${name}`);
    return value;
  }

  isZero(operand: RegisterOperand | ImmediateOperand): boolean {
    if (operand === 'imm' || operand === 'imm2') return this.immediateOf(operand) === 0n;
    return this.slotOf(operand) === SLOT.ZERO;
  }

  isSp(operand: RegisterOperand): boolean {
    return this.slotOf(operand) === SLOT.SP;
  }

  get(operand: RegisterOperand, width: Width): Expr {
    const slot = this.slotOf(operand);
    return slot === SLOT.ZERO ? constant(width, 0) : toWidth(width, this.register(slot));
  }

  set(operand: RegisterOperand, value: Expr): void {
    const slot = this.slotOf(operand);
    if (slot === SLOT.DISCARD) {
      if (!calls(value)) return;
      this.emit(value);
      this.code.op(OP.drop);
      return;
    }
    this.setRegister(slot, value.width === 32 ? extendU(value) : value);
  }

  getV(operand: RegisterOperand, half: 0 | 1): Expr {
    return {
      op: 'native',
      width: 64,
      name: 'i64x2.extract_lane',
      operands: [this.getVector(operand)],
      follows: [half],
    };
  }

  setV(operand: RegisterOperand, low: Expr, high: Expr): void {
    const splat: Vector = { op: 'native', width: 'v128', name: 'i64x2.splat', operands: [low], follows: [] };
    this.setVector(operand, {
      op: 'native',
      width: 'v128',
      name: 'i64x2.replace_lane',
      operands: [splat, high],
      follows: [1],
    });
  }

  getVector(operand: RegisterOperand): Vector {
    const slot = this.slotOf(operand);
    return this.leaf('v128', () => this.#read(slot));
  }

  setVector(operand: RegisterOperand, value: Vector): void {
    this.setRegister(this.slotOf(operand), value);
  }

  immediate(operand: ImmediateOperand, width: Width): Expr {
    return constant(width, this.immediateOf(operand));
  }

  pc(): Expr {
    const base = this.leaf(64, () => this.code.get(local.BASE));
    return add(base, constant(64, this.#instruction!.at));
  }

  override let(value: Expr): Expr;
  override let(value: Vector): Vector;
  override let(value: F32): F32;
  override let(value: F64): F64;
  override let(value: Value): Value {
    const folded = fold(value);
    if (folded.op === 'const') return folded;
    if (this.depth > 0 && mayTrap(folded)) this.impure = true;
    const index = this.parts.locals.temporary(folded.width);
    this.emit(folded);
    this.code.set(index);
    return this.local(folded.width, index);
  }

  override variable<T extends Type>(type: T, initial: ValueOf<T>): Variable<T> {
    const { value, set } = super.variable(type, initial);
    const noted = (next: ValueOf<T>) => {
      this.impure = true;
      set(next);
    };
    return {
      get value() {
        return value;
      },
      set: noted,
    };
  }

  override loop(condition: () => Expr, body: () => void): void {
    this.impure = true;
    this.depth++;
    super.loop(condition, body);
    this.depth--;
  }

  override raise(flags: Expr): void {
    this.impure = true;
    super.raise(flags);
  }

  protected override emit(value: Value): void {
    super.emit(fold(value));
  }

  /** Where the current instruction leaves to be done by the interpreter; emits what says which it is. */
  protected exit(): string {
    if (this.depth > 0) throw new Error('an exit in the midst of an instruction');
    if (this.#site === null) {
      this.useFlags(this.flags);
      this.#site =
        this.exits.push({
          at: this.#instruction!.at,
          done: this.#done,
          defined: this.defined,
          flags: this.flags,
        }) - 1;
    }
    this.code.i32(packed(this.exits[this.#site]!));
    this.code.set(local.EXIT);
    return exitName(this.#site);
  }

  protected slotOf(operand: RegisterOperand): number {
    const { row, fields } = this.decoded;
    const of = row.operands[operand];
    if (!of) throw new Error(`${row.name} has no operand ${operand}`);
    return of(fields);
  }

  protected immediateOf(operand: ImmediateOperand): bigint {
    const { row, fields } = this.decoded;
    const of = row.operands[operand];
    if (!of) throw new Error(`${row.name} has no operand ${operand}`);
    return of(fields);
  }

  protected register(slot: number): Expr {
    return this.leaf(64, () => this.#read(slot));
  }

  #read(slot: number): void {
    if (!has(this.defined, slot)) this.used = union(this.used, one(slot));
    this.code.get(this.parts.locals.register(slot));
  }

  protected setRegister(slot: number, value: Value): void {
    this.impure = true;
    this.emit(value);
    this.code.set(this.parts.locals.register(slot));
    /* Where it is not written it has to be there all the same. */
    if (this.depth > 0 && !has(this.defined, slot)) this.used = union(this.used, one(slot));
    this.defined = union(this.defined, one(slot));
  }

  protected local<T extends Type>(type: T, index: number) {
    const value = this.leaf(type, () => this.code.get(index));
    if (value.op === 'leaf') this.localOf.set(value.id, index);
    return value;
  }

  protected useFlags(flags: Flags): void {
    if (flags === this.incoming) this.usesFlags = true;
  }
}

function contains(value: Value, wanted: (value: Value) => boolean): boolean {
  if (wanted(value)) return true;
  switch (value.op) {
    case 'const':
    case 'leaf':
      return false;
    case 'native':
    case 'call':
      return value.operands.some((operand) => contains(operand, wanted));
    case 'select':
    case 'choose':
      return contains(value.condition, wanted) || contains(value.a, wanted) || contains(value.b, wanted);
    default:
      return contains(value.a, wanted) || ('b' in value && contains(value.b, wanted));
  }
}
const calls = (value: Value) => contains(value, ({ op }) => op === 'call');
const mayTrap = (value: Value) => contains(value, ({ op }) => op === 'divS' || op === 'divU');
