/** Operations on vectors: lane by lane in a library function, unless WebAssembly does all lanes at once. */
import { call, chooseVector, type Expr, type Type, type Vector } from '../../../expr.ts';
import {
  libraryFunction,
  type Bound,
  type FunctionBody,
  type LibraryFunction,
  type Statements,
} from '../../../library.ts';
import { binaryOf, ternaryOf, unaryOf } from './fast.ts';
import { nearest } from './state.ts';
import { fastBinary, fastFromInteger, fastTernary, fastToInteger, fastUnary, type Fast } from './fast-vector.ts';
import { FORMATS } from './format.ts';
import { ZERO } from './integer.ts';
import { lane, signedLane, vectorOf, type Arrangement } from './lanes.ts';
import {
  fromFixed,
  toFixed,
  type BinaryName,
  type FromInteger,
  type TernaryName,
  type ToInteger,
  type UnaryName,
} from './operations.ts';

type Vectors<P extends readonly Type[]> = LibraryFunction<P, 'v128'>;

/** One function for each name and arrangement, made when first asked for. */
function functions<const P extends readonly Type[], Name extends string>(
  suffix: string,
  parameters: P,
  body: (b: FunctionBody, name: Name, shape: Arrangement, ...operands: Bound<P>) => Vector,
): (name: Name, shape: Arrangement) => Vectors<P> {
  const made = new Map<string, Vectors<P>>();
  return (name, shape) => {
    const title = `${name}${suffix} (${shape.count} ${shape.p})`;
    let fn = made.get(title);
    if (!fn) {
      fn = libraryFunction<P, 'v128'>(title, parameters, 'v128', (b, ...operands) => body(b, name, shape, ...operands));
      made.set(title, fn);
    }
    return fn;
  };
}

/* Comparisons with zero have namesakes. */
const UNARY_LANES = functions(', one by one, of one', ['v128'], (b, name: UnaryName, shape, n) =>
  vectorOf(b, shape, (index) => unaryOf(b, name, shape.p, b.let(lane(shape.p, n, index)))),
);
const BINARY_LANES = functions(', one by one,', ['v128', 'v128'], (b, name: BinaryName, shape, n, m) => {
  const at = (value: Vector, index: number) => b.let(lane(shape.p, value, index));
  return vectorOf(b, shape, (index) => binaryOf(b, name, shape.p, at(n, index), at(m, index)));
});
const THREE = ['v128', 'v128', 'v128'] as const;
const TERNARY_LANES = functions(', one by one,', THREE, (b, name: TernaryName, shape, a, n, m) => {
  const at = (value: Vector, index: number) => b.let(lane(shape.p, value, index));
  return vectorOf(b, shape, (index) => ternaryOf(b, name, shape.p, at(a, index), at(n, index), at(m, index)));
});
const TERNARY = functions('', THREE, (b, name: TernaryName, shape, a, n, m) => {
  b.when(nearest(b), () => {
    const fast = fastTernary(b, name, shape, a, n, m);
    if (fast) b.when(fast.holds, () => b.return(fast.value));
  });
  return call(TERNARY_LANES(name, shape), a, n, m);
});
const TO_INTEGER_LANES = functions('', ['v128', 64], (b, name: ToInteger, shape, n, fbits) =>
  vectorOf(b, shape, (index) => toFixed(shape.p, name, FORMATS[shape.p].bits, lane(shape.p, n, index), fbits)),
);
const FROM_INTEGER_LANES = functions('', ['v128', 64], (b, name: FromInteger, shape, n, fbits) => {
  const integer = name === 'scvtf' ? signedLane : lane;
  return vectorOf(b, shape, (index) => fromFixed(shape.p, name === 'scvtf', integer(shape.p, n, index), fbits));
});

const fastOr = (fast: Fast | null, slow: Vector) => (fast ? chooseVector(fast.holds, fast.value, slow) : slow);

/* Operands are bound. */
export const unary = (b: Statements, name: UnaryName, shape: Arrangement, n: Vector): Vector =>
  fastOr(fastUnary(b, name, shape, n), call(UNARY_LANES(name, shape), n));
export const binary = (b: Statements, name: BinaryName, shape: Arrangement, n: Vector, m: Vector): Vector =>
  fastOr(fastBinary(b, name, shape, n, m), call(BINARY_LANES(name, shape), n, m));
/** Without a multiply-add of the host, what stands for it is too long to be repeated at each instruction. */
export function ternary(b: Statements, name: TernaryName, shape: Arrangement, a: Vector, n: Vector, m: Vector): Vector {
  if (!b.fusesMultiplyAdd) return call(TERNARY(name, shape), a, n, m);
  return fastOr(fastTernary(b, name, shape, a, n, m), call(TERNARY_LANES(name, shape), a, n, m));
}

/** `fbits`: of fixed-point numbers. */
export const toInteger = (b: Statements, name: ToInteger, shape: Arrangement, n: Vector, fbits: Expr | null): Vector =>
  fastOr(fbits ? null : fastToInteger(b, name, shape, n), call(TO_INTEGER_LANES(name, shape), n, fbits ?? ZERO));
export const fromInteger = (b: Statements, name: FromInteger, shape: Arrangement, n: Vector, fbits: Expr | null) =>
  fastOr(fbits ? null : fastFromInteger(b, name, shape, n), call(FROM_INTEGER_LANES(name, shape), n, fbits ?? ZERO));
