import { instructionTable, type Decoded } from '../decoder.ts';
import { ATOMICS } from './atomics.ts';
import { BRANCHES } from './branches.ts';
import { CONDITIONAL } from './conditional.ts';
import { CRYPTO } from './crypto.ts';
import { DATA_IMMEDIATE } from './data-immediate.ts';
import { DATA_REGISTER } from './data-register.ts';
import { DATA_SOURCE } from './data-source.ts';
import { FLAG_MANIPULATION } from './flag-manipulation.ts';
import { FP_SCALAR } from './fp-scalar.ts';
import { LOAD_STORE } from './load-store.ts';
import type { A64Field } from './operands.ts';
import { ORDERED } from './ordered.ts';
import { PAUTH } from './pauth.ts';
import { SIMD_FLOAT_INDEXED } from './simd-float-indexed.ts';
import { SIMD_INDEXED } from './simd-indexed.ts';
import { SIMD_FLOAT_MOVE } from './simd-float-move.ts';
import { SIMD_MOVE } from './simd-move.ts';
import { SIMD_FLOAT_SHIFT } from './simd-float-shift.ts';
import { SIMD_SHIFT } from './simd-shift.ts';
import { SIMD_STRUCTURES } from './simd-structures.ts';
import { SIMD_FLOAT_THREE } from './simd-float-three.ts';
import { SIMD_THREE } from './simd-three.ts';
import { SIMD_FLOAT_TWO } from './simd-float-two.ts';
import { SIMD_TWO } from './simd-two.ts';
import { SYSTEM } from './system.ts';

export const A64 = instructionTable<A64Field>([
  ...DATA_IMMEDIATE,
  ...DATA_REGISTER,
  ...CONDITIONAL,
  ...DATA_SOURCE,
  ...BRANCHES,
  ...SYSTEM,
  ...LOAD_STORE,
  ...ATOMICS,
  ...ORDERED,
  ...PAUTH,
  ...FLAG_MANIPULATION,
  ...FP_SCALAR,
  ...SIMD_THREE,
  ...SIMD_FLOAT_THREE,
  ...SIMD_TWO,
  ...SIMD_FLOAT_TWO,
  ...SIMD_SHIFT,
  ...SIMD_FLOAT_SHIFT,
  ...SIMD_INDEXED,
  ...SIMD_FLOAT_INDEXED,
  ...SIMD_MOVE,
  ...SIMD_FLOAT_MOVE,
  ...SIMD_STRUCTURES,
  ...CRYPTO,
]);

export type A64Decoded = Decoded<A64Field>;

/** The row of an instruction word and its field values; null: UNDEFINED (or not in this table). */
export const decode = (word: number): A64Decoded | null => A64.decode(word);
