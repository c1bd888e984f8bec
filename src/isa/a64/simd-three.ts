/** Advanced SIMD with three registers, scalar and vector: DDI 0487 C4.1, "three same", "three different", "three same extra". */
import { v } from './operands.ts';
import { as, type A64Row } from './row.ts';
import {
  ALL,
  BHS,
  BINARY,
  BY_Q,
  BY_SIZE,
  hasScalar,
  hasVector,
  HS,
  INTO,
  ROUNDING_DOUBLING,
  title,
  type Sizes,
} from './simd-row.ts';

const ACCUMULATES = /^([su]aba|ml[as]|sqrdml[as]h)/;
const operandsOf = (mnemonic: string) => (ACCUMULATES.test(mnemonic) ? { ...BINARY, ...INTO } : BINARY);

/** Mnemonic, U, opcode, sizes of the vector, sizes of the scalar. */
const INTEGER: readonly (readonly [string, string, string, Sizes, Sizes])[] = [
  ['shadd', '0', '00000', BHS, []],
  ['sqadd', '0', '00001', ALL, ALL],
  ['srhadd', '0', '00010', BHS, []],
  ['shsub', '0', '00100', BHS, []],
  ['sqsub', '0', '00101', ALL, ALL],
  ['cmgt', '0', '00110', ALL, [3]],
  ['cmge', '0', '00111', ALL, [3]],
  ['sshl', '0', '01000', ALL, [3]],
  ['sqshl', '0', '01001', ALL, ALL],
  ['srshl', '0', '01010', ALL, [3]],
  ['sqrshl', '0', '01011', ALL, ALL],
  ['smax', '0', '01100', BHS, []],
  ['smin', '0', '01101', BHS, []],
  ['sabd', '0', '01110', BHS, []],
  ['saba', '0', '01111', BHS, []],
  ['add', '0', '10000', ALL, [3]],
  ['cmtst', '0', '10001', ALL, [3]],
  ['mla', '0', '10010', BHS, []],
  ['mul', '0', '10011', BHS, []],
  ['smaxp', '0', '10100', BHS, []],
  ['sminp', '0', '10101', BHS, []],
  ['sqdmulh', '0', '10110', HS, HS],
  ['addp', '0', '10111', ALL, []],
  ['uhadd', '1', '00000', BHS, []],
  ['uqadd', '1', '00001', ALL, ALL],
  ['urhadd', '1', '00010', BHS, []],
  ['uhsub', '1', '00100', BHS, []],
  ['uqsub', '1', '00101', ALL, ALL],
  ['cmhi', '1', '00110', ALL, [3]],
  ['cmhs', '1', '00111', ALL, [3]],
  ['ushl', '1', '01000', ALL, [3]],
  ['uqshl', '1', '01001', ALL, ALL],
  ['urshl', '1', '01010', ALL, [3]],
  ['uqrshl', '1', '01011', ALL, ALL],
  ['umax', '1', '01100', BHS, []],
  ['umin', '1', '01101', BHS, []],
  ['uabd', '1', '01110', BHS, []],
  ['uaba', '1', '01111', BHS, []],
  ['sub', '1', '10000', ALL, [3]],
  ['cmeq', '1', '10001', ALL, [3]],
  ['mls', '1', '10010', BHS, []],
  ['pmul', '1', '10011', [0], []],
  ['umaxp', '1', '10100', BHS, []],
  ['uminp', '1', '10101', BHS, []],
  ['sqrdmulh', '1', '10110', HS, HS],
];

/** Register forms of shifts and comparisons have namesakes with an immediate. */
const AMONG_SAME = /^(cm(gt|ge|eq)|[su]qshl)$/;
const form = (mnemonic: string, kind: 'vector' | 'scalar') => (AMONG_SAME.test(mnemonic) ? `${kind}, register` : kind);

function integerRows([mnemonic, U, opcode, vector, scalar]: (typeof INTEGER)[number]): A64Row[] {
  const operands = operandsOf(mnemonic);
  const rows: A64Row[] = [
    {
      name: title(mnemonic, form(mnemonic, 'vector')),
      encoding: `0 Q ${U} 01110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`,
      valid: hasVector(vector),
      syntax: `${mnemonic} <Vd.T>, <Vn.T>, <Vm.T>`,
      operands,
      variant: BY_SIZE,
    },
  ];
  if (scalar.length > 0) {
    rows.push({
      name: title(mnemonic, form(mnemonic, 'scalar')),
      encoding: `01 ${U} 11110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`,
      valid: hasScalar(scalar),
      syntax: `${mnemonic} <Fd:size>, <Fn:size>, <Fm:size>`,
      operands,
      variant: ['size'],
    });
  }
  return rows;
}

const LOGICAL = [
  ['and', '0', '00'],
  ['bic', '0', '01'],
  ['orr', '0', '10'],
  ['orn', '0', '11'],
  ['eor', '1', '00'],
  ['bsl', '1', '01'],
  ['bit', '1', '10'],
  ['bif', '1', '11'],
] as const;

/** Long, wide and narrow: mnemonic, opcode, which operands are wide (of d, n, m), whether U gives an unsigned namesake. */
const DIFFERENT: readonly (readonly [signed: string, unsigned: string, opcode: string, wide: string, into: boolean])[] =
  [
    ['saddl', 'uaddl', '0000', 'd', false],
    ['saddw', 'uaddw', '0001', 'dn', false],
    ['ssubl', 'usubl', '0010', 'd', false],
    ['ssubw', 'usubw', '0011', 'dn', false],
    ['addhn', 'raddhn', '0100', 'nm', false],
    ['sabal', 'uabal', '0101', 'd', true],
    ['subhn', 'rsubhn', '0110', 'nm', false],
    ['sabdl', 'uabdl', '0111', 'd', false],
    ['smlal', 'umlal', '1000', 'd', true],
    ['smlsl', 'umlsl', '1010', 'd', true],
    ['smull', 'umull', '1100', 'd', false],
  ];

const vectors = (wide: string) =>
  ['d', 'n', 'm'].map((field) => `<V${field}.${wide.includes(field) ? 'long' : 'T'}>`).join(', ');

function differentRows([signed, unsigned, opcode, wide, into]: (typeof DIFFERENT)[number]): A64Row[] {
  /* Narrowing into the upper half keeps the lower one. */
  const operands = into || !wide.includes('d') ? { ...BINARY, ...INTO } : BINARY;
  return [signed, unsigned].map((mnemonic, U) => ({
    name: title(mnemonic, 'vector'),
    encoding: `0 Q ${U} 01110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
    valid: (f) => f.size !== 3,
    syntax: `${mnemonic}<2> ${vectors(wide)}`,
    operands,
    variant: BY_SIZE,
  }));
}

const DOUBLING = [
  ['sqdmlal', '1001', { ...BINARY, ...INTO }],
  ['sqdmlsl', '1011', { ...BINARY, ...INTO }],
  ['sqdmull', '1101', BINARY],
] as const;

function doublingRows([mnemonic, opcode, operands]: (typeof DOUBLING)[number]): A64Row[] {
  return [
    {
      name: title(mnemonic, 'vector'),
      encoding: `0 Q 0 01110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
      valid: (f) => HS.includes(f.size),
      syntax: `${mnemonic}<2> ${vectors('d')}`,
      operands,
      variant: BY_SIZE,
    },
    {
      name: title(mnemonic, 'scalar'),
      encoding: `01 0 11110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
      valid: hasScalar(HS),
      syntax: `${mnemonic} <Fd:sizelong>, <Fn:size>, <Fm:size>`,
      operands,
      variant: ['size'],
    },
  ];
}

const POLYNOMIAL: readonly A64Row[] = [
  {
    name: 'PMULL',
    encoding: '0 Q 0 01110 00 1 Rm:5 1110 00 Rn:5 Rd:5',
    syntax: 'pmull<2> <Vd.8h>, <Vn.Q8>, <Vm.Q8>',
    operands: BINARY,
    variant: BY_Q,
  },
  {
    name: 'PMULL (1Q)',
    encoding: '0 Q 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5',
    feature: 'FEAT_PMULL',
    syntax: 'pmull<2> <Vd.1q>, <Vn.Q64>, <Vm.Q64>',
    operands: BINARY,
    variant: BY_Q,
  },
];

const EXTRA: readonly A64Row[] = [
  ...(['sqrdmlah', 'sqrdmlsh'] as const).flatMap((mnemonic, S): A64Row[] => [
    {
      name: title(mnemonic, 'vector'),
      encoding: `0 Q 1 01110 size:2 0 Rm:5 1 000${S} 1 Rn:5 Rd:5`,
      valid: hasVector(HS),
      feature: ROUNDING_DOUBLING,
      syntax: `${mnemonic} <Vd.T>, <Vn.T>, <Vm.T>`,
      operands: { ...BINARY, ...INTO },
      variant: BY_SIZE,
    },
    {
      name: title(mnemonic, 'scalar'),
      encoding: `01 1 11110 size:2 0 Rm:5 1 000${S} 1 Rn:5 Rd:5`,
      valid: hasScalar(HS),
      feature: ROUNDING_DOUBLING,
      syntax: `${mnemonic} <Fd:size>, <Fn:size>, <Fm:size>`,
      operands: { ...BINARY, ...INTO },
      variant: ['size'],
    },
  ]),
  ...(['sdot', 'udot'] as const).map((mnemonic, U): A64Row => ({
    name: title(mnemonic, 'vector'),
    encoding: `0 Q ${U} 01110 10 0 Rm:5 1 0010 1 Rn:5 Rd:5`,
    feature: 'FEAT_DotProd',
    syntax: `${mnemonic} <Vd.Q32>, <Vn.Q8>, <Vm.Q8>`,
    operands: { ...BINARY, ...INTO },
    variant: BY_Q,
  })),
];

export const SIMD_THREE: readonly A64Row[] = [
  ...INTEGER.flatMap(integerRows),
  ...LOGICAL.map(([mnemonic, U, opc]): A64Row => ({
    name: title(mnemonic, mnemonic.startsWith('b') && mnemonic !== 'bic' ? 'vector' : 'vector, register'),
    encoding: `0 Q ${U} 01110 ${opc} 1 Rm:5 00011 1 Rn:5 Rd:5`,
    syntax: `${mnemonic} <Vd.Q8>, <Vn.Q8>, <Vm.Q8>`,
    aliases: mnemonic === 'orr' ? [as('mov <Vd.Q8>, <Vn=m.Q8>', {}, (f) => f.Rn === f.Rm)] : [],
    operands: U === '1' && opc !== '00' ? { ...BINARY, ra: v('Rd') } : BINARY,
    variant: BY_Q,
  })),
  ...DIFFERENT.flatMap(differentRows),
  ...DOUBLING.flatMap(doublingRows),
  ...POLYNOMIAL,
  ...EXTRA,
];
