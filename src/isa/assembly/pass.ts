/**
 * One pass over the source. It knows what the pass before found out (where labels and literals lie), so forward references need
 * no bookkeeping: `assembler.ts` repeats passes until nothing moves.
 */
import type { Encoder } from '../syntax.ts';
import { RegisterAliases, type RegisterName } from './aliases.ts';
import { BLOCKS, isCondition, OPENINGS, runBlock, runConditional } from './blocks.ts';
import { DIRECTIVES } from './directives.ts';
import { LiteralPools, literalName } from './literals.ts';
import { bindArguments, expand, type Macro } from './macros.ts';
import { isMismatch, OperandReader, type Environment, type Mismatch } from './reader.ts';
import { Section, sectionKey } from './sections.ts';
import { parseStatement, type Parsed, type Statement } from './source.ts';
import { nearest } from './suggestion.ts';
import { tokenize, type Token } from './tokens.ts';

/** What the assembler must know of an instruction set. */
export interface Target {
  readonly encoder: Encoder;
  isReserved(name: string): boolean;
  readonly registerName: RegisterName;
  /** Fills the gaps that alignment leaves in code. */
  readonly nop: number;
  /** `ldr x0, =value`: how many bytes the literal has, 0 where the operands are no such thing. */
  literalBytes(mnemonic: string, reader: OperandReader): number;
}

export interface AssemblyError {
  /** From 1, and so the columns; `endColumn` is behind the last character. */
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
  readonly message: string;
}

export const LIMITS = {
  bytes: 1 << 20,
  statements: 200_000,
  nesting: 64,
  /** Subsections count as well. */
  sections: 1000,
  errors: 200,
} as const;

/** What one pass hands to the next. */
export interface Found {
  readonly symbols: ReadonlyMap<string, bigint>;
  readonly locals: ReadonlyMap<string, readonly bigint[]>;
  readonly literals: readonly bigint[];
  readonly bases: ReadonlyMap<string, bigint>;
}

const INSTRUCTION_BYTES = 4;

export class Pass implements Environment {
  readonly sections = new Map<string, Section>();
  section: Section;
  readonly symbols = new Map<string, bigint>();
  readonly locals = new Map<string, bigint[]>();
  readonly literals: bigint[] = [];
  readonly errors: AssemblyError[] = [];
  readonly lines: { address: bigint; line: number }[] = [];
  /** By their names in lower case. */
  readonly macros = new Map<string, Macro>();
  readonly aliases: RegisterAliases;
  /** Expansions of macros so far. */
  expansions = 0;
  private readonly labelLines = new Map<string, number>();
  private readonly pushed: { readonly section: Section; readonly previous: Section }[] = [];
  private previous: Section;
  private readonly pools = new LiteralPools();
  private readonly target: Target;
  private readonly before: Found | null;
  private executed = 0;
  private stopped = false;
  /** Bodies of macros and repetitions that are being run, and whether `.exitm` leaves the innermost. */
  private bodies = 0;
  private leaving = false;

  constructor(target: Target, origin: bigint, before: Found | null) {
    this.target = target;
    this.before = before;
    this.aliases = new RegisterAliases(target.registerName);
    this.section = new Section('.text', 0, true, origin);
    this.previous = this.section;
    this.sections.set(this.section.key, this.section);
  }

  /* ---------------------------------------------------------------- Environment */

  get here(): bigint {
    return this.section.here;
  }

  symbol(name: string): bigint | undefined {
    return this.symbols.get(name) ?? this.before?.symbols.get(name);
  }

  local(number: string, direction: 'b' | 'f'): bigint | undefined {
    const seen = this.locals.get(number)?.length ?? 0;
    return direction === 'b' ? this.locals.get(number)?.[seen - 1] : this.before?.locals.get(number)?.[seen];
  }

  isAddress(name: string): boolean {
    return this.labelLines.has(name) || !this.symbols.has(name);
  }

  isReserved(name: string): boolean {
    return this.target.isReserved(name);
  }

  /* ---------------------------------------------------------------- errors */

  /** `at` gives columns of the statement's own text. */
  fail(statement: Statement, at: { readonly column: number; readonly endColumn: number }, message: string): void {
    if (this.errors.length >= LIMITS.errors) return;
    const { call } = statement;
    if (call)
      this.errors.push({
        ...placeOf(call),
        message: `${message} (in macro ${call.macro}: "${shorten(statement.text)}")`,
      });
    else this.errors.push({ line: statement.line, column: at.column, endColumn: at.endColumn, message });
  }

  failStatement(statement: Statement, message: string): void {
    this.fail(statement, { column: statement.column, endColumn: statement.column + statement.text.length }, message);
  }

  failMismatch(statement: Statement, mismatch: Mismatch): void {
    this.fail(statement, mismatch, mismatch.message);
  }

  /** Room for `count` more bytes; false where the output would pass its limit, and then assembly stops. */
  reserve(statement: Statement, count: bigint): boolean {
    let total = count;
    for (const { size } of this.sections.values()) total += BigInt(size);
    if (total <= BigInt(LIMITS.bytes)) return true;
    this.failStatement(statement, `the program would be larger than ${LIMITS.bytes} bytes`);
    this.stop();
    return false;
  }

  /* ---------------------------------------------------------------- statements */

  /** Nothing more is read. */
  stop(): void {
    this.stopped = true;
  }

  run(statements: readonly Statement[], depth = 0): void {
    if (statements.length === 0) return;
    if (depth > LIMITS.nesting) {
      this.failStatement(statements[0]!, `macros and blocks are nested deeper than ${LIMITS.nesting}`);
      this.stop();
      return;
    }
    for (let index = 0; index < statements.length && !this.stopped && !this.leaving; index++) {
      const statement = statements[index]!;
      if (++this.executed > LIMITS.statements) {
        this.failStatement(statement, `more than ${LIMITS.statements} statements after expansion of macros and .rept`);
        this.stop();
        return;
      }
      const parsed = parseStatement(statement);
      for (const label of parsed.labels) this.defineLabel(statement, label.name, label.column);
      const block = BLOCKS.get(parsed.name);
      if (block) index = runBlock(this, block, statements, index, parsed, depth);
      else if (isCondition(parsed.name)) index = runConditional(this, statements, index, depth);
      else this.statement(statement, parsed, depth);
    }
  }

  private statement(statement: Statement, parsed: Parsed, depth: number): void {
    const { name, written, operands } = parsed;
    if (!written) {
      if (operands) this.failStatement(statement, `expected an instruction, found "${operands[0]}"`);
      return;
    }
    const equals = /^==?/.exec(operands)?.[0].length ?? 0;
    if (equals > 0) {
      const tokens = tokenize(operands.slice(equals), parsed.operandColumn + equals);
      this.assign(statement, written, new OperandReader(tokens, this), equals === 2);
      return;
    }
    const [, register] = /^\.req\s+(\S+)$/i.exec(operands) ?? [];
    if (register !== undefined) {
      const wrong = this.aliases.define(written, register);
      if (wrong !== null) this.failStatement(statement, wrong);
      return;
    }
    const macro = this.macros.get(name);
    if (macro) {
      this.call(statement, parsed, macro, depth);
      return;
    }
    const tokens = tokenize(operands, parsed.operandColumn);
    if (!name.startsWith('.')) {
      this.instruction(statement, parsed, tokens);
      return;
    }
    const directive = DIRECTIVES.get(name);
    if (!directive) {
      this.unknown(statement, parsed, [...DIRECTIVES.keys(), ...OPENINGS], 'directive');
      return;
    }
    const reader = new OperandReader(tokens, this);
    const mismatch = directive(this, statement, reader);
    if (mismatch) this.failMismatch(statement, mismatch);
    else if (!reader.atEnd) this.failMismatch(statement, reader.expected('the end of the line'));
  }

  private unknown(
    statement: Statement,
    { written, name, column }: Parsed,
    names: Iterable<string>,
    what: string,
  ): void {
    // A file that is no assembly at all has a suggestion to look for on every line.
    if (this.errors.length >= LIMITS.errors) return;
    const meant = nearest(name, names);
    const slip = meant ? `, did you mean "${meant}"?` : '';
    const hint = statement.continues ? '; ";" separates statements, a comment starts with //' : slip;
    this.fail(statement, { column, endColumn: column + written.length }, `unknown ${what} "${written}"${hint}`);
  }

  /* ---------------------------------------------------------------- symbols */

  defineLabel(statement: Statement, name: string, column: number): void {
    const place = { column, endColumn: column + name.length };
    if (/^\d/.test(name)) {
      const list = this.locals.get(name);
      if (list) list.push(this.here);
      else this.locals.set(name, [this.here]);
      return;
    }
    const line = this.labelLines.get(name);
    if (line !== undefined || this.symbols.has(name)) {
      this.fail(statement, place, `"${name}" is already defined${line === undefined ? '' : ` on line ${line}`}`);
    } else if (this.isReserved(name)) {
      this.fail(statement, place, `"${name}" is a register's name`);
    } else {
      this.labelLines.set(name, statement.line);
      this.symbols.set(name, this.here);
    }
  }

  /** `.set` and `=`; `once`: `.equiv` and `==`. */
  assign(statement: Statement, name: string, reader: OperandReader, once: boolean): void {
    const value = reader.expression();
    if (isMismatch(value)) this.failMismatch(statement, value);
    else if (!reader.atEnd) this.failMismatch(statement, reader.expected('the end of the line'));
    else if (this.labelLines.has(name)) this.failStatement(statement, `"${name}" is already defined as a label`);
    else if (this.isReserved(name)) this.failStatement(statement, `"${name}" is a register's name`);
    else if (once && this.symbols.has(name)) this.failStatement(statement, `"${name}" has a value already`);
    else if (name === '.') this.failStatement(statement, 'use .org to move on');
    else this.symbols.set(name, value);
  }

  isDefined(name: string): boolean {
    return this.symbols.has(name);
  }

  /* ---------------------------------------------------------------- instructions */

  private instruction(statement: Statement, parsed: Parsed, written: readonly Token[]): void {
    const { encoder } = this.target;
    if (!encoder.mnemonics.has(parsed.name)) {
      this.unknown(statement, parsed, encoder.mnemonics, 'instruction');
      return;
    }
    this.alignInstruction(statement);
    if (!this.reserve(statement, BigInt(INSTRUCTION_BYTES))) return;
    const tokens = this.aliases.replaceIn(written);
    const literal = this.literalOperand(statement, parsed.name, tokens);
    const word = literal === null ? 0 : encoder.encode(parsed.name, literal ?? tokens, this);
    if (typeof word !== 'number') {
      /* A mismatch without operands to point to is about the whole statement. */
      const here = word.column > word.endColumn - 1 || tokens[0]!.kind === 'end';
      if (here) this.fail(statement, { column: parsed.column, endColumn: word.endColumn }, word.message);
      else this.failMismatch(statement, word);
    }
    this.emitWord(statement, typeof word === 'number' ? word : 0);
  }

  /** An instruction or `.inst` at the current place. */
  emitWord(statement: Statement, word: number): void {
    this.lines.push({ address: this.here, line: statement.call?.line ?? statement.line });
    this.section.appendValue(BigInt(word >>> 0), INSTRUCTION_BYTES);
  }

  /** As GNU as does: an instruction behind data starts at the next multiple of 4. */
  alignInstruction(statement: Statement): void {
    this.align(statement, INSTRUCTION_BYTES, 0, INSTRUCTION_BYTES);
  }

  /** `fill` null: NOPs in code, zeros elsewhere. Nothing is done where more than `most` bytes are missing. */
  align(statement: Statement, alignment: number, fill: number | null, most: number): void {
    const missing = Number(BigInt.asUintN(32, -this.here)) % alignment;
    this.section.alignment = Math.max(this.section.alignment, alignment);
    if (missing === 0 || missing > most || !this.reserve(statement, BigInt(missing))) return;
    if (fill !== null || !this.section.isCode) {
      this.section.grow(missing, fill ?? 0);
      return;
    }
    this.section.grow(missing % INSTRUCTION_BYTES);
    for (let left = missing - (missing % INSTRUCTION_BYTES); left > 0; left -= INSTRUCTION_BYTES) {
      this.section.appendValue(BigInt(this.target.nop), INSTRUCTION_BYTES);
    }
  }

  /* ---------------------------------------------------------------- sections */

  /** `loaded` is as the section was first used. */
  useSection(statement: Statement, name: string, part = 0, loaded = true): void {
    const key = sectionKey(name, part);
    let section = this.sections.get(key);
    if (!section && this.sections.size >= LIMITS.sections) {
      this.failStatement(statement, `more than ${LIMITS.sections} sections`);
      this.stop();
      return;
    }
    if (!section) {
      section = new Section(name, part, loaded, this.before?.bases.get(key) ?? 0n);
      this.sections.set(key, section);
    }
    this.previous = this.section;
    this.section = section;
  }

  /** Back to the section before this one; another time, and this one is in use again. */
  previousSection(): void {
    [this.section, this.previous] = [this.previous, this.section];
  }

  pushSection(): void {
    this.pushed.push({ section: this.section, previous: this.previous });
  }

  /** False: none was pushed. */
  popSection(): boolean {
    const top = this.pushed.pop();
    if (top) ({ section: this.section, previous: this.previous } = top);
    return top !== undefined;
  }

  /* ---------------------------------------------------------------- literals */

  /** Operands with the literal's address in place of `=value`; undefined: none, null: not known yet or in error. */
  private literalOperand(statement: Statement, mnemonic: string, tokens: readonly Token[]) {
    const reader = new OperandReader(tokens, this);
    const bytes = this.target.literalBytes(mnemonic, reader);
    if (bytes === 0) return undefined;
    const from = reader.position;
    const value = reader.expression();
    const mismatch = isMismatch(value) ? value : this.literalMismatch(reader, from, value, bytes);
    if (mismatch || isMismatch(value)) {
      this.pools.skip();
      if (mismatch) this.failMismatch(statement, mismatch);
      return null;
    }
    const name = literalName(tokens.slice(from, -1), reader.namedAddress);
    const address = this.before?.literals[this.pools.add(this.section, bytes, value, name)];
    if (address === undefined) return null;
    const end = tokens[tokens.length - 1]!;
    const target: Token = { ...tokens[from]!, kind: 'number', text: 'literal', value: address, endColumn: end.column };
    return [...tokens.slice(0, from - 1), target, end];
  }

  private literalMismatch(reader: OperandReader, from: number, value: bigint, bytes: number): Mismatch | null {
    if (!reader.atEnd) return reader.expected('the end of the line');
    const fits = bytes > 4 || (value >= -(1n << 31n) && value < 1n << 32n);
    return fits ? null : reader.mismatch('this literal has 32 bits; the value is wider', from);
  }

  /** Writes the literals that wait in the current section. */
  flushLiterals(statement: Statement): void {
    for (const { bytes, value, users } of this.pools.take(this.section)) {
      this.align(statement, bytes, 0, bytes);
      if (!this.reserve(statement, BigInt(bytes))) return;
      for (const user of users) this.literals[user] = this.here;
      this.section.appendValue(BigInt.asUintN(64, value), bytes);
    }
  }

  /** At the end of the source. */
  finish(last: Statement | undefined): void {
    if (!last) return;
    for (const section of this.sections.values()) {
      this.section = section;
      this.flushLiterals(last);
    }
  }

  /* ---------------------------------------------------------------- macros */

  private call(statement: Statement, parsed: Parsed, macro: Macro, depth: number): void {
    const values = bindArguments(macro, parsed.operands);
    if (typeof values === 'string') {
      this.failStatement(statement, values);
      return;
    }
    const endColumn = statement.column + statement.text.length;
    const call = statement.call ?? { macro: macro.name, line: statement.line, column: parsed.column, endColumn };
    this.runExpanded(statement, expand(macro.body, values, this.expansions++, call), depth);
  }

  /** Runs what a macro or a repetition was expanded to; null: that is too long. False as from `runBody`. */
  runExpanded(statement: Statement, expanded: readonly Statement[] | null, depth: number): boolean {
    if (expanded) return this.runBody(expanded, depth);
    this.failStatement(statement, 'the expansion is too long');
    this.stop();
    return false;
  }

  /** False where it was left by `.exitm`, or nothing more is read. */
  runBody(statements: readonly Statement[], depth: number): boolean {
    this.bodies++;
    this.run(statements, depth + 1);
    this.bodies--;
    const left = this.leaving;
    this.leaving = false;
    return !left && !this.stopped;
  }

  /** `.exitm`; false where nothing is there to be left. */
  leaveBody(): boolean {
    this.leaving = this.bodies > 0;
    return this.leaving;
  }
}

const shorten = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

function placeOf(call: NonNullable<Statement['call']>) {
  return { line: call.line, column: call.column, endColumn: call.endColumn };
}
