/** Shifts, extensions and conditions. */
import { isMismatch, type Mismatch, type OperandReader } from '../../assembly/reader.ts';
import type { PrintContext } from '../../syntax.ts';
import type { A64Fields } from '../operands.ts';
import { printRegister, readRegister, type A64Leaf, type A64Partial } from './registers.ts';

const SHIFTS = ['lsl', 'lsr', 'asr', 'ror'] as const;
export const EXTENDS = ['uxtb', 'uxth', 'uxtw', 'uxtx', 'sxtb', 'sxth', 'sxtw', 'sxtx'] as const;
const UXTW = 2;
const UXTX = 3;

/** A number from `low` to `high`, both included; `what` names it where it isn't. */
export function readAmount(reader: OperandReader, what: string, low: number, high: number): number | Mismatch {
  const from = reader.position;
  const value = reader.immediate();
  if (isMismatch(value)) return value;
  if (value < BigInt(low) || value > BigInt(high)) {
    return reader.mismatch(`${what} ${value} is out of range: ${low} to ${high}`, from);
  }
  return Number(value);
}

function readShift(reader: OperandReader, names: readonly string[]): number | Mismatch {
  const shift = names.indexOf(reader.word);
  if (shift < 0) return reader.expected(`a shift (${names.join(', ')})`);
  reader.position++;
  return shift;
}

/** `lsl #3` behind a register. ADD and its like have no ROR. */
export function shiftLeaf(withRotate: boolean): A64Leaf {
  const names = withRotate ? SHIFTS : SHIFTS.slice(0, 3);
  return {
    print: (f) => `${SHIFTS[f.shift]} #${f.imm6}`,
    omit: (f) => f.shift === 0 && f.imm6 === 0,
    parse(reader, fields) {
      const shift = readShift(reader, names);
      if (typeof shift !== 'number') return shift;
      const amount = readAmount(reader, 'shift', 0, fields.sf ? 63 : 31);
      if (typeof amount !== 'number') return amount;
      fields.shift = shift;
      fields.imm6 = amount;
      return null;
    },
  };
}

/** MOVZ's `lsl #16`. */
export const wideShift: A64Leaf = {
  print: (f) => `lsl #${16 * f.hw}`,
  omit: (f) => f.hw === 0,
  parse(reader, fields) {
    const shift = readShift(reader, ['lsl']);
    if (typeof shift !== 'number') return shift;
    const from = reader.position;
    const amount = readAmount(reader, 'shift', 0, fields.sf ? 48 : 16);
    if (typeof amount !== 'number') return amount;
    if (amount % 16 !== 0) return reader.mismatch(`shift ${amount} is no multiple of 16`, from);
    fields.hw = amount / 16;
    return null;
  },
};

/**
 * A register, extended and shifted, as the last operand of ADD and its like. Where Rn (or Rd, if `destination`) is the stack
 * pointer, the extension that does nothing is written LSL.
 */
export function extendedLeaf(destination: boolean): A64Leaf {
  return {
    print(f) {
      const register = printRegister(f.sf && (f.option & 3) === 3 ? 'x' : 'w', f.Rm);
      const usesSp = f.Rn === 31 || (destination && f.Rd === 31);
      const amount = f.imm3 ? ` #${f.imm3}` : '';
      if (usesSp && f.option === (f.sf ? UXTX : UXTW)) return amount ? `${register}, lsl${amount}` : register;
      return `${register}, ${EXTENDS[f.option]}${amount}`;
    },
    parse(reader, fields) {
      const from = reader.position;
      const register = readRegister(reader, ['w', 'x'], false);
      if ('message' in register) return register;
      fields.Rm = register.number;
      const plain = fields.sf ? UXTX : UXTW;
      fields.option = plain;
      fields.imm3 = 0;
      if (reader.take(',')) {
        const named = reader.word !== 'lsl';
        const mismatch = readExtend(reader, fields, plain);
        /* GNU as takes either width of the register where an extension says how much of it counts. */
        if (mismatch || (named && fields.sf)) return mismatch;
      }
      const wanted = fields.sf ? 'x' : 'w';
      if (register.letter === wanted) return null;
      return reader.mismatch(`expected a ${wanted === 'x' ? '64' : '32'}-bit register (${wanted}…) here`, from);
    },
  };
}

function readExtend(reader: OperandReader, fields: A64Partial, plain: number): Mismatch | null {
  const option = reader.word === 'lsl' ? plain : EXTENDS.findIndex((name) => name === reader.word);
  if (option < 0) return reader.expected(`an extension (${EXTENDS.join(', ')}) or lsl`);
  const needed = reader.next().text.toLowerCase() === 'lsl';
  fields.option = option;
  if (reader.atEnd && !needed) return null;
  const amount = readAmount(reader, 'shift', 0, 4);
  if (typeof amount !== 'number') return amount;
  fields.imm3 = amount;
  return null;
}

/** The index register of a load or store; it is shifted by the size of the access or not at all. */
export function offsetLeaf(scale: number): A64Leaf {
  return {
    print(f) {
      const register = printRegister(f.option & 1 ? 'x' : 'w', f.Rm);
      if (f.option === UXTX) return f.S ? `${register}, lsl #${scale}` : register;
      return `${register}, ${EXTENDS[f.option]}${f.S ? ` #${scale}` : ''}`;
    },
    parse(reader, fields) {
      const from = reader.position;
      const register = readRegister(reader, ['w', 'x'], false);
      if ('message' in register) return register;
      fields.Rm = register.number;
      fields.option = UXTX;
      fields.S = 0;
      if (reader.take(',')) {
        const mismatch = readOffsetExtend(reader, fields, scale);
        if (mismatch) return mismatch;
      }
      const wanted = fields.option & 1 ? 'x' : 'w';
      if (register.letter === wanted) return null;
      const hint = wanted === 'x' ? '' : ` with ${EXTENDS[fields.option]}`;
      return reader.mismatch(`expected a ${wanted === 'x' ? 64 : 32}-bit index register${hint}`, from);
    },
  };
}

const OFFSET_EXTENDS = ['lsl', 'uxtw', 'sxtw', 'sxtx'];

function readOffsetExtend(reader: OperandReader, fields: A64Partial, scale: number): Mismatch | null {
  const { word } = reader;
  if (!OFFSET_EXTENDS.includes(word)) return reader.expected(`one of ${OFFSET_EXTENDS.join(', ')}`);
  reader.position++;
  fields.option = word === 'lsl' ? UXTX : EXTENDS.findIndex((name) => name === word);
  if (reader.token.text === ']' && word !== 'lsl') return null;
  const from = reader.position;
  const amount = readAmount(reader, 'shift', 0, 4);
  if (typeof amount !== 'number') return amount;
  if (amount !== 0 && amount !== scale) {
    return reader.mismatch(`shift ${amount} is not possible here: 0${scale ? ` or ${scale}` : ''}`, from);
  }
  /* An explicit zero on a byte access is the encoding that shifts by nothing. */
  fields.S = amount === scale && (scale > 0 || word !== 'lsl' || amount === 0) ? 1 : 0;
  return null;
}

/** The first name of each is the architecture's; binutils tells the others, of SVE, in a comment. */
export const CONDITIONS = [
  ['eq', 'none'],
  ['ne', 'any'],
  ['cs', 'hs', 'nlast'],
  ['cc', 'lo', 'ul', 'last'],
  ['mi', 'first'],
  ['pl', 'nfrst'],
  ['vs'],
  ['vc'],
  ['hi', 'pmore'],
  ['ls', 'plast'],
  ['ge', 'tcont'],
  ['lt', 'tstop'],
  ['gt'],
  ['le'],
  ['al'],
  ['nv'],
] as const satisfies readonly (readonly string[])[];

export const CONDITION_SPELLINGS = CONDITIONS.flatMap((names, cond) =>
  names.map((text) => ({ text, fields: { cond } })),
);

export function conditionComment(cond: number, prefix: string): string | null {
  const [, ...others] = CONDITIONS[cond]!;
  return others.length ? others.map((name) => prefix + name).join(', ') : null;
}

function printCondition(cond: number, context: PrintContext): string {
  const [name] = CONDITIONS[cond]!;
  const others = conditionComment(cond, '');
  if (others) context.comment = `${name} = ${others}`;
  return name;
}

function readCondition(reader: OperandReader): number | Mismatch {
  const { word } = reader;
  const cond = CONDITIONS.findIndex((names) => names.some((name) => name === word));
  if (cond < 0) return reader.expected('a condition (eq, ne, cs, cc, mi, pl, vs, vc, hi, ls, ge, lt, gt, le)');
  reader.position++;
  return cond;
}

export const condition: A64Leaf = {
  print: (f, context) => printCondition(f.cond, context),
  parse(reader, fields) {
    const cond = readCondition(reader);
    if (typeof cond !== 'number') return cond;
    fields.cond = cond;
    return null;
  },
};

/** CSET and its like show the opposite of what they encode. */
export const invertedCondition: A64Leaf = {
  print: (f: A64Fields, context) => printCondition(f.cond ^ 1, context),
  parse(reader, fields) {
    const from = reader.position;
    const cond = readCondition(reader);
    if (typeof cond !== 'number') return cond;
    if (cond >= 14) return reader.mismatch('al and nv have no opposite', from);
    fields.cond = cond ^ 1;
    return null;
  },
};
