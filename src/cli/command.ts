import type { ParseArgsConfig } from 'node:util';

export interface Arguments {
  readonly positionals: readonly string[];
  /** An option's value, or null where it was not given. */
  text(name: string): string | null;
  /** Every value of an option that may be given more than once. */
  texts(name: string): readonly string[];
  flag(name: string): boolean;
}

/** One command of `stage2`. */
export interface Command {
  readonly name: string;
  /** What follows the name: `FILE [--host NAME]`. */
  readonly usage: string;
  readonly summary: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** How many words without an option's name it takes. */
  readonly words: { readonly least: number; readonly most: number };
  /** The exit status. @throws UsageError, Failure */
  run(given: Arguments): Promise<number>;
}

/** The command was called wrongly: its usage is shown, status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** It was called well but can't be done: the message is all there is to say, status 1. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

export const print = (line: string): void => void process.stdout.write(`${line}\n`);
export const note = (line: string): void => void process.stderr.write(`${line}\n`);

/** Columns as wide as their widest cell, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (/^[\d/]+$/.test(cell) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
