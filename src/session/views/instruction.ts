import { findRows, reference } from '../../isa/a64/reference.ts';
import type { InstructionsView, InstructionView } from '../messages.ts';
import { nothing, type Inspected, type Nothing } from './inspected.ts';

/** Rows that one answer lists. */
const MOST_ROWS = 200;

export function instructionView(inspected: Inspected, word: number, address: bigint): InstructionView | Nothing {
  const page = reference(word, address);
  if (!page) return nothing(`0x${word.toString(16).padStart(8, '0')} is no instruction of the table: it is UNDEFINED`);
  const { features, ...rest } = page;
  return {
    view: 'instruction',
    ...rest,
    features: features.map((name) => ({ name, present: !inspected.absentFeatures.has(name) })),
  };
}

export function instructionsView(text: string): InstructionsView {
  return { view: 'instructions', ...findRows(text, MOST_ROWS) };
}
