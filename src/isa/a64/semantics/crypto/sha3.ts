/** EOR3, BCAX, RAX1, XAR: what Keccak (FIPS 202) is made of. */
import { constant, negate, type Expr, type Vector } from '../../../expr.ts';
import type { Execute } from '../../../execute.ts';
import type { Accumulation, Binary } from '../simd/lanes.ts';
import { or, shl, shrU, without, xor } from '../simd/vector.ts';

/** `a` is a source of its own. */
export const xorThree: Accumulation = (_on, n, m, a) => xor(xor(n, m), a);
export const bitClearAndXor: Accumulation = (_on, n, m, a) => xor(n, without(m, a));

/** Amounts count modulo 64. */
const rotatedRight = (v: Vector, by: Expr) => or(shrU(3, v, by), shl(3, v, negate(by)));

export const rotateAndXor: Binary = (_on, n, m) => xor(n, rotatedRight(m, constant(32, 63)));

export const xorAndRotate: Execute = (b) => {
  b.checkFp();
  const v = b.let(xor(b.getVector('rn'), b.getVector('rm')));
  b.setVector('rd', rotatedRight(v, b.let(b.immediate('imm', 32))));
};
