/** Advanced SIMD with two registers, scalar and vector: DDI 0487 C4.1, "two-register miscellaneous", "across lanes", "pairwise". */
import type { A64Fields } from './operands.ts';
import { as, type A64Row } from './row.ts';
import * as lanes from './semantics/simd/arithmetic.ts';
import {
  countBits,
  countLeadingSigns,
  countLeadingZeros,
  reverseBits,
  reverseWithin,
} from './semantics/simd/counts.ts';
import {
  longScalars,
  longVectors,
  scalars,
  unary,
  unaryInto,
  vectors,
  type Semantics,
} from './semantics/simd/lanes.ts';
import { shiftLeftByWidth } from './semantics/simd/long.ts';
import {
  extractNarrow,
  narrowing,
  saturatingExtractNarrow,
  signedFit,
  signedToUnsignedFit,
  unsignedFit,
} from './semantics/simd/narrow.ts';
import { addAcross, addLongAcross, addPair, addPairsLong, addPairsLongInto, extreme } from './semantics/simd/reduce.ts';
import * as saturating from './semantics/simd/saturation.ts';
import { ALL, BHS, BY_Q, BY_SIZE, hasScalar, hasVector, INTO, title, UNARY, type Sizes } from './simd-row.ts';

/** Mnemonic, U, opcode, what it does, sizes of the vector, sizes of the scalar, the last operand if it is zero. */
const SAME: readonly (readonly [string, string, string, Semantics, Sizes, Sizes, string?])[] = [
  ['rev64', '0', '00000', unary(reverseWithin(8)), BHS, []],
  ['rev16', '0', '00001', unary(reverseWithin(2)), [0], []],
  ['suqadd', '0', '00011', unaryInto(saturating.addUnsignedToSigned), ALL, ALL],
  ['cls', '0', '00100', unary(countLeadingSigns), BHS, []],
  ['cnt', '0', '00101', unary(countBits), [0], []],
  ['sqabs', '0', '00111', unary(saturating.absolute), ALL, ALL],
  ['cmgt', '0', '01000', unary(lanes.greaterZero), ALL, [3], '#0'],
  ['cmeq', '0', '01001', unary(lanes.equalZero), ALL, [3], '#0'],
  ['cmlt', '0', '01010', unary(lanes.lessZero), ALL, [3], '#0'],
  ['abs', '0', '01011', unary(lanes.absolute), ALL, [3]],
  ['rev32', '1', '00000', unary(reverseWithin(4)), [0, 1], []],
  ['usqadd', '1', '00011', unaryInto(saturating.addSignedToUnsigned), ALL, ALL],
  ['clz', '1', '00100', unary(countLeadingZeros), BHS, []],
  ['sqneg', '1', '00111', unary(saturating.negate), ALL, ALL],
  ['cmge', '1', '01000', unary(lanes.greaterOrEqualZero), ALL, [3], '#0'],
  ['cmle', '1', '01001', unary(lanes.lessOrEqualZero), ALL, [3], '#0'],
  ['neg', '1', '01011', unary(lanes.negate), ALL, [3]],
];

function sameRows([mnemonic, U, opcode, semantics, vector, scalar, last]: (typeof SAME)[number]): A64Row[] {
  const zero = last === undefined ? '' : `, <${last}>`;
  const kind = (form: string) => title(mnemonic, zero ? `${form}, zero` : form);
  const operands = semantics.into ? { ...UNARY, ...INTO } : UNARY;
  const rows: A64Row[] = [
    {
      name: kind('vector'),
      encoding: `0 Q ${U} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
      valid: hasVector(vector),
      syntax: `${mnemonic} <Vd.T>, <Vn.T>${zero}`,
      operands,
      variant: BY_SIZE,
      execute: semantics.on(vectors()),
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
      execute: semantics.on(scalars()),
    });
  }
  return rows;
}

/** Pairs added: mnemonic, U, opcode. */
const PAIRS = [
  ['saddlp', '0', '00010', unary(addPairsLong('signed'))],
  ['sadalp', '0', '00110', unaryInto(addPairsLongInto('signed'))],
  ['uaddlp', '1', '00010', unary(addPairsLong('unsigned'))],
  ['uadalp', '1', '00110', unaryInto(addPairsLongInto('unsigned'))],
] as const;

/** Narrowed: mnemonic, U, opcode, what it does, whether there is a scalar form. */
const NARROW = [
  ['xtn', '0', '10010', extractNarrow, false],
  ['sqxtn', '0', '10100', saturatingExtractNarrow(signedFit), true],
  ['sqxtun', '1', '10010', saturatingExtractNarrow(signedToUnsignedFit), true],
  ['uqxtn', '1', '10100', saturatingExtractNarrow(unsignedFit), true],
] as const;

const INTEGER: readonly A64Row[] = [
  ...SAME.flatMap(sameRows),
  ...PAIRS.map(([mnemonic, U, opcode, semantics]): A64Row => ({
    name: title(mnemonic, 'vector'),
    encoding: `0 Q ${U} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
    valid: (f) => f.size !== 3,
    syntax: `${mnemonic} <Vd.pairs>, <Vn.T>`,
    operands: semantics.into ? { ...UNARY, ...INTO } : UNARY,
    variant: BY_SIZE,
    execute: semantics.on(vectors()),
  })),
  ...NARROW.flatMap(([mnemonic, U, opcode, narrow, scalar]): A64Row[] => [
    {
      name: title(mnemonic, 'vector'),
      encoding: `0 Q ${U} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
      valid: (f) => f.size !== 3,
      syntax: `${mnemonic}<2> <Vd.T>, <Vn.long>`,
      operands: { ...UNARY, ...INTO },
      variant: BY_SIZE,
      execute: narrowing(longVectors(), narrow),
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
            execute: narrowing(longScalars(), narrow),
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
    execute: unary(shiftLeftByWidth).on(longVectors()),
  },
  {
    name: 'NOT (vector)',
    encoding: '0 Q 1 01110 00 10000 00101 10 Rn:5 Rd:5',
    syntax: 'not <Vd.Q8>, <Vn.Q8>',
    aliases: [as('mvn <Vd.Q8>, <Vn.Q8>', {})],
    operands: UNARY,
    variant: BY_Q,
    execute: unary(lanes.bitNot).on(vectors(0)),
  },
  {
    name: 'RBIT (vector)',
    encoding: '0 Q 1 01110 01 10000 00101 10 Rn:5 Rd:5',
    syntax: 'rbit <Vd.Q8>, <Vn.Q8>',
    operands: UNARY,
    variant: BY_Q,
    execute: unary(reverseBits).on(vectors(0)),
  },
];

/** A 64-bit element is no vector across whose lanes to go, nor are two of 32 bits. */
const hasLanes = ({ size, Q }: A64Fields) => size < 2 || (size === 2 && Q === 1);

/** Mnemonic, U, opcode, size of the result. */
const ACROSS = [
  ['saddlv', '0', '00011', 'sizelong', addLongAcross('signed')],
  ['smaxv', '0', '01010', 'size', extreme(lanes.maximum('signed'))],
  ['sminv', '0', '11010', 'size', extreme(lanes.minimum('signed'))],
  ['addv', '0', '11011', 'size', addAcross],
  ['uaddlv', '1', '00011', 'sizelong', addLongAcross('unsigned')],
  ['umaxv', '1', '01010', 'size', extreme(lanes.maximum('unsigned'))],
  ['uminv', '1', '11010', 'size', extreme(lanes.minimum('unsigned'))],
] as const;

const REDUCTIONS: readonly A64Row[] = [
  ...ACROSS.map(([mnemonic, U, opcode, size, execute]): A64Row => ({
    name: mnemonic.toUpperCase(),
    encoding: `0 Q ${U} 01110 size:2 11000 ${opcode} 10 Rn:5 Rd:5`,
    valid: hasLanes,
    syntax: `${mnemonic} <Fd:${size}>, <Vn.T>`,
    operands: UNARY,
    variant: BY_SIZE,
    execute,
  })),
  {
    name: 'ADDP (scalar)',
    encoding: '01 0 11110 11 11000 11011 10 Rn:5 Rd:5',
    syntax: 'addp <Dd>, <Vn.2d>',
    operands: UNARY,
    execute: addPair,
  },
];

export const SIMD_TWO: readonly A64Row[] = [...INTEGER, ...REDUCTIONS];
