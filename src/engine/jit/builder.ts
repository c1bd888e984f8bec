/** One block of a region: semantics with the constants of its instructions, registers and flags in locals. */
import type { AccessSpec, BranchType, Builder, FlagRule, Leave, Place } from '../../isa/builder.ts';
import { SLOT } from '../../isa/a64/operands.ts';
import {
  add,
  and,
  constant,
  eq,
  eqz,
  extendU,
  ne,
  shl,
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
import { loadOpcode, storeOpcode } from '../emit/access.ts';
import { StatementEmitter } from '../emit/statements.ts';
import * as at from '../layout.ts';
import { Code } from '../wasm/code.ts';
import { OP } from '../wasm/opcodes.ts';
import type { Instruction } from './blocks.ts';
import { packed, type ExitSite } from './exits.ts';
import {
  asBit,
  isKnown,
  knownCarry,
  knownCondition,
  knownNzcv,
  localsOf,
  sameFlags,
  type Flags,
  type Operand,
} from './flags.ts';
import { fold } from './fold.ts';
import * as local from './locals.ts';
import { emitRepeatedTranslation, emitTranslation, type LastPage } from './memory.ts';
import { NONE, one, union, has, type RegisterSet } from './registers.ts';
import { emitToDynamic } from './spill.ts';

/** What the blocks of a region share. */
export interface RegionParts {
  readonly locals: local.RegionLocals;
  callee(fn: LibraryFunction): number;
  /** The function of runtime.ts that answers NZCV of the flag locals. */
  readonly nzcvOf: number;
  lastPage(base: number, access: AccessSpec['access']): LastPage;
}

/** What a conditional branch's `taken` is called among the outward branches of a block's code. */
export const TAKEN = 'taken';
export const exitName = (id: number) => `exit${id}`;

export class BlockBuilder extends StatementEmitter implements Builder {
  readonly exits: ExitSite[] = [];
  /** Read before written. */
  used: RegisterSet = NONE;
  /** Written, in every case or some. */
  defined: RegisterSet = NONE;
  flags: Flags;
  /** Something wants the flags that the block begins with. */
  usesFlags = false;
  usesFp = false;
  /** PSTATE.BTYPE after the block, if it ends with an indirect branch. */
  branchType: BranchType | null = null;
  /** Semantics left always. */
  left = false;
  readonly #parts: RegionParts;
  readonly #incoming: Flags;
  readonly #repeated: boolean;
  #instruction: Instruction | null = null;
  /** Instructions done since COUNT was right. */
  #done: number;
  #site: number | null = null;
  readonly #localOf = new Map<number, number>();
  /** Inside of `when` or `loop`. */
  #depth = 0;
  /** The arm of a `when` has done what can't be done where its condition fails. */
  #impure = false;
  #branched = false;

  /** `repeated`: control comes here often, in a loop. */
  constructor(parts: RegionParts, flags: Flags, done: number, repeated: boolean) {
    super({
      local: (type) => parts.locals.temporary(type),
      callee: (fn) => {
        this.#impure = true;
        return parts.callee(fn);
      },
      native: () => undefined,
    });
    this.#parts = parts;
    this.#incoming = flags;
    this.#repeated = repeated;
    this.flags = flags;
    this.#done = done;
    parts.locals.keep(localsOf(flags));
  }

  get done(): number {
    return this.#done;
  }

  /** The flags at the end are those of the begin. */
  get passesFlags(): boolean {
    return this.flags === this.#incoming;
  }

  /** Emits an instruction. */
  add(instruction: Instruction): void {
    this.#instruction = instruction;
    this.#site = null;
    const { execute } = instruction.decoded.row;
    if (!execute) throw new Error(`${instruction.decoded.row.name} has no semantics`);
    execute(this);
    this.#done++;
    this.#parts.locals.keep(localsOf(this.flags));
  }

  /** Emits a branch whose target is the next instruction, or which the block's end stands for. */
  skip(): void {
    this.#done++;
  }

  get transfer(): Builder['transfer'] {
    return this.#decoded.row.transfer;
  }

  get #decoded() {
    return this.#instruction!.decoded;
  }

  field(name: string): number {
    const value = this.#decoded.fields[name];
    if (value === undefined) throw new Error(`${this.#decoded.row.name} has no field ${name}`);
    return value;
  }

  isZero(operand: RegisterOperand | ImmediateOperand): boolean {
    if (operand === 'imm' || operand === 'imm2') return this.#immediate(operand) === 0n;
    return this.#slot(operand) === SLOT.ZERO;
  }

  isSp(operand: RegisterOperand): boolean {
    return this.#slot(operand) === SLOT.SP;
  }

  get(operand: RegisterOperand, width: Width): Expr {
    const slot = this.#slot(operand);
    return slot === SLOT.ZERO ? constant(width, 0) : toWidth(width, this.#register(slot));
  }

  set(operand: RegisterOperand, value: Expr): void {
    const slot = this.#slot(operand);
    if (slot === SLOT.DISCARD) {
      if (!calls(value)) return;
      this.emit(value);
      this.code.op(OP.drop);
      return;
    }
    this.#setRegister(slot, value.width === 32 ? extendU(value) : value);
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
    const slot = this.#slot(operand);
    return this.leaf('v128', () => this.#read(slot));
  }

  setVector(operand: RegisterOperand, value: Vector): void {
    this.#setRegister(this.#slot(operand), value);
  }

  immediate(operand: ImmediateOperand, width: Width): Expr {
    return constant(width, this.#immediate(operand));
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
    if (this.#depth > 0 && mayTrap(folded)) this.#impure = true;
    const index = this.#parts.locals.temporary(folded.width);
    this.emit(folded);
    this.code.set(index);
    return this.#local(folded.width, index);
  }

  override variable<T extends Type>(type: T, initial: ValueOf<T>): Variable<T> {
    const { value, set } = super.variable(type, initial);
    const noted = (next: ValueOf<T>) => {
      this.#impure = true;
      set(next);
    };
    return {
      get value() {
        return value;
      },
      set: noted,
    };
  }

  override when(condition: Expr, then: () => void, otherwise?: () => void): void {
    const known = fold(condition);
    if (known.op === 'const') {
      (known.value === 0n ? otherwise : then)?.();
      if (this.#branched) this.code.brOut(OP.br, TAKEN);
      this.#branched = false;
      return;
    }
    const bit = this.let(asBit(known));
    const before = this.flags;
    const [first, second] = [this.#arm(then), this.#arm(otherwise ?? (() => undefined))];
    if (first.branched && first.code.length === 0 && !otherwise) {
      this.emit(bit);
      this.code.brOut(OP.brIf, TAKEN);
      return;
    }
    if (!first.impure && !second.impure) {
      this.code.include(first.code);
      this.code.include(second.code);
      this.flags = sameFlags(first.flags, second.flags)
        ? first.flags
        : { kind: 'choice', condition: this.#operand(bit), then: first.flags, otherwise: second.flags };
      if (!isKnown(this.flags) && this.flags.kind === 'choice') this.#spreadFlags(bit, first.flags, second.flags);
      return;
    }
    const together = sameFlags(first.flags, second.flags);
    if (!together) this.#useFlags(before);
    const finish = ({ code, flags, branched }: typeof first) => {
      this.code.include(code);
      if (!together) emitToDynamic(this.code, flags);
      if (branched) this.code.brOut(OP.br, TAKEN);
    };
    this.emit(bit);
    this.code.open(OP.if);
    finish(first);
    if (second.code.length > 0 || !together) {
      this.code.op(OP.else);
      finish(second);
    }
    this.code.end();
    this.flags = together ? first.flags : { kind: 'dynamic' };
  }

  override loop(condition: () => Expr, body: () => void): void {
    this.#impure = true;
    this.#depth++;
    super.loop(condition, body);
    this.#depth--;
  }

  condition(cond: number): Expr {
    return knownCondition(cond, this.#knownFlags(), (operand) => this.#valueOf(operand));
  }

  carry(width: Width): Expr {
    return toWidth(
      width,
      knownCarry(this.#knownFlags(), (operand) => this.#valueOf(operand)),
    );
  }

  nzcv(): Expr {
    return knownNzcv(this.#knownFlags(), (operand) => this.#valueOf(operand));
  }

  setFlags(rule: FlagRule, a: Expr, b?: Expr, carry?: Expr): void {
    const operand = (value: Expr | undefined) => this.#operand(value ?? constant(a.width, 0));
    this.flags = { kind: 'rule', rule, a: operand(a), b: operand(b), carry: operand(carry) };
  }

  setNzcv(value: Expr): void {
    this.flags = { kind: 'nzcv', value: this.#operand(this.let(value)) };
  }

  access(address: Expr, spec: AccessSpec): Place {
    this.#impure = true;
    const va = this.let(address);
    const place = this.#parts.locals.temporary(32);
    const addressLocal = va.op === 'leaf' ? this.#localOf.get(va.id) : undefined;
    let bound = addressLocal;
    if (bound === undefined) {
      bound = this.#parts.locals.temporary(64);
      this.emit(va);
      this.code.set(bound);
    }
    const translation = { va: bound, place, spec, miss: this.exit() };
    const last = this.#lastPage(spec);
    if (last) emitRepeatedTranslation(this.code, translation, last);
    else emitTranslation(this.code, translation);
    return { id: place };
  }

  load(place: Place, offset: number, bytes: number, signed: boolean, width: Width): Expr {
    const opcode = loadOpcode(bytes, signed, width);
    return this.leaf(width, () => {
      this.code.get(place.id);
      this.code.memory(opcode, offset);
    });
  }

  store(place: Place, offset: number, bytes: number, value: Expr): void {
    this.#impure = true;
    this.code.get(place.id);
    this.emit(value);
    this.code.memory(storeOpcode(bytes, value.width), offset);
  }

  loadVector(place: Place, offset: number): Vector {
    return this.leaf('v128', () => {
      this.code.get(place.id);
      this.code.memory(OP.v128Load, offset);
    });
  }

  storeVector(place: Place, offset: number, value: Vector): void {
    this.#impure = true;
    this.code.get(place.id);
    this.emit(value);
    this.code.memory(OP.v128Store, offset);
  }

  setMonitor(place: Place, bytes: number, values: readonly Expr[]): void {
    this.#impure = true;
    this.setState(OP.i32Store, at.MONITOR_ADDRESS, this.#local(32, place.id));
    this.setState(OP.i32Store, at.MONITOR_BYTES, constant(32, bytes));
    values.forEach((value, half) => this.setState(OP.i64Store, at.MONITOR_VALUE + 8 * half, value));
  }

  monitorHolds(place: Place, bytes: number, values: readonly Expr[]): Expr {
    const held = [
      eq(this.stateValue(32, at.MONITOR_ADDRESS), this.#local(32, place.id)),
      eq(this.stateValue(32, at.MONITOR_BYTES), constant(32, bytes)),
      ...values.map((value, half) => eq(this.stateValue(64, at.MONITOR_VALUE + 8 * half), value)),
    ];
    return held.reduce((all, next) => and(all, next));
  }

  clearMonitor(): void {
    this.#impure = true;
    this.setState(OP.i32Store, at.MONITOR_ADDRESS, constant(32, 0));
  }

  override raise(flags: Expr): void {
    this.#impure = true;
    super.raise(flags);
  }

  checkSpAlignment(): void {
    if (!this.isSp('rn')) return;
    const miss = this.exit();
    const low = and(this.#register(SLOT.SP), this.stateValue(64, at.SP_ALIGNMENT));
    this.emit(ne(low, constant(64, 0)));
    this.code.unlikely();
    this.code.brOut(OP.brIf, miss);
  }

  /** Who enters a region with such instructions has to see that they are not trapped. */
  checkFp(): void {
    this.usesFp = true;
  }

  crcTable(polynomial: 'crc32' | 'crc32c', byte: Expr): Expr {
    const table = at.CRC + (polynomial === 'crc32' ? 0 : 1024);
    return this.leaf(32, () => {
      this.emit(shl(byte, constant(32, 2)));
      this.code.memory(OP.i32Load, table);
    });
  }

  branch(): void {
    this.#branched = true;
  }

  jump(address: Expr, type?: BranchType): void {
    this.branchType = type ?? null;
    this.emit(address);
    this.code.set(local.TARGET);
  }

  leave(_kind: Leave): void {
    this.left = true;
  }

  leaveUnless(condition: Expr): void {
    const miss = this.exit();
    this.emit(eqz(condition));
    this.code.unlikely();
    this.code.brOut(OP.brIf, miss);
  }

  protected override emit(value: Value): void {
    super.emit(fold(value));
  }

  /** Where the current instruction leaves to be done by the interpreter; emits what says which it is. */
  protected exit(): string {
    if (this.#depth > 0) throw new Error('an exit in the midst of an instruction');
    if (this.#site === null) {
      this.#useFlags(this.flags);
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

  #lastPage({ access, unprivileged }: AccessSpec): LastPage | null {
    if (!this.#repeated || unprivileged || access === 'readWrite' || !this.#decoded.row.operands.rn) return null;
    return this.#parts.lastPage(this.#slot('rn'), access);
  }

  #slot(operand: RegisterOperand): number {
    const { row, fields } = this.#decoded;
    const of = row.operands[operand];
    if (!of) throw new Error(`${row.name} has no operand ${operand}`);
    return of(fields);
  }

  #immediate(operand: ImmediateOperand): bigint {
    const { row, fields } = this.#decoded;
    const of = row.operands[operand];
    if (!of) throw new Error(`${row.name} has no operand ${operand}`);
    return of(fields);
  }

  #register(slot: number): Expr {
    return this.leaf(64, () => this.#read(slot));
  }

  #read(slot: number): void {
    if (!has(this.defined, slot)) this.used = union(this.used, one(slot));
    this.code.get(this.#parts.locals.register(slot));
  }

  #setRegister(slot: number, value: Value): void {
    this.#impure = true;
    this.emit(value);
    this.code.set(this.#parts.locals.register(slot));
    /* Where it is not written it has to be there all the same. */
    if (this.#depth > 0 && !has(this.defined, slot)) this.used = union(this.used, one(slot));
    this.defined = union(this.defined, one(slot));
  }

  #local<T extends Type>(type: T, index: number) {
    const value = this.leaf(type, () => this.code.get(index));
    if (value.op === 'leaf') this.#localOf.set(value.id, index);
    return value;
  }

  #operand(value: Expr): Operand {
    const folded = fold(value);
    if (folded.op === 'const') return folded;
    const known = folded.op === 'leaf' ? this.#localOf.get(folded.id) : undefined;
    if (known !== undefined) return { op: 'local', width: folded.width, local: known };
    const bound = this.let(folded);
    if (bound.op !== 'leaf') throw new Error('a bound value is a leaf');
    return { op: 'local', width: bound.width, local: this.#localOf.get(bound.id)! };
  }

  #valueOf(operand: Operand): Expr {
    return operand.op === 'const' ? operand : this.#local(operand.width, operand.local);
  }

  #useFlags(flags: Flags): void {
    if (flags === this.#incoming) this.usesFlags = true;
  }

  /** The flags, asked from outside where their rule is not known here. */
  #knownFlags(): Flags {
    this.#useFlags(this.flags);
    if (isKnown(this.flags)) return this.flags;
    if (this.flags.kind === 'choice') throw new Error('a choice is of known flags');
    const index = this.#parts.locals.temporary(32);
    if (this.flags.kind === 'memory') {
      this.code.i32(0);
      this.code.i64(0n);
      this.code.i64(0n);
      this.code.i64(0n);
    } else for (const one of [local.FLAG_KIND, local.FLAG_A, local.FLAG_B, local.FLAG_C]) this.code.get(one);
    this.code.call(this.#parts.nzcvOf);
    this.code.set(index);
    this.flags = { kind: 'nzcv', value: { op: 'local', width: 32, local: index } };
    return this.flags;
  }

  #spreadFlags(bit: Expr, then: Flags, otherwise: Flags): void {
    this.#useFlags(this.#incoming);
    this.emit(bit);
    this.code.open(OP.if);
    emitToDynamic(this.code, then);
    this.code.op(OP.else);
    emitToDynamic(this.code, otherwise);
    this.code.end();
    this.flags = { kind: 'dynamic' };
  }

  /** One side of a `when`, apart from the rest. */
  #arm(body: () => void): { code: Code; flags: Flags; impure: boolean; branched: boolean } {
    const [code, flags, impure, branched] = [this.code, this.flags, this.#impure, this.#branched];
    this.code = new Code();
    this.#impure = false;
    this.#branched = false;
    this.#depth++;
    body();
    this.#depth--;
    const arm = {
      code: this.code,
      flags: this.flags,
      impure: this.#impure || this.#branched,
      branched: this.#branched,
    };
    this.code = code;
    this.flags = flags;
    this.#impure = impure || arm.impure;
    this.#branched = branched;
    return arm;
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
