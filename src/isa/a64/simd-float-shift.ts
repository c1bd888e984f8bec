/** Conversions between fixed and floating point in Advanced SIMD: DDI 0487 C4.1, "shift by immediate". A row for each size of element. */
import type { A64Row } from './row.ts';
import { byBits } from './semantics/float/lanes.ts';
import * as scalar from './semantics/float/scalar.ts';
import * as vector from './semantics/float/vector.ts';
import { BY_Q, HALF, title, UNARY } from './simd-row.ts';
import { amount, hasVector, shift, SIZES } from './simd-shift.ts';

/** The amount is the number of fraction bits. */
const CONVERSIONS = [
  ['scvtf', '0', '11100'],
  ['fcvtzs', '0', '11111'],
  ['ucvtf', '1', '11100'],
  ['fcvtzu', '1', '11111'],
] as const;

function conversionRows([mnemonic, U, opcode]: (typeof CONVERSIONS)[number]): A64Row[] {
  const fromInteger = mnemonic === 'scvtf' || mnemonic === 'ucvtf';
  return SIZES.slice(1).flatMap((size): A64Row[] => {
    const which = byBits(size.bits);
    const extra = size.bits === 16 ? { feature: HALF } : {};
    const operands = { ...UNARY, ...shift('r', size) };
    return [
      {
        name: title(mnemonic, `vector, fixed-point, ${size.bits}-bit`),
        encoding: `0 Q ${U} 011110 ${size.immh} ${opcode} 1 Rn:5 Rd:5`,
        ...hasVector(size),
        ...extra,
        syntax: `${mnemonic} <Vd.${size.vector}>, <Vn.${size.vector}>, ${amount('r', size)}`,
        operands,
        variant: BY_Q,
        execute: fromInteger ? vector.fromInteger(mnemonic, which, true) : vector.toInteger(mnemonic, which, true),
      },
      {
        name: title(mnemonic, `scalar, SIMD, fixed-point, ${size.bits}-bit`),
        encoding: `01 ${U} 111110 ${size.immh} ${opcode} 1 Rn:5 Rd:5`,
        ...extra,
        syntax: `${mnemonic} <${size.scalar}d>, <${size.scalar}n>, ${amount('r', size)}`,
        operands,
        execute: fromInteger
          ? scalar.fromVectorInteger(mnemonic, which, true)
          : scalar.toVectorInteger(mnemonic, which, true),
      },
    ];
  });
}

export const SIMD_FLOAT_SHIFT: readonly A64Row[] = CONVERSIONS.flatMap(conversionRows);
