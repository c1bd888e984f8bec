/** Loads and stores of structures: DDI 0487 C4.1, "Advanced SIMD load/store multiple structures" and "single structure". */
import type { Execute } from '../execute.ts';
import type { Transfer } from '../row.ts';
import { joinedField, read, sp, v, vAfter, type A64Field, type A64Fields } from './operands.ts';
import { PLAIN, type A64Row } from './row.ts';
import {
  byBytes,
  byRegister,
  multipleStructures,
  replicatedStructure,
  singleStructure,
  type After,
} from './semantics/simd/structures.ts';

type Count = 1 | 2 | 3 | 4;
type Access = 'load' | 'store';
const ACCESSES = [
  ['store', '0', 'st'],
  ['load', '1', 'ld'],
] as const;

/** `count` registers from Rt on, as operands `name`, `name2`, …. */
function registers(name: 'rd' | 'rm' | 'ra', count: Count): A64Row['operands'] {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`${name}${i === 0 ? '' : i + 1}`, i === 0 ? v('Rt') : vAfter('Rt', i)]),
  );
}

/** What follows the base in syntax, the fixed part of the encoding, what is added to the base. */
interface Form {
  readonly title: string;
  /** Absent: the base is not written. */
  readonly after?: After;
  readonly Rm: string;
  readonly suffix: string;
  readonly operands: A64Row['operands'];
}

/** Without writeback, with one by the bytes transferred, with one by a register. */
const forms = (bytes: number): readonly Form[] => [
  { title: '', Rm: '00000', suffix: '', operands: { rn: sp('Rn') } },
  {
    title: ', post-index by immediate',
    after: byBytes,
    Rm: '11111',
    suffix: `, <#${bytes}>`,
    operands: { rn: sp('Rn'), wb: sp('Rn'), imm: () => BigInt(bytes) },
  },
  {
    title: ', post-index by register',
    after: byRegister,
    Rm: 'Rm:5',
    suffix: ', <Xm>',
    operands: { rn: sp('Rn'), wb: sp('Rn'), rx: read('Rm') },
  },
];

interface Structure {
  readonly name: string;
  readonly mnemonic: string;
  readonly count: Count;
  readonly access: Access;
  /** Bytes of a register that are transferred. */
  readonly bytes: Transfer['bytes'];
  /** Between Rm and Rn. */
  readonly low: string;
  /** Bits 31 to 21, `p` for post-index. */
  readonly high: string;
  readonly list: string;
  readonly valid?: (f: A64Fields) => boolean;
  readonly operands: A64Row['operands'];
  readonly variant?: readonly A64Field[];
  readonly element?: A64Field;
  readonly execute: (after?: After) => Execute;
}

function rowsOf(s: Structure): A64Row[] {
  return forms(s.bytes * s.count).map((form): A64Row => ({
    name: `${s.name.slice(0, -1)}${form.title})`,
    encoding: `${s.high.replace('p', form.after ? '1' : '0')} ${form.Rm} ${s.low} Rn:5 Rt:5`,
    ...(s.valid && { valid: s.valid }),
    syntax: `${s.mnemonic} ${s.list}, [<Xn|SP>]${form.suffix}`,
    operands: { ...s.operands, ...form.operands },
    ...(s.variant && { variant: s.variant }),
    transfer: {
      ...PLAIN,
      width: 'v',
      access: s.access,
      bytes: s.bytes,
      registers: s.count,
      ...(s.element && { element: s.element }),
      writeback: form.after !== undefined,
    },
    execute: s.execute(form.after),
  }));
}

/** Elements of a structure, registers, opcode. Only LD1 and ST1 have a vector of one 64-bit element. */
const MULTIPLE: readonly (readonly [elements: number, count: Count, opcode: string])[] = [
  [4, 4, '0000'],
  [1, 4, '0010'],
  [3, 3, '0100'],
  [1, 3, '0110'],
  [1, 1, '0111'],
  [2, 2, '1000'],
  [1, 2, '1010'],
];

const multipleRows = ([elements, count, opcode]: (typeof MULTIPLE)[number]): A64Row[] =>
  ACCESSES.flatMap(([access, L, stem]) =>
    ([64, 128] as const).flatMap((bits) => {
      const mnemonic = `${stem}${elements}`;
      const onlyVectors = bits === 64 && elements > 1;
      return rowsOf({
        name: `${mnemonic.toUpperCase()} (multiple structures, ${count} × ${bits}-bit)`,
        mnemonic,
        count,
        access,
        bytes: bits === 64 ? 8 : 16,
        high: `0 ${bits === 64 ? 0 : 1} 001100 p ${L} 0`,
        low: `${opcode} size:2`,
        list: `<Vt.T${bits}*${count}>`,
        ...(onlyVectors && { valid: (f: A64Fields) => f.size !== 3 }),
        operands: registers(access === 'load' ? 'rd' : 'rm', count),
        variant: ['size'],
        element: 'size',
        execute: (after) => multipleStructures(access, elements, after),
      });
    }),
  );

/** Letter and bytes of an element, bits 15 and 14, S and size, where the index is. */
const LANES = [
  ['b', 1, '00', 'S i2:2', 'Q:S:i2'],
  ['h', 2, '01', 'S i1 0', 'Q:S:i1'],
  ['s', 4, '10', 'S 00', 'Q:S'],
  ['d', 8, '10', '0 01', 'Q'],
] as const;

/** R and the low bit of opcode say of how many elements a structure is. */
const COUNTS: readonly Count[] = [1, 2, 3, 4];
const R = (count: Count) => (count - 1) & 1;
const low = (count: Count) => (count - 1) >> 1;

const laneRows = (count: Count): A64Row[] =>
  ACCESSES.flatMap(([access, L, stem]) =>
    LANES.flatMap(([letter, bytes, high, fields, index]) => {
      const mnemonic = `${stem}${count}`;
      /* The other lanes of a register are kept. */
      const loaded = { ...registers('rd', count), ...registers('ra', count) };
      return rowsOf({
        name: `${mnemonic.toUpperCase()} (single structure, ${8 * bytes}-bit)`,
        mnemonic,
        count,
        access,
        bytes,
        high: `0 Q 001101 p ${L} ${R(count)}`,
        low: `${high}${low(count)} ${fields}`,
        list: `<Vt.${letter}*${count}[${index}]>`,
        operands: { ...(access === 'load' ? loaded : registers('rm', count)), imm2: joinedField(index) },
        execute: (after) => singleStructure(access, after),
      });
    }),
  );

const replicateRows = (count: Count): A64Row[] =>
  ([1, 2, 4, 8] as const).flatMap((bytes, size) =>
    rowsOf({
      name: `LD${count}R (${8 * bytes}-bit)`,
      mnemonic: `ld${count}r`,
      count,
      access: 'load',
      bytes,
      high: `0 Q 001101 p 1 ${R(count)}`,
      low: `11${low(count)} 0 ${size >> 1}${size & 1}`,
      list: `<Vt.Q${8 * bytes}*${count}>`,
      operands: registers('rd', count),
      variant: ['Q'],
      execute: replicatedStructure,
    }),
  );

export const SIMD_STRUCTURES: readonly A64Row[] = [
  ...MULTIPLE.flatMap(multipleRows),
  ...COUNTS.flatMap(laneRows),
  ...COUNTS.flatMap(replicateRows),
];
