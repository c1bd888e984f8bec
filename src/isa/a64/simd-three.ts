/** Advanced SIMD with three registers, scalar and vector: DDI 0487 C4.1, "three same", "three different", "three same extra". */
import { as, type A64Row } from './row.ts';
import * as lanes from './semantics/simd/arithmetic.ts';
import { dotProduct, matrixProduct } from './semantics/simd/dot.ts';
import {
  doublingMultiplyHigh,
  roundingDoublingMultiplyAddHigh,
  roundingDoublingMultiplyHigh,
  roundingDoublingMultiplySubtractHigh,
} from './semantics/simd/doubling.ts';
import {
  accumulating,
  binary,
  longScalars,
  longVectors,
  scalars,
  vectors,
  wholeVectors,
  type LongLanes,
  type Semantics,
} from './semantics/simd/lanes.ts';
import * as long from './semantics/simd/long.ts';
import { highNarrow, narrowing } from './semantics/simd/narrow.ts';
import { pairwise } from './semantics/simd/permute.ts';
import { multiplyBytes, multiplyBytesLong, multiplyDoublewordsLong } from './semantics/simd/polynomial.ts';
import * as saturating from './semantics/simd/saturation.ts';
import * as shifts from './semantics/simd/shift-register.ts';
import type { Sign } from './semantics/simd/vector.ts';
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

const operandsOf = ({ into }: { readonly into: boolean }) => (into ? { ...BINARY, ...INTO } : BINARY);

/** Mnemonic, U, opcode, what it does, sizes of the vector, sizes of the scalar. */
const INTEGER: readonly (readonly [string, string, string, Semantics, Sizes, Sizes])[] = [
  ['shadd', '0', '00000', binary(lanes.halvingAdd('signed')), BHS, []],
  ['sqadd', '0', '00001', binary(saturating.addSigned), ALL, ALL],
  ['srhadd', '0', '00010', binary(lanes.roundingHalvingAdd('signed')), BHS, []],
  ['shsub', '0', '00100', binary(lanes.halvingSubtract('signed')), BHS, []],
  ['sqsub', '0', '00101', binary(saturating.subtractSigned), ALL, ALL],
  ['cmgt', '0', '00110', binary(lanes.greater), ALL, [3]],
  ['cmge', '0', '00111', binary(lanes.greaterOrEqual), ALL, [3]],
  ['sshl', '0', '01000', binary(shifts.shiftByRegister('signed')), ALL, [3]],
  ['sqshl', '0', '01001', binary(shifts.saturatingShiftByRegister('signed')), ALL, ALL],
  ['srshl', '0', '01010', binary(shifts.roundingShiftByRegister('signed')), ALL, [3]],
  ['sqrshl', '0', '01011', binary(shifts.saturatingRoundingShiftByRegister('signed')), ALL, ALL],
  ['smax', '0', '01100', binary(lanes.maximum('signed')), BHS, []],
  ['smin', '0', '01101', binary(lanes.minimum('signed')), BHS, []],
  ['sabd', '0', '01110', binary(lanes.difference('signed')), BHS, []],
  ['saba', '0', '01111', accumulating(lanes.differenceAdd('signed')), BHS, []],
  ['add', '0', '10000', binary(lanes.add), ALL, [3]],
  ['cmtst', '0', '10001', binary(lanes.bitsInCommon), ALL, [3]],
  ['mla', '0', '10010', accumulating(lanes.multiplyAdd), BHS, []],
  ['mul', '0', '10011', binary(lanes.multiply), BHS, []],
  ['smaxp', '0', '10100', binary(pairwise(lanes.maximum('signed'))), BHS, []],
  ['sminp', '0', '10101', binary(pairwise(lanes.minimum('signed'))), BHS, []],
  ['sqdmulh', '0', '10110', binary(doublingMultiplyHigh), HS, HS],
  ['addp', '0', '10111', binary(pairwise(lanes.add)), ALL, []],
  ['uhadd', '1', '00000', binary(lanes.halvingAdd('unsigned')), BHS, []],
  ['uqadd', '1', '00001', binary(saturating.addUnsigned), ALL, ALL],
  ['urhadd', '1', '00010', binary(lanes.roundingHalvingAdd('unsigned')), BHS, []],
  ['uhsub', '1', '00100', binary(lanes.halvingSubtract('unsigned')), BHS, []],
  ['uqsub', '1', '00101', binary(saturating.subtractUnsigned), ALL, ALL],
  ['cmhi', '1', '00110', binary(lanes.higher), ALL, [3]],
  ['cmhs', '1', '00111', binary(lanes.higherOrSame), ALL, [3]],
  ['ushl', '1', '01000', binary(shifts.shiftByRegister('unsigned')), ALL, [3]],
  ['uqshl', '1', '01001', binary(shifts.saturatingShiftByRegister('unsigned')), ALL, ALL],
  ['urshl', '1', '01010', binary(shifts.roundingShiftByRegister('unsigned')), ALL, [3]],
  ['uqrshl', '1', '01011', binary(shifts.saturatingRoundingShiftByRegister('unsigned')), ALL, ALL],
  ['umax', '1', '01100', binary(lanes.maximum('unsigned')), BHS, []],
  ['umin', '1', '01101', binary(lanes.minimum('unsigned')), BHS, []],
  ['uabd', '1', '01110', binary(lanes.difference('unsigned')), BHS, []],
  ['uaba', '1', '01111', accumulating(lanes.differenceAdd('unsigned')), BHS, []],
  ['sub', '1', '10000', binary(lanes.subtract), ALL, [3]],
  ['cmeq', '1', '10001', binary(lanes.equal), ALL, [3]],
  ['mls', '1', '10010', accumulating(lanes.multiplySubtract), BHS, []],
  ['pmul', '1', '10011', binary(multiplyBytes), [0], []],
  ['umaxp', '1', '10100', binary(pairwise(lanes.maximum('unsigned'))), BHS, []],
  ['uminp', '1', '10101', binary(pairwise(lanes.minimum('unsigned'))), BHS, []],
  ['sqrdmulh', '1', '10110', binary(roundingDoublingMultiplyHigh), HS, HS],
];

/** Register forms of shifts and comparisons have namesakes with an immediate. */
const AMONG_SAME = /^(cm(gt|ge|eq)|[su]qshl)$/;
const form = (mnemonic: string, kind: 'vector' | 'scalar') => (AMONG_SAME.test(mnemonic) ? `${kind}, register` : kind);

function integerRows([mnemonic, U, opcode, semantics, vector, scalar]: (typeof INTEGER)[number]): A64Row[] {
  const operands = operandsOf(semantics);
  const rows: A64Row[] = [
    {
      name: title(mnemonic, form(mnemonic, 'vector')),
      encoding: `0 Q ${U} 01110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`,
      valid: hasVector(vector),
      syntax: `${mnemonic} <Vd.T>, <Vn.T>, <Vm.T>`,
      operands,
      variant: BY_SIZE,
      execute: semantics.on(vectors()),
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
      execute: semantics.on(scalars()),
    });
  }
  return rows;
}

const LOGICAL = [
  ['and', '0', '00', binary(lanes.bitAnd)],
  ['bic', '0', '01', binary(lanes.bitClear)],
  ['orr', '0', '10', binary(lanes.bitOr)],
  ['orn', '0', '11', binary(lanes.bitOrNot)],
  ['eor', '1', '00', binary(lanes.bitXor)],
  ['bsl', '1', '01', accumulating(lanes.bitSelect)],
  ['bit', '1', '10', accumulating(lanes.bitInsertIfTrue)],
  ['bif', '1', '11', accumulating(lanes.bitInsertIfFalse)],
] as const;

/** Long and wide: mnemonic behind its sign, opcode, which operands are wide (of d, n, m), what it does. */
const LONG: readonly (readonly [string, string, string, (sign: Sign) => Semantics<LongLanes>])[] = [
  ['addl', '0000', 'd', (sign) => binary(long.addLong(sign))],
  ['addw', '0001', 'dn', (sign) => binary(long.addWide(sign))],
  ['subl', '0010', 'd', (sign) => binary(long.subtractLong(sign))],
  ['subw', '0011', 'dn', (sign) => binary(long.subtractWide(sign))],
  ['abal', '0101', 'd', (sign) => accumulating(long.differenceAddLong(sign))],
  ['abdl', '0111', 'd', (sign) => binary(long.differenceLong(sign))],
  ['mlal', '1000', 'd', (sign) => accumulating(long.multiplyAddLong(sign))],
  ['mlsl', '1010', 'd', (sign) => accumulating(long.multiplySubtractLong(sign))],
  ['mull', '1100', 'd', (sign) => binary(long.multiplyLong(sign))],
];

const arrangements = (wide: string) =>
  ['d', 'n', 'm'].map((field) => `<V${field}.${wide.includes(field) ? 'long' : 'T'}>`).join(', ');

const longRows = ([stem, opcode, wide, semanticsOf]: (typeof LONG)[number]): A64Row[] =>
  (['signed', 'unsigned'] as const).map((sign, U) => {
    const mnemonic = `${sign.charAt(0)}${stem}`;
    const semantics = semanticsOf(sign);
    return {
      name: title(mnemonic, 'vector'),
      encoding: `0 Q ${U} 01110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
      valid: (f) => f.size !== 3,
      syntax: `${mnemonic}<2> ${arrangements(wide)}`,
      operands: operandsOf(semantics),
      variant: BY_SIZE,
      execute: semantics.on(longVectors()),
    };
  });

/** The upper halves of the lanes: mnemonic, U, opcode, operation, whether it is rounded. */
const HIGH = [
  ['addhn', '0', '0100', 'add', false],
  ['raddhn', '1', '0100', 'add', true],
  ['subhn', '0', '0110', 'sub', false],
  ['rsubhn', '1', '0110', 'sub', true],
] as const;

const highRow = ([mnemonic, U, opcode, operation, rounding]: (typeof HIGH)[number]): A64Row => ({
  name: title(mnemonic, 'vector'),
  encoding: `0 Q ${U} 01110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
  valid: (f) => f.size !== 3,
  syntax: `${mnemonic}<2> ${arrangements('nm')}`,
  /* Narrowing into the upper half keeps the lower one. */
  operands: { ...BINARY, ...INTO },
  variant: BY_SIZE,
  execute: narrowing(longVectors(), highNarrow(operation, rounding)),
});

const DOUBLING = [
  ['sqdmlal', '1001', accumulating(long.doublingMultiplyAddLong)],
  ['sqdmlsl', '1011', accumulating(long.doublingMultiplySubtractLong)],
  ['sqdmull', '1101', binary(long.doublingMultiplyLong)],
] as const;

function doublingRows([mnemonic, opcode, semantics]: (typeof DOUBLING)[number]): A64Row[] {
  const operands = operandsOf(semantics);
  return [
    {
      name: title(mnemonic, 'vector'),
      encoding: `0 Q 0 01110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
      valid: (f) => HS.includes(f.size),
      syntax: `${mnemonic}<2> ${arrangements('d')}`,
      operands,
      variant: BY_SIZE,
      execute: semantics.on(longVectors()),
    },
    {
      name: title(mnemonic, 'scalar'),
      encoding: `01 0 11110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
      valid: hasScalar(HS),
      syntax: `${mnemonic} <Fd:sizelong>, <Fn:size>, <Fm:size>`,
      operands,
      variant: ['size'],
      execute: semantics.on(longScalars()),
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
    execute: binary(multiplyBytesLong).on(longVectors(0)),
  },
  {
    name: 'PMULL (1Q)',
    encoding: '0 Q 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5',
    feature: 'FEAT_PMULL',
    syntax: 'pmull<2> <Vd.1q>, <Vn.Q64>, <Vm.Q64>',
    operands: BINARY,
    variant: BY_Q,
    execute: binary(multiplyDoublewordsLong).on(longVectors(3)),
  },
];

const ROUNDING_INTO = [
  ['sqrdmlah', accumulating(roundingDoublingMultiplyAddHigh)],
  ['sqrdmlsh', accumulating(roundingDoublingMultiplySubtractHigh)],
] as const;

/** Of bytes, into 32 bits: mnemonic, Q, U, opcode, the extension, what it does. */
const PRODUCTS = [
  ['sdot', 'Q', '0', '0010', 'FEAT_DotProd', accumulating(dotProduct('signed', 'signed'))],
  ['udot', 'Q', '1', '0010', 'FEAT_DotProd', accumulating(dotProduct('unsigned', 'unsigned'))],
  ['usdot', 'Q', '0', '0011', 'FEAT_I8MM', accumulating(dotProduct('unsigned', 'signed'))],
  ['smmla', '1', '0', '0100', 'FEAT_I8MM', accumulating(matrixProduct('signed', 'signed'))],
  ['ummla', '1', '1', '0100', 'FEAT_I8MM', accumulating(matrixProduct('unsigned', 'unsigned'))],
  ['usmmla', '1', '0', '0101', 'FEAT_I8MM', accumulating(matrixProduct('unsigned', 'signed'))],
] as const;

const EXTRA: readonly A64Row[] = [
  ...ROUNDING_INTO.flatMap(([mnemonic, semantics], S): A64Row[] => [
    {
      name: title(mnemonic, 'vector'),
      encoding: `0 Q 1 01110 size:2 0 Rm:5 1 000${S} 1 Rn:5 Rd:5`,
      valid: hasVector(HS),
      feature: ROUNDING_DOUBLING,
      syntax: `${mnemonic} <Vd.T>, <Vn.T>, <Vm.T>`,
      operands: operandsOf(semantics),
      variant: BY_SIZE,
      execute: semantics.on(vectors()),
    },
    {
      name: title(mnemonic, 'scalar'),
      encoding: `01 1 11110 size:2 0 Rm:5 1 000${S} 1 Rn:5 Rd:5`,
      valid: hasScalar(HS),
      feature: ROUNDING_DOUBLING,
      syntax: `${mnemonic} <Fd:size>, <Fn:size>, <Fm:size>`,
      operands: operandsOf(semantics),
      variant: ['size'],
      execute: semantics.on(scalars()),
    },
  ]),
  ...PRODUCTS.map(([mnemonic, Q, U, opcode, feature, semantics]): A64Row => ({
    name: title(mnemonic, 'vector'),
    encoding: `0 ${Q} ${U} 01110 10 0 Rm:5 1 ${opcode} 1 Rn:5 Rd:5`,
    feature,
    syntax: `${mnemonic} ${Q === 'Q' ? '<Vd.Q32>, <Vn.Q8>, <Vm.Q8>' : '<Vd.4s>, <Vn.16b>, <Vm.16b>'}`,
    operands: operandsOf(semantics),
    ...(Q === 'Q' && { variant: BY_Q }),
    execute: semantics.on(Q === 'Q' ? vectors(2) : wholeVectors(2)),
  })),
];

export const SIMD_THREE: readonly A64Row[] = [
  ...INTEGER.flatMap(integerRows),
  ...LOGICAL.map(([mnemonic, U, opc, semantics]): A64Row => ({
    name: title(mnemonic, mnemonic.startsWith('b') && mnemonic !== 'bic' ? 'vector' : 'vector, register'),
    encoding: `0 Q ${U} 01110 ${opc} 1 Rm:5 00011 1 Rn:5 Rd:5`,
    syntax: `${mnemonic} <Vd.Q8>, <Vn.Q8>, <Vm.Q8>`,
    aliases: mnemonic === 'orr' ? [as('mov <Vd.Q8>, <Vn=m.Q8>', {}, (f) => f.Rn === f.Rm)] : [],
    operands: operandsOf(semantics),
    variant: BY_Q,
    execute: semantics.on(vectors(0)),
  })),
  ...LONG.flatMap(longRows),
  ...HIGH.map(highRow),
  ...DOUBLING.flatMap(doublingRows),
  ...POLYNOMIAL,
  ...EXTRA,
];
