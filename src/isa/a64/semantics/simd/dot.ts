/** SDOT, UDOT: each 32-bit lane is added the products of its four bytes. */
import type { Accumulation } from './lanes.ts';
import * as vector from './vector.ts';
import type { Sign } from './vector.ts';

const { extendedProduct, pairSums, shuffleLanes } = vector;

export const dotProduct =
  (sign: Sign): Accumulation =>
  ({ b }, n, m, d) => {
    /* Sums of two products each: 0 to 3 of the lower half, 4 to 7 of the upper one. */
    const low = b.let(pairSums(1, sign, extendedProduct(0, 0, sign, n, m)));
    const high = b.let(pairSums(1, sign, extendedProduct(0, 1, sign, n, m)));
    const sums = vector.add(2, shuffleLanes(2, low, high, [0, 2, 4, 6]), shuffleLanes(2, low, high, [1, 3, 5, 7]));
    return vector.add(2, d, sums);
  };
