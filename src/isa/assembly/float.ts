/** Decimal numbers as binary floating point: rounded once, to nearest, ties to even. */

export interface FloatFormat {
  readonly bytes: number;
  readonly exponentBits: number;
  readonly fractionBits: number;
}

export const FLOAT_FORMATS = {
  half: { bytes: 2, exponentBits: 5, fractionBits: 10 },
  bfloat: { bytes: 2, exponentBits: 8, fractionBits: 7 },
  single: { bytes: 4, exponentBits: 8, fractionBits: 23 },
  double: { bytes: 8, exponentBits: 11, fractionBits: 52 },
} as const satisfies Record<string, FloatFormat>;

/** More digits than any border between two values has; those behind them matter by not being zero alone. */
const MOST_DIGITS = 800;
/** Decimal exponents beyond are out of every format's range. */
const MOST_EXPONENT = 400;

const bitLength = (value: bigint) => value.toString(2).length;

/** The encoding of `inf`, `nan`, or digits with a point and an exponent perhaps; null: too large for the format. */
export function floatBits(text: string, { exponentBits, fractionBits }: FloatFormat): bigint | null {
  const fraction = BigInt(fractionBits);
  const infinity = ((1n << BigInt(exponentBits)) - 1n) << fraction;
  if (/^inf(inity)?$/i.test(text)) return infinity;
  if (/^nan$/i.test(text)) return infinity | ((1n << fraction) - 1n);
  const [, whole = '', behind = '', power = '0'] = /^(\d*)\.?(\d*)(?:e([-+]?\d+))?$/i.exec(text) ?? [];
  const digits = (whole + behind).replace(/^0+/, '');
  if (digits === '') return 0n;
  const point = digits.length - behind.length + Number(power);
  if (point < -MOST_EXPONENT) return 0n;
  if (point > MOST_EXPONENT) return null;
  const kept = digits.length > MOST_DIGITS ? `${digits.slice(0, MOST_DIGITS)}1` : digits;
  const scale = point - kept.length;
  const numerator = BigInt(kept) * 10n ** BigInt(Math.max(scale, 0));
  const denominator = 10n ** BigInt(Math.max(-scale, 0));

  const bias = 2 ** (exponentBits - 1) - 1;
  const least = 1 - bias;
  let exponent = bitLength(numerator) - bitLength(denominator);
  if (numerator << BigInt(Math.max(-exponent, 0)) < denominator << BigInt(Math.max(exponent, 0))) exponent--;
  if (exponent > bias) return null;
  const shift = fractionBits - Math.max(exponent, least);
  const [n, d] = [numerator << BigInt(Math.max(shift, 0)), denominator << BigInt(Math.max(-shift, 0))];
  const [quotient, twice] = [n / d, 2n * (n % d)];
  const rounded = twice > d || (twice === d && (quotient & 1n) !== 0n) ? quotient + 1n : quotient;
  /* The fraction's leading one counts as one of the exponent, and so does a carry out of it. */
  return (BigInt(Math.max(exponent, least) - least) << fraction) + rounded;
}
