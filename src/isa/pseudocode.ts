/** A row's semantics as text: the builder that writes down what it is told, for one instruction and its operands. */
import type { AccessSpec, Builder, FlagRule, Leave, Place } from './builder.ts';
import type { Decoded } from './decoder.ts';
import type { Expr, F32, F64, Type, Value, ValueOf, Vector, Width } from './expr.ts';
import { constant } from './expr.ts';
import type { ControlWord, Variable } from './library.ts';
import type { ImmediateOperand, RegisterOperand } from './row.ts';

/** How an instruction set calls its register slots. */
export interface RegisterNames {
  name(slot: number, type: Width | 'v128'): string;
  readonly zero: number;
  readonly discard: number;
  readonly stackPointer: number;
}

/** Lines that a page has room for; more are cut, which the last one says. */
const MOST_LINES = 80;
const MOST_CHARACTERS = 400;

/** The semantics of an instruction as lines; null where the row has none. */
export function pseudocode(decoded: Decoded, registers: RegisterNames): readonly string[] | null {
  const { row } = decoded;
  if (!row.execute) return null;
  const text = new TextBuilder(decoded, registers);
  row.execute(text);
  const { lines } = text;
  if (lines.length === 0) return ['// nothing'];
  return lines.length <= MOST_LINES
    ? lines
    : [...lines.slice(0, MOST_LINES), `// … and ${lines.length - MOST_LINES} more lines of the same kind`];
}

const OPERATORS: Readonly<Record<string, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  divS: '/s',
  divU: '/u',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shrS: '>>s',
  shrU: '>>u',
  rotl: 'rotl',
  rotr: 'rotr',
  eq: '==',
  ne: '!=',
  ltS: '<s',
  ltU: '<u',
  gtS: '>s',
  gtU: '>u',
  leS: '<=s',
  leU: '<=u',
  geS: '>=s',
  geU: '>=u',
};

class TextBuilder implements Builder {
  readonly fusesMultiplyAdd = false;
  readonly lines: string[] = [];
  readonly #decoded: Decoded;
  readonly #registers: RegisterNames;
  readonly #leaves: string[] = [];
  #indent = '';
  #bound = 0;
  #places = 0;

  constructor(decoded: Decoded, registers: RegisterNames) {
    this.#decoded = decoded;
    this.#registers = registers;
  }

  get transfer(): Builder['transfer'] {
    return this.#decoded.row.transfer;
  }

  field(name: string): number {
    return this.#decoded.fields[name]!;
  }
  isZero(operand: RegisterOperand | ImmediateOperand): boolean {
    return operand === 'imm' || operand === 'imm2'
      ? this.#immediate(operand) === 0n
      : this.#slot(operand) === this.#registers.zero;
  }
  isSp(operand: RegisterOperand): boolean {
    return this.#slot(operand) === this.#registers.stackPointer;
  }

  get(operand: RegisterOperand, width: Width): Expr {
    const slot = this.#slot(operand);
    return slot === this.#registers.zero ? constant(width, 0) : this.#leaf(width, this.#registers.name(slot, width));
  }
  set(operand: RegisterOperand, value: Expr): void {
    const slot = this.#slot(operand);
    if (slot === this.#registers.discard) return;
    this.#line(`${this.#registers.name(slot, value.width)} = ${this.#text(value)}`);
  }
  getV(operand: RegisterOperand, half: 0 | 1): Expr {
    return this.#leaf(64, `${this.#registers.name(this.#slot(operand), 'v128')}.d[${half}]`);
  }
  setV(operand: RegisterOperand, low: Expr, high: Expr): void {
    const name = this.#registers.name(this.#slot(operand), 'v128');
    this.#line(`${name}.d[0] = ${this.#text(low)}`);
    this.#line(`${name}.d[1] = ${this.#text(high)}`);
  }
  getVector(operand: RegisterOperand): Vector {
    return this.#leaf('v128', this.#registers.name(this.#slot(operand), 'v128'));
  }
  setVector(operand: RegisterOperand, value: Vector): void {
    this.#line(`${this.#registers.name(this.#slot(operand), 'v128')} = ${this.#text(value)}`);
  }
  immediate(operand: ImmediateOperand, width: Width): Expr {
    return constant(width, this.#immediate(operand));
  }
  pc(): Expr {
    return this.#leaf(64, 'PC');
  }

  let(value: Expr): Expr;
  let(value: Vector): Vector;
  let(value: F32): F32;
  let(value: F64): F64;
  let(value: Value): Value {
    if (value.op === 'const') return value;
    const name = `t${++this.#bound}`;
    this.#line(`let ${name} = ${this.#text(value)}`);
    return this.#leaf(value.width, name);
  }
  variable<T extends Type>(type: T, initial: ValueOf<T>): Variable<T> {
    const name = `v${++this.#bound}`;
    this.#line(`var ${name} = ${this.#text(initial)}`);
    return {
      value: this.#leaf(type, name),
      set: (value) => this.#line(`${name} = ${this.#text(value)}`),
    };
  }

  condition(cond: number): Expr {
    return this.#leaf(32, `ConditionHolds(${CONDITIONS[cond]!})`);
  }
  carry(width: Width): Expr {
    return this.#leaf(width, 'PSTATE.C');
  }
  setFlags(rule: FlagRule, a: Expr, b?: Expr, carry?: Expr): void {
    const operands = [a, b, carry].flatMap((value) => (value ? [this.#text(value)] : []));
    const sum = { add: ' + ', addCarry: ' + ', sub: ' - ', logic: '' }[rule];
    this.#line(`PSTATE.NZCV = FlagsOf${a.width}(${operands.join(sum)})${rule === 'logic' ? ' // C = V = 0' : ''}`);
  }
  nzcv(): Expr {
    return this.#leaf(32, 'PSTATE.NZCV');
  }
  setNzcv(value: Expr): void {
    this.#line(`PSTATE.NZCV = ${this.#text(value)}`);
  }

  when(condition: Expr, then: () => void, otherwise?: () => void): void {
    this.#block(`if ${this.#text(condition)}:`, then);
    if (otherwise) this.#block('else:', otherwise);
  }
  loop(condition: () => Expr, body: () => void): void {
    this.#block(`while ${this.#text(condition())}:`, body);
  }
  fpcr(): Expr {
    return this.#leaf(32, 'FPCR');
  }
  fpsr(): Expr {
    return this.#leaf(32, 'FPSR');
  }
  pstate(): Expr {
    return this.#leaf(32, 'PSTATE');
  }
  spEl0(): Expr {
    return this.#leaf(64, 'SP_EL0');
  }
  setSpEl0(value: Expr): void {
    this.#line(`SP_EL0 = ${this.#text(value)}`);
  }
  setFpcr(value: Expr): void {
    this.#line(`FPCR = ${this.#text(value)}`);
  }
  setFpsr(value: Expr): void {
    this.#line(`FPSR = ${this.#text(value)}`);
  }
  control(word: ControlWord): Expr {
    return this.#leaf(64, word);
  }
  raise(flags: Expr): void {
    this.#line(`FPSR |= ${this.#text(flags)}`);
  }

  access(address: Expr, spec: AccessSpec): Place {
    const id = ++this.#places;
    const notes = [
      { read: 'read', write: 'written', readWrite: 'read and written' }[spec.access],
      ...(spec.ordered && spec.bytes > 1 ? [`aligned to ${spec.bytes}`] : []),
      ...(spec.unprivileged ? ['with EL0’s permissions'] : []),
    ];
    this.#line(
      `let m${id} = address(${this.#text(address)}) // ${spec.bytes} byte${spec.bytes > 1 ? 's' : ''}, ${notes.join(', ')}`,
    );
    return { id };
  }
  load(place: Place, offset: number, bytes: number, signed: boolean, width: Width): Expr {
    const text = `Mem[${at(place, offset)}, ${bytes}]`;
    return this.#leaf(width, signed && bytes * 8 < width ? `SignExtend(${text}, ${width})` : text);
  }
  store(place: Place, offset: number, bytes: number, value: Expr): void {
    this.#line(`Mem[${at(place, offset)}, ${bytes}] = ${this.#text(value)}`);
  }
  loadVector(place: Place, offset: number): Vector {
    return this.#leaf('v128', `Mem[${at(place, offset)}, 16]`);
  }
  storeVector(place: Place, offset: number, value: Vector): void {
    this.#line(`Mem[${at(place, offset)}, 16] = ${this.#text(value)}`);
  }
  setMonitor(place: Place, bytes: number): void {
    this.#line(`SetExclusiveMonitors(m${place.id}, ${bytes})`);
  }
  monitorHolds(place: Place, bytes: number): Expr {
    return this.#leaf(32, `ExclusiveMonitorsPass(m${place.id}, ${bytes})`);
  }
  clearMonitor(): void {
    this.#line('ClearExclusiveLocal()');
  }
  checkSpAlignment(): void {
    if (this.isSp('rn')) this.#line('CheckSPAlignment()');
  }
  checkFp(): void {
    this.#line('CheckFPEnabled64()');
  }
  crcTable(polynomial: 'crc32' | 'crc32c', byte: Expr): Expr {
    return this.#leaf(32, `${polynomial}[${this.#text(byte)}]`);
  }

  branch(): void {
    this.#line(`PC = PC ${signed(this.#immediate('imm'))}`);
  }
  jump(address: Expr): void {
    this.#line(`PC = ${this.#text(address)}`);
  }
  leave(kind: Leave): void {
    this.#line(LEAVES[kind]);
  }
  leaveUnless(condition: Expr, kind: Leave): void {
    this.#block(`if !(${this.#text(condition)}):`, () => this.leave(kind));
  }

  #slot(operand: RegisterOperand): number {
    return this.#decoded.row.operands[operand]!(this.#decoded.fields);
  }
  #immediate(operand: ImmediateOperand): bigint {
    return this.#decoded.row.operands[operand]!(this.#decoded.fields);
  }

  #leaf<T extends Type>(width: T, text: string): ValueOf<T> & { readonly op: 'leaf' };
  #leaf(width: Type, text: string): { readonly op: 'leaf'; readonly width: Type; readonly id: number } {
    this.#leaves.push(text);
    return { op: 'leaf', width, id: this.#leaves.length - 1 };
  }

  #line(text: string): void {
    this.lines.push(this.#indent + (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)} …` : text));
  }
  #block(head: string, body: () => void): void {
    this.#line(head);
    const outer = this.#indent;
    this.#indent += '    ';
    const before = this.lines.length;
    body();
    if (this.lines.length === before) this.#line('// nothing');
    this.#indent = outer;
  }

  #text(value: Value, inner = false): string {
    const text = this.#plain(value);
    return inner && text.includes(' ') ? `(${text})` : text;
  }

  #plain(value: Value): string {
    const operand = (e: Value) => this.#text(e, true);
    switch (value.op) {
      case 'const':
        return number(value.value);
      case 'leaf':
        return this.#leaves[value.id]!;
      case 'native':
        return `${value.name}(${[...lanes(value.follows), ...value.operands.map((e) => this.#text(e))].join(', ')})`;
      case 'call':
        return `${value.callee.name}(${value.operands.map((e) => this.#text(e)).join(', ')})`;
      case 'select':
      case 'choose':
        return `if ${this.#text(value.condition)} then ${operand(value.a)} else ${operand(value.b)}`;
      case 'eqz':
        return `${operand(value.a)} == 0`;
      case 'wrap':
        return `${operand(value.a)}<31:0>`;
      case 'extendU':
        return `ZeroExtend(${this.#text(value.a)})`;
      case 'extendS':
      case 'extend32S':
        return `SignExtend(${this.#text(value.a)}<31:0>)`;
      case 'extend8S':
        return `SignExtend(${this.#text(value.a)}<7:0>)`;
      case 'extend16S':
        return `SignExtend(${this.#text(value.a)}<15:0>)`;
      case 'clz':
      case 'ctz':
      case 'popcnt':
        return `${value.op}(${this.#text(value.a)})`;
      default:
        return `${operand(value.a)} ${OPERATORS[value.op]!} ${operand(value.b)}`;
    }
  }
}

const CONDITIONS = 'eq ne cs cc mi pl vs vc hi ls ge lt gt le al nv'.split(' ');

const LEAVES: Readonly<Record<Leave, string>> = {
  svc: 'exception: SVC, to EL1',
  hvc: 'exception: HVC, to EL2',
  smc: 'exception: SMC, trapped to EL2',
  brk: 'exception: BRK',
  hlt: 'exception: HLT, UNDEFINED without halting debug',
  dcps1: 'UNDEFINED outside of Debug state',
  dcps2: 'UNDEFINED outside of Debug state',
  dcps3: 'UNDEFINED outside of Debug state',
  system: 'done by the machine, not by the engine: system register, maintenance or exception return',
  undefined: 'exception: UNDEFINED',
  wfi: 'WaitForInterrupt()',
  wfe: 'WaitForEvent()',
};

const at = ({ id }: Place, offset: number) => (offset === 0 ? `m${id}` : `m${id} + ${offset}`);

function number(value: bigint): string {
  return value > -10n && value < 10n
    ? value.toString()
    : value < 0n
      ? `-0x${(-value).toString(16)}`
      : `0x${value.toString(16)}`;
}
const signed = (value: bigint) => (value < 0n ? `- ${number(-value)}` : `+ ${number(value)}`);

/** A lane's number, or sixteen bytes as one number. */
function lanes(follows: readonly number[]): string[] {
  if (follows.length < 2) return follows.map(String);
  return [`[${follows.join(' ')}]`];
}
