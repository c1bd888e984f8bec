/** Where the judge, QEMU 7.2's user emulator, can't say what the architecture does: what, and why. */
import type { A64Decoded } from '../../isa/a64/table.ts';

interface Difference {
  readonly why: string;
  readonly applies: (row: A64Decoded['row']) => boolean;
}

const NOT_JUDGED: readonly Difference[] = [
  { why: 'keys are random in each process', applies: ({ feature }) => feature === 'FEAT_PAuth' },
];

/** The row is left out. */
export const isJudgedOtherwise = (row: A64Decoded['row']): boolean => NOT_JUDGED.some(({ applies }) => applies(row));
