/** Hexadecimal as the kernel writes it, padded to `digits` where given. */
export function hex(value: bigint | number, digits = 0): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

const GROUP = /\B(?=(\d{3})+(?!\d))/g;

/** A count; from five digits on with thin spaces between thousands, so that its size shows at a glance. */
export function count(value: bigint | number): string {
  const digits = value.toString();
  return digits.length > 4 ? digits.replace(GROUP, ' ') : digits;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes in the largest unit that divides them. */
export function size(bytes: bigint): string {
  let value = bytes;
  let unit = 0;
  while (value !== 0n && value % 1024n === 0n && unit < UNITS.length - 1) {
    value /= 1024n;
    unit++;
  }
  return `${count(value)} ${UNITS[unit]!}`;
}

/** The number a person typed: hexadecimal with 0x, else decimal, with _ as a separator and K/M/G/T; null if it is none. */
export function parseNumber(text: string): bigint | null {
  const match = /^\s*(0x[0-9a-f_]+|[0-9][0-9_]*)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(text);
  if (!match) return null;
  const digits = match[1]!.replaceAll('_', '');
  if (digits.length > 24 || digits === '0x') return null;
  const shift = 10n * BigInt('kmgt'.indexOf(match[2]!.toLowerCase() || ' ') + 1);
  return BigInt(digits) << shift;
}
