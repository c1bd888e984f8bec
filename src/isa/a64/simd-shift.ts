/**
 * Advanced SIMD shifts by an immediate: DDI 0487 C4.1, "shift by immediate". The highest one of immh says the element's size,
 * so each size is a row, and the bits below it are the amount: a shift left, or the size less a shift right.
 */
import type { A64Fields } from './operands.ts';
import { as, type A64Row } from './row.ts';
import {
  byImmediate,
  byImmediateInto,
  longScalars,
  longVectors,
  scalars,
  vectors,
  type Semantics,
} from './semantics/simd/lanes.ts';
import { shiftLeftLong } from './semantics/simd/long.ts';
import {
  narrowing,
  roundingShiftRightNarrow,
  saturatingRoundingShiftRightNarrow,
  saturatingShiftRightNarrow,
  shiftRightNarrow,
  signedFit,
  signedToUnsignedFit,
  unsignedFit,
} from './semantics/simd/narrow.ts';
import {
  accumulated,
  roundingShiftRight,
  saturatingShiftLeft,
  saturatingShiftLeftUnsigned,
  shiftLeft,
  shiftLeftInsert,
  shiftRight,
  shiftRightInsert,
} from './semantics/simd/shift.ts';
import { BY_Q, INTO, title, UNARY } from './simd-row.ts';

/** immh:immb, vectors of the size and of twice the size, scalars of both. */
export const SIZES = [
  { bits: 8, log2: 0, field: 'i3', immh: '0001 i3:3', vector: 'Q8', wide: '8h', scalar: 'B', wideScalar: 'H' },
  { bits: 16, log2: 1, field: 'i4', immh: '001 i4:4', vector: 'Q16', wide: '4s', scalar: 'H', wideScalar: 'S' },
  { bits: 32, log2: 2, field: 'i5', immh: '01 i5:5', vector: 'Q32', wide: '2d', scalar: 'S', wideScalar: 'D' },
  { bits: 64, log2: 3, field: 'i6', immh: '1 i6:6', vector: 'Q64', wide: '', scalar: 'D', wideScalar: '' },
] as const;
type Size = (typeof SIZES)[number];
const [, , , DOUBLEWORD] = SIZES;
const NARROW = SIZES.slice(0, 3);

type Direction = 'l' | 'r';
export const amount = (direction: Direction, { field }: Size) => `<sh${direction}:${field.slice(1)}>`;

/** The shift, or the number of fraction bits, as a number of bits. */
export const shift = (direction: Direction, { bits, field }: Size) => ({
  imm: (f: A64Fields) => BigInt(direction === 'l' ? f[field] : bits - f[field]),
});

export const hasVector = (size: Size) => (size.bits === 64 ? { valid: (f: A64Fields) => f.Q === 1 } : {});

/** Mnemonic, U, opcode, direction, scalar sizes, what it does. */
const SAME: readonly (readonly [string, string, string, Direction, readonly Size[], Semantics])[] = [
  ['sshr', '0', '00000', 'r', [DOUBLEWORD], byImmediate(shiftRight('signed'))],
  ['ssra', '0', '00010', 'r', [DOUBLEWORD], byImmediateInto(accumulated(shiftRight('signed')))],
  ['srshr', '0', '00100', 'r', [DOUBLEWORD], byImmediate(roundingShiftRight('signed'))],
  ['srsra', '0', '00110', 'r', [DOUBLEWORD], byImmediateInto(accumulated(roundingShiftRight('signed')))],
  ['shl', '0', '01010', 'l', [DOUBLEWORD], byImmediate(shiftLeft)],
  ['sqshl', '0', '01110', 'l', SIZES, byImmediate(saturatingShiftLeft.signed)],
  ['ushr', '1', '00000', 'r', [DOUBLEWORD], byImmediate(shiftRight('unsigned'))],
  ['usra', '1', '00010', 'r', [DOUBLEWORD], byImmediateInto(accumulated(shiftRight('unsigned')))],
  ['urshr', '1', '00100', 'r', [DOUBLEWORD], byImmediate(roundingShiftRight('unsigned'))],
  ['ursra', '1', '00110', 'r', [DOUBLEWORD], byImmediateInto(accumulated(roundingShiftRight('unsigned')))],
  ['sri', '1', '01000', 'r', [DOUBLEWORD], byImmediateInto(shiftRightInsert)],
  ['sli', '1', '01010', 'l', [DOUBLEWORD], byImmediateInto(shiftLeftInsert)],
  ['sqshlu', '1', '01100', 'l', SIZES, byImmediate(saturatingShiftLeftUnsigned)],
  ['uqshl', '1', '01110', 'l', SIZES, byImmediate(saturatingShiftLeft.unsigned)],
];

function sameRows([mnemonic, U, opcode, direction, scalarSizes, semantics]: (typeof SAME)[number]): A64Row[] {
  const operands = (size: Size) => ({ ...UNARY, ...(semantics.into && INTO), ...shift(direction, size) });
  return [
    ...SIZES.map((size): A64Row => ({
      name: title(mnemonic, `vector, immediate, ${size.bits}-bit`),
      encoding: `0 Q ${U} 011110 ${size.immh} ${opcode} 1 Rn:5 Rd:5`,
      ...hasVector(size),
      syntax: `${mnemonic} <Vd.${size.vector}>, <Vn.${size.vector}>, ${amount(direction, size)}`,
      operands: operands(size),
      variant: BY_Q,
      execute: semantics.on(vectors(size.log2)),
    })),
    ...scalarSizes.map((size): A64Row => ({
      name: title(mnemonic, `scalar, immediate, ${size.bits}-bit`),
      encoding: `01 ${U} 111110 ${size.immh} ${opcode} 1 Rn:5 Rd:5`,
      syntax: `${mnemonic} <${size.scalar}d>, <${size.scalar}n>, ${amount(direction, size)}`,
      operands: operands(size),
      execute: semantics.on(scalars(size.log2)),
    })),
  ];
}

/** Right shifts that narrow: mnemonic, U, opcode, what it does, whether there is a scalar form. */
const NARROWING = [
  ['shrn', '0', '10000', shiftRightNarrow, false],
  ['rshrn', '0', '10001', roundingShiftRightNarrow, false],
  ['sqshrn', '0', '10010', saturatingShiftRightNarrow('signed', signedFit), true],
  ['sqrshrn', '0', '10011', saturatingRoundingShiftRightNarrow('signed', signedFit), true],
  ['sqshrun', '1', '10000', saturatingShiftRightNarrow('signed', signedToUnsignedFit), true],
  ['sqrshrun', '1', '10001', saturatingRoundingShiftRightNarrow('signed', signedToUnsignedFit), true],
  ['uqshrn', '1', '10010', saturatingShiftRightNarrow('unsigned', unsignedFit), true],
  ['uqrshrn', '1', '10011', saturatingRoundingShiftRightNarrow('unsigned', unsignedFit), true],
] as const;

function narrowingRows([mnemonic, U, opcode, wide, scalar]: (typeof NARROWING)[number]): A64Row[] {
  return NARROW.flatMap((size): A64Row[] => {
    const vector: A64Row = {
      name: title(mnemonic, `vector, ${size.bits}-bit`),
      encoding: `0 Q ${U} 011110 ${size.immh} ${opcode} 1 Rn:5 Rd:5`,
      syntax: `${mnemonic}<2> <Vd.${size.vector}>, <Vn.${size.wide}>, ${amount('r', size)}`,
      operands: { ...UNARY, ...INTO, ...shift('r', size) },
      variant: BY_Q,
      execute: narrowing(longVectors(size.log2), wide),
    };
    if (!scalar) return [vector];
    return [
      vector,
      {
        name: title(mnemonic, `scalar, ${size.bits}-bit`),
        encoding: `01 ${U} 111110 ${size.immh} ${opcode} 1 Rn:5 Rd:5`,
        syntax: `${mnemonic} <${size.scalar}d>, <${size.wideScalar}n>, ${amount('r', size)}`,
        operands: { ...UNARY, ...shift('r', size) },
        execute: narrowing(longScalars(size.log2), wide),
      },
    ];
  });
}

const LENGTHENING: readonly A64Row[] = (['signed', 'unsigned'] as const).flatMap((sign, U) =>
  NARROW.map((size): A64Row => {
    const s = sign.charAt(0);
    const operands = `<Vd.${size.wide}>, <Vn.${size.vector}>`;
    return {
      name: title(`${s}shll`, `${size.bits}-bit`),
      encoding: `0 Q ${U} 011110 ${size.immh} 10100 1 Rn:5 Rd:5`,
      syntax: `${s}shll<2> ${operands}, ${amount('l', size)}`,
      aliases: [as(`${s}xtl<2> ${operands}`, { [size.field]: 0 })],
      operands: { ...UNARY, ...shift('l', size) },
      variant: BY_Q,
      execute: byImmediate(shiftLeftLong(sign)).on(longVectors(size.log2)),
    };
  }),
);

export const SIMD_SHIFT: readonly A64Row[] = [
  ...SAME.flatMap(sameRows),
  ...NARROWING.flatMap(narrowingRows),
  ...LENGTHENING,
];
