/** AESE, AESD, AESMC, AESIMC: FIPS 197. */
import { call, type Vector } from '../../../expr.ts';
import { libraryFunction, type Statements } from '../../../library.ts';
import type { Binary, Unary } from '../simd/lanes.ts';
import { add, and, range, shuffle, signs, splatConstant, xor } from '../simd/vector.ts';
import { rotated, substitution } from './galois.ts';

const MODULUS = 0x11b;
const affine = (byte: number) => [0, 1, 2, 3, 4].reduce((sum, by) => sum ^ rotated(byte, by), 0x63);
const inverseAffine = (byte: number) => [1, 3, 6].reduce((sum, by) => sum ^ rotated(byte, by), 0x05);
const same = (byte: number) => byte;

const subBytes = substitution(MODULUS, same, affine);
const invSubBytes = substitution(MODULUS, inverseAffine, same);

/** Byte `row + 4 · column`, from the column that many further. */
const shiftedRows = (direction: 1 | -1) => range(16).map((i) => (i + 4 * direction * (i % 4) + 16) % 16);
const reordered = (v: Vector, from: readonly number[]) => shuffle(v, v, from);
/** Each column's bytes moved up by so many rows. */
const rotatedColumns = (v: Vector, by: number) =>
  reordered(
    v,
    range(16).map((i) => (i & ~3) | ((i + by) & 3)),
  );

/** Times x in the field. */
const doubled = (b: Statements, v: Vector): Vector => {
  const value = b.let(v);
  return xor(add(0, value, value), and(signs(0, value), splatConstant(0, MODULUS & 0xff)));
};

/** Twice a byte, three times the next, once each of the others. */
function mixColumns(b: Statements, v: Vector): Vector {
  const value = b.let(v);
  const next = b.let(rotatedColumns(value, 1));
  const pair = b.let(xor(value, next));
  return xor(xor(doubled(b, pair), next), rotatedColumns(pair, 2));
}

const AESE = libraryFunction('aese', ['v128'], 'v128', (b, state) =>
  subBytes(b, b.let(reordered(state, shiftedRows(1)))),
);
const AESD = libraryFunction('aesd', ['v128'], 'v128', (b, state) =>
  invSubBytes(b, b.let(reordered(state, shiftedRows(-1)))),
);
const AESMC = libraryFunction('aesmc', ['v128'], 'v128', mixColumns);
/** Four times what is two rows away and itself brings the inverse's coefficients back to those of MixColumns. */
const AESIMC = libraryFunction('aesimc', ['v128'], 'v128', (b, v) => {
  const twice = doubled(b, xor(v, rotatedColumns(v, 2)));
  return mixColumns(b, xor(v, doubled(b, twice)));
});

export const encrypt: Binary = (_on, n, d) => call(AESE, xor(d, n));
export const decrypt: Binary = (_on, n, d) => call(AESD, xor(d, n));
export const mix: Unary = (_on, n) => call(AESMC, n);
export const inverseMix: Unary = (_on, n) => call(AESIMC, n);
