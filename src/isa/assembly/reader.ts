/** Reads the operands of one statement: tokens from left to right, expressions with their value. */
import type { Token } from './tokens.ts';

/** Why operands don't fit, and where. */
export interface Mismatch {
  readonly message: string;
  readonly column: number;
  readonly endColumn: number;
  /** Number of the token it is about: of several forms the one that came furthest explains best. */
  readonly reach: number;
  /** The operand was of the right kind and its value is the trouble. */
  readonly value: boolean;
  /** What could have stood there, where `message` says nothing else. */
  readonly wanted: readonly string[];
}

export interface Environment {
  /** Value of `.`: where the statement stands. */
  readonly here: bigint;
  /** undefined: no such symbol (yet). */
  symbol(name: string): bigint | undefined;
  /** The label `number:` after (`f`) or before (`b`) the statement. */
  local(number: string, direction: 'b' | 'f'): bigint | undefined;
  /** False: the symbol is a number that `.set` gave it. */
  isAddress(name: string): boolean;
  /** A register's name is not a symbol. */
  isReserved(name: string): boolean;
}

export type Value = bigint | Mismatch;
export const isMismatch = (value: Value): value is Mismatch => typeof value !== 'bigint';

/** Deeper nesting than this is refused, so that hostile source can't use up the stack. */
const MAX_NESTING = 64;

const truth = (condition: boolean) => (condition ? -1n : 0n);

/** GNU as: "Infix Operators". A higher number binds closer. */
const OPERATORS: Readonly<Record<string, { readonly rank: number; readonly apply: (a: bigint, b: bigint) => bigint }>> =
  {
    '*': { rank: 4, apply: (a, b) => a * b },
    '/': { rank: 4, apply: (a, b) => a / b },
    '%': { rank: 4, apply: (a, b) => a % b },
    '<<': { rank: 4, apply: (a, b) => (b < 0n || b > 63n ? 0n : a << b) },
    '>>': { rank: 4, apply: (a, b) => (b < 0n || b > 63n ? 0n : BigInt.asUintN(64, a) >> b) },
    '|': { rank: 3, apply: (a, b) => a | b },
    '&': { rank: 3, apply: (a, b) => a & b },
    '^': { rank: 3, apply: (a, b) => a ^ b },
    '+': { rank: 2, apply: (a, b) => a + b },
    '-': { rank: 2, apply: (a, b) => a - b },
    '==': { rank: 1, apply: (a, b) => truth(a === b) },
    '!=': { rank: 1, apply: (a, b) => truth(a !== b) },
    '<': { rank: 1, apply: (a, b) => truth(a < b) },
    '>': { rank: 1, apply: (a, b) => truth(a > b) },
    '<=': { rank: 1, apply: (a, b) => truth(a <= b) },
    '>=': { rank: 1, apply: (a, b) => truth(a >= b) },
    '&&': { rank: 0, apply: (a, b) => (a !== 0n && b !== 0n ? 1n : 0n) },
    '||': { rank: 0, apply: (a, b) => (a !== 0n || b !== 0n ? 1n : 0n) },
  };

interface Modifier {
  readonly apply: (value: bigint) => bigint;
  readonly group: number | null;
}

const halfWord = (group: number): Modifier => ({ apply: (value) => (value >> BigInt(16 * group)) & 0xffffn, group });

/** `:lo12:symbol` and the like: what an ELF relocation would put in. */
const MODIFIERS: ReadonlyMap<string, Modifier> = new Map<string, Modifier>([
  ['lo12', { apply: (value) => value & 0xfffn, group: null }],
  ['pg_hi21', { apply: (value) => value, group: null }],
  ...[0, 1, 2, 3].flatMap((group): [string, Modifier][] => [
    [`abs_g${group}`, halfWord(group)],
    [`abs_g${group}_nc`, halfWord(group)],
  ]),
]);

const quote = (token: Token) => (token.kind === 'end' ? 'the end of the line' : `"${token.text}"`);

export class OperandReader {
  position = 0;
  /** An expression so far named an address: a label or `.`. */
  namedAddress = false;
  /** Of `:abs_g1:` and its like: the number of the 16 bits it takes. */
  group: number | null = null;
  readonly environment: Environment;
  private readonly tokens: readonly Token[];

  /** `tokens` end with an `end` token. */
  constructor(tokens: readonly Token[], environment: Environment) {
    this.tokens = tokens;
    this.environment = environment;
  }

  get token(): Token {
    return this.tokens[Math.min(this.position, this.tokens.length - 1)]!;
  }

  /** What comes after the current token. */
  get following(): Token {
    return this.tokens[Math.min(this.position + 1, this.tokens.length - 1)]!;
  }

  get atEnd(): boolean {
    return this.token.kind === 'end';
  }

  next(): Token {
    const token = this.token;
    this.position++;
    return token;
  }

  /** Goes past the sign or word `text` if it stands here. */
  take(text: string): boolean {
    const { token } = this;
    if ((token.kind !== 'sign' && token.kind !== 'word') || token.text.toLowerCase() !== text) return false;
    this.position++;
    return true;
  }

  /** The word that stands here in lower case, or ''. */
  get word(): string {
    return this.token.kind === 'word' ? this.token.text.toLowerCase() : '';
  }

  expected(what: string): Mismatch {
    const mismatch = this.mismatch(`expected ${what}, found ${quote(this.token)}`, this.position, false);
    return { ...mismatch, wanted: [what] };
  }

  /** Of two mismatches the one that explains better: it came further, or it is about a value; else what both wanted. */
  better(a: Mismatch | null, b: Mismatch): Mismatch {
    if (!a || b.reach > a.reach) return b;
    if (b.reach < a.reach || a.value) return a;
    if (b.value) return b;
    const wanted = [...new Set([...a.wanted, ...b.wanted])];
    if (a.wanted.length === 0 || wanted.length === a.wanted.length) return a;
    return { ...a, wanted, message: `expected ${wanted.join(' or ')}, found ${quote(this.tokens[a.reach]!)}` };
  }

  /** `from`: the token it starts at; it ends with the token before the current one. */
  mismatch(message: string, from: number, value = true): Mismatch {
    const first = this.tokens[Math.min(from, this.tokens.length - 1)]!;
    const last = this.tokens[Math.min(Math.max(this.position - 1, from), this.tokens.length - 1)]!;
    return {
      message,
      column: first.column,
      endColumn: Math.max(last.endColumn, first.column + 1),
      reach: from,
      value,
      wanted: [],
    };
  }

  /** A floating-point constant: a number with a sign perhaps, no expression. */
  float(): number | Mismatch {
    this.take('#');
    const negative = this.take('-');
    if (!negative) this.take('+');
    if (this.token.kind !== 'float' && this.token.kind !== 'number') return this.expected('a floating-point constant');
    const value = Number(this.next().text);
    return negative ? -value : value;
  }

  /** A decimal number, `inf` or `nan` as it is written, a minus before it perhaps. */
  decimal(): string | Mismatch {
    const sign = this.take('-') ? '-' : '';
    if (!sign) this.take('+');
    const { kind, text } = this.token;
    const isNumber = kind === 'float' || /^\d+$/.test(text) || (kind === 'word' && /^(inf(inity)?|nan)$/i.test(text));
    if (!isNumber) return this.expected('a decimal number');
    this.position++;
    return sign + text;
  }

  /** A number of up to 128 bits, a sign before it perhaps; or an expression, of 64. */
  wideInteger(): Value {
    const from = this.position;
    const negative = this.take('-');
    if (!negative) this.take('+');
    const alone = this.following.kind === 'end' || this.following.text === ',';
    if (this.token.kind === 'number' && alone) {
      const { value } = this.next();
      return negative ? -value : value;
    }
    this.position = from;
    return this.expression();
  }

  /** `#` may stand before an immediate and need not. */
  immediate(): Value {
    this.take('#');
    return this.expression();
  }

  /** A signed 64-bit value; arithmetic wraps. */
  expression(): Value {
    return this.binary(0, 0);
  }

  private binary(rank: number, nesting: number): Value {
    let left = this.unary(nesting);
    for (;;) {
      if (isMismatch(left)) return left;
      const operator = this.token.kind === 'sign' ? OPERATORS[this.token.text] : undefined;
      if (!operator || operator.rank < rank) return left;
      const sign = this.next();
      const from = this.position;
      const right = this.binary(operator.rank + 1, nesting);
      if (isMismatch(right)) return right;
      if ((sign.text === '/' || sign.text === '%') && right === 0n) return this.mismatch('division by zero', from);
      left = BigInt.asIntN(64, operator.apply(left, right));
    }
  }

  private unary(nesting: number): Value {
    const { token } = this;
    if (nesting > MAX_NESTING) return this.mismatch('expression is nested too deeply', this.position);
    switch (token.kind) {
      case 'number':
        this.position++;
        if (token.value >= 1n << 64n) return this.mismatch(`${token.text} is wider than 64 bits`, this.position - 1);
        return BigInt.asIntN(64, token.value);
      case 'local':
        return this.localLabel();
      case 'word':
        return this.symbol();
      case 'sign':
        break;
      default:
        return this.expected('a value');
    }
    if (this.take('(')) {
      const value = this.binary(0, nesting + 1);
      if (isMismatch(value)) return value;
      return this.take(')') ? value : this.expected('")"');
    }
    if (this.take(':')) return this.modified(nesting);
    for (const [sign, apply] of UNARY) {
      if (!this.take(sign)) continue;
      const value = this.unary(nesting + 1);
      return isMismatch(value) ? value : BigInt.asIntN(64, apply(value));
    }
    return this.expected('a value');
  }

  private localLabel(): Value {
    const { text } = this.next();
    this.namedAddress = true;
    const value = this.environment.local(text.slice(0, -1), text.endsWith('b') ? 'b' : 'f');
    if (value !== undefined) return value;
    const where = text.endsWith('b') ? 'before' : 'after';
    return this.mismatch(`no label "${text.slice(0, -1)}:" ${where} this line`, this.position - 1);
  }

  private symbol(): Value {
    const { text } = this.token;
    if (this.environment.isReserved(text)) return this.expected('a value');
    this.position++;
    if (text === '.' || this.environment.isAddress(text)) this.namedAddress = true;
    if (text === '.') return BigInt.asIntN(64, this.environment.here);
    const value = this.environment.symbol(text);
    return value ?? this.mismatch(`undefined label or symbol "${text}"`, this.position - 1);
  }

  private modified(nesting: number): Value {
    const modifier = MODIFIERS.get(this.word);
    if (!modifier) return this.expected(`one of ${[...MODIFIERS.keys()].join(', ')}`);
    this.position++;
    if (!this.take(':')) return this.expected('":"');
    const value = this.binary(0, nesting + 1);
    this.group = modifier.group;
    return isMismatch(value) ? value : modifier.apply(value);
  }
}

const UNARY: readonly (readonly [string, (value: bigint) => bigint])[] = [
  ['-', (value) => -value],
  ['+', (value) => value],
  ['~', (value) => ~value],
  ['!', (value) => (value === 0n ? 1n : 0n)],
];
