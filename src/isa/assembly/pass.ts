/**
 * One pass over the source. It knows what the pass before found out (where labels and literals lie), so forward references need
 * no bookkeeping: `assembler.ts` repeats passes until nothing moves.
 */
import type { Encoder } from '../syntax.ts';
import { DIRECTIVES } from './directives.ts';
import { LiteralPools, literalName } from './literals.ts';
import { bindArguments, expand, parseMacroHeader, splitArguments, type Macro } from './macros.ts';
import { isMismatch, OperandReader, type Environment, type Mismatch } from './reader.ts';
import { Section } from './sections.ts';
import { parseStatement, type Parsed, type Statement } from './source.ts';
import { nearest } from './suggestion.ts';
import { tokenize, type Token } from './tokens.ts';

/** What the assembler must know of an instruction set. */
export interface Target {
  readonly encoder: Encoder;
  isReserved(name: string): boolean;
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
/** What closes a block, by what opens it. */
const BLOCKS: ReadonlyMap<string, string> = new Map([
  ['.macro', '.endm'],
  ['.rept', '.endr'],
  ['.irp', '.endr'],
]);
const isCondition = (name: string) => /^\.if(n?def|n?eq|ne|[lg][te]|n?b)?$/.test(name);

export class Pass implements Environment {
  readonly sections = new Map<string, Section>();
  section: Section;
  readonly symbols = new Map<string, bigint>();
  readonly locals = new Map<string, bigint[]>();
  readonly literals: bigint[] = [];
  readonly errors: AssemblyError[] = [];
  readonly lines: { address: bigint; line: number }[] = [];
  private readonly labelLines = new Map<string, number>();
  private readonly macros = new Map<string, Macro>();
  private readonly pools = new LiteralPools();
  private readonly target: Target;
  private readonly before: Found | null;
  private expansions = 0;
  private executed = 0;
  private stopped = false;

  constructor(target: Target, origin: bigint, before: Found | null) {
    this.target = target;
    this.before = before;
    this.section = new Section('.text', origin);
    this.sections.set('.text', this.section);
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
    this.stopped = true;
    return false;
  }

  /* ---------------------------------------------------------------- statements */

  run(statements: readonly Statement[], depth = 0): void {
    if (statements.length === 0) return;
    if (depth > LIMITS.nesting) {
      this.failStatement(statements[0]!, `macros and blocks are nested deeper than ${LIMITS.nesting}`);
      this.stopped = true;
      return;
    }
    for (let index = 0; index < statements.length && !this.stopped; index++) {
      const statement = statements[index]!;
      if (++this.executed > LIMITS.statements) {
        this.failStatement(statement, `more than ${LIMITS.statements} statements after expansion of macros and .rept`);
        this.stopped = true;
        return;
      }
      const parsed = parseStatement(statement);
      for (const label of parsed.labels) this.defineLabel(statement, label.name, label.column);
      const close = BLOCKS.get(parsed.name);
      if (close !== undefined) index = this.block(statements, index, parsed, close, depth);
      else if (isCondition(parsed.name)) index = this.conditional(statements, index, depth);
      else this.statement(statement, parsed, depth);
    }
  }

  private statement(statement: Statement, parsed: Parsed, depth: number): void {
    const { name, written, operands } = parsed;
    if (!written) {
      if (operands) this.failStatement(statement, `expected an instruction, found "${operands[0]}"`);
      return;
    }
    if (/^=(?!=)/.test(operands)) {
      this.assign(statement, written, new OperandReader(tokenize(operands.slice(1), parsed.operandColumn + 1), this));
      return;
    }
    const macro = this.macros.get(written);
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
      this.unknown(statement, parsed, [...DIRECTIVES.keys(), ...BLOCKS.keys()], 'directive');
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

  private defineLabel(statement: Statement, name: string, column: number): void {
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

  /** `.set` and `=`. */
  assign(statement: Statement, name: string, reader: OperandReader): void {
    const value = reader.expression();
    if (isMismatch(value)) this.failMismatch(statement, value);
    else if (!reader.atEnd) this.failMismatch(statement, reader.expected('the end of the line'));
    else if (this.labelLines.has(name)) this.failStatement(statement, `"${name}" is already defined as a label`);
    else if (this.isReserved(name)) this.failStatement(statement, `"${name}" is a register's name`);
    else if (name === '.') this.failStatement(statement, 'use .org to move on');
    else this.symbols.set(name, value);
  }

  isDefined(name: string): boolean {
    return this.symbols.has(name);
  }

  /* ---------------------------------------------------------------- instructions */

  private instruction(statement: Statement, parsed: Parsed, tokens: readonly Token[]): void {
    const { encoder } = this.target;
    if (!encoder.mnemonics.has(parsed.name)) {
      this.unknown(statement, parsed, encoder.mnemonics, 'instruction');
      return;
    }
    this.alignInstruction(statement);
    if (!this.reserve(statement, BigInt(INSTRUCTION_BYTES))) return;
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

  useSection(name: string): void {
    const known = this.sections.get(name);
    this.section = known ?? new Section(name, this.before?.bases.get(name) ?? 0n);
    if (!known) this.sections.set(name, this.section);
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

  /* ---------------------------------------------------------------- macros and blocks */

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

  private runExpanded(statement: Statement, expanded: readonly Statement[] | null, depth: number): void {
    if (expanded) {
      this.run(expanded, depth + 1);
      return;
    }
    this.failStatement(statement, 'the expansion is too long');
    this.stopped = true;
  }

  /** `.macro`, `.rept`, `.irp`: gives the index of the statement that closes it. */
  private block(all: readonly Statement[], index: number, parsed: Parsed, close: string, depth: number): number {
    const statement = all[index]!;
    const end = closing(all, index, (name) => BLOCKS.get(name) === close, close);
    if (end < 0) {
      this.failStatement(statement, `${parsed.name} without ${close}`);
      this.stopped = true;
      return all.length;
    }
    const body = all.slice(index + 1, end);
    if (parsed.name === '.macro') this.defineMacro(statement, parsed, body);
    else if (parsed.name === '.rept') this.repeat(statement, parsed, body, depth);
    else this.repeatForEach(statement, parsed, body, depth);
    return end;
  }

  private defineMacro(statement: Statement, { operands }: Parsed, body: readonly Statement[]): void {
    const macro = parseMacroHeader(operands, body);
    if (typeof macro === 'string') this.failStatement(statement, macro);
    else if (this.macros.has(macro.name)) this.failStatement(statement, `macro "${macro.name}" is already defined`);
    else this.macros.set(macro.name, macro);
  }

  private repeat(statement: Statement, { operands, operandColumn }: Parsed, body: readonly Statement[], depth: number) {
    const reader = new OperandReader(tokenize(operands, operandColumn), this);
    const count = reader.expression();
    if (isMismatch(count)) this.failMismatch(statement, count);
    else if (count < 0n) this.failMismatch(statement, reader.mismatch('a negative count', 0));
    else if (body.length > 0) for (let i = 0n; i < count && !this.stopped; i++) this.run(body, depth + 1);
  }

  private repeatForEach(statement: Statement, { operands }: Parsed, body: readonly Statement[], depth: number): void {
    const [, name, values] = /^([A-Za-z_$][\w$]*)\s*,?\s*([\s\S]*)$/.exec(operands) ?? [];
    if (name === undefined || values === undefined) {
      this.failStatement(statement, '.irp needs a name and values');
      return;
    }
    for (const { text: value } of splitArguments(values)) {
      this.runExpanded(statement, expand(body, new Map([[name, value]]), this.expansions, null), depth);
      if (this.stopped) return;
    }
  }

  /** `.if` … `.endif`: gives the index of its `.endif`. */
  private conditional(all: readonly Statement[], index: number, depth: number): number {
    const end = closing(all, index, isCondition, '.endif');
    if (end < 0) {
      this.failStatement(all[index]!, '.if without .endif');
      this.stopped = true;
      return all.length;
    }
    let start = index;
    while (start < end) {
      const statement = all[start]!;
      const branch = parseStatement(statement);
      const next = closing(all, start, isCondition, '.endif', ['.else', '.elseif']);
      if (branch.name === '.else' || this.holds(statement, branch)) {
        this.run(all.slice(start + 1, next), depth + 1);
        break;
      }
      start = next;
    }
    return end;
  }

  private holds(statement: Statement, { name, operands, operandColumn }: Parsed): boolean {
    const kind = name.replace(/^\.(else)?if/, '');
    if (kind === 'b' || kind === 'nb') return (operands === '') === (kind === 'b');
    if (kind === 'def' || kind === 'ndef') return this.isDefined(operands) === (kind === 'def');
    const reader = new OperandReader(tokenize(operands, operandColumn), this);
    const value = reader.expression();
    if (isMismatch(value)) {
      this.failMismatch(statement, value);
      return false;
    }
    return (COMPARISONS[kind] ?? COMPARISONS['ne']!)(value);
  }
}

const shorten = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

const COMPARISONS: Readonly<Record<string, (value: bigint) => boolean>> = {
  eq: (value) => value === 0n,
  ne: (value) => value !== 0n,
  lt: (value) => value < 0n,
  le: (value) => value <= 0n,
  gt: (value) => value > 0n,
  ge: (value) => value >= 0n,
};

function placeOf(call: NonNullable<Statement['call']>) {
  return { line: call.line, column: call.column, endColumn: call.endColumn };
}

/** The statement that closes the block opened at `index`, or one of `stops` on its own level; -1 where there is none. */
function closing(
  all: readonly Statement[],
  index: number,
  opens: (name: string) => boolean,
  close: string,
  stops: readonly string[] = [],
): number {
  let level = 0;
  for (let at = index + 1; at < all.length; at++) {
    const { name } = parseStatement(all[at]!);
    if (opens(name)) level++;
    else if (level === 0 && (name === close || stops.includes(name))) return at;
    else if (name === close) level--;
  }
  return -1;
}
