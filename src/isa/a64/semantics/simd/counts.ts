/** Bits counted and reversed within lanes, lanes reversed within larger ones. Tables are of the values of four bits. */
import { call, clz, constant, native, type Vector } from '../../../expr.ts';
import { libraryFunction, type Statements } from '../../../library.ts';
import type { Unary } from './lanes.ts';
import * as vector from './vector.ts';
import type { Size } from './vector.ts';

const { and, bitsOf, bytes, or, range, shrU, splatConstant, swizzle } = vector;

const NIBBLE = splatConstant(0, 0x0f);
const upper = (v: Vector) => shrU(0, v, constant(32, 4));
const lower = (v: Vector) => and(v, NIBBLE);

/** Leading zeros of four bits, 4 for none. */
const LEADING_ZEROS = bytes(range(16).map((value) => Math.clz32(value) - 28));

/** Those of the upper half, and where it is zero of the lower one too; WebAssembly counts those of 32 bits. */
function leadingZeros(b: Statements, size: Size, v: Vector): Vector {
  if (size >= 2) {
    return range(vector.countOf(size)).reduce(
      (result, lane) => vector.withLane(size, lane, result, clz(vector.lane(size, lane, v))),
      v,
    );
  }
  let [high, low]: [Vector, Vector] = [v, v];
  if (size === 0) {
    high = b.let(swizzle(LEADING_ZEROS, upper(v)));
    low = swizzle(LEADING_ZEROS, lower(v));
  } else {
    const halves = b.let(leadingZeros(b, (size - 1) as Size, v));
    const by = constant(32, bitsOf(size) / 2);
    high = b.let(shrU(size, halves, by));
    low = and(halves, splatConstant(size, (1n << BigInt(bitsOf(size) / 2)) - 1n));
  }
  const none = vector.eq(size, high, splatConstant(size, bitsOf(size) / 2));
  return vector.add(size, high, and(low, none));
}

const NAMES = ([0, 1, 2, 3] as const).map((size) => ({ size, bits: bitsOf(size) }));
const COUNT_ZEROS = NAMES.map(({ size, bits }) =>
  libraryFunction(`clz.${bits}`, ['v128'], 'v128', (b, v) => leadingZeros(b, size, v)),
);
/** Where the sign is repeated there are zeros after it is taken away from all bits; it doesn't count itself. */
const COUNT_SIGNS = NAMES.map(({ size, bits }) =>
  libraryFunction(`cls.${bits}`, ['v128'], 'v128', (b, v) => {
    const changes = b.let(vector.xor(v, vector.signs(size, v)));
    return vector.sub(size, leadingZeros(b, size, changes), splatConstant(size, 1));
  }),
);
export const countLeadingZeros: Unary = ({ b, size }, n) =>
  size === 2 ? leadingZeros(b, size, n) : call(COUNT_ZEROS[size]!, n);
export const countLeadingSigns: Unary = ({ size }, n) => call(COUNT_SIGNS[size]!, n);

export const countBits: Unary = (_on, n) => native('i8x16.popcnt', n);

const reversed4 = (value: number) => range(4).reduce((result, bit) => result | (((value >> bit) & 1) << (3 - bit)), 0);
const REVERSED = bytes(range(16).map(reversed4));
const REVERSED_ABOVE = bytes(range(16).map((value) => reversed4(value) << 4));
export const reverseBits: Unary = (_on, n) => or(swizzle(REVERSED_ABOVE, lower(n)), swizzle(REVERSED, upper(n)));

/** REV16, REV32, REV64: lanes of the size in the opposite order within each `container` of bytes. */
export const reverseWithin =
  (container: 2 | 4 | 8): Unary =>
  ({ size }, n) => {
    const lanes = Math.max(1, container >> size);
    return vector.shuffleLanes(
      size,
      n,
      n,
      range(vector.countOf(size)).map((i) => i - (i % lanes) + (lanes - 1 - (i % lanes))),
    );
  };
