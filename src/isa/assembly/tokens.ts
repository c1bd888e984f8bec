/** Words, numbers and signs of an assembly statement. */

export type TokenKind =
  | 'word'
  | 'number'
  /** `1.5`, `2e3`. */
  | 'float'
  /** `1f`, `1b`: the next or last label `1:`. */
  | 'local'
  | 'string'
  | 'sign'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** From 1, of the source line; `endColumn` is behind the last character. */
  readonly column: number;
  readonly endColumn: number;
  /** Of a number. */
  readonly value: bigint;
  /** Of a string, escapes resolved. */
  readonly bytes: readonly number[];
}

const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['float', /(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+/y],
  ['local', /\d+[bf](?![\w.$])/y],
  ['number', /0[xX][0-9a-fA-F]+|0[bB][01]+|\d+/y],
  ['number', /'(?:\\.|[^\\'])'?/y],
  ['word', /[A-Za-z_.$][\w.$]*/y],
  ['string', /"(?:\\.|[^\\"])*"/y],
  ['sign', /<<|>>|==|!=|<=|>=|&&|\|\||[-+*/%&|^~!(){}[\],:=#<>@]/y],
];

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, b: 8, f: 12, '\\': 92, '"': 34, "'": 39 };

/** Bytes of a quoted text; UTF-8 beyond ASCII, as the source file has it. */
function unescape(text: string): number[] {
  const bytes: number[] = [];
  for (const [part, octal, hex, letter] of text.matchAll(/\\([0-7]{1,3})|\\x([0-9a-fA-F]+)|\\(.)|[^\\]/gsu)) {
    if (octal !== undefined) bytes.push(parseInt(octal, 8) & 0xff);
    else if (hex !== undefined) bytes.push(parseInt(hex.slice(-2), 16));
    else if (letter !== undefined) bytes.push(ESCAPES[letter] ?? letter.charCodeAt(0) & 0xff);
    else bytes.push(...new TextEncoder().encode(part));
  }
  return bytes;
}

/** Longer numbers can only be too wide, and aren't worth reading. */
const MAX_NUMBER_LENGTH = 100;
const TOO_WIDE = 1n << 128n;

function numberValue(text: string): bigint {
  if (text.length > MAX_NUMBER_LENGTH) return TOO_WIDE;
  if (text.startsWith("'")) return BigInt(unescape(text.slice(1).replace(/(?<=.)'$/s, ''))[0] ?? 0);
  if (/^0\d/.test(text)) return /^[0-7]+$/.test(text) ? BigInt(`0o${text}`) : BigInt(text);
  return BigInt(text);
}

/** Tokens of `text`, which starts at `column` of its line; the last is `end`. A character that starts no token is a sign of its own. */
export function tokenize(text: string, column: number): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: TokenKind, length: number) => {
    const piece = text.slice(at, at + length);
    tokens.push({
      kind,
      text: piece,
      column: column + at,
      endColumn: column + at + length,
      value: kind === 'number' ? numberValue(piece) : 0n,
      bytes: kind === 'string' ? unescape(piece.slice(1, -1)) : [],
    });
    at += length;
  };
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at++;
      continue;
    }
    let found = false;
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      if (!match) continue;
      push(kind, match[0].length);
      found = true;
      break;
    }
    if (!found) push('sign', 1);
  }
  push('end', 0);
  return tokens;
}
