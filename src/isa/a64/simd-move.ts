/** Advanced SIMD that moves elements: DDI 0487 C4.1, "copy", "table lookup", "permute", "extract", "modified immediate". */
import { expandByteMask, joined, joinedField, read, v, vAfter, write, type A64Fields } from './operands.ts';
import { as, type A64Row } from './row.ts';
import {
  duplicateElement,
  duplicateElementScalar,
  duplicateGeneral,
  insertElement,
  insertGeneral,
  moveSigned,
  moveUnsigned,
} from './semantics/simd/element.ts';
import {
  andImmediate,
  moveImmediate,
  moveImmediateScalar,
  moveImmediateVector,
  orImmediate,
} from './semantics/simd/immediate.ts';
import { binary, vectors } from './semantics/simd/lanes.ts';
import { extract, ORDERS, tableLookup } from './semantics/simd/permute.ts';
import { ALL, BINARY, BY_Q, BY_SIZE, hasVector, INTO, UNARY } from './simd-row.ts';

/**
 * The lowest one of imm5 says the element's size, the bits above it are the index; INS has its second index in imm4, whose
 * bits below it are ignored; `size` is imm5 without an index.
 */
const ELEMENTS = [
  {
    bits: 8,
    log2: 0,
    letter: 'b',
    scalar: 'B',
    imm5: 'i4:4 1',
    size: '(0000) 1',
    index: 'i4',
    imm4: 'j4:4',
    from: 'j4',
    vector: 'Q8',
  },
  {
    bits: 16,
    log2: 1,
    letter: 'h',
    scalar: 'H',
    imm5: 'i3:3 10',
    size: '(000) 10',
    index: 'i3',
    imm4: 'j3:3 (0)',
    from: 'j3',
    vector: 'Q16',
  },
  {
    bits: 32,
    log2: 2,
    letter: 's',
    scalar: 'S',
    imm5: 'i2:2 100',
    size: '(00) 100',
    index: 'i2',
    imm4: 'j2:2 (00)',
    from: 'j2',
    vector: 'Q32',
  },
  {
    bits: 64,
    log2: 3,
    letter: 'd',
    scalar: 'D',
    imm5: 'i1 1000',
    size: '(0) 1000',
    index: 'i1',
    imm4: 'j1 (000)',
    from: 'j1',
    vector: 'Q64',
  },
] as const;

function copyRows(element: (typeof ELEMENTS)[number]): A64Row[] {
  const { bits, log2, letter, scalar, imm5, size, index, imm4, from, vector } = element;
  const lane = `<Vn.${letter}[${index}]>`;
  const into = `<Vd.${letter}[${index}]>`;
  const source = `<Vn.${letter}[${from}]>`;
  const general = bits === 64 ? 'X' : 'W';
  const valid = bits === 64 ? { valid: (f: A64Fields) => f.Q === 1 } : {};
  const at = { imm: joinedField(index) };
  const insert = `ins ${into}, <${general}n>`;
  const rows: A64Row[] = [
    {
      name: `DUP (element, vector, ${bits}-bit)`,
      encoding: `0 Q 0 01110000 ${imm5} 0 0000 1 Rn:5 Rd:5`,
      ...valid,
      syntax: `dup <Vd.${vector}>, ${lane}`,
      operands: { ...UNARY, ...at },
      variant: BY_Q,
      execute: duplicateElement(log2),
    },
    {
      name: `DUP (element, scalar, ${bits}-bit)`,
      encoding: `01 0 11110000 ${imm5} 0 0000 1 Rn:5 Rd:5`,
      syntax: `dup <${scalar}d>, ${lane}`,
      aliases: [as(`mov <${scalar}d>, ${lane}`, {})],
      operands: { ...UNARY, ...at },
      execute: duplicateElementScalar(log2),
    },
    {
      name: `DUP (general, ${bits}-bit)`,
      encoding: `0 Q 0 01110000 ${size} 0 0001 1 Rn:5 Rd:5`,
      ...valid,
      syntax: `dup <Vd.${vector}>, <${general}n>`,
      operands: { rd: v('Rd'), rn: read('Rn') },
      variant: BY_Q,
      execute: duplicateGeneral(log2),
    },
    {
      name: `INS (general, ${bits}-bit)`,
      encoding: `0 1 0 01110000 ${imm5} 0 0011 1 Rn:5 Rd:5`,
      syntax: insert,
      aliases: [as(insert.replace('ins', 'mov'), {})],
      operands: { rd: v('Rd'), rn: read('Rn'), ...INTO, ...at },
      execute: insertGeneral(log2),
    },
    {
      name: `INS (element, ${bits}-bit)`,
      encoding: `0 1 1 01110000 ${imm5} 0 ${imm4} 1 Rn:5 Rd:5`,
      syntax: `ins ${into}, ${source}`,
      aliases: [as(`mov ${into}, ${source}`, {})],
      operands: { ...UNARY, ...INTO, ...at, imm2: joinedField(from) },
      execute: insertElement(log2),
    },
    {
      name: `UMOV (${bits}-bit)`,
      encoding: `0 ${bits === 64 ? 1 : 0} 0 01110000 ${imm5} 0 0111 1 Rn:5 Rd:5`,
      syntax: `umov <${general}d>, ${lane}`,
      aliases: bits >= 32 ? [as(`mov <${general}d>, ${lane}`, {})] : [],
      operands: { rd: write('Rd'), rn: v('Rn'), ...at },
      execute: moveUnsigned(log2),
    },
  ];
  const signed = (to: 32 | 64): A64Row => ({
    name: `SMOV (${bits}-bit to ${to}-bit)`,
    encoding: `0 ${to === 64 ? 1 : 0} 0 01110000 ${imm5} 0 0101 1 Rn:5 Rd:5`,
    syntax: `smov <${to === 64 ? 'X' : 'W'}d>, ${lane}`,
    operands: { rd: write('Rd'), rn: v('Rn'), ...at },
    execute: moveSigned(log2, to),
  });
  if (bits < 32) rows.push(signed(32));
  if (bits < 64) rows.push(signed(64));
  return rows;
}

const TABLES: readonly A64Row[] = (['tbl', 'tbx'] as const).flatMap((mnemonic, op) =>
  [1, 2, 3, 4].map((count): A64Row => ({
    name: `${mnemonic.toUpperCase()} (${count} register${count > 1 ? 's' : ''})`,
    encoding: `0 Q 001110 00 0 Rm:5 0 ${(count - 1) >> 1}${(count - 1) & 1} ${op} 00 Rn:5 Rd:5`,
    syntax: `${mnemonic} <Vd.Q8>, <Vn.16b*${count}>, <Vm.Q8>`,
    operands: {
      ...BINARY,
      ...(op === 1 && INTO),
      ...(count > 1 && { rm2: vAfter('Rn', 1) }),
      ...(count > 2 && { rm3: vAfter('Rn', 2) }),
      ...(count > 3 && { rm4: vAfter('Rn', 3) }),
    },
    variant: BY_Q,
    execute: tableLookup(count, op === 1),
  })),
);

const PERMUTATIONS = [
  ['uzp1', '001'],
  ['trn1', '010'],
  ['zip1', '011'],
  ['uzp2', '101'],
  ['trn2', '110'],
  ['zip2', '111'],
] as const;

export const imm8 = joined('i3:i5');

/** `value` in each element of `bits`. */
function replicate(value: bigint, bits: number): bigint {
  let all = 0n;
  for (let at = 0; at < 64; at += bits) all |= value << BigInt(at);
  return all;
}

export const immediate = (
  bits: number,
  expand: (f: A64Fields) => bigint,
  inverted = false,
): Pick<A64Row['operands'], 'imm'> => ({
  imm: (f) => BigInt.asUintN(64, inverted ? ~replicate(expand(f), bits) : replicate(expand(f), bits)),
});

const byteOf = (f: A64Fields) => BigInt(imm8.get(f));
const shifted = (f: A64Fields, field: 'i1' | 'i2') => byteOf(f) << BigInt(8 * f[field]);
const ones = (f: A64Fields) => (byteOf(f) << BigInt(8 + 8 * f.i1)) | ((1n << BigInt(8 + 8 * f.i1)) - 1n);

/** Mnemonic, op, low bit of cmode; imm is 64 bits of the vector, inverted already for MVNI and BIC. */
const SHIFTED = [
  ['movi', '0', '0', moveImmediate],
  ['orr', '0', '1', orImmediate],
  ['mvni', '1', '0', moveImmediate],
  ['bic', '1', '1', andImmediate],
] as const;

export const modified = (op: string, cmode: string, o2 = '0') => `0 Q ${op} 0111100000 i3:3 ${cmode} ${o2} 1 i5:5 Rd:5`;

const IMMEDIATES: readonly A64Row[] = [
  ...SHIFTED.flatMap(([mnemonic, op, low, execute]): A64Row[] => {
    const inverted = op === '1';
    const base = { rd: v('Rd'), ...(low === '1' && INTO) };
    const form = low === '1' ? 'vector, immediate, ' : '';
    return [
      {
        name: `${mnemonic.toUpperCase()} (${form}32-bit, shifted)`,
        encoding: modified(op, `0 i2:2 ${low}`),
        syntax: `${mnemonic} <Vd.Q32>, <byte>{, <lsl:i2>}`,
        operands: { ...base, ...immediate(32, (f) => shifted(f, 'i2'), inverted) },
        variant: BY_Q,
        execute,
      },
      {
        name: `${mnemonic.toUpperCase()} (${form}16-bit, shifted)`,
        encoding: modified(op, `10 i1 ${low}`),
        syntax: `${mnemonic} <Vd.Q16>, <byte>{, <lsl:i1>}`,
        operands: { ...base, ...immediate(16, (f) => shifted(f, 'i1'), inverted) },
        variant: BY_Q,
        execute,
      },
    ];
  }),
  ...(['movi', 'mvni'] as const).map((mnemonic, op): A64Row => ({
    name: `${mnemonic.toUpperCase()} (32-bit, shifting ones)`,
    encoding: modified(op.toString(), '110 i1'),
    syntax: `${mnemonic} <Vd.Q32>, <byte>, <msl:i1>`,
    operands: { rd: v('Rd'), ...immediate(32, ones, mnemonic === 'mvni') },
    variant: BY_Q,
    execute: moveImmediate,
  })),
  {
    name: 'MOVI (8-bit)',
    encoding: modified('0', '1110'),
    syntax: 'movi <Vd.Q8>, <sbyte>',
    operands: { rd: v('Rd'), ...immediate(8, byteOf) },
    variant: BY_Q,
    execute: moveImmediate,
  },
  {
    name: 'MOVI (64-bit, scalar)',
    encoding: modified('1', '1110').replace('Q', '0'),
    syntax: 'movi <Dd>, <bytemask>',
    operands: { rd: v('Rd'), imm: (f) => expandByteMask(imm8.get(f)) },
    execute: moveImmediateScalar,
  },
  {
    name: 'MOVI (64-bit, vector)',
    encoding: modified('1', '1110').replace('Q', '1'),
    syntax: 'movi <Vd.2d>, <bytemask>',
    operands: { rd: v('Rd'), imm: (f) => expandByteMask(imm8.get(f)) },
    execute: moveImmediateVector,
  },
];

export const SIMD_MOVE: readonly A64Row[] = [
  ...ELEMENTS.flatMap(copyRows),
  ...TABLES,
  ...PERMUTATIONS.map(([mnemonic, opcode]): A64Row => ({
    name: mnemonic.toUpperCase(),
    encoding: `0 Q 001110 size:2 0 Rm:5 0 ${opcode} 10 Rn:5 Rd:5`,
    valid: hasVector(ALL),
    syntax: `${mnemonic} <Vd.T>, <Vn.T>, <Vm.T>`,
    operands: BINARY,
    variant: BY_SIZE,
    execute: binary(ORDERS[mnemonic]).on(vectors()),
  })),
  {
    name: 'EXT',
    encoding: '0 Q 101110 00 0 Rm:5 0 i4:4 0 Rn:5 Rd:5',
    valid: (f) => f.Q === 1 || f.i4 < 8,
    syntax: 'ext <Vd.Q8>, <Vn.Q8>, <Vm.Q8>, <i4>',
    operands: { ...BINARY, imm: joinedField('i4') },
    variant: BY_Q,
    execute: extract,
  },
  ...IMMEDIATES,
];
