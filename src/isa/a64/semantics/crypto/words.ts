/** What hash functions have in common: words of 32 bits in a register, functions of three words. */
import { and, or, xor, type Expr, type Vector } from '../../../expr.ts';
import { splat, withLane } from '../simd/vector.ts';

export type Combine = (x: Expr, y: Expr, z: Expr) => Expr;
/** Bits of `y` where `x` has ones, else of `z`. */
export const choice: Combine = (x, y, z) => xor(and(x, xor(y, z)), z);
export const majority: Combine = (x, y, z) => or(and(x, y), and(or(x, y), z));

export const words = (w0: Expr, w1: Expr, w2: Expr, w3: Expr): Vector =>
  withLane(2, 3, withLane(2, 2, withLane(2, 1, splat(2, w0), w1), w2), w3);
export const doublewords = (low: Expr, high: Expr): Vector => withLane(3, 1, splat(3, low), high);
