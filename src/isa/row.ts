/**
 * What an instruction is: one row. Decoder, disassembler, assembler, syndrome, interpreter and JIT read rows and know no instruction.
 */
import type { Execute } from './execute.ts';

/** One field of an encoding: bits `lo` … `lo + width - 1`. */
export interface FieldSpec {
  readonly name: string;
  readonly lo: number;
  readonly width: number;
  readonly signed: boolean;
}

export interface Diagram {
  /** A word belongs to the row where `(word & mask) === value`; both unsigned. */
  readonly mask: number;
  readonly value: number;
  /** What the assembler writes into bits that the decoder ignores, `(1)` in the manual. */
  readonly should: number;
  readonly fields: readonly FieldSpec[];
}

/**
 * Field values by the manual's names. Rows name only fields their own diagram has; `table.test.ts` holds them to it.
 */
export type Fields<Name extends string = string> = Readonly<Record<Name, number>>;

/**
 * How an instruction goes on:
 * - `next`: at the next instruction; `branch`, `conditional`, `call`: at PC + `imm`; `indirect`, `indirectCall`, `return`: at `rn`;
 * - `exception`: takes one always (SVC, HVC, SMC, BRK, HLT, DCPS, UDF); `exceptionReturn`: ERET;
 * - `system`: may change how the following instructions run (system registers, maintenance, barriers, waits).
 */
export type Flow =
  | 'next'
  | 'branch'
  | 'conditional'
  | 'call'
  | 'indirect'
  | 'indirectCall'
  | 'return'
  | 'exception'
  | 'exceptionReturn'
  | 'system';

/** What an instruction does to memory, per register transferred. */
export interface Transfer {
  readonly access: 'load' | 'store' | 'loadStore' | 'prefetch';
  readonly bytes: 1 | 2 | 4 | 8 | 16;
  /** The field that has log2 of an element's bytes, where registers consist of elements: those alone may have to be aligned. */
  readonly element?: string;
  readonly registers: 1 | 2 | 3 | 4;
  /** `v`: a SIMD&FP register; 32 or 64: the general register's width that a load writes or a store reads. */
  readonly width: 32 | 64 | 'v';
  readonly signExtend: boolean;
  readonly acquire: boolean;
  readonly release: boolean;
  readonly exclusive: boolean;
  /** LDTR and STTR: with EL0's permissions. */
  readonly unprivileged: boolean;
  readonly writeback: boolean;
}

/**
 * The canonical operands. `rd*` and `wb` are written, the others are read; a register both read and written has one operand for each.
 * In memory accesses `rn` is the base, `rx` the index, `rm*` what is stored, `rd*` what is loaded, `wb` the base again where it is written.
 * Values are slot numbers; register 31 is already the stack pointer, the zero slot or the discard slot, as the operand has it.
 */
export const REGISTER_OPERANDS = [
  'rd',
  'rd2',
  'rd3',
  'rd4',
  'rn',
  'rx',
  'rm',
  'rm2',
  'rm3',
  'rm4',
  'ra',
  'ra2',
  'ra3',
  'ra4',
  'wb',
] as const;
export type RegisterOperand = (typeof REGISTER_OPERANDS)[number];
export const IMMEDIATE_OPERANDS = ['imm', 'imm2'] as const;
export type ImmediateOperand = (typeof IMMEDIATE_OPERANDS)[number];

export type OperandMap<Name extends string> = {
  readonly [operand in RegisterOperand]?: (f: Fields<Name>) => number;
} & {
  /** Signed or unsigned 64-bit values; branch and literal offsets are in bytes from the instruction. */
  readonly [operand in ImmediateOperand]?: (f: Fields<Name>) => bigint;
};

/**
 * Another way to write a row. `fixed` are the fields it doesn't show: the disassembler takes the alias where they have these
 * values and `when` agrees, the assembler fills them in.
 */
export interface Alias<Name extends string> {
  readonly template: string;
  readonly fixed: Partial<Fields<Name>>;
  readonly when: (f: Fields<Name>) => boolean;
  /** False: only the assembler knows it. */
  readonly printed: boolean;
}

export interface Row<Name extends string = string> {
  /** As the architecture's manual titles it; unique in its table. */
  readonly name: string;
  /** The manual's diagram from bit 31 down: `01` fixed bits, `(1)` ignored ones, `name` one bit, `name:5` five, `name:s9` signed. */
  readonly encoding: string;
  /** False: these field values are UNDEFINED. */
  readonly valid?: (f: Fields<Name>) => boolean;
  /** The extension that brought it, or those it takes; absent: in every CPU. */
  readonly feature?: string | readonly string[];
  /** See `syntax.ts`. */
  readonly syntax: string;
  /** In order of preference. */
  readonly aliases?: readonly Alias<Name>[];
  readonly operands: OperandMap<Name>;
  /** Fields that semantics see as constants: each combination is code of its own. The rest reaches them through operands. */
  readonly variant?: readonly Name[];
  /** Absent: `next`. */
  readonly flow?: Flow;
  readonly transfer?: Transfer;
  readonly execute?: Execute;
}

/** The extensions that a CPU must have all of for the row. */
export function requiredFeatures({ feature = [] }: Pick<Row, 'feature'>): readonly string[] {
  return typeof feature === 'string' ? [feature] : feature;
}

/** Throws where the diagram isn't 32 bits: a row is source code. */
export function parseDiagram(encoding: string): Diagram {
  let [mask, value, should, left] = [0, 0, 0, 32];
  const fields: FieldSpec[] = [];
  for (const token of encoding.trim().split(/\s+/)) {
    const fixed = /^(\(?)([01]+)\)?$/.exec(token);
    if (fixed) {
      for (const bit of fixed[2]!) {
        left--;
        const one = left >= 0 ? 2 ** left : 0;
        if (!fixed[1]) mask += one;
        if (bit === '1' && fixed[1]) should += one;
        if (bit === '1' && !fixed[1]) value += one;
      }
      continue;
    }
    const field = /^([A-Za-z]\w*)(?::(s?)(\d+))?$/.exec(token);
    if (!field) throw new Error(`encoding "${encoding}": bad token "${token}"`);
    const width = field[3] === undefined ? 1 : Number(field[3]);
    left -= width;
    fields.push({ name: field[1]!, lo: left, width, signed: field[2] === 's' });
  }
  if (left !== 0) throw new Error(`encoding "${encoding}" has ${32 - left} bits`);
  return { mask, value, should, fields };
}

export function extractFields(diagram: Diagram, word: number): Fields {
  const values: Record<string, number> = {};
  for (const { name, lo, width, signed } of diagram.fields) {
    const up = 32 - width - lo;
    values[name] = signed ? (word << up) >> (32 - width) : (word << up) >>> (32 - width);
  }
  return values;
}

/** The word of a row; values wider than their field are cut to it. */
export function insertFields(diagram: Diagram, values: Fields): number {
  let word = diagram.value | diagram.should;
  for (const { name, lo, width } of diagram.fields) {
    const value = (values[name] ?? 0) & (width === 32 ? -1 : (1 << width) - 1);
    word |= value << lo;
  }
  return word >>> 0;
}
