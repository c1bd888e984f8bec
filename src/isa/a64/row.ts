import type { Alias, Row, Transfer } from '../row.ts';
import type { A64Field, A64Fields } from './operands.ts';

export type A64Row = Row<A64Field>;

/** An alias of the row it stands in: preferred where the fields it fixes have these values and `when` holds. */
export function as(
  template: string,
  fixed: Partial<A64Fields>,
  when: (f: A64Fields) => boolean = () => true,
): Alias<A64Field> {
  return { template, fixed, when, printed: true };
}

/** A form that the assembler takes and the disassembler never prints. */
export function accepts(template: string, fixed: Partial<A64Fields> = {}): Alias<A64Field> {
  return { template, fixed, when: () => true, printed: false };
}

/** A transfer of one register with nothing special about it. */
export const PLAIN = {
  registers: 1,
  signExtend: false,
  acquire: false,
  release: false,
  exclusive: false,
  unprivileged: false,
  writeback: false,
} as const satisfies Partial<Transfer>;
