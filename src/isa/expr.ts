/**
 * Values as semantics write them: trees of plain data, evaluated where the builder is handed them, each time it is.
 * What an engine knows itself (a register, an operand, a bound value) is a leaf that only the engine that made it reads.
 */

export type Width = 32 | 64;

export type Expr = Constant | Leaf | Unary | Binary | Choice;

export interface Constant {
  readonly op: 'const';
  readonly width: Width;
  readonly value: bigint;
}

export interface Leaf {
  readonly op: 'leaf';
  readonly width: Width;
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
export interface Choice {
  readonly op: 'select' | 'choose';
  readonly width: Width;
  readonly condition: Expr;
  readonly a: Expr;
  readonly b: Expr;
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

/** The low `width` bits of a value of either width; 64 from 32 has zeros above. */
export function toWidth(width: Width, a: Expr): Expr {
  if (a.width === width) return a;
  return width === 32 ? wrap(a) : extendU(a);
}
