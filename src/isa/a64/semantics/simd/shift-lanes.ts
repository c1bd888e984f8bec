/** Each lane shifted by a number of its own, from −128 to 127: to the left, or to the right where it is negative. */
import {
  call,
  constant,
  extendS,
  extendU,
  geS,
  ltU,
  native,
  negate,
  select,
  shl,
  shrS,
  shrU,
  sub,
  wrap,
  type Expr,
  type Vector,
} from '../../../expr.ts';
import { libraryFunction, type FunctionBody, type Statements } from '../../../library.ts';
import * as vector from './vector.ts';
import type { Sign, Size } from './vector.ts';

const { and, bitsOf, countOf, range, splatConstant, swizzle, ZERO } = vector;

/** What moves a lane's low byte to its top. */
export const byteToTop = (size: Size) => constant(32, bitsOf(size) - 8);

/** The low byte of a lane of `size`. */
const amountOf = (size: Size, lane: number, m: Vector) => native('i8x16.extract_lane_s', lane << size, m);

/** Amounts below the lane's bits in either direction but for one bit more to the left, in their low bytes. */
const within = (size: Size, m: Vector) =>
  native('i8x16.max_s', native('i8x16.min_s', m, splatConstant(0, bitsOf(size))), splatConstant(0, 1 - bitsOf(size)));

/** A word at the top of 64 bits is shifted right by 32 to stay what it is, by less to go left. */
function shiftWord(sign: Sign, n: Vector, m: Vector, lane: number): Expr {
  const value = shl(extendU(vector.lane(2, lane, n)), constant(64, 32));
  const right = sub(constant(64, 32), extendS(amountOf(2, lane, m)));
  return wrap(sign === 'signed' ? shrS(value, right) : shrU(value, right));
}
function shiftDoubleword(b: Statements, sign: Sign, n: Vector, m: Vector, lane: number): Expr {
  const by = b.let(extendS(amountOf(3, lane, m)));
  const value = b.let(vector.lane(3, lane, n));
  const right = sign === 'signed' ? shrS(value, negate(by)) : shrU(value, negate(by));
  return select(geS(by, constant(64, 0)), shl(value, by), right);
}

/** Powers of two up to 128 by their logarithms; zero for all others. */
const POWERS = vector.bytes(range(16).map((i) => (i < 8 ? 1 << i : 0)));

/** In lanes of 8 and 16 bits: the upper half of the product with two to the power of amount and bits. */
function shiftLanesByProduct(size: 0 | 1, sign: Sign) {
  const bits = bitsOf(size);
  const count = countOf(size);
  const firstByte = vector.bytes(range(16).map((i) => (i >> size) << size));
  /* Two to the power of `plus` and the amount; in the second byte of 16 bits it is eight less. */
  const powers = (amounts: Vector, plus: number) =>
    swizzle(POWERS, vector.add(0, amounts, vector.bytes(range(16).map((i) => (plus - 8 * (i & size)) & 0xff))));
  return libraryFunction(`shift.${sign}.${bits}`, ['v128', 'v128'], 'v128', (b, n, m) => {
    const limited = sign === 'signed' ? native('i8x16.max_s', m, splatConstant(0, -bits)) : m;
    const amounts = b.let(size === 0 ? limited : swizzle(limited, firstByte));
    const [lower, upper] = [b.let(powers(amounts, bits)), b.let(powers(amounts, 0))];
    const product = (half: vector.Half) => {
      const pairs = range(count).map((i) => (i >> 1) + half * (count / 2) + (i & 1 ? count : 0));
      const factor = vector.shuffleLanes(size, lower, upper, pairs);
      return vector.mul(vector.wider(size), vector.extend(size, half, sign, n), factor);
    };
    const odds = range(count).map((i) => 2 * i + 1);
    return vector.shuffleLanes(size, product(0), product(1), odds);
  });
}

/** Most often all lanes say the same: then it is a shift of the vector. */
function shiftLanes(size: 2 | 3, sign: Sign) {
  const bits = constant(32, bitsOf(size));
  return libraryFunction(`shift.${sign}.${bitsOf(size)}`, ['v128', 'v128'], 'v128', (b, n, m) => {
    const same = vector.eq(size, m, vector.splat(size, vector.lane(size, 0, m)));
    b.when(native('i8x16.all_true', same), () => shiftAll(b, n, b.let(amountOf(size, 0, m))));
    const amounts = b.let(within(size, m));
    const shifted = range(countOf(size)).reduce((result, lane) => {
      const value = size === 3 ? shiftDoubleword(b, sign, n, amounts, lane) : shiftWord(sign, n, amounts, lane);
      return vector.withLane(size, lane, result, value);
    }, n);
    /* What is shifted by all bits or more is zero, but a sign. */
    const amount = b.let(vector.shrS(size, vector.shl(size, m, byteToTop(size)), byteToTop(size)));
    const below = vector.gtS(size, splatConstant(size, bitsOf(size)), amount);
    if (sign === 'signed') return and(shifted, below);
    return and(shifted, and(below, vector.gtS(size, amount, splatConstant(size, -bitsOf(size)))));
  });

  function shiftAll(b: FunctionBody, n: Vector, by: Expr): void {
    b.when(geS(by, constant(32, 0)), () => {
      b.when(ltU(by, bits), () => b.return(vector.shl(size, n, by)));
      b.return(ZERO);
    });
    const right = b.let(negate(by));
    if (sign === 'signed') {
      const most = constant(32, bitsOf(size) - 1);
      b.return(vector.shrS(size, n, select(ltU(right, most), right, most)));
    } else {
      b.when(ltU(right, bits), () => b.return(vector.shrU(size, n, right)));
      b.return(ZERO);
    }
  }
}

function bySize(sign: Sign) {
  return [
    ...([0, 1] as const).map((size) => shiftLanesByProduct(size, sign)),
    ...([2, 3] as const).map((size) => shiftLanes(size, sign)),
  ];
}
const SHIFTS = {
  signed: bySize('signed'),
  unsigned: bySize('unsigned'),
} as const;
/** Each lane of `n` by the low byte of the same lane of `m`. */
export const shift = (sign: Sign, size: Size, n: Vector, m: Vector) => call(SHIFTS[sign][size]!, n, m);
