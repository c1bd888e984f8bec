/** Where the judge, QEMU 7.2's user emulator, doesn't say what the architecture does: what, and why. */
import { A64, type A64Decoded } from '../../isa/a64/table.ts';
import * as at from './place.ts';

interface Unjudged {
  readonly why: string;
  readonly applies: (row: A64Decoded['row']) => boolean;
}

const UNJUDGED: readonly Unjudged[] = [
  { why: 'keys are random in each process', applies: ({ feature }) => feature === 'FEAT_PAuth' },
  { why: 'user code may not', applies: ({ name }) => /^M(RS|SR) \((SP_EL0|DAIF)\)$/.test(name) },
];

/** The row is left out. */
export const isJudgedOtherwise = (row: A64Decoded['row']): boolean => UNJUDGED.some(({ applies }) => applies(row));

interface Mistake {
  readonly why: string;
  /** Of rows. */
  readonly names: readonly string[];
  /** Makes the judge's state behind the instruction that of the architecture. */
  readonly correct: (fields: A64Decoded['fields'], state: BigUint64Array) => void;
}

const FZ = 1n << 24n;
const SMALLEST_NORMAL = 1n << 52n;

/** Without AArch32. */
const FPCR_BITS = 0x07c80000n;
const FPSR_BITS = 0x0800009fn;

const MISTAKES: readonly Mistake[] = [
  {
    why: 'QEMU extends the sign into bits 31:16; V[d] = ZeroExtend(result) with a result of 16 bits',
    names: ['FCVTZS (scalar, SIMD, fixed-point, 16-bit)'],
    correct: ({ Rd }, state) => {
      state[at.V + 2 * Rd]! &= 0xffffn;
    },
  },
  {
    why: 'QEMU has AArch32, where these registers have Len, Stride and NZCV',
    names: ['MSR (FPCR)', 'MSR (FPSR)'],
    correct: (_fields, state) => {
      state[at.FPCR]! &= FPCR_BITS;
      state[at.FPSR]! &= FPSR_BITS;
    },
  },
  {
    why: 'QEMU sets Z for a positive denormal flushed to zero; FPToFixedJS() clears it: value is 0.0 and op<51:0> is not',
    names: ['FJCVTZS'],
    correct: ({ Rn }, state) => {
      const flushes = (state[at.FPCR]! & FZ) !== 0n;
      const operand = state[at.V + 2 * Rn]!;
      if (flushes && operand > 0n && operand < SMALLEST_NORMAL) state[at.NZCV] = 0n;
    },
  },
];
const correctionOf = new Map(MISTAKES.flatMap(({ names, correct }) => names.map((name) => [name, correct] as const)));

/** Corrects what the judge is known to have wrong in an instruction, in place. */
export function correct(word: number, state: BigUint64Array): void {
  const decoded = A64.decode(word);
  if (decoded) correctionOf.get(decoded.row.name)?.(decoded.fields, state);
}
