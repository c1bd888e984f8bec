/** Directives that put data down. */
import { FLOAT_FORMATS, floatBits, type FloatFormat } from './float.ts';
import { fillByte, forEach, HIGH, number, type Directive, type Named } from './operands.ts';
import { isMismatch } from './reader.ts';

/** Integers of `bytes`, signed or not. */
function integers(bytes: number): Directive {
  const bits = BigInt(8 * bytes);
  const [low, high] = [-(1n << (bits - 1n)), (1n << bits) - 1n];
  return (pass, statement, reader) =>
    forEach(reader, () => {
      const from = reader.position;
      const value = bytes > 8 ? reader.wideInteger() : reader.expression();
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

function floats(format: FloatFormat): Directive {
  return (pass, statement, reader) =>
    forEach(reader, () => {
      const from = reader.position;
      const written = reader.decimal();
      if (typeof written !== 'string') return written;
      const negative = written.startsWith('-');
      const magnitude = floatBits(written.replace(/^-/, ''), format);
      if (magnitude === null) return reader.mismatch(`${written} is too large for ${8 * format.bytes} bits`, from);
      if (!pass.reserve(statement, BigInt(format.bytes))) return null;
      const sign = negative ? 1n << BigInt(8 * format.bytes - 1) : 0n;
      pass.section.appendValue(sign | magnitude, format.bytes);
      return null;
    });
}

/** LEB128 (DWARF 5, 7.6). A signed value ends where the sign is in the last byte. */
function leb128(signed: boolean): Directive {
  return (pass, statement, reader) =>
    forEach(reader, () => {
      const value = reader.expression();
      if (isMismatch(value)) return value;
      let rest = signed ? value : BigInt.asUintN(64, value);
      const bytes: number[] = [];
      for (let more = true; more;) {
        const low = Number(rest & 0x7fn);
        rest >>= 7n;
        more = signed ? rest !== (low & 0x40 ? -1n : 0n) : rest !== 0n;
        bytes.push(low | (more ? 0x80 : 0));
      }
      if (pass.reserve(statement, BigInt(bytes.length))) pass.section.append(bytes);
      return null;
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

const inst: Directive = (pass, statement, reader) =>
  forEach(reader, () => {
    const word = number(reader, 'instruction', 0xffffffffn, null);
    pass.alignInstruction(statement);
    if (pass.reserve(statement, 4n)) pass.emitWord(statement, isMismatch(word) ? 0 : Number(word));
    return isMismatch(word) ? word : null;
  });

const all = (names: string, directive: Directive): Named[] => names.split(' ').map((name) => [name, directive]);

export const DATA: readonly Named[] = [
  ...all('.byte .1byte', integers(1)),
  ...all('.hword .short .2byte', integers(2)),
  ...all('.word .long .int .4byte', integers(4)),
  ...all('.quad .xword .dword .8byte', integers(8)),
  ['.octa', integers(16)],
  ['.float16', floats(FLOAT_FORMATS.half)],
  ['.bfloat16', floats(FLOAT_FORMATS.bfloat)],
  ...all('.float .single', floats(FLOAT_FORMATS.single)),
  ['.double', floats(FLOAT_FORMATS.double)],
  ['.uleb128', leb128(false)],
  ['.sleb128', leb128(true)],
  ['.ascii', text(false)],
  ...all('.asciz .string', text(true)),
  ...all('.skip .space .zero', skip),
  ['.fill', fill],
  ['.inst', inst],
];
