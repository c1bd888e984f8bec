/**
 * An operation on lanes is written once, for whole registers. An instruction says how wide its lanes are and how many low bits of the
 * register it has: 128, 64 with Q = 0, one lane in its scalar form. What lies above is ignored and written as zero.
 */
import type { Builder } from '../../../builder.ts';
import { constant, native, shl, type Expr, type Vector } from '../../../expr.ts';
import type { Execute } from '../../../execute.ts';
import type { Statements } from '../../../library.ts';
import { FPSR } from '../float/format.ts';
import { and, anyTrue, bitsOf, bytes, type Half, type Size } from './vector.ts';

export interface Lanes {
  /** Binds values, raises flags. */
  readonly b: Statements;
  readonly size: Size;
  /** Bits of the register that count. */
  readonly bits: number;
}

/** Where operand or result is twice as wide: `size` is that of the narrow lanes, `bits` those of the wide register. */
export interface LongLanes extends Lanes {
  /** Which half of the narrow register. */
  readonly half: Half;
}

/** Operands are bound; `d` is what the destination had. */
export type Unary<L extends Lanes = Lanes> = (on: L, n: Vector) => Vector;
export type Binary<L extends Lanes = Lanes> = (on: L, n: Vector, m: Vector) => Vector;
export type Accumulation<L extends Lanes = Lanes> = (on: L, n: Vector, m: Vector, d: Vector) => Vector;

/** How an instruction says on which lanes it works. */
export type Form<L extends Lanes = Lanes> = (b: Builder) => L;
export const sizeOf = (b: Builder) => b.field('size') as Size;
export const bitsOfQ = (b: Builder) => (b.field('Q') ? 128 : 64);
/** Where fields don't say the size, `size` does. */
export const vectors =
  (size?: Size): Form =>
  (b) => ({ b, size: size ?? sizeOf(b), bits: bitsOfQ(b) });
export const wholeVectors =
  (size: Size): Form =>
  (b) => ({ b, size, bits: 128 });
export const scalars =
  (given?: Size): Form =>
  (b) => {
    const size = given ?? sizeOf(b);
    return { b, size, bits: bitsOf(size) };
  };
export const longVectors =
  (size?: Size): Form<LongLanes> =>
  (b) => ({ b, size: size ?? sizeOf(b), bits: 128, half: b.field('Q') ? 1 : 0 });
export const longScalars =
  (given?: Size): Form<LongLanes> =>
  (b) => {
    const size = given ?? sizeOf(b);
    return { b, size, bits: 2 * bitsOf(size), half: 0 };
  };

/** The low `bits`, zeros above. */
export function low(bits: number, v: Vector): Vector {
  if (bits === 128) return v;
  if (bits === 64) return native('i64x2.replace_lane', 1, v, constant(64, 0));
  return and(v, bytes(Array.from({ length: 16 }, (_, i) => (i < bits / 8 ? 0xff : 0))));
}

const QC_BIT = Math.log2(FPSR.QC);
/** Sets FPSR.QC where a lane that counts has a bit set. */
export function saturatedWhere(on: Lanes, lanes: Vector): void {
  on.b.raise(shl(anyTrue(low(on.bits, lanes)), constant(32, QC_BIT)));
}

/** The second operand. */
export type Second = (b: Builder, on: Lanes) => Vector;
const register: Second = (b) => b.getVector('rm');

/** An operation as instructions have it. */
export interface Semantics<L extends Lanes = Lanes> {
  /** The destination is read too. */
  readonly into: boolean;
  readonly on: (form: Form<L>, second?: Second) => Execute;
}

/** Checks, finds the lanes, writes those that count. */
const writing =
  <L extends Lanes>(form: Form<L>, value: (on: L, b: Builder) => Vector): Execute =>
  (b) => {
    b.checkFp();
    const on = form(b);
    b.setVector('rd', low(on.bits, value(on, b)));
  };
const source = (b: Builder) => b.let(b.getVector('rn'));
const destination = (b: Builder) => b.let(b.getVector('ra'));

export const unary = <L extends Lanes>(operation: Unary<L>): Semantics<L> => ({
  into: false,
  on: (form) => writing(form, (on, b) => operation(on, source(b))),
});
/** One register into itself. */
export const unaryInto = <L extends Lanes>(operation: Binary<L>): Semantics<L> => ({
  into: true,
  on: (form) => writing(form, (on, b) => operation(on, source(b), destination(b))),
});
export const binary = <L extends Lanes>(operation: Binary<L>): Semantics<L> => ({
  into: false,
  on: (form, second = register) => writing(form, (on, b) => operation(on, source(b), b.let(second(b, on)))),
});
export const accumulating = <L extends Lanes>(operation: Accumulation<L>): Semantics<L> => ({
  into: true,
  on: (form, second = register) =>
    writing(form, (on, b) => operation(on, source(b), b.let(second(b, on)), destination(b))),
});

/** With the row's immediate, 32 bits of it. */
export const byImmediate = <L extends Lanes>(operation: (on: L, n: Vector, imm: Expr) => Vector): Semantics<L> => ({
  into: false,
  on: (form) => writing(form, (on, b) => operation(on, source(b), immediate(b))),
});
export const byImmediateInto = <L extends Lanes>(
  operation: (on: L, n: Vector, imm: Expr, d: Vector) => Vector,
): Semantics<L> => ({
  into: true,
  on: (form) => writing(form, (on, b) => operation(on, source(b), immediate(b), destination(b))),
});
const immediate = (b: Builder) => b.let(b.immediate('imm', 32));
