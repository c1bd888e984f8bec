/**
 * Functions that semantics call (`call` in expr.ts) instead of carrying the same code at every place: floating point,
 * cryptography, pointer authentication. Each is written once, against what `Statements` offers, and compiled once.
 */
import type { Expr, F32, F64, Type, Value, ValueOf, Vector } from './expr.ts';

/** Registers of the CPU that instructions depend on, 64 bits each, as whoever runs it has set them. */
export const CONTROL_WORDS = [
  'APIAKeyLo',
  'APIAKeyHi',
  'APIBKeyLo',
  'APIBKeyHi',
  'APDAKeyLo',
  'APDAKeyHi',
  'APDBKeyLo',
  'APDBKeyHi',
  'APGAKeyLo',
  'APGAKeyHi',
  /** POINTERS of a64/semantics/pauth.ts. */
  'pointers',
  /** The bits of FPCR that this CPU has; the others are RES0. */
  'fpcrBits',
] as const;
export type ControlWord = (typeof CONTROL_WORDS)[number];

/** A place for a value that changes. Reads give what it is where they are evaluated. */
export interface Variable<T extends Type> {
  readonly value: ValueOf<T>;
  set(value: ValueOf<T>): void;
}

/** What instructions and library functions are both written with. */
export interface Statements {
  /** The host has relaxed multiply-adds (native.ts), and they round once. Code may differ by it, never results. */
  readonly fusesMultiplyAdd: boolean;
  /** Evaluates now, once. */
  let(value: Expr): Expr;
  let(value: Vector): Vector;
  let(value: F32): F32;
  let(value: F64): F64;
  variable<T extends Type>(type: T, initial: ValueOf<T>): Variable<T>;
  when(condition: Expr, then: () => void, otherwise?: () => void): void;
  /** Again and again while the condition holds before; bounded by whoever writes it. */
  loop(condition: () => Expr, body: () => void): void;
  /** FPCR and FPSR, 32 bits. */
  fpcr(): Expr;
  fpsr(): Expr;
  /** Sets cumulative bits of FPSR: ORed into it. */
  raise(flags: Expr): void;
  control(word: ControlWord): Expr;
}

export interface FunctionBody extends Statements {
  /** Leaves the function; what follows it in the same block is not reached. */
  return(value: Value): void;
}

export interface LibraryFunction<P extends readonly Type[] = readonly Type[], R extends Type = Type> {
  /** Unique. */
  readonly name: string;
  readonly parameters: P;
  readonly result: R;
  /** Answers the value where no `return` was met before. Operands are bound already. */
  readonly body: (b: FunctionBody, operands: readonly Value[]) => Value;
}

/** Operands of these types. */
export type Bound<P extends readonly Type[]> = { readonly [index in keyof P]: ValueOf<P[index]> };

/** Defines a library function; the only place that its operands' types are vouched for. */
export function libraryFunction<const P extends readonly Type[], R extends Type>(
  name: string,
  parameters: P,
  result: R,
  body: (b: FunctionBody, ...operands: Bound<P>) => ValueOf<R>,
): LibraryFunction<P, R> {
  return { name, parameters, result, body: (b, operands) => body(b, ...(operands as Bound<P>)) };
}
