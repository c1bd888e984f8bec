/** What begins with a dot and is no block. Each reads its operands and says what doesn't fit. */
import type { Pass } from './pass.ts';
import { isMismatch, type Mismatch, type OperandReader } from './reader.ts';
import type { Statement } from './source.ts';

type Directive = (pass: Pass, statement: Statement, reader: OperandReader) => Mismatch | null;

/** Each operand of a list; stops at the first that doesn't fit. */
function forEach(reader: OperandReader, item: () => Mismatch | null): Mismatch | null {
  if (reader.atEnd) return null;
  do {
    const mismatch = item();
    if (mismatch) return mismatch;
  } while (reader.take(','));
  return null;
}

/** Integers of `bytes`, signed or not. */
function data(bytes: number): Directive {
  const bits = BigInt(8 * bytes);
  const [low, high] = [-(1n << (bits - 1n)), (1n << bits) - 1n];
  return (pass, statement, reader) =>
    forEach(reader, () => {
      const from = reader.position;
      const value = reader.expression();
      if (!pass.reserve(statement, BigInt(bytes))) return null;
      pass.section.appendValue(isMismatch(value) ? 0n : value, bytes);
      if (isMismatch(value)) return value;
      if (value >= low && value <= high) return null;
      return reader.mismatch(
        `value ${value} doesn't fit ${bytes === 1 ? 'a byte' : `${bytes} bytes`}: ${low} to ${high}`,
        from,
      );
    });
}

function text(terminated: boolean): Directive {
  return (pass, statement, reader) =>
    forEach(reader, () => {
      if (reader.token.kind !== 'string') return reader.expected('a quoted text');
      do {
        const { bytes } = reader.next();
        if (pass.reserve(statement, BigInt(bytes.length + 1))) pass.section.append(bytes);
      } while (reader.token.kind === 'string');
      if (terminated) pass.section.append([0]);
      return null;
    });
}

/** An operand from 0 to `high`; `fallback` where it isn't written. */
function number(reader: OperandReader, what: string, high: bigint, fallback: bigint | null): bigint | Mismatch {
  if (fallback !== null && (reader.atEnd || reader.token.text === ',')) return fallback;
  const from = reader.position;
  const value = reader.immediate();
  if (isMismatch(value)) return value;
  if (value < 0n || value > high) return reader.mismatch(`${what} ${value} is out of range: 0 to ${high}`, from);
  return value;
}

const HIGH = (1n << 62n) - 1n;

function fillByte(reader: OperandReader): bigint | Mismatch {
  const value = reader.take(',') ? number(reader, 'fill value', 0xffn, 0n) : 0n;
  return value;
}

/** `.skip count, fill` */
const skip: Directive = (pass, statement, reader) => {
  const count = number(reader, 'count', HIGH, null);
  if (isMismatch(count)) return count;
  const fill = fillByte(reader);
  if (isMismatch(fill)) return fill;
  if (pass.reserve(statement, count)) pass.section.grow(Number(count), Number(fill));
  return null;
};

/** `.fill repeat, size, value` */
const fill: Directive = (pass, statement, reader) => {
  const count = number(reader, 'count', HIGH, null);
  if (isMismatch(count)) return count;
  const size = reader.take(',') ? number(reader, 'size', 8n, 1n) : 1n;
  if (isMismatch(size)) return size;
  const value = reader.take(',') ? reader.expression() : 0n;
  if (isMismatch(value)) return value;
  if (size === 0n || !pass.reserve(statement, count * size)) return null;
  for (let i = 0n; i < count; i++) pass.section.appendValue(value, Number(size));
  return null;
};

const MAX_ALIGNMENT_LOG2 = 16n;

/** `alignment, fill, most`; `log2`: the alignment is written as a power of two. */
function align(log2: boolean): Directive {
  return (pass, statement, reader) => {
    const from = reader.position;
    const written = number(reader, 'alignment', log2 ? MAX_ALIGNMENT_LOG2 : 1n << MAX_ALIGNMENT_LOG2, 0n);
    if (isMismatch(written)) return written;
    const alignment = log2 ? 1n << written : written || 1n;
    if ((alignment & (alignment - 1n)) !== 0n) return reader.mismatch(`${alignment} is no power of two`, from);
    let [value, most]: [bigint | Mismatch | null, bigint | Mismatch] = [null, HIGH];
    if (reader.take(',') && reader.token.text !== ',') value = number(reader, 'fill value', 0xffn, 0n);
    if (value !== null && isMismatch(value)) return value;
    if (reader.take(',')) most = number(reader, 'limit', HIGH, HIGH);
    if (isMismatch(most)) return most;
    pass.align(statement, Number(alignment), value === null ? null : Number(value), Number(most));
    return null;
  };
}

/** `.org place, fill`: an address, or an offset from the section's start. */
const org: Directive = (pass, statement, reader) => {
  const from = reader.position;
  const value = reader.expression();
  if (isMismatch(value)) return value;
  const { base, size } = pass.section;
  const offset = reader.namedAddress && value >= base ? value - base : value;
  if (offset < BigInt(size)) {
    return reader.mismatch(`.org can't go back: ${offset} is before the current offset ${size}`, from);
  }
  const filler = fillByte(reader);
  if (isMismatch(filler)) return filler;
  const gap = offset - BigInt(size);
  if (pass.reserve(statement, gap)) pass.section.grow(Number(gap), Number(filler));
  return null;
};

/** `.set name, value` */
const set: Directive = (pass, statement, reader) => {
  if (reader.token.kind !== 'word') return reader.expected('a symbol');
  const name = reader.next().text;
  if (!reader.take(',')) return reader.expected('"," and a value');
  pass.assign(statement, name, reader);
  while (!reader.atEnd) reader.next();
  return null;
};

const inst: Directive = (pass, statement, reader) =>
  forEach(reader, () => {
    const word = number(reader, 'instruction', 0xffffffffn, null);
    pass.alignInstruction(statement);
    if (pass.reserve(statement, 4n)) pass.emitWord(statement, isMismatch(word) ? 0 : Number(word));
    return isMismatch(word) ? word : null;
  });

function section(name: string | null): Directive {
  return (pass, _statement, reader) => {
    if (name === null && reader.token.kind !== 'word') return reader.expected('a section');
    pass.useSection(name ?? reader.next().text);
    while (!reader.atEnd) reader.next();
    return null;
  };
}

/** For linkers and debuggers: taken and without effect here. */
const ignored: Directive = (_pass, _statement, reader) => {
  while (!reader.atEnd) reader.next();
  return null;
};
const IGNORED = [
  ...'global globl local weak hidden type size ident file loc arch arch_extension cpu variant_pcs'.split(' '),
  ...'startproc endproc sections def_cfa def_cfa_offset def_cfa_register adjust_cfa_offset offset rel_offset restore'
    .concat(' remember_state restore_state personality lsda return_column signal_frame b_key_frame negate_ra_state')
    .split(' ')
    .map((name) => `cfi_${name}`),
];

function refused(why: string): Directive {
  return (_pass, _statement, reader) => reader.mismatch(why, 0, false);
}

const stray = (name: string, opener: string): readonly [string, Directive] => [
  name,
  refused(`${name} without ${opener}`),
];

export const DIRECTIVES: ReadonlyMap<string, Directive> = new Map<string, Directive>([
  ['.text', section('.text')],
  ['.data', section('.data')],
  ['.bss', section('.bss')],
  ['.rodata', section('.rodata')],
  ['.section', section(null)],
  ...['.byte', '.1byte'].map((name) => [name, data(1)] as const),
  ...['.hword', '.short', '.2byte'].map((name) => [name, data(2)] as const),
  ...['.word', '.long', '.int', '.4byte'].map((name) => [name, data(4)] as const),
  ...['.quad', '.xword', '.dword', '.8byte'].map((name) => [name, data(8)] as const),
  ['.ascii', text(false)],
  ...['.asciz', '.string'].map((name) => [name, text(true)] as const),
  ...['.skip', '.space', '.zero'].map((name) => [name, skip] as const),
  ['.fill', fill],
  ...['.align', '.p2align'].map((name) => [name, align(true)] as const),
  ['.balign', align(false)],
  ['.org', org],
  ...['.set', '.equ'].map((name) => [name, set] as const),
  ['.inst', inst],
  ...['.ltorg', '.pool'].map((name): readonly [string, Directive] => [
    name,
    (pass, statement) => {
      pass.flushLiterals(statement);
      return null;
    },
  ]),
  ...IGNORED.map((name) => [`.${name}`, ignored] as const),
  ...['.include', '.incbin'].map((name) => [name, refused(`${name}: there are no files here`)] as const),
  stray('.endm', '.macro'),
  stray('.endr', '.rept'),
  stray('.else', '.if'),
  stray('.elseif', '.if'),
  stray('.endif', '.if'),
]);
