/** The reference page of an instruction, all of it from its row. */
import { pseudocode, type RegisterNames } from '../pseudocode.ts';
import { REGISTER_OPERANDS, requiredFeatures, type Flow, type Transfer } from '../row.ts';
import type { TableRow } from '../decoder.ts';
import { disassemble } from './disassembler.ts';
import { SLOT, type A64Field } from './operands.ts';
import { A64, decode } from './table.ts';

/** A run of bits of the diagram: a field, or bits that are fixed. */
export interface EncodingCell {
  readonly hi: number;
  readonly lo: number;
  /** null: fixed bits. */
  readonly field: string | null;
  /** As they are in the word, highest first. */
  readonly bits: string;
  /** Fixed bits that the decoder ignores. */
  readonly ignored: boolean;
}

export interface Reference {
  readonly name: string;
  readonly word: number;
  readonly text: string;
  readonly encoding: readonly EncodingCell[];
  readonly syntax: string;
  readonly aliases: readonly string[];
  /** The extensions it needs; empty: in every CPU. */
  readonly features: readonly string[];
  readonly operands: readonly { readonly name: string; readonly value: string; readonly written: boolean }[];
  readonly flow: string;
  /** What it does to memory; null: nothing. */
  readonly transfer: string | null;
  /** What it does; null: this engine has not got it, it is UNDEFINED. */
  readonly semantics: readonly string[] | null;
}

export interface Found {
  readonly name: string;
  readonly syntax: string;
  /** An instruction of the row. */
  readonly word: number;
}

/** The page of an instruction word; null: UNDEFINED. `address` is where it stands, for what is relative to PC. */
export function reference(word: number, address: bigint): Reference | null {
  const decoded = decode(word);
  if (!decoded) return null;
  const { row, fields } = decoded;
  const registers = REGISTER_OPERANDS.flatMap((name) => {
    const slot = row.operands[name]?.(fields);
    if (slot === undefined) return [];
    const wide = row.variant?.includes('sf') && fields.sf === 0 ? 32 : 64;
    const value = REGISTERS.name(slot, slot >= SLOT.V0 ? 'v128' : wide);
    return [{ name, value, written: name.startsWith('rd') || name === 'wb' }];
  });
  const immediates = (['imm', 'imm2'] as const).flatMap((name) => {
    const value = row.operands[name]?.(fields);
    return value === undefined ? [] : [{ name, value: immediate(value), written: false }];
  });
  return {
    name: row.name,
    word: word >>> 0,
    text: disassemble(word, address),
    encoding: encodingCells(decoded, word),
    syntax: row.syntax,
    aliases: (row.aliases ?? []).filter((alias) => alias.printed).map((alias) => alias.template),
    features: requiredFeatures(row),
    operands: [...registers, ...immediates],
    flow: FLOWS[row.flow ?? 'next'],
    transfer: row.transfer ? transferText(row.transfer) : null,
    semantics: pseudocode(decoded, REGISTERS),
  };
}

/** Rows whose name, syntax, alias or extension has all the words of `text`, at most `most`; those that begin so first. */
export function findRows(text: string, most: number): { readonly found: readonly Found[]; readonly total: number } {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = SEARCHED.filter(({ searched }) => words.every((word) => searched.includes(word)));
  const first = words[0] ?? '';
  const begins = ({ searched }: (typeof SEARCHED)[number]) => (searched.startsWith(first) ? 0 : 1);
  const found = [...all].sort((a, b) => begins(a) - begins(b)).slice(0, most);
  return {
    found: found.flatMap(({ entry }) => {
      const word = exampleOf(entry);
      const { name, syntax } = entry.row;
      return word === null ? [] : [{ name, syntax, word }];
    }),
    total: all.length,
  };
}

const SEARCHED = A64.rows.map((entry) => {
  const { name, syntax, aliases = [] } = entry.row;
  return {
    entry,
    searched: [name, syntax, ...aliases.map(({ template }) => template), ...requiredFeatures(entry.row)]
      .join('\n')
      .toLowerCase(),
  };
});

const REGISTER_VALUES: { readonly [field in A64Field]?: number } = {
  Rd: 0,
  Rt: 0,
  Rn: 1,
  Rm: 2,
  Rt2: 3,
  Ra: 3,
  Rs: 4,
};
/** Other fields are tried with these, so that the example is no special case where that can be helped. */
const TRIED = [2, 1, 0, 3, 4, 5, 8, 12, 16, 24, 31, 48, 63];
const MOST_TRIES = 20_000;

/** A word of the row: registers numbered up, other fields small values that the row has a meaning for. */
export function exampleOf({ index, diagram }: TableRow<A64Field>): number | null {
  const free = diagram.fields.filter(({ name }) => !(name in REGISTER_VALUES));
  const choices = free.map(({ width }) => TRIED.filter((value) => value < 2 ** width));
  const count = Math.min(
    MOST_TRIES,
    choices.reduce((product, { length }) => product * length, 1),
  );
  for (let n = 0; n < count; n++) {
    let word = diagram.value | diagram.should;
    let rest = n;
    for (const { name, lo } of diagram.fields) word |= (REGISTER_VALUES[name as A64Field] ?? 0) << lo;
    free.forEach(({ lo }, index) => {
      const values = choices[index]!;
      word |= values[rest % values.length]! << lo;
      rest = Math.floor(rest / values.length);
    });
    if (decode(word)?.index === index) return word >>> 0;
  }
  return null;
}

function encodingCells({ diagram }: TableRow<A64Field>, word: number): EncodingCell[] {
  const cells: EncodingCell[] = [];
  const binary = (word >>> 0).toString(2).padStart(32, '0');
  const bitsOf = (hi: number, lo: number) => binary.slice(31 - hi, 32 - lo);
  for (let hi = 31; hi >= 0;) {
    const field = diagram.fields.find(({ lo, width }) => lo + width - 1 === hi);
    if (field) {
      cells.push({ hi, lo: field.lo, field: field.name, bits: bitsOf(hi, field.lo), ignored: false });
      hi = field.lo - 1;
      continue;
    }
    const ignored = (diagram.mask & (1 << hi)) === 0;
    let lo = hi;
    const same = (bit: number) =>
      bit >= 0 &&
      ((diagram.mask & (1 << bit)) === 0) === ignored &&
      !diagram.fields.some((f) => f.lo <= bit && bit < f.lo + f.width);
    while (same(lo - 1)) lo--;
    cells.push({ hi, lo, field: null, bits: bitsOf(hi, lo), ignored });
    hi = lo - 1;
  }
  return cells;
}

const REGISTERS: RegisterNames = {
  zero: SLOT.ZERO,
  discard: SLOT.DISCARD,
  stackPointer: SLOT.SP,
  name(slot, type) {
    if (slot >= SLOT.V0) return `V${slot - SLOT.V0}`;
    const letter = type === 32 ? 'W' : 'X';
    if (slot === SLOT.SP) return type === 32 ? 'WSP' : 'SP';
    return slot === SLOT.ZERO || slot === SLOT.DISCARD ? `${letter}ZR` : `${letter}${slot}`;
  },
};

const immediate = (value: bigint) => {
  const hex = value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
  return value > -10n && value < 10n ? value.toString() : `${hex} (${value})`;
};

const FLOWS: Readonly<Record<Flow, string>> = {
  next: 'goes on at the next instruction',
  branch: 'branches to PC + imm',
  conditional: 'branches to PC + imm, or goes on',
  call: 'branches to PC + imm, with the return address in X30',
  indirect: 'branches to the address in rn',
  indirectCall: 'branches to the address in rn, with the return address in X30',
  return: 'returns to the address in rn',
  exception: 'takes an exception',
  exceptionReturn: 'returns from an exception: PC from ELR, PSTATE from SPSR',
  system: 'may change how the following instructions run',
};

function transferText({
  access,
  bytes,
  registers,
  width,
  signExtend,
  acquire,
  release,
  exclusive,
  unprivileged,
  writeback,
}: Transfer) {
  const what = { load: 'loads', store: 'stores', loadStore: 'loads and stores', prefetch: 'may prefetch' }[access];
  return [
    `${what} ${registers > 1 ? `${registers} × ` : ''}${bytes} byte${bytes > 1 ? 's' : ''}`,
    width === 'v' ? 'SIMD&FP register' : `${width}-bit register`,
    ...(signExtend ? ['sign-extended'] : []),
    ...(acquire ? ['acquire'] : []),
    ...(release ? ['release'] : []),
    ...(exclusive ? ['exclusive'] : []),
    ...(unprivileged ? ['with EL0’s permissions'] : []),
    ...(writeback ? ['base written back'] : []),
  ].join(', ');
}
