/** FEAT_FlagM and FEAT_FlagM2: DDI 0487 C4.1, "Rotate right into flags", "Evaluate into flags", "PSTATE". */
import { field, read } from './operands.ts';
import type { A64Row } from './row.ts';
import { armToExternal, evaluate, externalToArm, invertCarry, rotateMaskInsert } from './semantics/flags.ts';

const CONVERSIONS = [
  ['cfinv', '000', 'FEAT_FlagM', invertCarry],
  ['xaflag', '001', 'FEAT_FlagM2', externalToArm],
  ['axflag', '010', 'FEAT_FlagM2', armToExternal],
] as const;

export const FLAG_MANIPULATION: readonly A64Row[] = [
  ...CONVERSIONS.map(([mnemonic, op2, feature, execute]): A64Row => ({
    name: mnemonic.toUpperCase(),
    encoding: `1101010100 0 00 000 0100 0000 ${op2} 11111`,
    feature,
    syntax: mnemonic,
    operands: {},
    execute,
  })),
  {
    name: 'RMIF',
    encoding: '1 0 1 11010000 imm6:6 00001 Rn:5 0 mask:4',
    feature: 'FEAT_FlagM',
    syntax: 'rmif <Xn>, <imm6>, <mask>',
    operands: { rn: read('Rn'), imm: field('imm6'), imm2: field('mask') },
    execute: rotateMaskInsert,
  },
  ...(['0', '1'] as const).map((sz): A64Row => ({
    name: sz === '0' ? 'SETF8' : 'SETF16',
    encoding: `0 0 1 11010000 000000 ${sz} 0010 Rn:5 0 1101`,
    feature: 'FEAT_FlagM',
    syntax: `setf${sz === '0' ? 8 : 16} <Wn>`,
    operands: { rn: read('Rn') },
    execute: evaluate(sz === '0' ? 8 : 16),
  })),
];
