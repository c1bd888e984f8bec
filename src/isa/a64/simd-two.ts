/** Advanced SIMD with two registers, scalar and vector: DDI 0487 C4.1, "two-register miscellaneous", "across lanes", "pairwise". */
import type { A64Fields } from './operands.ts';
import { as, type A64Row } from './row.ts';
import { ALL, BHS, BY_Q, BY_SIZE, hasScalar, hasVector, INTO, title, UNARY, type Sizes } from './simd-row.ts';

/** Mnemonic, U, opcode, sizes of the vector, sizes of the scalar, the last operand if it is zero. */
const SAME: readonly (readonly [string, string, string, Sizes, Sizes, string?])[] = [
  ['rev64', '0', '00000', BHS, []],
  ['rev16', '0', '00001', [0], []],
  ['suqadd', '0', '00011', ALL, ALL],
  ['cls', '0', '00100', BHS, []],
  ['cnt', '0', '00101', [0], []],
  ['sqabs', '0', '00111', ALL, ALL],
  ['cmgt', '0', '01000', ALL, [3], '#0'],
  ['cmeq', '0', '01001', ALL, [3], '#0'],
  ['cmlt', '0', '01010', ALL, [3], '#0'],
  ['abs', '0', '01011', ALL, [3]],
  ['rev32', '1', '00000', [0, 1], []],
  ['usqadd', '1', '00011', ALL, ALL],
  ['clz', '1', '00100', BHS, []],
  ['sqneg', '1', '00111', ALL, ALL],
  ['cmge', '1', '01000', ALL, [3], '#0'],
  ['cmle', '1', '01001', ALL, [3], '#0'],
  ['neg', '1', '01011', ALL, [3]],
];

function sameRows([mnemonic, U, opcode, vector, scalar, last]: (typeof SAME)[number]): A64Row[] {
  const zero = last === undefined ? '' : `, <${last}>`;
  const kind = (form: string) => title(mnemonic, zero ? `${form}, zero` : form);
  const operands = mnemonic.endsWith('qadd') ? { ...UNARY, ...INTO } : UNARY;
  const rows: A64Row[] = [
    {
      name: kind('vector'),
      encoding: `0 Q ${U} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
      valid: hasVector(vector),
      syntax: `${mnemonic} <Vd.T>, <Vn.T>${zero}`,
      operands,
      variant: BY_SIZE,
    },
  ];
  if (scalar.length > 0) {
    rows.push({
      name: kind('scalar'),
      encoding: `01 ${U} 11110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
      valid: hasScalar(scalar),
      syntax: `${mnemonic} <Fd:size>, <Fn:size>${zero}`,
      operands,
      variant: ['size'],
    });
  }
  return rows;
}

/** Pairs added: mnemonic, U, opcode, whether into the destination. */
const PAIRS = [
  ['saddlp', '0', '00010', false],
  ['sadalp', '0', '00110', true],
  ['uaddlp', '1', '00010', false],
  ['uadalp', '1', '00110', true],
] as const;

/** Narrowed: mnemonic, U, opcode, whether there is a scalar form. */
const NARROW = [
  ['xtn', '0', '10010', false],
  ['sqxtn', '0', '10100', true],
  ['sqxtun', '1', '10010', true],
  ['uqxtn', '1', '10100', true],
] as const;

const INTEGER: readonly A64Row[] = [
  ...SAME.flatMap(sameRows),
  ...PAIRS.map(([mnemonic, U, opcode, into]): A64Row => ({
    name: title(mnemonic, 'vector'),
    encoding: `0 Q ${U} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
    valid: (f) => f.size !== 3,
    syntax: `${mnemonic} <Vd.pairs>, <Vn.T>`,
    operands: into ? { ...UNARY, ...INTO } : UNARY,
    variant: BY_SIZE,
  })),
  ...NARROW.flatMap(([mnemonic, U, opcode, scalar]): A64Row[] => [
    {
      name: title(mnemonic, 'vector'),
      encoding: `0 Q ${U} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
      valid: (f) => f.size !== 3,
      syntax: `${mnemonic}<2> <Vd.T>, <Vn.long>`,
      operands: { ...UNARY, ...INTO },
      variant: BY_SIZE,
    },
    ...(scalar
      ? [
          {
            name: title(mnemonic, 'scalar'),
            encoding: `01 ${U} 11110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
            valid: (f: A64Fields) => f.size !== 3,
            syntax: `${mnemonic} <Fd:size>, <Fn:sizelong>`,
            operands: UNARY,
            variant: ['size'] as const,
          },
        ]
      : []),
  ]),
  {
    name: 'SHLL',
    encoding: '0 Q 1 01110 size:2 10000 10011 10 Rn:5 Rd:5',
    valid: (f) => f.size !== 3,
    syntax: 'shll<2> <Vd.long>, <Vn.T>, <#shll>',
    operands: UNARY,
    variant: BY_SIZE,
  },
  {
    name: 'NOT (vector)',
    encoding: '0 Q 1 01110 00 10000 00101 10 Rn:5 Rd:5',
    syntax: 'not <Vd.Q8>, <Vn.Q8>',
    aliases: [as('mvn <Vd.Q8>, <Vn.Q8>', {})],
    operands: UNARY,
    variant: BY_Q,
  },
  {
    name: 'RBIT (vector)',
    encoding: '0 Q 1 01110 01 10000 00101 10 Rn:5 Rd:5',
    syntax: 'rbit <Vd.Q8>, <Vn.Q8>',
    operands: UNARY,
    variant: BY_Q,
  },
];

/** A 64-bit element is no vector across whose lanes to go, nor are two of 32 bits. */
const hasLanes = ({ size, Q }: A64Fields) => size < 2 || (size === 2 && Q === 1);

/** Mnemonic, U, opcode, size of the result. */
const ACROSS = [
  ['saddlv', '0', '00011', 'sizelong'],
  ['smaxv', '0', '01010', 'size'],
  ['sminv', '0', '11010', 'size'],
  ['addv', '0', '11011', 'size'],
  ['uaddlv', '1', '00011', 'sizelong'],
  ['umaxv', '1', '01010', 'size'],
  ['uminv', '1', '11010', 'size'],
] as const;

const REDUCTIONS: readonly A64Row[] = [
  ...ACROSS.map(([mnemonic, U, opcode, size]): A64Row => ({
    name: mnemonic.toUpperCase(),
    encoding: `0 Q ${U} 01110 size:2 11000 ${opcode} 10 Rn:5 Rd:5`,
    valid: hasLanes,
    syntax: `${mnemonic} <Fd:${size}>, <Vn.T>`,
    operands: UNARY,
    variant: BY_SIZE,
  })),
  {
    name: 'ADDP (scalar)',
    encoding: '01 0 11110 11 11000 11011 10 Rn:5 Rd:5',
    syntax: 'addp <Dd>, <Vn.2d>',
    operands: UNARY,
  },
];

export const SIMD_TWO: readonly A64Row[] = [...INTEGER, ...REDUCTIONS];
