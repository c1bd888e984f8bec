/**
 * Values as semantics write them: trees of plain data, evaluated where the builder is handed them, each time it is.
 * What an engine knows itself (a register, an operand, a bound value) is a leaf that only the engine that made it reads.
 */

import type { LibraryFunction } from './library.ts';
import { NATIVE, type NativeName } from './native.ts';

export type Width = 32 | 64;
/** Integers by their width, floating point, vectors of 128 bits. */
export type Type = Width | 'f32' | 'f64' | 'v128';

/** An integer. */
export type Expr = Constant | Unary | Binary | Leaf<Width> | Choice<Width> | Native<Width> | Call<Width>;
/** What is no integer. */
type Other<T extends Type> = Leaf<T> | Choice<T> | Native<T> | Call<T>;
export type F32 = Other<'f32'>;
export type F64 = Other<'f64'>;
export type Vector = Other<'v128'>;
export type Value = Expr | F32 | F64 | Vector;
export type ValueOf<T extends Type> = T extends 'f32' ? F32 : T extends 'f64' ? F64 : T extends 'v128' ? Vector : Expr;

export interface Constant {
  readonly op: 'const';
  readonly width: Width;
  readonly value: bigint;
}

export interface Leaf<T extends Type = Type> {
  readonly op: 'leaf';
  readonly width: T;
  readonly id: number;
}

/** `eqz` and `wrap` (the low half) give 32 bits, `extendU` and `extendS` (of a 32-bit value) 64. */
export type UnaryOp =
  'eqz' | 'clz' | 'ctz' | 'popcnt' | 'wrap' | 'extendU' | 'extendS' | 'extend8S' | 'extend16S' | 'extend32S';

export interface Unary {
  readonly op: UnaryOp;
  readonly width: Width;
  readonly a: Expr;
}

/** Shift and rotate amounts count modulo the width. Division by zero and the overflow of a signed one are not defined. */
export type ArithmeticOp =
  'add' | 'sub' | 'mul' | 'divS' | 'divU' | 'and' | 'or' | 'xor' | 'shl' | 'shrS' | 'shrU' | 'rotl' | 'rotr';
/** 0 or 1, in 32 bits. */
export type CompareOp = 'eq' | 'ne' | 'ltS' | 'ltU' | 'gtS' | 'gtU' | 'leS' | 'leU' | 'geS' | 'geU';

export interface Binary {
  readonly op: ArithmeticOp | CompareOp;
  readonly width: Width;
  readonly a: Expr;
  readonly b: Expr;
}

/** `select` evaluates both, `choose` only the one that the 32-bit condition asks for (`a` where it isn't 0). */
export interface Choice<T extends Type = Type> {
  readonly op: 'select' | 'choose';
  readonly width: T;
  readonly condition: Expr;
  readonly a: ValueOf<T>;
  readonly b: ValueOf<T>;
}

/** One of WebAssembly's operations. */
export interface Native<T extends Type = Type> {
  readonly op: 'native';
  readonly width: T;
  readonly name: NativeName;
  readonly operands: readonly Value[];
  /** A lane's number or sixteen bytes, where the operation has them. */
  readonly follows: readonly number[];
}

/** A library function's value; it is called where the expression is evaluated. */
export interface Call<T extends Type = Type> {
  readonly op: 'call';
  readonly width: T;
  readonly callee: LibraryFunction;
  readonly operands: readonly Value[];
}

/** Signed or unsigned, cut to the width. */
export function constant(width: Width, value: bigint | number): Expr {
  return { op: 'const', width, value: BigInt.asIntN(width, BigInt(value)) };
}

const binary =
  (op: ArithmeticOp) =>
  (a: Expr, b: Expr): Expr => ({ op, width: a.width, a, b });
const compare =
  (op: CompareOp) =>
  (a: Expr, b: Expr): Expr => ({ op, width: 32, a, b });
const unary =
  (op: UnaryOp, width?: Width) =>
  (a: Expr): Expr => ({ op, width: width ?? a.width, a });

export const add = binary('add');
export const sub = binary('sub');
export const mul = binary('mul');
export const divS = binary('divS');
export const divU = binary('divU');
export const and = binary('and');
export const or = binary('or');
export const xor = binary('xor');
export const shl = binary('shl');
export const shrS = binary('shrS');
export const shrU = binary('shrU');
export const rotl = binary('rotl');
export const rotr = binary('rotr');

export const eq = compare('eq');
export const ne = compare('ne');
export const ltS = compare('ltS');
export const ltU = compare('ltU');
export const gtS = compare('gtS');
export const gtU = compare('gtU');
export const geS = compare('geS');
export const geU = compare('geU');

export const eqz = unary('eqz', 32);
export const clz = unary('clz');
export const wrap = unary('wrap', 32);
export const extendU = unary('extendU', 64);
export const extendS = unary('extendS', 64);
export const extend8S = unary('extend8S');
export const extend16S = unary('extend16S');
/** Of a 64-bit value's low half. */
export const extend32S = unary('extend32S', 64);

export const not = (a: Expr): Expr => xor(a, constant(a.width, -1));
export const negate = (a: Expr): Expr => sub(constant(a.width, 0), a);

export function select(condition: Expr, a: Expr, b: Expr): Expr {
  return { op: 'select', width: a.width, condition, a, b };
}
export function choose(condition: Expr, a: Expr, b: Expr): Expr {
  return { op: 'choose', width: a.width, condition, a, b };
}
export function chooseVector(condition: Expr, a: Vector, b: Vector): Vector {
  return { op: 'choose', width: 'v128', condition, a, b };
}
export function selectVector(condition: Expr, a: Vector, b: Vector): Vector {
  return { op: 'select', width: 'v128', condition, a, b };
}

type Operands<Types extends readonly Type[]> = { readonly [index in keyof Types]: ValueOf<Types[index]> };
type Signature<N extends NativeName> = (typeof NATIVE)[N];
type Follows<N extends NativeName> =
  Signature<N> extends readonly [number, readonly Type[], Type, 'lane']
    ? readonly [lane: number]
    : Signature<N> extends readonly [number, readonly Type[], Type, 'bytes']
      ? readonly [bytes: readonly number[]]
      : readonly [];

/** One of WebAssembly's operations, its lane or its sixteen bytes first: `native('i8x16.extract_lane_u', 3, vector)`. */
export function native<N extends NativeName>(
  name: N,
  ...given: readonly [...Follows<N>, ...Operands<Signature<N>[1]>]
): ValueOf<Signature<N>[2]>;
export function native(name: NativeName, ...given: readonly (number | readonly number[] | Value)[]): Value {
  const [, , width] = NATIVE[name];
  const follows: number[] = [];
  const operands: Value[] = [];
  for (const one of given) {
    if (typeof one === 'number') follows.push(one);
    else if ('op' in one) operands.push(one);
    else follows.push(...one);
  }
  return typedNode({ op: 'native', width, name, operands, follows });
}

/** Calls a library function. */
export function call<P extends readonly Type[], R extends Type>(
  callee: LibraryFunction<P, R>,
  ...operands: Operands<P>
): ValueOf<R>;
export function call(callee: LibraryFunction, ...operands: readonly Value[]): Value {
  return typedNode({ op: 'call', width: callee.result, callee, operands });
}

/** A value that the engine knows by `id`. */
export function leaf<T extends Type>(width: T, id: number): ValueOf<T>;
export function leaf(width: Type, id: number): Value {
  return typedNode({ op: 'leaf', width, id });
}

function typedNode(node: Native | Call | Leaf): Value {
  return { ...node, width: node.width } as Value;
}

/** The low `width` bits of a value of either width; 64 from 32 has zeros above. */
export function toWidth(width: Width, a: Expr): Expr {
  if (a.width === width) return a;
  return width === 32 ? wrap(a) : extendU(a);
}
