/** What fast.ts does, on vectors of singles and doubles: all lanes must allow it. */
import { and, constant, eq, eqz, native, type Expr, type Vector } from '../../../expr.ts';
import type { Statements } from '../../../library.ts';
import { low } from '../simd/lanes.ts';
import { splatConstant } from '../simd/vector.ts';
import { FAST_BINARY, FAST_UNARY, SIGNS, type Rule } from './fast.ts';
import { BOUNDS, type Wide } from './result.ts';
import { nearest, quiet, unflushed } from './state.ts';
import { fusedPair } from './fused.ts';
import { SIZE, type Arrangement } from './lanes.ts';
import type { BinaryName, FromInteger, TernaryName, ToInteger, UnaryName } from './operations.ts';

export interface Fast {
  readonly value: Vector;
  /** 0 or 1: the value is right, and nothing need be raised. */
  readonly holds: Expr;
}

interface WideShape extends Arrangement {
  readonly p: Wide;
}
const isWide = (shape: Arrangement): shape is WideShape => shape.p !== 'half';
const SHAPES = { single: 'f32x4', double: 'f64x2' } as const;
const INTEGERS = { single: 'i32x4', double: 'i64x2' } as const;

const both = (a: Vector, b: Vector) => native('v128.and', a, b);
const magnitude = (p: Wide, value: Vector) => native(`${SHAPES[p]}.abs`, value);
const below = (p: Wide, a: Vector, b: Vector) => native(`${SHAPES[p]}.lt`, a, b);
const ordered = (p: Wide, a: Vector, b: Vector) => native(`${SHAPES[p]}.eq`, a, b);

const bound = (p: Wide, which: 'infinity' | 'smallest') => splatConstant(SIZE[p], BOUNDS[p][which]);

/** The lanes for which a rule of fast.ts holds. */
function lanesOf(b: Statements, p: Wide, result: Rule['result'], value: Vector): Vector {
  if (result === 'number') return ordered(p, value, value);
  const abs = b.let(magnitude(p, value));
  const finite = below(p, abs, bound(p, 'infinity'));
  return result === 'finite' ? finite : both(finite, below(p, bound(p, 'smallest'), abs));
}
const all = ({ p, count }: WideShape, lanes: Vector): Expr => {
  const every = constant(32, 2 ** count - 1);
  return eq(and(native(`${INTEGERS[p]}.bitmask`, lanes), every), every);
};
const lowOf = ({ p, count }: WideShape, value: Vector) => low(p === 'single' && count === 2 ? 64 : 128, value);

function under(b: Statements, shape: WideShape, { state, result }: Rule, value: Vector, after = value): Fast {
  return { value: lowOf(shape, after), holds: and(state(b), all(shape, lanesOf(b, shape.p, result, value))) };
}

const COMPARISONS = {
  fcmeq: 'eq',
  fcmge: 'ge',
  fcmgt: 'gt',
  fcmle: 'le',
  fcmlt: 'lt',
  facge: 'ge',
  facgt: 'gt',
} as const;
const isComparison = (name: string): name is keyof typeof COMPARISONS => name in COMPARISONS;

/** Without a NaN it raises nothing. */
function compared(b: Statements, name: keyof typeof COMPARISONS, shape: WideShape, n: Vector, m: Vector): Fast {
  const { p } = shape;
  const operand = (value: Vector) => (name.startsWith('fac') ? b.let(magnitude(p, value)) : value);
  return {
    value: lowOf(shape, native(`${SHAPES[p]}.${COMPARISONS[name]}`, operand(n), operand(m))),
    holds: and(unflushed(b), all(shape, both(ordered(p, n, n), ordered(p, m, m)))),
  };
}

const NO_BITS = splatConstant(0, 0);

export function fastUnary(b: Statements, name: UnaryName, shape: Arrangement, n: Vector): Fast | null {
  if (!isWide(shape)) return null;
  if (isComparison(name)) return compared(b, name, shape, n, NO_BITS);
  const fast = FAST_UNARY[name];
  if (!fast) return null;
  return under(b, shape, fast[1], b.let(native(`${SHAPES[shape.p]}.${fast[0]}`, n)));
}

export function fastBinary(b: Statements, name: BinaryName, shape: Arrangement, n: Vector, m: Vector): Fast | null {
  if (!isWide(shape)) return null;
  if (isComparison(name)) return compared(b, name, shape, n, m);
  const fast = FAST_BINARY[name];
  if (!fast) return null;
  const value = b.let(native(`${SHAPES[shape.p]}.${fast[0]}`, n, m));
  return under(b, shape, fast[1], value, name === 'fabd' ? magnitude(shape.p, value) : value);
}

/** As `ternaryOf` in fast.ts, of singles two lanes at a time as doubles; where `nearest` holds. */
export function fastTernary(
  b: Statements,
  name: TernaryName,
  shape: Arrangement,
  a: Vector,
  n: Vector,
  m: Vector,
): Fast | null {
  if (!isWide(shape)) return null;
  const [negateA, negateN] = SIGNS[name];
  const { p } = shape;
  const negatedIf = (negated: number, value: Vector) => (negated ? b.let(native(`${SHAPES[p]}.neg`, value)) : value);
  if (b.fusesMultiplyAdd) {
    const once = native(`${SHAPES[p]}.relaxed_madd`, negatedIf(negateN, n), m, negatedIf(negateA, a));
    return under(b, shape, { state: nearest, result: 'regular' }, b.let(once));
  }
  if (p === 'double') return fusedPair(b, negatedIf(negateA, a), negatedIf(negateN, n), m);
  const sums = (vectors: readonly [Vector, Vector, Vector]) => {
    const [addend, x, y] = vectors.map((value) => native('f64x2.promote_low_f32x4', value));
    const product = native('f64x2.mul', x!, y!);
    const left = negateA ? native('f64x2.neg', addend!) : addend!;
    return b.let(native(negateN ? 'f64x2.sub' : 'f64x2.add', left, product));
  };
  const upper = (value: Vector) => native('i8x16.shuffle', UPPER, value, value);
  const halves = shape.count === 4 ? [sums([a, n, m]), sums([upper(a), upper(n), upper(m)])] : [sums([a, n, m])];
  const [first, second] = halves.map((sum) => native('f32x4.demote_f64x2_zero', sum));
  const value = b.let(second ? native('i8x16.shuffle', LOWER_HALVES, first!, second) : first!);
  const undecided = halves
    .map((sum) => native('i64x2.eq', both(sum, splatConstant(3, 0x1fffffffn)), splatConstant(3, 0x10000000n)))
    .reduce((x, y) => native('v128.or', x, y));
  const regular = lanesOf(b, shape.p, 'regular', value);
  const decided = eqz(native('v128.any_true', undecided));
  return { value: lowOf(shape, value), holds: and(decided, all(shape, regular)) };
}
const range = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);
const UPPER = [...range(8, 8), ...range(8, 8)];
const LOWER_HALVES = [...range(0, 8), ...range(16, 8)];

/** Toward zero, of singles below 2^31. */
export function fastToInteger(b: Statements, name: ToInteger, shape: Arrangement, n: Vector): Fast | null {
  if (!isWide(shape) || shape.p === 'double' || name !== 'fcvtzs') return null;
  const inRange = below('single', magnitude('single', n), splatConstant(2, 0x4f000000));
  return {
    value: lowOf(shape, native('i32x4.trunc_sat_f32x4_s', n)),
    holds: and(quiet(b), all(shape, inRange)),
  };
}

/** Of integers of 32 bits. */
export function fastFromInteger(b: Statements, name: FromInteger, shape: Arrangement, n: Vector): Fast | null {
  if (!isWide(shape) || shape.p === 'double') return null;
  const value = native(name === 'scvtf' ? 'f32x4.convert_i32x4_s' : 'f32x4.convert_i32x4_u', n);
  return { value: lowOf(shape, value), holds: nearest(b) };
}
