/** What fast.ts does, for comparisons and conversions. */
import {
  add,
  and,
  call,
  choose,
  constant,
  extendS,
  extendU,
  ltU,
  native,
  or,
  type Expr,
  type F32,
  type F64,
} from '../../../expr.ts';
import type { Statements } from '../../../library.ts';
import { fpCompare } from './compare.ts';
import { f32, f64 } from './fast.ts';
import { magnitude, number, regular, type Wide } from './result.ts';
import { nearest, quiet, unflushed } from './state.ts';
import type { Precision } from './format.ts';
import { long, word, ZERO } from './integer.ts';
import { converted, fromFixed, toFixed, type FromInteger, type ToInteger } from './operations.ts';

/** One of ORDER. */
export function compareOf(b: Statements, p: Precision, n: Expr, m: Expr, signal: boolean): Expr {
  const slow = call(fpCompare[p], n, m, word(signal ? 1 : 0));
  if (p === 'half') return slow;
  const is = (name: 'ge' | 'gt' | 'lt') =>
    p === 'single' ? native(`f32.${name}`, f32(n), f32(m)) : native(`f64.${name}`, f64(n), f64(m));
  const notLess = b.let(is('ge'));
  const ordered = or(notLess, is('lt'));
  return choose(and(unflushed(b), ordered), add(notLess, is('gt')), slow);
}

/** Between singles and doubles. */
export function convertOf(b: Statements, from: Precision, to: Precision, n: Expr, rounding: Expr): Expr {
  const slow = converted(from, to, n, rounding);
  if (from === 'single' && to === 'double') {
    const value = native('i64.reinterpret_f64', native('f64.promote_f32', f32(n)));
    return choose(and(unflushed(b), number('single', n)), value, slow);
  }
  if (from === 'double' && to === 'single') {
    const value = b.let(extendU(native('i32.reinterpret_f32', native('f32.demote_f64', f64(n)))));
    return choose(and(nearest(b), regular('single', value)), value, slow);
  }
  return slow;
}

const ROUND = { n: 'nearest', p: 'ceil', m: 'floor', z: null } as const;
const BITS = { single: { fraction: 23, bias: 127 }, double: { fraction: 52, bias: 1023 } } as const;
/** A power of two as its bits. */
const powerOfTwo = (p: Wide, power: number) => long(BigInt(BITS[p].bias + power) << BigInt(BITS[p].fraction));

/** The integer that a number below 2^(bits - 2), or 2^(bits - 1) without sign, is rounded to: no rounding leaves its range. */
export function toFixedOf(b: Statements, p: Precision, name: ToInteger, bits: 32 | 64, n: Expr): Expr {
  const slow = toFixed(p, name, bits, n, ZERO);
  const [, direction, sign] = /^fcvt(.)([su])$/.exec(name) ?? [];
  const signed = sign === 's';
  if (p === 'half' || !isNative(direction)) return slow;
  const round = ROUND[direction];
  const inRange = signed ? ltU(magnitude(p, n), powerOfTwo(p, bits - 2)) : ltU(n, powerOfTwo(p, bits - 1));
  const type = signed ? 's' : 'u';
  const extend = signed ? extendS : extendU;
  if (p === 'single') {
    const whole: F32 = round ? native(`f32.${round}`, f32(n)) : f32(n);
    const integer =
      bits === 32 ? native(`i32.trunc_sat_f32_${type}`, whole) : native(`i64.trunc_sat_f32_${type}`, whole);
    const value = b.let(bits === 32 ? extend(integer) : integer);
    const exact = native('f32.eq', native('f32.convert_i64_s', value), f32(n));
    return choose(and(inRange, or(quiet(b), exact)), value, slow);
  }
  const whole: F64 = round ? native(`f64.${round}`, f64(n)) : f64(n);
  const integer = bits === 32 ? native(`i32.trunc_sat_f64_${type}`, whole) : native(`i64.trunc_sat_f64_${type}`, whole);
  const value = b.let(bits === 32 ? extend(integer) : integer);
  const exact = native('f64.eq', native('f64.convert_i64_s', value), f64(n));
  return choose(and(inRange, or(quiet(b), exact)), value, slow);
}
const isNative = (direction: string | undefined): direction is keyof typeof ROUND =>
  direction !== undefined && direction in ROUND;

/** Of an integer of `bits`, extended to 64. */
export function fromFixedOf(b: Statements, p: Precision, name: FromInteger, bits: 32 | 64, integer: Expr): Expr {
  const signed = name === 'scvtf';
  const slow = fromFixed(p, signed, integer, ZERO);
  if (p === 'half') return slow;
  /* 32 bits without a sign are positive as 64 with one. */
  const type = signed || bits === 32 ? 's' : 'u';
  if (p === 'double') {
    const value = native('i64.reinterpret_f64', native(`f64.convert_i64_${type}`, integer));
    return bits === 32 ? value : choose(or(fits(53, signed, integer), nearest(b)), value, slow);
  }
  const value = extendU(native('i32.reinterpret_f32', native(`f32.convert_i64_${type}`, integer)));
  return choose(or(fits(24, signed, integer), nearest(b)), value, slow);
}

/** The integer has as many bits as the fraction, so the conversion is exact. */
const fits = (bits: number, signed: boolean, integer: Expr) =>
  signed ? ltU(add(integer, long(2 ** bits)), long(2 ** (bits + 1))) : ltU(integer, constant(64, 2 ** bits));
