/** Register operands. */
import type { OperandReader } from '../../assembly/reader.ts';
import type { Leaf, PartialFields } from '../../syntax.ts';
import type { A64Field, A64Fields } from '../operands.ts';

export type A64Leaf = Leaf<A64Field>;
export type A64Partial = PartialFields<A64Field>;
type Letter = 'w' | 'x' | 'b' | 'h' | 's' | 'd' | 'q';

interface RegisterName {
  readonly letter: Letter;
  readonly number: number;
  /** What register 31 is here. */
  readonly thirtyOne?: 'sp' | 'zero';
}

const SPECIAL: Readonly<Record<string, RegisterName>> = {
  sp: { letter: 'x', number: 31, thirtyOne: 'sp' },
  wsp: { letter: 'w', number: 31, thirtyOne: 'sp' },
  xzr: { letter: 'x', number: 31, thirtyOne: 'zero' },
  wzr: { letter: 'w', number: 31, thirtyOne: 'zero' },
  lr: { letter: 'x', number: 30 },
  fp: { letter: 'x', number: 29 },
  ip0: { letter: 'x', number: 16 },
  ip1: { letter: 'x', number: 17 },
};

const isLetter = (text: string): text is Letter => /^[wxbhsdq]$/.test(text);

/** null: no register's name. X31 and W31 have no such name, V registers go to 31. */
export function registerByName(word: string): RegisterName | null {
  const special = SPECIAL[word];
  if (special && Object.hasOwn(SPECIAL, word)) return special;
  const [, letter, digits] = /^([wxbhsdq])(\d|[12]\d|3[01])$/.exec(word) ?? [];
  if (letter === undefined || !isLetter(letter)) return null;
  const number = Number(digits);
  return number === 31 && (letter === 'w' || letter === 'x') ? null : { letter, number };
}

const KINDS: Readonly<Record<Letter, string>> = {
  w: 'a 32-bit register (w0 … w30)',
  x: 'a 64-bit register (x0 … x30)',
  b: 'a register b0 … b31',
  h: 'a register h0 … h31',
  s: 'a register s0 … s31',
  d: 'a register d0 … d31',
  q: 'a register q0 … q31',
};

export function printRegister(letter: Letter, number: number, sp = false): string {
  if (number !== 31 || (letter !== 'w' && letter !== 'x')) return `${letter}${number}`;
  if (!sp) return `${letter}zr`;
  return letter === 'w' ? 'wsp' : 'sp';
}

/** A register of one of `letters`, where 31 is SP if `sp`, else the zero register. */
export function readRegister(reader: OperandReader, letters: readonly Letter[], sp: boolean) {
  const what = letters.length === 1 ? KINDS[letters[0]!] : 'a register';
  const register = registerByName(reader.word);
  if (!register) return reader.expected(what);
  const from = reader.position;
  const { text } = reader.next();
  if (!letters.includes(register.letter)) return reader.mismatch(`${text} can't stand here: expected ${what}`, from);
  if (register.thirtyOne === 'sp' && !sp) return reader.mismatch(`${text} can't stand here`, from);
  if (register.thirtyOne === 'zero' && sp) {
    return reader.mismatch(`${text} can't stand here: register 31 is the stack pointer in this operand`, from);
  }
  return register;
}

type RegisterField = Extract<A64Field, `R${string}`>;

/** A register of fixed width: `<Xn|SP>`, `<Wt>`, `<Dt2>`. */
export function registerLeaf(letter: Letter, field: RegisterField, sp: boolean): A64Leaf {
  return {
    print: (f) => printRegister(letter, f[field], sp),
    parse(reader, fields) {
      const register = readRegister(reader, [letter], sp);
      if ('message' in register) return register;
      fields[field] = register.number;
      return null;
    },
  };
}

const width = (f: A64Fields): Letter => (f.sf ? 'x' : 'w');

/** A general register as wide as `sf` says: `<Rd>`, `<Rn|SP>`. `copies`: fields that hold the same number. */
export function sizedRegisterLeaf(field: RegisterField, sp: boolean, copies: readonly RegisterField[] = []): A64Leaf {
  return {
    print: (f) => printRegister(width(f), f[field], sp),
    parse(reader, fields) {
      const from = reader.position;
      const register = readRegister(reader, ['w', 'x'], sp);
      if ('message' in register) return register;
      const sf = register.letter === 'x' ? 1 : 0;
      if (fields.sf !== undefined && fields.sf !== sf) {
        const wanted = fields.sf ? '64-bit (x)' : '32-bit (w)';
        return reader.mismatch(`expected a ${wanted} register, as in the operand before`, from);
      }
      fields.sf = sf;
      for (const name of [field, ...copies]) fields[name] = register.number;
      return null;
    },
  };
}

/** TBZ's register: X where the tested bit is above 31; the assembler takes either for a low bit. */
export const testedRegister: A64Leaf = {
  print: (f) => printRegister(f.b5 ? 'x' : 'w', f.Rt),
  parse(reader, fields) {
    const register = readRegister(reader, ['w', 'x'], false);
    if ('message' in register) return register;
    fields.Rt = register.number;
    fields.sf = register.letter === 'x' ? 1 : 0;
    return null;
  },
};

/** CASP's second register, the one after `field`'s; the first must be even. */
export function partnerLeaf(letter: Letter, field: RegisterField): A64Leaf {
  return {
    print: (f) => printRegister(letter, f[field] + 1),
    parse(reader, fields) {
      const from = reader.position;
      const register = readRegister(reader, [letter], false);
      if ('message' in register) return register;
      const first = fields[field] ?? 0;
      if (first % 2 !== 0) return reader.mismatch('the pair must start with an even register', from - 2);
      if (register.number !== first + 1) {
        return reader.mismatch(
          `expected ${printRegister(letter, first + 1)}: the pair is two registers in a row`,
          from,
        );
      }
      return null;
    },
  };
}

/** SYS's register may be left out: XZR. */
export const optionalRegister: A64Leaf = {
  ...registerLeaf('x', 'Rt', false),
  omit: (f) => f.Rt === 31,
  absent: { Rt: 31 },
};

/** The source of SXTB and its like, whose N is sf. */
export const extendedByte: A64Leaf = {
  print: (f) => printRegister('w', f.Rn),
  parse(reader, fields) {
    fields.N = fields.sf ?? 0;
    return registerLeaf('w', 'Rn', false).parse(reader, fields);
  },
};
