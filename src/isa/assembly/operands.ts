/** What directives are, and how they read operands. */
import type { Pass } from './pass.ts';
import { isMismatch, type Mismatch, type OperandReader } from './reader.ts';
import type { Statement } from './source.ts';

/** Does what it says and gives back which operand doesn't fit. */
export type Directive = (pass: Pass, statement: Statement, reader: OperandReader) => Mismatch | null;
export type Named = readonly [name: string, directive: Directive];

/** Each operand of a list; stops at the first that doesn't fit. */
export function forEach(reader: OperandReader, item: () => Mismatch | null): Mismatch | null {
  if (reader.atEnd) return null;
  do {
    const mismatch = item();
    if (mismatch) return mismatch;
  } while (reader.take(','));
  return null;
}

/** An operand from 0 to `high`; `fallback` where it isn't written. */
export function number(reader: OperandReader, what: string, high: bigint, fallback: bigint | null): bigint | Mismatch {
  if (fallback !== null && (reader.atEnd || reader.token.text === ',')) return fallback;
  const from = reader.position;
  const value = reader.immediate();
  if (isMismatch(value)) return value;
  if (value < 0n || value > high) return reader.mismatch(`${what} ${value} is out of range: 0 to ${high}`, from);
  return value;
}

/** Counts and sizes: what is larger than the output may be is told when room is asked for. */
export const HIGH = (1n << 62n) - 1n;

/** `, byte` that gaps are filled with. */
export function fillByte(reader: OperandReader): bigint | Mismatch {
  return reader.take(',') ? number(reader, 'fill value', 0xffn, 0n) : 0n;
}

export function symbolName(reader: OperandReader): string | Mismatch {
  return reader.token.kind === 'word' ? reader.next().text : reader.expected('a symbol');
}

/** The statement as a whole can't be. */
export function refuse(pass: Pass, statement: Statement, reader: OperandReader, why: string): null {
  pass.failStatement(statement, why);
  while (!reader.atEnd) reader.next();
  return null;
}
