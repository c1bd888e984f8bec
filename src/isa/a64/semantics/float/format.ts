/** The formats of floating point as data, and the bits of FPCR and FPSR: DDI 0487 A1.4, "Supported data types". */
import { constant, type Expr, type Type, type ValueOf } from '../../../expr.ts';
import { libraryFunction, type Bound, type FunctionBody, type LibraryFunction } from '../../../library.ts';

export const FPCR = { AHP: 1 << 26, DN: 1 << 25, FZ: 1 << 24, RMode: 3 << 22, FZ16: 1 << 19 } as const;
/** Saturation and the cumulative exceptions. */
export const FPSR = { QC: 1 << 27, IDC: 1 << 7, IXC: 1 << 4, UFC: 1 << 3, OFC: 1 << 2, DZC: 1 << 1, IOC: 1 } as const;

const allOf = (bits: Readonly<Record<string, number>>) => Object.values(bits).reduce((all, bit) => all | bit, 0);
export const FPSR_BITS = allOf(FPSR);
/** FZ16 is RES0 without FEAT_FP16. */
export const fpcrBits = (fp16: boolean) => allOf(FPCR) & (fp16 ? -1 : ~FPCR.FZ16);

/** FPRounding: the first four are what FPCR.RMode says. */
export const ROUNDING = { TIEEVEN: 0, POSINF: 1, NEGINF: 2, ZERO: 3, TIEAWAY: 4, ODD: 5 } as const;

/** Formats that instructions calculate in. */
export type Precision = 'half' | 'single' | 'double';

export interface Format {
  /** Unique. */
  readonly name: string;
  readonly precision: Precision;
  readonly bits: 16 | 32 | 64;
  readonly fraction: number;
  readonly bias: number;
  /** The bit of FPCR that flushes denormals of this format to zero, and what a flushed operand raises; 0: none. */
  readonly flush: number;
  readonly inputDenormal: number;
  /** The highest exponent has infinity and NaNs: not so in alternative half precision. */
  readonly special: boolean;
  /* What follows from these: numbers and masks of the encoding, 64 bits wide. */
  readonly sign: Expr;
  readonly abs: Expr;
  readonly implicit: Expr;
  readonly fractionMask: Expr;
  readonly infinity: Expr;
  readonly quiet: Expr;
  readonly defaultNaN: Expr;
  readonly maxNormal: Expr;
}

const SIZES = {
  half: { bits: 16, fraction: 10 },
  single: { bits: 32, fraction: 23 },
  double: { bits: 64, fraction: 52 },
} as const;

function format(name: string, precision: Precision, rest: Pick<Format, 'flush' | 'inputDenormal' | 'special'>): Format {
  const { bits, fraction } = SIZES[precision];
  const exponentBits = bits - 1 - fraction;
  const sign = 1n << BigInt(bits - 1);
  const implicit = 1n << BigInt(fraction);
  const infinity = sign - implicit;
  const quiet = implicit >> 1n;
  const number = (value: bigint) => constant(64, value);
  return {
    name,
    precision,
    bits,
    fraction,
    bias: 2 ** (exponentBits - 1) - 1,
    ...rest,
    sign: number(sign),
    abs: number(sign - 1n),
    implicit: number(implicit),
    fractionMask: number(implicit - 1n),
    infinity: number(infinity),
    quiet: number(quiet),
    defaultNaN: number(infinity | quiet),
    maxNormal: number(rest.special ? infinity - 1n : sign - 1n),
  };
}

/** Half precision is flushed by a bit of its own, which says nothing of operands. */
export const HALF = format('half', 'half', { flush: FPCR.FZ16, inputDenormal: 0, special: true });
const WIDE = { flush: FPCR.FZ, inputDenormal: FPSR.IDC, special: true } as const;
export const SINGLE = format('single', 'single', WIDE);
export const DOUBLE = format('double', 'double', WIDE);
/** Half precision as conversions between precisions see it, which are not flushed: FPUnpackCV, FPRoundCV. */
export const HALF_CV = format('half, converted', 'half', { flush: 0, inputDenormal: 0, special: true });
export const HALF_ALTERNATIVE = format('half, alternative', 'half', { flush: 0, inputDenormal: 0, special: false });

export const FORMATS: Readonly<Record<Precision, Format>> = { half: HALF, single: SINGLE, double: DOUBLE };

export type ByPrecision<P extends readonly Type[], R extends Type> = Readonly<Record<Precision, LibraryFunction<P, R>>>;

/** A function of the manual for each precision. Numbers are in the low bits of 64, with zeros above. */
export function forPrecisions<const P extends readonly Type[], R extends Type>(
  name: string,
  parameters: P,
  result: R,
  body: (b: FunctionBody, f: Format, ...operands: Bound<P>) => ValueOf<R>,
): ByPrecision<P, R> {
  const make = (f: Format) => forFormat(name, f, parameters, result, body);
  return { half: make(HALF), single: make(SINGLE), double: make(DOUBLE) };
}

export function forFormat<const P extends readonly Type[], R extends Type>(
  name: string,
  f: Format,
  parameters: P,
  result: R,
  body: (b: FunctionBody, f: Format, ...operands: Bound<P>) => ValueOf<R>,
): LibraryFunction<P, R> {
  return libraryFunction<P, R>(`${name} (${f.name})`, parameters, result, (b, ...operands) => body(b, f, ...operands));
}

/** A number that is a power of two, or half as much again, as the format has it. */
export function constantOf(f: Format, value: number): Expr {
  const power = Math.floor(Math.log2(value));
  const exponent = BigInt(f.bias + power) << BigInt(f.fraction);
  return constant(64, value === 2 ** power ? exponent : exponent | (1n << BigInt(f.fraction - 1)));
}
