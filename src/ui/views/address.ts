import { hex } from '../format.ts';

export type ParsedAddress =
  { readonly ok: true; readonly value: bigint } | { readonly ok: false; readonly message: string };

const FACTORS: Readonly<Record<string, bigint>> = { '': 1n, k: 1n << 10n, m: 1n << 20n, g: 1n << 30n, t: 1n << 40n };
const TERM = /^(0x[0-9a-f_]+|0b[01_]+|[0-9][0-9_]*)([kmgt]?)$/i;
/** More than any address needs; a pasted page of text is not worth a number. */
const MAX_LENGTH = 200;

/**
 * An address as a person types it: hexadecimal with 0x, decimal, K/M/G/T as binary factors, a name of `names`, and sums
 * and differences of those (`pc + 0x40`). The result lies within `bits` bits; `message` says what is wrong otherwise.
 */
export function parseAddress(text: string, bits: number, names: Readonly<Record<string, bigint>> = {}): ParsedAddress {
  const source = text.trim();
  if (source === '') return { ok: false, message: 'Type an address, such as 0x40000000.' };
  if (source.length > MAX_LENGTH) return { ok: false, message: 'That is too long for an address.' };
  let sum = 0n;
  let sign = 1n;
  let expectTerm = true;
  for (const token of source.split(/([+-])/).map((part) => part.trim())) {
    if (token === '') continue;
    if (token === '+' || token === '-') {
      if (expectTerm) return { ok: false, message: `A number is missing before “${token}”.` };
      sign = token === '-' ? -1n : 1n;
      expectTerm = true;
      continue;
    }
    const term = parseTerm(token, names);
    if (!term.ok) return term;
    sum += sign * term.value;
    expectTerm = false;
  }
  if (expectTerm) return { ok: false, message: 'A number is missing at the end.' };
  if (sum < 0n) return { ok: false, message: 'The address is below zero.' };
  const highest = (1n << BigInt(bits)) - 1n;
  if (sum > highest) {
    return { ok: false, message: `${hex(sum)} is above ${hex(highest)}, the last address of this ${bits}-bit space.` };
  }
  return { ok: true, value: sum };
}

function parseTerm(token: string, names: Readonly<Record<string, bigint>>): ParsedAddress {
  const value = valueOf(token, names);
  if (value !== undefined) return { ok: true, value };
  const match = TERM.exec(token);
  const digits = match?.[1]!.replaceAll('_', '').toLowerCase();
  if (match && digits !== '0x' && digits !== '0b') {
    return { ok: true, value: BigInt(digits!) * FACTORS[match[2]!.toLowerCase()]! };
  }
  if (/^[0-9a-f_]+$/i.test(token)) {
    return { ok: false, message: `Hexadecimal starts with 0x: did you mean 0x${token.replaceAll('_', '')}?` };
  }
  return {
    ok: false,
    message: `“${token}” is neither a number nor a name that is known here. Type 0x40000000, 1G or ${exampleOf(names)}.`,
  };
}

/** A name as it is written, or else in another case. */
function valueOf(token: string, names: Readonly<Record<string, bigint>>): bigint | undefined {
  if (Object.hasOwn(names, token)) return names[token];
  const name = Object.keys(names).find((candidate) => candidate.toLowerCase() === token.toLowerCase());
  return name === undefined ? undefined : names[name];
}

function exampleOf(names: Readonly<Record<string, bigint>>): string {
  const [first] = Object.keys(names);
  return first === undefined ? '1073741824' : `${first} + 0x40`;
}
