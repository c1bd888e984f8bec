/** FMOV of an immediate to each element: DDI 0487 C4.1, "modified immediate". */
import { expandFloat, floatBits, v } from './operands.ts';
import type { A64Row } from './row.ts';
import { moveImmediate, moveImmediateVector } from './semantics/simd/immediate.ts';
import { imm8, immediate, modified } from './simd-move.ts';
import { BY_Q, HALF } from './simd-row.ts';

export const SIMD_FLOAT_MOVE: readonly A64Row[] = [
  {
    name: 'FMOV (vector, immediate, half)',
    encoding: modified('0', '1111', '1'),
    feature: HALF,
    syntax: 'fmov <Vd.Q16>, <float:i3:i5>',
    operands: { rd: v('Rd'), ...immediate(16, (f) => floatBits(expandFloat(imm8.get(f)), 16)) },
    variant: BY_Q,
    execute: moveImmediate,
  },
  {
    name: 'FMOV (vector, immediate, single)',
    encoding: modified('0', '1111'),
    syntax: 'fmov <Vd.Q32>, <float:i3:i5>',
    operands: { rd: v('Rd'), ...immediate(32, (f) => floatBits(expandFloat(imm8.get(f)), 32)) },
    variant: BY_Q,
    execute: moveImmediate,
  },
  {
    name: 'FMOV (vector, immediate, double)',
    encoding: modified('1', '1111').replace('Q', '1'),
    syntax: 'fmov <Vd.2d>, <float:i3:i5>',
    operands: { rd: v('Rd'), ...immediate(64, (f) => floatBits(expandFloat(imm8.get(f)), 64)) },
    execute: moveImmediateVector,
  },
];
