/** MOVI, MVNI, and ORR and BIC of an immediate. */
import type { Builder } from '../../../builder.ts';
import type { Vector } from '../../../expr.ts';
import type { Execute } from '../../../execute.ts';
import { bitsOfQ, low } from './lanes.ts';
import * as vector from './vector.ts';

const { bytes, range } = vector;

/** The row's immediate has 64 bits of the vector, inverted already for MVNI and BIC; zeros above `bits`. */
function immediateVector(b: Builder, bits: number): Vector {
  const imm = b.immediate('imm', 64);
  if (imm.op !== 'const') return low(bits, vector.splat(3, imm));
  return bytes(range(16).map((i) => (8 * i < bits ? Number((imm.value >> BigInt(8 * (i % 8))) & 0xffn) : 0)));
}
const movingImmediate =
  (bits: (b: Builder) => number): Execute =>
  (b) => {
    b.checkFp();
    b.setVector('rd', immediateVector(b, bits(b)));
  };
export const moveImmediate = movingImmediate(bitsOfQ);
export const moveImmediateScalar = movingImmediate(() => 64);
export const moveImmediateVector = movingImmediate(() => 128);

const withImmediate =
  (operation: (a: Vector, b: Vector) => Vector): Execute =>
  (b) => {
    b.checkFp();
    b.setVector('rd', low(bitsOfQ(b), operation(b.getVector('ra'), immediateVector(b, 128))));
  };
export const orImmediate = withImmediate(vector.or);
export const andImmediate = withImmediate(vector.and);
