/**
 * QARMA5, with which FEAT_PAuth computes authentication codes: ComputePAC() of the Arm ARM, after R. Avanzi, "The QARMA
 * Block Cipher Family" (2017): QARMA-64 with five rounds and the S-box σ2. The sixteen cells of four bits are bytes of a
 * vector, the least significant first; the paper numbers them from the other end.
 */
import { constant, native, rotr, shrU, xor, type Expr, type Vector } from '../../expr.ts';
import { libraryFunction, type FunctionBody } from '../../library.ts';

const ROUNDS = 4;
const CELLS = Array.from({ length: 16 }, (_, cell) => cell);
const ALPHA = 0xc0ac29b7c97c50ddn;
const ROUND_CONSTANTS = [
  0n,
  0x13198a2e03707344n,
  0xa4093822299f31d0n,
  0x082efa98ec4e6c89n,
  0x452821e638d01377n,
] as const;

const inverted = (table: readonly number[]) => CELLS.map((value) => table.indexOf(value));

const SUBSTITUTION = [11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10];
/** Which cell comes into each. */
const CELL_SHUFFLE = [13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15];
const TWEAK_SHUFFLE = [4, 5, 6, 7, 11, 2, 3, 8, 12, 13, 14, 15, 0, 1, 10, 9];
/** The cells of the shuffled tweak that the LFSR steps. */
const STEPPED = new Set([2, 4, 7, 11, 12, 14, 15]);
const LFSR = CELLS.map((cell) => (cell >> 1) | (((cell ^ (cell >> 1)) & 1) << 3));

const bytes = (values: readonly number[]): Vector => native('v128.const', values);
const plus = (a: Vector, b: Vector): Vector => native('v128.xor', a, b);
const look = (table: readonly number[], cells: Vector): Vector => native('i8x16.swizzle', bytes(table), cells);
const arranged = (cells: Vector, from: readonly number[]): Vector => native('i8x16.shuffle', from, cells, cells);
const nibbles = (v: Vector): Vector => native('v128.and', v, bytes(CELLS.map(() => 15)));
const left = (v: Vector, by: number): Vector => native('i8x16.shl', v, constant(32, by));
const right = (v: Vector, by: number): Vector => native('i8x16.shr_u', v, constant(32, by));

const constantCells = (value: bigint): Vector => bytes(CELLS.map((cell) => Number((value >> BigInt(4 * cell)) & 15n)));

function cellsOf(b: FunctionBody, value: Expr): Vector {
  const both = b.let(native('i64x2.splat', value));
  const interleaved = CELLS.map((cell) => (cell >> 1) + (cell & 1 ? 16 : 0));
  return b.let(native('i8x16.shuffle', interleaved, nibbles(both), right(both, 4)));
}

function valueOf(cells: Vector): Expr {
  const every = (first: number) =>
    arranged(
      cells,
      CELLS.map((at) => ((2 * at) & 15) + first),
    );
  return native('i64x2.extract_lane', 0, native('v128.or', every(0), left(every(1), 4)));
}

/** PACMult(): each row of four cells becomes the sum of the others, rotated by one bit, the opposite one by two. */
function mixed(b: FunctionBody, cells: Vector): Vector {
  const rowsBefore = (by: number) =>
    arranged(
      cells,
      CELLS.map((cell) => (cell + 4 * by) & 15),
    );
  const rotated = (v: Vector, by: number) => nibbles(native('v128.or', left(v, by), right(v, 4 - by)));
  const neighbours = b.let(plus(rowsBefore(1), rowsBefore(3)));
  const opposite = b.let(rowsBefore(2));
  return b.let(plus(rotated(neighbours, 1), rotated(opposite, 2)));
}

const SOME = bytes(CELLS.map((cell) => (STEPPED.has(cell) ? 0xff : 0)));
function nextTweak(b: FunctionBody, tweak: Vector): Vector {
  const shuffled = b.let(arranged(tweak, TWEAK_SHUFFLE));
  return b.let(native('v128.bitselect', look(LFSR, shuffled), shuffled, SOME));
}

/** ComputePAC() of a value with a modifier; `keyHigh` is bits 127:64 of the key. */
export const computePac = libraryFunction('computePac', [64, 64, 64, 64], 64, (b, data, modifier, keyLow, keyHigh) => {
  const [key0, key1] = [cellsOf(b, keyHigh), cellsOf(b, keyLow)];
  const reflectedKey = cellsOf(b, xor(rotr(keyHigh, constant(64, 1)), shrU(keyHigh, constant(64, 63))));
  const tweaks = [cellsOf(b, modifier)];
  for (let round = 0; round <= ROUNDS; round++) tweaks.push(nextTweak(b, tweaks[round]!));

  let cells = cellsOf(b, data);
  const add = (...terms: Vector[]) => (cells = b.let(terms.reduce(plus, cells)));
  const substitute = (table: readonly number[]) => (cells = b.let(look(table, cells)));
  const shuffle = (from: readonly number[]) => (cells = b.let(arranged(cells, from)));
  const mix = () => (cells = mixed(b, cells));

  add(key0);
  for (let round = 0; round <= ROUNDS; round++) {
    add(key1, tweaks[round]!, constantCells(ROUND_CONSTANTS[round]!));
    if (round > 0) {
      shuffle(CELL_SHUFFLE);
      mix();
    }
    substitute(SUBSTITUTION);
  }
  const last = tweaks[ROUNDS + 1]!;
  add(reflectedKey, last);
  shuffle(CELL_SHUFFLE);
  mix();
  substitute(SUBSTITUTION);
  shuffle(CELL_SHUFFLE);
  mix();
  add(key1);
  shuffle(inverted(CELL_SHUFFLE));
  substitute(inverted(SUBSTITUTION));
  mix();
  shuffle(inverted(CELL_SHUFFLE));
  add(key0, last);
  for (let round = ROUNDS; round >= 0; round--) {
    substitute(inverted(SUBSTITUTION));
    if (round > 0) {
      mix();
      shuffle(inverted(CELL_SHUFFLE));
    }
    add(key1, tweaks[round]!, constantCells(ROUND_CONSTANTS[round]! ^ ALPHA));
  }
  add(reflectedKey);
  return valueOf(cells);
});
