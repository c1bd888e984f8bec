/** SIMD&FP operands: registers with an arrangement, lanes, lists, scalars whose size a field says, and their immediates. */
import { isMismatch, type Mismatch, type OperandReader } from '../../assembly/reader.ts';
import type { Spelling } from '../../syntax.ts';
import { expandByteMask, expandFloat, joined, type A64Field, type A64Fields, type RegisterField } from '../operands.ts';
import { readAmount } from './modifiers.ts';
import { readRegister, type A64Leaf, type A64Partial } from './registers.ts';

/** Texts of what fields say: the arrangement behind a register's dot, a scalar's letter, a number. */
type Choices = readonly Spelling<A64Field>[];

const by = (fields: readonly A64Field[], table: Readonly<Record<string, readonly number[]>>): Choices =>
  Object.entries(table).map(([text, values]) => ({
    text,
    fields: Object.fromEntries(fields.map((name, index) => [name, values[index]])),
  }));

/** By name; see the rows for where each stands. */
const CHOICES: Readonly<Record<string, Choices>> = {
  T: by(['size', 'Q'], {
    '8b': [0, 0],
    '16b': [0, 1],
    '4h': [1, 0],
    '8h': [1, 1],
    '2s': [2, 0],
    '4s': [2, 1],
    '1d': [3, 0],
    '2d': [3, 1],
  }),
  /* Twice as wide as T: the whole register of a long operation, or pairs. */
  long: by(['size'], { '8h': [0], '4s': [1], '2d': [2] }),
  pairs: by(['size', 'Q'], { '4h': [0, 0], '8h': [0, 1], '2s': [1, 0], '4s': [1, 1], '1d': [2, 0], '2d': [2, 1] }),
  T64: by(['size'], { '8b': [0], '4h': [1], '2s': [2], '1d': [3] }),
  T128: by(['size'], { '16b': [0], '8h': [1], '4s': [2], '2d': [3] }),
  Q8: by(['Q'], { '8b': [0], '16b': [1] }),
  Q16: by(['Q'], { '4h': [0], '8h': [1] }),
  Q32: by(['Q'], { '2s': [0], '4s': [1] }),
  /* Half of the half-precision elements of a register. */
  halves: by(['Q'], { '2h': [0], '4h': [1] }),
  Q64: by(['Q'], { '1d': [0], '2d': [1] }),
  fp: by(['sz', 'Q'], { '2s': [0, 0], '4s': [0, 1], '1d': [1, 0], '2d': [1, 1] }),
  fpwide: by(['sz'], { '4s': [0], '2d': [1] }),
  fpnarrow: by(['sz', 'Q'], { '4h': [0, 0], '8h': [0, 1], '2s': [1, 0], '4s': [1, 1] }),
  fppair: by(['sz'], { '2s': [0], '2d': [1] }),
  sz: by(['sz'], { s: [0], d: [1] }),
  size: by(['size'], { b: [0], h: [1], s: [2], d: [3] }),
  sizelong: by(['size'], { h: [0], s: [1], d: [2] }),
  shll: by(['size'], { 8: [0], 16: [1], 32: [2] }),
  rot: by(['rot'], { 0: [0], 90: [1], 180: [2], 270: [3] }),
  rotodd: by(['rot'], { 90: [0], 270: [1] }),
};

/** A name of `CHOICES`, or an arrangement, letter or number that nothing decides. Throws for others: a template is source code. */
function choicesOf(name: string): Choices {
  if (Object.hasOwn(CHOICES, name)) return CHOICES[name]!;
  if (!/^(\d*[bhsdq]|\d+)$/.test(name)) throw new Error(`no choice ${name}`);
  return [{ text: name, fields: {} }];
}

const agrees = (fields: A64Partial, wanted: A64Partial) =>
  Object.entries(wanted).every(([name, value]) => fields[name as A64Field] === value);
const conflicts = (fields: A64Partial, wanted: A64Partial) =>
  Object.entries(wanted).some(([name, value]) => (fields[name as A64Field] ?? value) !== value);

const chosen = (choices: Choices, f: A64Fields) => choices.find(({ fields }) => agrees(f, fields))?.text ?? '?';

/** What may still stand here, after what stood before. */
const possible = (choices: Choices, fields: A64Partial) =>
  choices.filter((choice) => !conflicts(fields, choice.fields)).map(({ text }) => text);

function choose(choices: Choices, fields: A64Partial, text: string): boolean {
  const choice = choices.find((c) => c.text === text && !conflicts(fields, c.fields));
  if (!choice) return false;
  Object.assign(fields, choice.fields);
  return true;
}

const VECTOR = /^v(\d|[12]\d|3[01])\.(\w+)$/;

/** The number of a register with one of these arrangements, `last` at most. */
function readVector(reader: OperandReader, fields: A64Partial, choices: Choices, last = 31): number | Mismatch {
  const [, number, arrangement] = VECTOR.exec(reader.word) ?? [];
  if (number === undefined || arrangement === undefined || !choose(choices, fields, arrangement)) {
    const wanted = possible(choices, fields).map((text) => `v….${text}`);
    return reader.expected(wanted.join(' or ') || 'another vector');
  }
  const from = reader.position;
  reader.position++;
  if (Number(number) <= last) return Number(number);
  return reader.mismatch(`only v0 … v${last} can stand here`, from);
}

/** `v3.8b`. `last`: the highest number that the field holds; `copies`: fields that hold the same number. */
export function vectorLeaf(
  field: RegisterField,
  name: string,
  last: number,
  copies: readonly RegisterField[],
): A64Leaf {
  const choices = choicesOf(name);
  return {
    print: (f) => `v${f[field]}.${chosen(choices, f)}`,
    parse(reader, fields) {
      const number = readVector(reader, fields, choices, last);
      if (typeof number !== 'number') return number;
      for (const target of [field, ...copies]) fields[target] = number;
      return null;
    },
  };
}

/** `[3]`: an index that never changes, or one in fields, as `joined` names them. */
function indexLeaf(index: string): A64Leaf {
  const fixed = /^\d+$/.test(index) ? Number(index) : null;
  const parts = joined(fixed === null ? index : 'Q');
  return {
    print: (f) => `[${fixed ?? parts.get(f)}]`,
    parse(reader, fields) {
      if (!reader.take('[')) return reader.expected('"[" and an index');
      const value = readAmount(reader, 'index', fixed ?? 0, fixed ?? 2 ** parts.bits - 1);
      if (typeof value !== 'number') return value;
      if (fixed === null) parts.set(fields, value);
      return reader.take(']') ? null : reader.expected('"]"');
    },
  };
}

/** One leaf right behind the other. */
const both = (first: A64Leaf, second: A64Leaf): A64Leaf => ({
  print: (f, context) => first.print(f, context) + second.print(f, context),
  parse: (reader, fields) => first.parse(reader, fields) ?? second.parse(reader, fields),
});

export const laneLeaf = (vector: A64Leaf, index: string): A64Leaf => both(vector, indexLeaf(index));

/** `{v0.8b, v1.8b}`: registers in a row, of which the field has the first; with an index perhaps. */
export function listLeaf(field: RegisterField, name: string, count: number, index?: string): A64Leaf {
  const choices = choicesOf(name);
  const list: A64Leaf = {
    print(f) {
      const texts = Array.from({ length: count }, (_, i) => `v${(f[field] + i) % 32}.${chosen(choices, f)}`);
      const asRange = count > 2 && f[field] + count <= 32;
      return `{${asRange ? `${texts[0]}-${texts[count - 1]}` : texts.join(', ')}}`;
    },
    parse(reader, fields) {
      if (!reader.take('{')) return reader.expected('"{" and a list of registers');
      const from = reader.position;
      const first = readVector(reader, fields, choices);
      if (typeof first !== 'number') return first;
      fields[field] = first;
      let length = 1;
      const range = reader.take('-');
      while (range ? length === 1 : reader.take(',')) {
        const next = readVector(reader, fields, choices);
        if (typeof next !== 'number') return next;
        if (range) length = ((next - first + 32) % 32) + 1;
        else if (next === (first + length) % 32) length++;
        else return reader.mismatch('registers of a list follow one another', from);
      }
      if (length !== count) return reader.mismatch(`expected a list of ${count}, not ${length}`, from);
      return reader.take('}') ? null : reader.expected('"}"');
    },
  };
  return index === undefined ? list : both(list, indexLeaf(index));
}

/** `s3` or `d3`, as fields say. */
export function scalarLeaf(field: RegisterField, name: string): A64Leaf {
  const choices = choicesOf(name);
  return {
    print: (f) => `${chosen(choices, f)}${f[field]}`,
    parse(reader, fields) {
      const from = reader.position;
      const register = readRegister(reader, ['b', 'h', 's', 'd', 'q'], false);
      if ('message' in register) return register;
      fields[field] = register.number;
      if (choose(choices, fields, register.letter)) return null;
      return reader.mismatch(`expected a register ${possible(choices, fields).join(' or ')}…`, from);
    },
  };
}

/** `#8`: a number that fields say, or that never changes. */
export function numberLeaf(name: string): A64Leaf {
  const choices = choicesOf(name);
  return {
    print: (f) => `#${chosen(choices, f)}`,
    parse(reader, fields) {
      const from = reader.position;
      const value = reader.immediate();
      if (isMismatch(value)) return value;
      if (choose(choices, fields, value.toString())) return null;
      return reader.mismatch(`expected #${possible(choices, fields).join(' or #')}`, from);
    },
  };
}

/** `#0.0`, which compares with zero. */
export const floatZero: A64Leaf = {
  print: () => '#0.0',
  parse(reader) {
    const from = reader.position;
    const value = reader.float();
    if (typeof value !== 'number') return value;
    return value === 0 ? null : reader.mismatch('expected #0.0', from);
  },
};

/** A number of `low` and up in fields; `from`: that number less what the fields have (shifts right, fraction bits). */
export function amountLeaf(
  what: string,
  names: string,
  range: { readonly low: number; readonly from?: number },
): A64Leaf {
  const parts = joined(names);
  const count = 2 ** parts.bits;
  const { low, from } = range;
  return {
    print: (f) => `#${from === undefined ? parts.get(f) + low : from - parts.get(f)}`,
    parse(reader, fields) {
      const high = from ?? low + count - 1;
      const value = readAmount(reader, what, low, high);
      if (typeof value !== 'number') return value;
      parts.set(fields, from === undefined ? value - low : from - value);
      return null;
    },
  };
}

/** `lsl #8` or `msl #16`: `from` plus a field in units of 8. */
export function byteShiftLeaf(word: 'lsl' | 'msl', field: 'i1' | 'i2', from: number): A64Leaf {
  const { bits } = joined(field);
  return {
    print: (f) => `${word} #${from + 8 * f[field]}`,
    omit: (f) => word === 'lsl' && f[field] === 0,
    parse(reader, fields) {
      if (!reader.take(word)) return reader.expected(word);
      const at = reader.position;
      const high = from + 8 * (2 ** bits - 1);
      const value = readAmount(reader, 'shift', from, high);
      if (typeof value !== 'number') return value;
      if (value % 8 !== 0) return reader.mismatch(`shift ${value} is no multiple of 8`, at);
      fields[field] = (value - from) / 8;
      return null;
    },
  };
}

const imm8 = joined('i3:i5');

/** As C prints it with %.18e. */
const scientific = (value: number) => value.toExponential(18).replace(/e([-+])(\d)$/, 'e$10$2');

/** FMOV's immediate; `names`: where its eight bits are. */
export function floatLeaf(names: string): A64Leaf {
  const parts = joined(names);
  return {
    print: (f) => `#${scientific(expandFloat(parts.get(f)))}`,
    parse(reader, fields) {
      const from = reader.position;
      const value = reader.float();
      if (typeof value !== 'number') return value;
      for (let bits = 0; bits < 256; bits++) {
        if (expandFloat(bits) !== value) continue;
        parts.set(fields, bits);
        return null;
      }
      return reader.mismatch(
        `${value} is no floating-point immediate: n/16 times a power of two, 16 to 31 for n, 2^-3 to 2^4`,
        from,
      );
    },
  };
}

/** MOVI of 64 bits: each of the eight stands for a byte of ones. */
export const byteMask: A64Leaf = {
  print: (f) => `#0x${expandByteMask(imm8.get(f)).toString(16)}`,
  parse(reader, fields) {
    const from = reader.position;
    const value = reader.immediate();
    if (isMismatch(value)) return value;
    let bits = 0;
    for (let byte = 0; byte < 8; byte++) if ((value >> BigInt(8 * byte)) & 1n) bits |= 1 << byte;
    if (expandByteMask(bits) !== BigInt.asUintN(64, value)) {
      return reader.mismatch('each byte of this immediate is 0x00 or 0xff', from);
    }
    imm8.set(fields, bits);
    return null;
  },
};

/** `signed`: where the lanes are bytes, negative ones may be written so. */
export const byteLeaf = (signed: boolean): A64Leaf => ({
  print: (f) => `#0x${imm8.get(f).toString(16)}`,
  parse(reader, fields) {
    const value = readAmount(reader, 'immediate', signed ? -128 : 0, 255);
    if (typeof value !== 'number') return value;
    imm8.set(fields, value & 0xff);
    return null;
  },
});
