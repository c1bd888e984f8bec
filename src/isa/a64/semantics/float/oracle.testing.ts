/** An independent judge: floating point on exact rational numbers, written from IEEE 754 and the manual's rules for NaNs and flags. */

export interface Shape {
  readonly bits: number;
  readonly fraction: number;
  /** FPCR's bit that flushes it, and whether flushing an operand is told. */
  readonly flush: number;
  readonly tells: boolean;
}
export const SHAPES = {
  half: { bits: 16, fraction: 10, flush: 1 << 19, tells: false },
  single: { bits: 32, fraction: 23, flush: 1 << 24, tells: true },
  double: { bits: 64, fraction: 52, flush: 1 << 24, tells: true },
} as const satisfies Record<string, Shape>;
export const IOC = 1;
export const DZC = 2;
export const OFC = 4;
export const UFC = 8;
export const IXC = 16;
export const IDC = 128;

const DN = 1 << 25;
const modeOf = (fpcr: number) => (fpcr >>> 22) & 3;

export interface Answer {
  readonly value: bigint;
  readonly flags: number;
}

/** A number as a fraction; `sign` is that of a zero too. */
export interface Number {
  readonly kind: 'number';
  readonly sign: boolean;
  readonly over: bigint;
  readonly under: bigint;
}
interface Special {
  readonly kind: 'infinity' | 'quiet' | 'signalling';
  readonly sign: boolean;
}
type Value = Number | Special;

const exponentBits = (s: Shape) => s.bits - 1 - s.fraction;
const biasOf = (s: Shape) => 2 ** (exponentBits(s) - 1) - 1;
const signBit = (s: Shape) => 1n << BigInt(s.bits - 1);
const infinity = (s: Shape) => signBit(s) - (1n << BigInt(s.fraction));
const quietBit = (s: Shape) => 1n << BigInt(s.fraction - 1);
export const defaultNaN = (s: Shape) => infinity(s) | quietBit(s);
const signed = (s: Shape, sign: boolean, magnitude: bigint) => (sign ? signBit(s) | magnitude : magnitude);

function scaled(value: bigint, power: number): { over: bigint; under: bigint } {
  return power >= 0 ? { over: value << BigInt(power), under: 1n } : { over: value, under: 1n << BigInt(-power) };
}

/** Flags are those of a flushed operand. */
export function decode(s: Shape, bits: bigint, fpcr: number): { value: Value; flags: number } {
  const sign = (bits & signBit(s)) !== 0n;
  const magnitude = bits & (signBit(s) - 1n);
  if (magnitude > infinity(s)) {
    return { value: { kind: magnitude & quietBit(s) ? 'quiet' : 'signalling', sign }, flags: 0 };
  }
  if (magnitude === infinity(s)) return { value: { kind: 'infinity', sign }, flags: 0 };
  const field = Number(magnitude >> BigInt(s.fraction));
  const fraction = magnitude & ((1n << BigInt(s.fraction)) - 1n);
  if (field === 0 && fraction !== 0n && fpcr & s.flush) {
    return { value: { kind: 'number', sign, over: 0n, under: 1n }, flags: s.tells ? IDC : 0 };
  }
  const integer = field === 0 ? fraction : fraction | (1n << BigInt(s.fraction));
  const power = Math.max(field, 1) - biasOf(s) - s.fraction;
  return { value: { kind: 'number', sign, ...scaled(integer, power) }, flags: 0 };
}

/** An integer near over / under by FPCR.RMode, 4 for ties away from zero; whether it is exact. */
export function integral(
  over: bigint,
  under: bigint,
  sign: boolean,
  mode: number,
): { integer: bigint; exact: boolean } {
  const floor = over / under;
  const rest = over - floor * under;
  const twice = 2n * rest;
  const nearest = twice > under || (twice === under && (mode === 4 || floor % 2n === 1n));
  const up = [nearest, !sign && rest > 0n, sign && rest > 0n, false, nearest][mode]!;
  return { integer: up ? floor + 1n : floor, exact: rest === 0n };
}

/** A fraction other than zero to a format. */
export function rounded(
  s: Shape,
  sign: boolean,
  over: bigint,
  under: bigint,
  fpcr: number,
  mode = modeOf(fpcr),
): Answer {
  let exponent = over.toString(2).length - under.toString(2).length;
  const atLeast = (power: number) => (power >= 0 ? over >= under << BigInt(power) : over << BigInt(-power) >= under);
  if (!atLeast(exponent)) exponent--;
  const least = 1 - biasOf(s);
  if (exponent < least && fpcr & s.flush) return { value: signed(s, sign, 0n), flags: UFC };
  const power = Math.max(exponent, least) - s.fraction;
  const unit = scaled(1n, power);
  const { integer, exact } = integral(over * unit.under, under * unit.over, sign, mode);
  let flags = exact ? 0 : IXC;
  if (exponent < least && !exact) flags |= UFC;
  const magnitude = (BigInt(Math.max(exponent, least) - least) << BigInt(s.fraction)) + integer;
  if (magnitude < infinity(s)) return { value: signed(s, sign, magnitude), flags };
  const toInfinity = mode === 0 || mode === (sign ? 2 : 1);
  return { value: signed(s, sign, toInfinity ? infinity(s) : infinity(s) - 1n), flags: OFC | IXC };
}

/** The first operand that signals, else the first quiet NaN; null: there is none. */
export function nanOf(s: Shape, operands: readonly bigint[], values: readonly Value[], fpcr: number): Answer | null {
  for (const kind of ['signalling', 'quiet']) {
    const index = values.findIndex((value) => value.kind === kind);
    if (index < 0) continue;
    const value = fpcr & DN ? defaultNaN(s) : operands[index]! | quietBit(s);
    return { value, flags: kind === 'signalling' ? IOC : 0 };
  }
  return null;
}

const invalid = (s: Shape): Answer => ({ value: defaultNaN(s), flags: IOC });
const infinite = (s: Shape, sign: boolean): Answer => ({ value: signed(s, sign, infinity(s)), flags: 0 });
const zero = (s: Shape, sign: boolean): Answer => ({ value: signed(s, sign, 0n), flags: 0 });

function result(s: Shape, over: bigint, under: bigint, fpcr: number): Answer {
  const negative = over < 0n;
  return rounded(s, negative, negative ? -over : over, under, fpcr);
}

/** The operation on operands that are no NaNs. */
type Operation = (s: Shape, values: readonly Value[], fpcr: number) => Answer;

function run(s: Shape, operands: readonly bigint[], fpcr: number, operation: Operation): Answer {
  const decoded = operands.map((op) => decode(s, op, fpcr));
  const given = decoded.reduce((flags, one) => flags | one.flags, 0);
  const values = decoded.map(({ value }) => value);
  const answer = nanOf(
    s,
    operands.map((op, i) => (decoded[i]!.flags ? op & signBit(s) : op)),
    values,
    fpcr,
  );
  const { value, flags } = answer ?? operation(s, values, fpcr);
  return { value, flags: flags | given };
}

const isZero = (value: Value) => value.kind === 'number' && value.over === 0n;
const over = (value: Value) => (value.kind === 'number' ? (value.sign ? -value.over : value.over) : 0n);
const under = (value: Value) => (value.kind === 'number' ? value.under : 1n);

/** a + n * m, of which the addend comes first. */
const multiplyAdd: Operation = (s, [a, n, m], fpcr) => {
  const sign = n!.sign !== m!.sign;
  const endless = n!.kind === 'infinity' || m!.kind === 'infinity';
  if (endless && (isZero(n!) || isZero(m!))) return invalid(s);
  if (a!.kind === 'infinity' && endless && a!.sign !== sign) return invalid(s);
  if (a!.kind === 'infinity') return infinite(s, a!.sign);
  if (endless) return infinite(s, sign);
  const product = { over: over(n!) * over(m!), under: under(n!) * under(m!) };
  const sum = over(a!) * product.under + product.over * under(a!);
  if (sum !== 0n) return result(s, sum, under(a!) * product.under, fpcr);
  const bothZero = isZero(a!) && product.over === 0n;
  return zero(s, bothZero && a!.sign === sign ? sign : modeOf(fpcr) === 2);
};
const ONE: Number = { kind: 'number', sign: false, over: 1n, under: 1n };

const add: Operation = (s, [n, m], fpcr) => multiplyAdd(s, [n!, m!, ONE], fpcr);

const multiply: Operation = (s, [n, m], fpcr) => {
  const sign = n!.sign !== m!.sign;
  const endless = n!.kind === 'infinity' || m!.kind === 'infinity';
  if (endless) return isZero(n!) || isZero(m!) ? invalid(s) : infinite(s, sign);
  if (isZero(n!) || isZero(m!)) return zero(s, sign);
  return result(s, over(n!) * over(m!), under(n!) * under(m!), fpcr);
};

const divide: Operation = (s, [n, m], fpcr) => {
  const sign = n!.sign !== m!.sign;
  if ((n!.kind === 'infinity' && m!.kind === 'infinity') || (isZero(n!) && isZero(m!))) return invalid(s);
  if (n!.kind === 'infinity') return infinite(s, sign);
  if (isZero(m!)) return { ...infinite(s, sign), flags: DZC };
  if (isZero(n!) || m!.kind === 'infinity') return zero(s, sign);
  const [up, down] = [over(n!) * under(m!), under(n!) * over(m!)];
  return down < 0n ? result(s, -up, -down, fpcr) : result(s, up, down, fpcr);
};

function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let guess = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** To far more bits than any format has; whether there are more after these is one more. */
const root: Operation = (s, [n], fpcr) => {
  if (isZero(n!)) return zero(s, n!.sign);
  if (n!.sign) return invalid(s);
  if (n!.kind === 'infinity') return infinite(s, false);
  const k = 1400n;
  const square = (over(n!) << (2n * k)) / under(n!);
  const found = squareRoot(square);
  const exact = found * found * under(n!) === over(n!) << (2n * k);
  return result(s, 2n * found + (exact ? 0n : 1n), 1n << (k + 1n), fpcr);
};

export const ORACLE = {
  fadd: (s: Shape, [n, m]: readonly bigint[], fpcr: number) => run(s, [n!, m!], fpcr, add),
  fsub: (s: Shape, [n, m]: readonly bigint[], fpcr: number) =>
    run(s, [n!, m!], fpcr, (shape, [x, y], control) => add(shape, [x!, { ...y!, sign: !y!.sign }], control)),
  fmul: (s: Shape, [n, m]: readonly bigint[], fpcr: number) => run(s, [n!, m!], fpcr, multiply),
  fdiv: (s: Shape, [n, m]: readonly bigint[], fpcr: number) => run(s, [n!, m!], fpcr, divide),
  fsqrt: (s: Shape, [n]: readonly bigint[], fpcr: number) => run(s, [n!], fpcr, root),
  /** A quiet addend gives way to infinity times zero. */
  fmadd: (s: Shape, operands: readonly bigint[], fpcr: number) => {
    const answer = run(s, operands, fpcr, multiplyAdd);
    const [a, n, m] = operands.map((op) => decode(s, op, fpcr).value);
    const nonsense = (n!.kind === 'infinity' && isZero(m!)) || (isZero(n!) && m!.kind === 'infinity');
    return nonsense && a!.kind === 'quiet' ? { value: defaultNaN(s), flags: answer.flags | IOC } : answer;
  },
} as const;
