import type { AccessSpec, BranchType, Builder, FlagRule, Leave, Place } from '../../isa/builder.ts';
import { add, and, constant, eq, eqz, extendU, shl, type Expr, type Vector, type Width } from '../../isa/expr.ts';
import type { ImmediateOperand, RegisterOperand } from '../../isa/row.ts';
import { SLOT } from '../../isa/a64/operands.ts';
import type { TableRow } from '../../isa/decoder.ts';
import { loadOpcode, storeOpcode } from '../emit/access.ts';
import { StatementEmitter, type Frame } from '../emit/statements.ts';
import * as at from '../layout.ts';
import type { Code } from '../wasm/code.ts';
import { EXTEND_U, OP, OPERATORS, WRAP } from '../wasm/opcodes.ts';
import { codeNumber } from './codes.ts';
import { conditionHolds, flagValues, joinFlags, splitFlags, type FlagValues } from './flags.ts';
import * as local from './locals.ts';
import type { Ask, Question } from './questions.ts';
import { immediateValue, registerSlot, type RecordLayout } from './record.ts';

const PLACE: Place = { id: 0 };

/**
 * Emits one piece of the interpreter: semantics with run-time operands, taken from the record that local RECORD points to.
 * Outward branches: `next` (RECORD is the next instruction's), `goto` (TARGET is), `stop` (CODE says why), `slow`.
 */
export abstract class RecordBuilder extends StatementEmitter implements Builder {
  readonly #row: TableRow;
  protected readonly layout: RecordLayout;
  protected readonly ask: Ask;
  protected ended = false;

  constructor(row: TableRow, layout: RecordLayout, ask: Ask, frame: Frame) {
    super(frame);
    this.#row = row;
    this.layout = layout;
    this.ask = ask;
  }

  get transfer(): Builder['transfer'] {
    return this.#row.row.transfer;
  }

  field(name: string): number {
    const { row, diagram } = this.#row;
    const spec = diagram.fields.find((f) => f.name === name);
    if (!spec || !row.variant?.includes(name)) throw new Error(`${row.name}: ${name} is no variant field`);
    return this.ask({ count: 2 ** spec.width, answer: (site) => site.fields[name]! });
  }

  isZero(operand: RegisterOperand | ImmediateOperand): boolean {
    const answer: Question['answer'] =
      operand === 'imm' || operand === 'imm2'
        ? (site) => (immediateValue(site, operand) === 0n ? 1 : 0)
        : (site) => (registerSlot(site, operand) === SLOT.ZERO ? 1 : 0);
    return this.ask({ count: 2, answer }) === 1;
  }

  isSp(operand: RegisterOperand): boolean {
    return this.ask({ count: 2, answer: (site) => (registerSlot(site, operand) === SLOT.SP ? 1 : 0) }) === 1;
  }

  get(operand: RegisterOperand, width: Width): Expr {
    const place = this.layout.register(operand);
    return this.leaf(width, () => {
      this.#fromRecord(OP.i32Load16U, place);
      this.code.memory(width === 32 ? OP.i32Load : OP.i64Load, 0);
    });
  }

  set(operand: RegisterOperand, value: Expr): void {
    this.#fromRecord(OP.i32Load16U, this.layout.register(operand));
    this.emit(value.width === 32 ? extendU(value) : value);
    this.code.memory(OP.i64Store, 0);
  }

  getV(operand: RegisterOperand, half: 0 | 1): Expr {
    const place = this.layout.register(operand);
    return this.leaf(64, () => {
      this.#fromRecord(OP.i32Load16U, place);
      this.code.memory(OP.i64Load, half * 8);
    });
  }

  setV(operand: RegisterOperand, low: Expr, high: Expr): void {
    const place = this.layout.register(operand);
    [low, high].forEach((value, half) => {
      this.#fromRecord(OP.i32Load16U, place);
      this.emit(value);
      this.code.memory(OP.i64Store, half * 8);
    });
  }

  getVector(operand: RegisterOperand): Vector {
    const place = this.layout.register(operand);
    return this.leaf('v128', () => {
      this.#fromRecord(OP.i32Load16U, place);
      this.code.memory(OP.v128Load, 0);
    });
  }

  setVector(operand: RegisterOperand, value: Vector): void {
    this.#fromRecord(OP.i32Load16U, this.layout.register(operand));
    this.emit(value);
    this.code.memory(OP.v128Store, 0);
  }

  immediate(operand: ImmediateOperand, width: Width): Expr {
    const place = this.layout.immediate(operand);
    return this.leaf(width, () => this.#fromRecord(width === 32 ? OP.i32Load : OP.i64Load, place));
  }

  abstract pc(): Expr;

  condition(cond: number): Expr {
    return conditionHolds(cond, this.#flags());
  }

  carry(width: Width): Expr {
    return this.stateValue(width, at.FLAG_C);
  }

  setFlags(rule: FlagRule, a: Expr, b?: Expr, carry?: Expr): void {
    this.#setFlags(flagValues(rule, (value) => this.let(value), a, b, carry));
  }

  nzcv(): Expr {
    return joinFlags(this.#flags());
  }

  setNzcv(value: Expr): void {
    this.#setFlags(splitFlags(this.let(value)));
  }

  override when(condition: Expr, then: () => void, otherwise?: () => void): void {
    super.when(condition, then, otherwise);
    this.ended = false;
  }

  abstract access(address: Expr, spec: AccessSpec): Place;

  load(_place: Place, offset: number, bytes: number, signed: boolean, width: Width): Expr {
    const opcode = loadOpcode(bytes, signed, width);
    return this.leaf(width, () => {
      this.code.get(local.HOST);
      this.code.memory(opcode, offset);
    });
  }

  store(_place: Place, offset: number, bytes: number, value: Expr): void {
    this.code.get(local.HOST);
    this.emit(value);
    this.code.memory(storeOpcode(bytes, value.width), offset);
  }

  loadVector(_place: Place, offset: number): Vector {
    return this.leaf('v128', () => {
      this.code.get(local.HOST);
      this.code.memory(OP.v128Load, offset);
    });
  }

  storeVector(_place: Place, offset: number, value: Vector): void {
    this.code.get(local.HOST);
    this.emit(value);
    this.code.memory(OP.v128Store, offset);
  }

  setMonitor(_place: Place, bytes: number, values: readonly Expr[]): void {
    this.setState(OP.i32Store, at.MONITOR_ADDRESS, this.#host());
    this.setState(OP.i32Store, at.MONITOR_BYTES, constant(32, bytes));
    values.forEach((value, half) => this.setState(OP.i64Store, at.MONITOR_VALUE + 8 * half, value));
  }

  monitorHolds(_place: Place, bytes: number, values: readonly Expr[]): Expr {
    const same = [
      eq(this.stateValue(32, at.MONITOR_ADDRESS), this.#host()),
      eq(this.stateValue(32, at.MONITOR_BYTES), constant(32, bytes)),
      ...values.map((value, half) => eq(this.stateValue(64, at.MONITOR_VALUE + 8 * half), value)),
    ];
    return same.reduce((all, one) => and(all, one));
  }

  clearMonitor(): void {
    this.setState(OP.i32Store, at.MONITOR_ADDRESS, constant(32, 0));
  }

  abstract checkSpAlignment(): void;
  abstract checkFp(): void;

  crcTable(polynomial: 'crc32' | 'crc32c', byte: Expr): Expr {
    const table = at.CRC + (polynomial === 'crc32' ? 0 : 1024);
    return this.leaf(32, () => {
      this.emit(shl(byte, constant(32, 2)));
      this.code.memory(OP.i32Load, table);
    });
  }

  abstract branch(): void;
  abstract jump(address: Expr, type?: BranchType): void;
  abstract leave(kind: Leave): void;
  abstract leaveUnless(condition: Expr, kind: Leave): void;

  /** After the row's semantics: what follows where they neither branched nor left. */
  abstract finish(): void;

  #host(): Expr {
    return this.leaf(32, () => this.code.get(local.HOST));
  }

  #flags(): FlagValues {
    return {
      n: this.stateValue(64, at.FLAG_N),
      z: this.stateValue(64, at.FLAG_Z),
      c: this.stateValue(64, at.FLAG_C),
      v: this.stateValue(64, at.FLAG_V),
    };
  }

  #setFlags({ n, z, c, v }: FlagValues): void {
    this.setState(OP.i64Store, at.FLAG_N, n);
    this.setState(OP.i64Store, at.FLAG_Z, z);
    this.setState(OP.i64Store, at.FLAG_C, c);
    this.setState(OP.i64Store, at.FLAG_V, v);
  }

  #fromRecord(load: number, offset: number): void {
    this.code.get(local.RECORD);
    this.code.memory(load, offset);
  }
}

/** The hot loop: what the TLB doesn't have at once goes out to `slow`. */
export class FastBuilder extends RecordBuilder {
  /** Semantics used memory: the careful function needs them too. */
  accesses = false;

  pc(): Expr {
    return this.leaf(64, () => emitPc(this.code));
  }

  access(address: Expr, spec: AccessSpec): Place {
    this.accesses = true;
    const { code } = this;
    this.emit(address);
    code.set(local.VA);
    const tables = { read: [at.READ_TABLE], write: [at.WRITE_TABLE], readWrite: [at.READ_TABLE, at.WRITE_TABLE] }[
      spec.access
    ];
    emitEntry(code, local.VA);
    emitTables(code, spec);
    code.op(OPERATORS.add[32]);
    code.tee(local.HOST);
    tables.forEach((table, index) => {
      if (index > 0) code.get(local.HOST);
      code.memory(OP.i64Load, at.TLB + table);
      code.get(local.VA);
      if (spec.bytes > 1) {
        code.i64(BigInt(spec.bytes - 1));
        code.op(OPERATORS.add[64]);
      }
      code.i64(-4096n);
      code.op(OPERATORS.and[64], OPERATORS.ne[64]);
      code.brOut(OP.brIf, 'slow');
    });
    if (spec.ordered && spec.bytes > 1) {
      code.get(local.VA);
      code.op(WRAP);
      code.i32(spec.bytes - 1);
      code.op(OPERATORS.and[32]);
      code.brOut(OP.brIf, 'slow');
    }
    code.get(local.HOST);
    code.memory(OP.i32Load, at.TLB + tables.at(-1)! + 8);
    code.get(local.VA);
    code.op(WRAP, OPERATORS.add[32]);
    code.set(local.HOST);
    return PLACE;
  }

  checkSpAlignment(): void {
    if (!this.isSp('rn')) return;
    this.code.i32(0);
    this.code.memory(OP.i64Load, at.SP);
    this.code.i32(0);
    this.code.memory(OP.i64Load, at.SP_ALIGNMENT);
    this.code.op(OPERATORS.and[64], OPERATORS.eqz[64], OPERATORS.eqz[32]);
    this.code.brOut(OP.brIf, 'spAlignment');
  }

  checkFp(): void {
    this.code.i32(0);
    this.code.memory(OP.i32Load, at.FP_TRAPPED);
    this.code.brOut(OP.brIf, 'fp');
  }

  branch(): void {
    const inPage = this.ask({
      count: 2,
      answer: (site) => {
        const offset = site.offset + Number(immediateValue(site, 'imm'));
        return offset >= 0 && offset < at.PAGE_BYTES ? 1 : 0;
      },
    });
    if (!inPage) {
      this.jump(add(this.pc(), this.immediate('imm', 64)));
      return;
    }
    this.code.get(local.RECORD);
    this.code.memory(OP.i32Load, this.layout.target());
    this.code.set(local.RECORD);
    this.code.brOut(OP.br, 'next');
    this.ended = true;
  }

  jump(address: Expr, type?: BranchType): void {
    const { code } = this;
    this.emit(address);
    code.set(local.TARGET);
    if (type !== undefined) {
      code.i32(0);
      code.get(local.COUNT);
      code.i32(2);
      code.op(OPERATORS.shl[32]);
      code.i32(type);
      code.op(OPERATORS.or[32]);
      code.memory(OP.i32Store, at.BRANCHED);
    }
    if (type === 3) {
      code.i32(0);
      code.get(local.PAGE);
      code.memory(OP.i64Store, at.BRANCHED_FROM);
    }
    code.brOut(OP.br, type === undefined ? 'goto' : 'indirect');
    this.ended = true;
  }

  leave(kind: Leave): void {
    this.code.i32(codeNumber(kind));
    this.code.set(local.CODE);
    this.code.brOut(OP.br, 'stop');
    this.ended = true;
  }

  leaveUnless(condition: Expr, kind: Leave): void {
    this.code.i32(codeNumber(kind));
    this.code.set(local.CODE);
    this.emit(eqz(condition));
    this.code.brOut(OP.brIf, 'stop');
  }

  finish(): void {
    if (this.ended) return;
    emitNext(this.code);
    this.code.brOut(OP.br, 'next');
  }
}

/** A handler that the hot loop calls: it can't go on in the loop's own record. */
export class CalledBuilder extends FastBuilder {
  override branch(): void {
    this.jump(add(this.pc(), this.immediate('imm', 64)));
  }
}

/** The same semantics for one instruction at a time: accesses in two pages, refused alignment, stores to predecoded code. */
export class CarefulBuilder extends RecordBuilder {
  readonly #functions: { readonly translate: number; readonly commit: number };
  #writes = false;

  constructor(
    row: TableRow,
    layout: RecordLayout,
    ask: Ask,
    frame: Frame,
    functions: { readonly translate: number; readonly commit: number },
  ) {
    super(row, layout, ask, frame);
    this.#functions = functions;
  }

  pc(): Expr {
    return this.leaf(64, () => {
      this.code.i32(0);
      this.code.memory(OP.i64Load, at.PC);
    });
  }

  access(address: Expr, spec: AccessSpec): Place {
    const { code } = this;
    this.#writes = spec.access !== 'read';
    this.emit(address);
    code.i32(spec.bytes);
    code.i32(spec.unit);
    code.i32(accessFlags(spec));
    emitTables(code, spec);
    code.call(this.#functions.translate);
    code.tee(local.HOST);
    code.op(OPERATORS.eqz[32]);
    code.brOut(OP.brIf, 'refused');
    return PLACE;
  }

  checkSpAlignment(): void {
    /* The fast code has checked, and asked this to choose the code. */
    this.isSp('rn');
  }
  checkFp(): void {
    /* The fast code has checked. */
  }

  branch(): void {
    throw new Error('an instruction that accesses memory does not branch');
  }
  jump(): void {
    this.branch();
  }
  leave(): void {
    /* The fast code would have left. */
  }

  leaveUnless(): void {
    /* The fast code would have left. */
  }

  finish(): void {
    if (this.#writes) this.code.call(this.#functions.commit);
    this.code.brOut(OP.br, 'done');
  }
}

export const ACCESS_READ = 1;
export const ACCESS_WRITE = 2;
export const ACCESS_ORDERED = 4;

function accessFlags({ access, ordered }: AccessSpec): number {
  const direction = { read: ACCESS_READ, write: ACCESS_WRITE, readWrite: ACCESS_READ | ACCESS_WRITE }[access];
  return direction | (ordered ? ACCESS_ORDERED : 0);
}

/** The offset of the tables that an access uses. */
function emitTables(code: Code, { unprivileged }: AccessSpec): void {
  if (unprivileged) {
    code.i32(0);
    code.memory(OP.i32Load, at.UNPRIVILEGED_TABLES);
  } else code.get(local.TABLES);
}

/** The offset of an address's entry in its table. */
export function emitEntry(code: Code, address: number): void {
  code.get(address);
  code.i64(8n);
  code.op(OPERATORS.shrU[64], WRAP);
  code.i32((at.TLB_ENTRIES - 1) * at.TLB_ENTRY_BYTES);
  code.op(OPERATORS.and[32]);
}

/** The address of the instruction that RECORD has. */
export function emitPc(code: Code): void {
  code.get(local.PAGE);
  code.get(local.RECORD);
  code.get(local.SLOT);
  code.op(OPERATORS.sub[32]);
  code.i32(3);
  code.op(OPERATORS.shrU[32], EXTEND_U, OPERATORS.add[64]);
}

export function emitNext(code: Code): void {
  code.get(local.RECORD);
  code.i32(at.RECORD_BYTES);
  code.op(OPERATORS.add[32]);
  code.set(local.RECORD);
}
