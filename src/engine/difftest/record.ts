/**
 * Recorded cases as text: `words seed inputs outputs`. The state before is what the seed gives with the inputs put in, the
 * state after differs from it by the outputs; all in hexadecimal, both are `index=value`, joined by commas.
 */
import type { Case } from './cases.ts';
import * as at from './place.ts';
import { stateOf } from './values.ts';

export interface Recorded {
  readonly case: Case;
  readonly expected: BigUint64Array;
}

export function recordedLine({ words, seed, state }: Case, expected: BigUint64Array): string {
  const inputs = differences(stateOf(seed), state);
  const outputs = differences(state, expected);
  return [words.map((word) => word.toString(16)).join(','), seed.toString(16), inputs, outputs].join(' ');
}

export function parseRecorded(line: string): Recorded {
  const [listed, seeded, inputs, outputs] = line.split(' ');
  const words = listed!.split(',').map((word) => parseInt(word, 16));
  const seed = parseInt(seeded!, 16);
  const state = stateOf(seed);
  patch(state, inputs!);
  const expected = state.slice();
  patch(expected, outputs!);
  return { case: { words, seed, state }, expected };
}

function differences(from: BigUint64Array, to: BigUint64Array): string {
  const list: string[] = [];
  for (let i = 0; i < at.STATE_WORDS; i++) if (from[i] !== to[i]) list.push(`${i.toString(16)}=${to[i]!.toString(16)}`);
  return list.join(',') || '-';
}

function patch(state: BigUint64Array, list: string): void {
  if (list === '-') return;
  for (const item of list.split(',')) {
    const [index, value] = item.split('=');
    state[parseInt(index!, 16)] = BigInt(`0x${value}`);
  }
}
