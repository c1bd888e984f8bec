/** Floating point in Advanced SIMD with three registers, scalar and vector: DDI 0487 C4.1, "three same", "three same extra". */
import type { Execute } from '../execute.ts';
import type { A64Fields } from './operands.ts';
import type { A64Row } from './row.ts';
import { complexAdd, complexMultiplyAdd } from './semantics/float/complex.ts';
import { bySz, half, type Which } from './semantics/float/lanes.ts';
import * as scalar from './semantics/float/scalar.ts';
import * as vector from './semantics/float/vector.ts';
import { BINARY, BY_Q, BY_SZ, COMPLEX, HALF, hasFloatVector, INTO, title } from './simd-row.ts';

const operandsOf = (mnemonic: string) => (/^fml[as]$/.test(mnemonic) ? { ...BINARY, ...INTO } : BINARY);

/** Comparisons have namesakes with zero. */
const form = (mnemonic: string, kind: 'vector' | 'scalar') =>
  /^fcm(gt|ge|eq)$/.test(mnemonic) ? `${kind}, register` : kind;

/** Mnemonic, U, a, the low bits of opcode, whether there is a scalar form. */
const FLOAT = [
  ['fmaxnm', '0', '0', '000', false],
  ['fmla', '0', '0', '001', false],
  ['fadd', '0', '0', '010', false],
  ['fmulx', '0', '0', '011', true],
  ['fcmeq', '0', '0', '100', true],
  ['fmax', '0', '0', '110', false],
  ['frecps', '0', '0', '111', true],
  ['fminnm', '0', '1', '000', false],
  ['fmls', '0', '1', '001', false],
  ['fsub', '0', '1', '010', false],
  ['fmin', '0', '1', '110', false],
  ['frsqrts', '0', '1', '111', true],
  ['fmaxnmp', '1', '0', '000', false],
  ['faddp', '1', '0', '010', false],
  ['fmul', '1', '0', '011', false],
  ['fcmge', '1', '0', '100', true],
  ['facge', '1', '0', '101', true],
  ['fmaxp', '1', '0', '110', false],
  ['fdiv', '1', '0', '111', false],
  ['fminnmp', '1', '1', '000', false],
  ['fabd', '1', '1', '010', true],
  ['fcmgt', '1', '1', '100', true],
  ['facgt', '1', '1', '101', true],
  ['fminp', '1', '1', '110', false],
] as const;

const PAIRWISE = { fmaxnmp: 'fmaxnm', faddp: 'fadd', fmaxp: 'fmax', fminnmp: 'fminnm', fminp: 'fmin' } as const;
const isPairwise = (mnemonic: string): mnemonic is keyof typeof PAIRWISE => mnemonic in PAIRWISE;

function execute(mnemonic: (typeof FLOAT)[number][0], which: Which): Execute {
  if (mnemonic === 'fmla' || mnemonic === 'fmls') return vector.ternary(mnemonic, which);
  return isPairwise(mnemonic) ? vector.pairwise(PAIRWISE[mnemonic], which) : vector.binary(mnemonic, which);
}

function floatRows([mnemonic, U, a, opcode, hasScalarForm]: (typeof FLOAT)[number]): A64Row[] {
  const operands = operandsOf(mnemonic);
  const rows: A64Row[] = [
    {
      name: title(mnemonic, form(mnemonic, 'vector')),
      encoding: `0 Q ${U} 01110 ${a} sz 1 Rm:5 11 ${opcode} 1 Rn:5 Rd:5`,
      valid: hasFloatVector,
      syntax: `${mnemonic} <Vd.fp>, <Vn.fp>, <Vm.fp>`,
      operands,
      variant: BY_SZ,
      execute: execute(mnemonic, bySz),
    },
    {
      name: title(mnemonic, `${form(mnemonic, 'vector')}, half`),
      encoding: `0 Q ${U} 01110 ${a} 10 Rm:5 00 ${opcode} 1 Rn:5 Rd:5`,
      feature: HALF,
      syntax: `${mnemonic} <Vd.Q16>, <Vn.Q16>, <Vm.Q16>`,
      operands,
      variant: BY_Q,
      execute: execute(mnemonic, half),
    },
  ];
  if (!hasScalarForm) return rows;
  return [
    ...rows,
    {
      name: title(mnemonic, form(mnemonic, 'scalar')),
      encoding: `01 ${U} 11110 ${a} sz 1 Rm:5 11 ${opcode} 1 Rn:5 Rd:5`,
      syntax: `${mnemonic} <Fd:sz>, <Fn:sz>, <Fm:sz>`,
      operands,
      variant: ['sz'],
      execute: scalar.binary(mnemonic, bySz),
    },
    {
      name: title(mnemonic, `${form(mnemonic, 'scalar')}, half`),
      encoding: `01 ${U} 11110 ${a} 10 Rm:5 00 ${opcode} 1 Rn:5 Rd:5`,
      feature: HALF,
      syntax: `${mnemonic} <Hd>, <Hn>, <Hm>`,
      operands,
      execute: scalar.binary(mnemonic, half),
    },
  ];
}

/** Half precision multiplied into single: U, a, opcode, whether the product is subtracted, which half of the elements it takes. */
const MULTIPLY_LONG = [
  ['fmlal', '0', '0', '11101', false, 0],
  ['fmlsl', '0', '1', '11101', true, 0],
  ['fmlal2', '1', '0', '11001', false, 1],
  ['fmlsl2', '1', '1', '11001', true, 1],
] as const;

const LONG_ROWS: readonly A64Row[] = MULTIPLY_LONG.map(([mnemonic, U, a, opcode, subtract, part]): A64Row => ({
  name: title(mnemonic, 'vector'),
  encoding: `0 Q ${U} 01110 ${a} 0 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`,
  feature: 'FEAT_FHM',
  syntax: `${mnemonic} <Vd.Q32>, <Vn.halves>, <Vm.halves>`,
  operands: { ...BINARY, ...INTO },
  variant: BY_Q,
  execute: vector.multiplyAddLong(subtract, part, false),
}));

const rotation = (first: bigint, step: bigint) => (f: A64Fields) => first + step * BigInt(f.rot);

const COMPLEX_PRECISIONS = [
  {
    kind: '',
    bits: '1 sz',
    registers: 'fp',
    which: bySz,
    extra: { valid: hasFloatVector, feature: COMPLEX, by: BY_SZ },
  },
  { kind: ' (half)', bits: '01', registers: 'Q16', which: half, extra: { feature: [COMPLEX, HALF], by: BY_Q } },
] as const;

const COMPLEX_ROWS: readonly A64Row[] = COMPLEX_PRECISIONS.flatMap(({ kind, bits, registers, which, extra }) => {
  const { by, ...rest } = extra;
  const three = `<Vd.${registers}>, <Vn.${registers}>, <Vm.${registers}>`;
  return [
    {
      name: `FCMLA${kind}`,
      encoding: `0 Q 1 01110 ${bits} 0 Rm:5 1 10 rot:2 1 Rn:5 Rd:5`,
      ...rest,
      syntax: `fcmla ${three}, <#rot>`,
      operands: { ...BINARY, ...INTO, imm: rotation(0n, 90n) },
      variant: [...by, 'rot'],
      execute: complexMultiplyAdd(which),
    },
    {
      name: `FCADD${kind}`,
      encoding: `0 Q 1 01110 ${bits} 0 Rm:5 1 11 rot 0 1 Rn:5 Rd:5`,
      ...rest,
      syntax: `fcadd ${three}, <#rotodd>`,
      operands: { ...BINARY, imm: rotation(90n, 180n) },
      variant: [...by, 'rot'],
      execute: complexAdd(which),
    },
  ];
});

export const SIMD_FLOAT_THREE: readonly A64Row[] = [...FLOAT.flatMap(floatRows), ...LONG_ROWS, ...COMPLEX_ROWS];
