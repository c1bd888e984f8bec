/** Floating point in Advanced SIMD by an element: DDI 0487 C4.1, "vector x indexed element" and its scalar form. */
import { joinedField, v, type A64Fields } from './operands.ts';
import type { A64Row } from './row.ts';
import { complexMultiplyAddByElement } from './semantics/float/complex.ts';
import { byBits } from './semantics/float/lanes.ts';
import * as float from './semantics/float/vector.ts';
import { low, operandsOf, VECTORS, type Element } from './simd-indexed.ts';
import { BINARY, BY_Q, COMPLEX, HALF, INTO, title } from './simd-row.ts';

const ELEMENTS: readonly Element[] = [
  { ...low, bits: 16, fields: `00 ${low.fields}` },
  { bits: 32, fields: '10 L Rm:5', index: 'H:L', operand: '<Vm.s[H:L]>', register: v('Rm') },
  { bits: 64, fields: '11 0 Rm:5', index: 'H', operand: '<Vm.d[H]>', register: v('Rm') },
];

const FLOAT = [
  ['fmla', '0', '0001', true],
  ['fmls', '0', '0101', true],
  ['fmul', '0', '1001', false],
  ['fmulx', '1', '1001', false],
] as const;

const isAccumulating = (mnemonic: (typeof FLOAT)[number][0]): mnemonic is 'fmla' | 'fmls' => /^fml[as]$/.test(mnemonic);

function floatRows([mnemonic, U, opcode, into]: (typeof FLOAT)[number]): A64Row[] {
  return ELEMENTS.flatMap((element): A64Row[] => {
    const [vector, , letter] = VECTORS[element.bits];
    const extra = element.bits === 16 ? { feature: HALF } : {};
    const operands = operandsOf(element, into);
    const which = byBits(element.bits);
    return [
      {
        name: title(mnemonic, `by element, vector, ${element.bits}-bit`),
        encoding: `0 Q ${U} 01111 ${element.fields} ${opcode} H 0 Rn:5 Rd:5`,
        ...(element.bits === 64 && { valid: (f: A64Fields) => f.Q === 1 }),
        ...extra,
        syntax: `${mnemonic} <Vd.${vector}>, <Vn.${vector}>, ${element.operand}`,
        operands,
        variant: BY_Q,
        execute: isAccumulating(mnemonic)
          ? float.ternary(mnemonic, which, float.byElement)
          : float.binary(mnemonic, which, float.byElement),
      },
      {
        name: title(mnemonic, `by element, scalar, ${element.bits}-bit`),
        encoding: `01 ${U} 11111 ${element.fields} ${opcode} H 0 Rn:5 Rd:5`,
        ...extra,
        syntax: `${mnemonic} <${letter}d>, <${letter}n>, ${element.operand}`,
        operands,
        execute: isAccumulating(mnemonic)
          ? float.ternaryByElement(mnemonic, which)
          : float.binaryByElement(mnemonic, which),
      },
    ];
  });
}

const MULTIPLY_LONG = [
  ['fmlal', '0', '0000', false, 0],
  ['fmlsl', '0', '0100', true, 0],
  ['fmlal2', '1', '1000', false, 1],
  ['fmlsl2', '1', '1100', true, 1],
] as const;

const angle = (f: A64Fields) => 90n * BigInt(f.rot);

export const SIMD_FLOAT_INDEXED: readonly A64Row[] = [
  ...FLOAT.flatMap(floatRows),
  ...MULTIPLY_LONG.map(([mnemonic, U, opcode, subtract, part]): A64Row => ({
    name: title(mnemonic, 'by element'),
    encoding: `0 Q ${U} 01111 10 ${low.fields} ${opcode} H 0 Rn:5 Rd:5`,
    feature: 'FEAT_FHM',
    syntax: `${mnemonic} <Vd.Q32>, <Vn.halves>, ${low.operand}`,
    operands: { ...BINARY, ...INTO, imm: joinedField(low.index) },
    variant: BY_Q,
    execute: float.multiplyAddLong(subtract, part, true),
  })),
  {
    name: 'FCMLA (by element, half)',
    encoding: '0 Q 1 01111 01 L Rm:5 0 rot:2 1 H 0 Rn:5 Rd:5',
    valid: (f) => f.Q === 1 || f.H === 0,
    feature: [COMPLEX, HALF],
    syntax: 'fcmla <Vd.Q16>, <Vn.Q16>, <Vm.h[H:L]>, <#rot>',
    operands: { ...BINARY, ...INTO, imm: joinedField('H:L'), imm2: angle },
    variant: ['Q', 'rot'],
    execute: complexMultiplyAddByElement('half'),
  },
  {
    name: 'FCMLA (by element, single)',
    encoding: '0 1 1 01111 10 0 Rm:5 0 rot:2 1 H 0 Rn:5 Rd:5',
    feature: COMPLEX,
    syntax: 'fcmla <Vd.4s>, <Vn.4s>, <Vm.s[H]>, <#rot>',
    operands: { ...BINARY, ...INTO, imm: joinedField('H'), imm2: angle },
    variant: ['rot'],
    execute: complexMultiplyAddByElement('single'),
  },
];
