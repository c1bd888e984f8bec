/**
 * Recorded cases as text: `words inputs outputs`. The state before is what the last word gives as a seed with the inputs put in, the
 * state after differs from it by the outputs; both are `index=value` in hexadecimal, joined by commas.
 */
import { randomState, type Case } from './cases.ts';
import * as at from './place.ts';
import { Random } from './random.ts';

export interface Recorded {
  readonly case: Case;
  readonly expected: BigUint64Array;
}

export function recordedLine({ words, state }: Case, expected: BigUint64Array): string {
  const inputs = differences(randomState(new Random(words.at(-1)!)), state);
  const outputs = differences(state, expected);
  return [words.map((word) => word.toString(16)).join(','), inputs, outputs].join(' ');
}

export function parseRecorded(line: string): Recorded {
  const [listed, inputs, outputs] = line.split(' ');
  const words = listed!.split(',').map((word) => parseInt(word, 16));
  const state = randomState(new Random(words.at(-1)!));
  patch(state, inputs!);
  const expected = state.slice();
  patch(expected, outputs!);
  return { case: { words, state }, expected };
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
