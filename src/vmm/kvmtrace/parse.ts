/**
 * The text of a .kvmtrace file as operations. A line that is none becomes an operation that ends the trace when it is
 * reached, with a message for a person: what stands before it still runs.
 */

/** A place in a buffer; the offset as the text has it, 64 bits, unchecked. */
export interface Loc {
  readonly buffer: string;
  readonly offset: bigint;
}

export type Value =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'address'; readonly of: Loc }
  | { readonly kind: 'descriptor'; readonly name: string };

export type Operation =
  | { readonly op: 'end' }
  | { readonly op: 'open'; readonly fd: string; readonly path: string }
  | { readonly op: 'close'; readonly fd: string }
  | { readonly op: 'buf'; readonly name: string; readonly size: bigint; readonly align: bigint }
  | { readonly op: 'mmap'; readonly name: string; readonly fd: string; readonly size: bigint; readonly offset: bigint }
  | { readonly op: 'write'; readonly bytes: number; readonly at: Loc; readonly value: Value }
  | { readonly op: 'read'; readonly bytes: number; readonly at: Loc }
  | { readonly op: 'hex'; readonly at: Loc; readonly data: Uint8Array }
  | { readonly op: 'fill'; readonly at: Loc; readonly length: bigint; readonly byte: number }
  | { readonly op: 'dump'; readonly at: Loc; readonly length: bigint }
  | { readonly op: 'fdat'; readonly fd: string; readonly at: Loc }
  | {
      readonly op: 'ioctl';
      readonly fd: string;
      readonly request: number;
      readonly arg: Value;
      readonly result: string | null;
    }
  | { readonly op: 'run'; readonly fd: string; readonly buffer: Loc }
  | { readonly op: 'bad'; readonly what: string; readonly message: string };

export interface TraceLine {
  /** From 1 after `trace`: the number that the output names. */
  readonly number: number;
  /** From 1 in the file. */
  readonly line: number;
  readonly operation: Operation;
}

export interface Trace {
  readonly name: string;
  /** Of its `trace` line, from 1. */
  readonly line: number;
  readonly lines: readonly TraceLine[];
}

/** Longest line that is taken: the recorded executor's own bound. */
export const LINE_LIMIT = 65534;
/** Most text that is taken: an operation of five characters takes some 180 bytes when it is parsed. */
export const TEXT_LIMIT = 16 * 2 ** 20;

/** The file is no .kvmtrace file at all. */
export class TraceFileError extends Error {
  override readonly name = 'TraceFileError';
}

/* ---------------------------------------------------------------- operands */

/** An operand is not what its operation wants. */
class OperandError extends Error {
  readonly what: string;

  constructor(what: string, message: string) {
    super(message);
    this.what = what;
  }
}

const U64_MAX = (1n << 64n) - 1n;

/** As strtoull with base 0 reads it; but the whole word has to be a number. */
function number(word: string): bigint {
  const match = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))$/.exec(word);
  if (!match) throw new OperandError('number', `"${shorten(word)}" is no number`);
  const [, sign, hex, octal, decimal] = match;
  const size = BigInt(hex !== undefined ? `0x${hex}` : octal !== undefined ? `0o0${octal}` : (decimal ?? '0'));
  if (size > U64_MAX) return U64_MAX;
  return sign === '-' ? BigInt.asUintN(64, -size) : size;
}

function loc(word: string): Loc {
  const plus = word.indexOf('+');
  return plus < 0
    ? { buffer: word, offset: 0n }
    : { buffer: word.slice(0, plus), offset: number(word.slice(plus + 1)) };
}

function value(word: string): Value {
  if (word.startsWith('&')) return { kind: 'address', of: loc(word.slice(1)) };
  if (word.startsWith('$')) return { kind: 'descriptor', name: word.slice(1) };
  return { kind: 'number', value: number(word) };
}

function hexBytes(word: string): Uint8Array {
  if (!/^([0-9a-fA-F]{2})*$/.test(word)) {
    throw new OperandError('hex', `"${shorten(word)}" is no run of bytes in hex`);
  }
  return Uint8Array.from({ length: word.length / 2 }, (_, i) => parseInt(word.slice(2 * i, 2 * i + 2), 16));
}

const count = (operands: number): string => `${operands} ${operands === 1 ? 'operand' : 'operands'}`;

const shorten = (word: string): string => (word.length > 24 ? `${word.slice(0, 24)}…` : word);

/* ---------------------------------------------------------------- operations */

interface Syntax {
  readonly usage: string;
  /** Numbers of operands that are taken. */
  readonly least: number;
  readonly most: number;
  make(operands: readonly string[]): Operation;
}

const ANY = Infinity;
const at = (operands: readonly string[], index: number): string => operands[index] ?? '';

const access = (bits: number): [string, Syntax][] => [
  [
    `w${bits}`,
    {
      usage: `w${bits} LOC VALUE`,
      least: 2,
      most: 2,
      make: (of) => ({ op: 'write', bytes: bits / 8, at: loc(at(of, 0)), value: value(at(of, 1)) }),
    },
  ],
  [
    `r${bits}`,
    { usage: `r${bits} LOC`, least: 1, most: 1, make: (of) => ({ op: 'read', bytes: bits / 8, at: loc(at(of, 0)) }) },
  ],
];

const SYNTAX: ReadonlyMap<string, Syntax> = new Map<string, Syntax>([
  ['end', { usage: 'end', least: 0, most: ANY, make: () => ({ op: 'end' }) }],
  [
    'open',
    { usage: 'open FD PATH', least: 2, most: 2, make: (of) => ({ op: 'open', fd: at(of, 0), path: at(of, 1) }) },
  ],
  ['close', { usage: 'close FD', least: 1, most: 1, make: (of) => ({ op: 'close', fd: at(of, 0) }) }],
  [
    'buf',
    {
      usage: 'buf NAME SIZE [ALIGN]',
      least: 2,
      most: ANY,
      make: (of) => ({
        op: 'buf',
        name: at(of, 0),
        size: number(at(of, 1)),
        align: of.length > 2 ? number(at(of, 2)) : 65536n,
      }),
    },
  ],
  [
    'mmap',
    {
      usage: 'mmap NAME FD SIZE OFFSET',
      least: 4,
      most: 4,
      make: (of) => ({
        op: 'mmap',
        name: at(of, 0),
        fd: at(of, 1),
        size: number(at(of, 2)),
        offset: number(at(of, 3)),
      }),
    },
  ],
  ...[8, 16, 32, 64].flatMap(access),
  [
    'hex',
    {
      usage: 'hex LOC BYTES',
      least: 2,
      most: 2,
      make: (of) => ({ op: 'hex', at: loc(at(of, 0)), data: hexBytes(at(of, 1)) }),
    },
  ],
  [
    'fill',
    {
      usage: 'fill LOC LENGTH BYTE',
      least: 3,
      most: 3,
      make: (of) => ({
        op: 'fill',
        at: loc(at(of, 0)),
        length: number(at(of, 1)),
        byte: Number(number(at(of, 2)) & 0xffn),
      }),
    },
  ],
  [
    'dump',
    {
      usage: 'dump LOC LENGTH',
      least: 2,
      most: 2,
      make: (of) => ({ op: 'dump', at: loc(at(of, 0)), length: number(at(of, 1)) }),
    },
  ],
  [
    'fdat',
    { usage: 'fdat FD LOC', least: 2, most: 2, make: (of) => ({ op: 'fdat', fd: at(of, 0), at: loc(at(of, 1)) }) },
  ],
  [
    'ioctl',
    {
      usage: 'ioctl FD REQUEST VALUE [-> NEWFD]',
      least: 3,
      most: ANY,
      make: (of) => ({
        op: 'ioctl',
        fd: at(of, 0),
        // ioctl(2) takes an unsigned int.
        request: Number(BigInt.asUintN(32, number(at(of, 1)))),
        arg: value(at(of, 2)),
        result: of.length === 5 && of[3] === '->' ? at(of, 4) : null,
      }),
    },
  ],
  [
    'run',
    { usage: 'run FD BUFFER', least: 2, most: 2, make: (of) => ({ op: 'run', fd: at(of, 0), buffer: loc(at(of, 1)) }) },
  ],
]);

function operation(words: readonly string[]): Operation {
  const [name = '', ...operands] = words;
  const syntax = SYNTAX.get(name);
  if (!syntax) {
    const message =
      name === 'trace'
        ? 'the trace before this one has no "end"'
        : `"${shorten(name)}" is no operation; there are ${[...SYNTAX.keys()].join(', ')}`;
    return { op: 'bad', what: shorten(name), message };
  }
  if (operands.length < syntax.least || operands.length > syntax.most) {
    return { op: 'bad', what: name, message: `${count(operands.length)}; it is written ${syntax.usage}` };
  }
  try {
    return syntax.make(operands);
  } catch (error) {
    if (!(error instanceof OperandError)) throw error;
    return { op: 'bad', what: error.what, message: `${error.message}; it is written ${syntax.usage}` };
  }
}

/* ---------------------------------------------------------------- the file */

/** What separates words, and what a comment is. */
const words = (line: string): string[] =>
  (line.split('#', 1)[0] ?? '').split(/[ \t\r\n]+/).filter((word) => word !== '');

/**
 * The traces of a file, in order. Text outside of `trace` … `end` is skipped, as the recorded executor does.
 * @throws TraceFileError where there is no trace, or more text than is taken.
 */
export function parseTraces(text: string): readonly Trace[] {
  if (text.length > TEXT_LIMIT) {
    throw new TraceFileError(`${text.length} characters; at most ${TEXT_LIMIT} are taken`);
  }
  const lines = text.split('\n');
  const traces: Trace[] = [];
  lines.forEach((line, index) => {
    if (!line.startsWith('trace ')) return;
    const name = line.slice('trace '.length).replace(/\r.*$/, '');
    traces.push({ name, line: index + 1, lines: parseTrace(lines, index + 1) });
  });
  if (traces.length === 0) {
    throw new TraceFileError('no line starts with "trace ": this is no .kvmtrace file');
  }
  return traces;
}

/** The operations from a line (index from 0) to `end`, the next `trace` or the end of the file. */
function parseTrace(lines: readonly string[], from: number): readonly TraceLine[] {
  const operations: TraceLine[] = [];
  for (let index = from; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const found: Operation | null =
      line.length > LINE_LIMIT
        ? { op: 'bad', what: 'line', message: `a line of ${line.length} characters; at most ${LINE_LIMIT} are taken` }
        : parseLine(line);
    if (!found) continue;
    operations.push({ number: index - from + 1, line: index + 1, operation: found });
    if (found.op === 'end' || found.op === 'bad') break;
  }
  return operations;
}

/** null: nothing but a comment. */
function parseLine(line: string): Operation | null {
  const found = words(line);
  return found.length === 0 ? null : operation(found);
}
