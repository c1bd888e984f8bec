/** Lanes taken from two registers in another order, and bytes by a table of numbers. */
import type { Vector } from '../../../expr.ts';
import type { Execute } from '../../../execute.ts';
import type { RegisterOperand } from '../../../row.ts';
import { bitsOfQ, low, type Binary, type Lanes } from './lanes.ts';
import * as vector from './vector.ts';

const { bytes, countOf, range, shuffle, shuffleLanes, splatConstant, swizzle } = vector;

/** Lane `i` of the result, as a lane of the first operand (0 … count − 1) or of the second (count …). */
type Order = (i: number, count: number) => number;

const ordered =
  (order: Order): Binary =>
  ({ size, bits }, n, m) => {
    const all = countOf(size);
    const whole = range(all).map((i) => order(i, all));
    const count = Math.max(1, bits / vector.bitsOf(size));
    const lanes = range(count).map((i) => order(i, count));
    const from = lanes.map((lane) => (lane < count ? lane : lane - count + all));
    /* The order of a whole register, where it begins the same, is one that machines have an instruction for. */
    const given = from.every((lane, i) => lane === whole[i]) ? whole : [...from, ...whole.slice(count)];
    return shuffleLanes(size, n, m, given);
  };

const second = (i: number, count: number) => (i & 1 ? count : 0);
export const ORDERS = {
  zip1: ordered((i, count) => (i >> 1) + second(i, count)),
  zip2: ordered((i, count) => (i >> 1) + (count >> 1) + second(i, count)),
  uzp1: ordered((i) => 2 * i),
  uzp2: ordered((i) => 2 * i + 1),
  trn1: ordered((i, count) => (i & ~1) + second(i, count)),
  trn2: ordered((i, count) => (i | 1) + second(i, count)),
} as const;

/** Neighbours of both registers, the even and the odd ones of the pairs, combined. */
export const pairwise =
  (operation: Binary): Binary =>
  (on: Lanes, n, m) =>
    operation(on, on.b.let(ORDERS.uzp1(on, n, m)), on.b.let(ORDERS.uzp2(on, n, m)));

const COUNT = bytes(range(16));

/** EXT: bytes from the immediate's on, of both registers in a row. */
export const extract: Execute = (b) => {
  b.checkFp();
  const bits = bitsOfQ(b);
  const first = b.immediate('imm', 32);
  if (first.op === 'const') {
    const width = bits / 8;
    const from = range(16).map((i) => (i % width) + Number(first.value));
    const bytesOf = from.map((i) => (i < width ? i : i - width + 16));
    b.setVector('rd', low(bits, shuffle(b.getVector('rn'), b.getVector('rm'), bytesOf)));
    return;
  }
  const numbers = b.let(vector.add(0, vector.splat(0, first), COUNT));
  if (bits === 64) {
    const both = shuffle(b.getVector('rn'), b.getVector('rm'), [...range(8), ...range(8).map((i) => i + 16)]);
    b.setVector('rd', low(64, swizzle(both, numbers)));
  } else
    b.setVector(
      'rd',
      inTable(
        ['rn', 'rm'].map((name) => b.getVector(name as RegisterOperand)),
        numbers,
      ),
    );
};

/** Bytes of registers in a row by their numbers, 0 for what is beyond. */
function inTable(registers: readonly Vector[], numbers: Vector): Vector {
  const parts = registers.map((register, i) =>
    swizzle(register, i === 0 ? numbers : vector.sub(0, numbers, splatConstant(0, 16 * i))),
  );
  return parts.reduce((all, part) => vector.or(all, part));
}

const REGISTERS = ['rn', 'rm2', 'rm3', 'rm4'] as const;

/** TBL and TBX (which leaves what is beyond the table) of `count` registers; Rm has the numbers. */
export const tableLookup =
  (count: number, keeping: boolean): Execute =>
  (b) => {
    b.checkFp();
    const numbers = b.let(b.getVector('rm'));
    const found = inTable(
      REGISTERS.slice(0, count).map((name) => b.getVector(name)),
      numbers,
    );
    if (!keeping) b.setVector('rd', low(bitsOfQ(b), found));
    else {
      const inside = vector.gtU(0, splatConstant(0, 16 * count), numbers);
      b.setVector('rd', low(bitsOfQ(b), vector.bitselect(inside, found, b.getVector('ra'))));
    }
  };
