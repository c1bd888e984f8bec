/**
 * Substitution of bytes by inversion in GF(2^8), sixteen at once and without a table of 256: Hamburg, "Accelerating AES with Vector
 * Permute Instructions" (CHES 2009). A byte is i·Z + j·(Z + 1) with i and j of GF(2^4), and Z·(Z + 1) = c; with k = i + j,
 *   io = j + 1/(1/i + 1/(c·k)),  jo = i + 1/(1/j + 1/(c·k)),
 * and the inverse is linear in 1/io and 1/jo. All else is tables of four bits, which `swizzle` looks up; ∞ = 1/0 is 0x80, for
 * which it finds 0.
 */
import { constant, type Vector } from '../../../expr.ts';
import type { Statements } from '../../../library.ts';
import { and, bytes, range, shrU, splatConstant, swizzle, xor } from '../simd/vector.ts';

type Multiply = (a: number, b: number) => number;

/** Products of polynomials over {0, 1}, modulo one of the degree. */
const field =
  (modulus: number, degree: number): Multiply =>
  (a, b) => {
    let product = 0;
    for (let bit = degree - 1; bit >= 0; bit--) {
      product <<= 1;
      if (product >> degree) product ^= modulus;
      if ((b >> bit) & 1) product ^= a;
    }
    return product;
  };

const INFINITY = 0x80;
const multiply4 = field(0b10011, 4);
const inverse4 = (n: number) => range(16).find((other) => multiply4(n, other) === 1) ?? INFINITY;

/** How elements of the field are written as pairs of elements of GF(2^4). */
function tower(modulus: number) {
  const multiply = field(modulus, 8);
  const power = (n: number, exponent: number) => range(exponent).reduce((result) => multiply(result, n), 1);
  /* An element for which the smaller field's modulus is zero, and one whose conjugate is 1 more than it. */
  const g = range(256).find((n) => n > 1 && (power(n, 4) ^ n ^ 1) === 0)!;
  const z = range(256).find((n) => power(n, 16) === (n ^ 1))!;
  const embed = (n: number) => range(4).reduce((sum, bit) => sum ^ ((n >> bit) & 1 ? power(g, bit) : 0), 0);
  const element = (i: number, j: number) => multiply(embed(i), z) ^ multiply(embed(j), z ^ 1);
  const norm = multiply(z, z ^ 1);
  const c = range(16).find((n) => embed(n) === norm)!;
  /** i and k of a byte, i above. */
  const pairs: number[] = [];
  for (const i of range(16)) for (const k of range(16)) pairs[element(i, i ^ k)] = (i << 4) | k;
  /** The inverse whose 1/io and 1/jo are these. */
  const fromInverses = (u: number, v: number) => {
    const both = multiply4(c, u ^ v);
    return element(v ^ both, u ^ both);
  };
  return { c, pairs, fromInverses };
}

const INVERSE = bytes(range(16).map(inverse4));
const NIBBLE = splatConstant(0, 0x0f);

/** A byte to a byte: linear over {0, 1}, but for a constant. */
export type Affine = (byte: number) => number;

function tablesFor(modulus: number, before: Affine, after: Affine) {
  const { c, pairs, fromInverses } = tower(modulus);
  const table = (value: (n: number) => number) => bytes(range(16).map(value));
  const pair = (byte: number) => pairs[before(byte) ^ before(0)]!;
  const result = (byte: number) => after(byte) ^ after(0);
  const inverse = (n: number) => inverse4(n) & 0x0f;
  return {
    pairOfLow: table(pair),
    pairOfHigh: table((n) => pair(n << 4)),
    pairConstant: splatConstant(0, pairs[before(0)]!),
    inverseOfMultiple: table((n) => inverse4(multiply4(c, n))),
    resultOfIo: table((n) => result(fromInverses(inverse(n), 0))),
    resultOfJo: table((n) => result(fromInverses(0, inverse(n)))),
    resultConstant: splatConstant(0, after(0)),
  };
}

/** `after` of the inverse of `before`, in the field with this modulus. */
export const substitution =
  (modulus: number, before: Affine, after: Affine) =>
  (b: Statements, v: Vector): Vector => {
    const tables = tablesFor(modulus, before, after);
    const low = (x: Vector) => and(x, NIBBLE);
    const high = (x: Vector) => shrU(0, x, constant(32, 4));
    const pair = xor(swizzle(tables.pairOfLow, low(v)), swizzle(tables.pairOfHigh, high(v)));
    const ik = b.let(xor(pair, tables.pairConstant));
    const i = b.let(high(ik));
    const k = b.let(low(ik));
    const j = b.let(xor(i, k));
    const ofK = b.let(swizzle(tables.inverseOfMultiple, k));
    const io = xor(j, swizzle(INVERSE, xor(swizzle(INVERSE, i), ofK)));
    const jo = xor(i, swizzle(INVERSE, xor(swizzle(INVERSE, j), ofK)));
    return xor(xor(swizzle(tables.resultOfIo, io), swizzle(tables.resultOfJo, jo)), tables.resultConstant);
  };

/** The bits of a byte rotated left. */
export const rotated = (byte: number, by: number) => ((byte << by) | (byte >> (8 - by))) & 0xff;
