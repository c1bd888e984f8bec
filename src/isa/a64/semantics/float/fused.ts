/**
 * a + n * m of doubles, rounded once, from sums and products rounded to nearest, for hosts without a multiply-add of their own.
 * Dekker, "A floating-point technique for extending the available precision" (1971): the error of a product;
 * Knuth: that of a sum. Where what is added to the sum last is itself rounded, the result is taken only if it would be the same
 * for what may be an ulp more and an ulp less (Ziv's test).
 */
import { and, call, constant, eq, ltU, native, sub, type Expr, type F64, type Vector } from '../../../expr.ts';
import { libraryFunction, type Statements } from '../../../library.ts';
import { DOUBLE } from './format.ts';
import { long } from './integer.ts';
import { fpMulAdd } from './multiply-add.ts';
import { nearest } from './state.ts';

/** Numbers, or vectors of them. */
interface Arithmetic<V> {
  add(x: V, y: V): V;
  sub(x: V, y: V): V;
  mul(x: V, y: V): V;
  /** The highest 26 bits of the mantissa. */
  high(x: V): V;
  of(value: number): V;
}

function bits(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** What is nearest to the sum if the other two are equal, which NaNs aren't. */
function fused<V>(by: Arithmetic<V>, bind: (value: V) => V, a: V, n: V, m: V): readonly [V, V, V] {
  const add = (x: V, y: V) => bind(by.add(x, y));
  const subtract = (x: V, y: V) => bind(by.sub(x, y));
  const multiply = (x: V, y: V) => bind(by.mul(x, y));
  const product = multiply(n, m);
  /* Of 26 bits and 27, and of 26 and 26 with the sign as one more: their products are exact. Overflow gives a NaN. */
  const n1 = bind(by.high(n));
  const n0 = subtract(n, n1);
  const scaled = multiply(by.of(2 ** 27 + 1), m);
  const m1 = subtract(scaled, subtract(scaled, m));
  const m0 = subtract(m, m1);
  const rest = subtract(subtract(subtract(product, multiply(n1, m1)), multiply(n0, m1)), multiply(n1, m0));
  const productError = subtract(multiply(n0, m0), rest);
  const sum = add(product, a);
  const share = subtract(sum, product);
  const sumError = add(subtract(product, subtract(sum, share)), subtract(a, share));
  const error = add(sumError, productError);
  const ulp = multiply(error, by.of(2 ** -52));
  return [add(sum, error), add(sum, add(error, ulp)), add(sum, subtract(error, ulp))];
}

const HIGH = -(1n << 27n);
const SCALAR: Arithmetic<F64> = {
  add: (x, y) => native('f64.add', x, y),
  sub: (x, y) => native('f64.sub', x, y),
  mul: (x, y) => native('f64.mul', x, y),
  high: (x) => native('f64.reinterpret_i64', and(native('i64.reinterpret_f64', x), constant(64, HIGH))),
  of: (value) => native('f64.reinterpret_i64', constant(64, bits(value))),
};
const VECTOR: Arithmetic<Vector> = {
  add: (x, y) => native('f64x2.add', x, y),
  sub: (x, y) => native('f64x2.sub', x, y),
  mul: (x, y) => native('f64x2.mul', x, y),
  high: (x) => native('v128.and', x, native('i64x2.splat', constant(64, HIGH))),
  of: (value) => native('f64x2.splat', SCALAR.of(value)),
};

/** Below it the product's error may be too small to be a double. */
const SMALLEST = bits(2 ** -900);
const INFINITY = bits(Infinity);

/** FPMulAdd() of doubles. */
export const fpMulAddDouble = libraryFunction('FPMulAdd, fused (double)', [64, 64, 64], 64, (b, a, n, m) => {
  b.when(nearest(b), () => {
    const [addend, x, y] = [a, n, m].map((value) => b.let(native('f64.reinterpret_i64', value)));
    const [result, more, less] = fused(SCALAR, (value) => b.let(value), addend!, x!, y!);
    const answer = b.let(native('i64.reinterpret_f64', result));
    const inRange = ltU(sub(and(answer, DOUBLE.abs), long(SMALLEST)), long(INFINITY - SMALLEST));
    b.when(and(native('f64.eq', more, less), inRange), () => b.return(answer));
  });
  return call(fpMulAdd.double, a, n, m);
});

/** Two at once, where `nearest` holds, and whether both may be taken. */
export function fusedPair(b: Statements, a: Vector, n: Vector, m: Vector): { value: Vector; holds: Expr } {
  const [value, more, less] = fused(VECTOR, (vector) => b.let(vector), a, n, m);
  const abs = b.let(native('f64x2.abs', value));
  const same = native('f64x2.eq', more, less);
  const inRange = native(
    'v128.and',
    native('f64x2.ge', abs, VECTOR.of(2 ** -900)),
    native('f64x2.lt', abs, VECTOR.of(Infinity)),
  );
  const lanes = native('i64x2.bitmask', native('v128.and', same, inRange));
  return { value, holds: eq(lanes, constant(32, 3)) };
}
