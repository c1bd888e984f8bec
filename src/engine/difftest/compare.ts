import type { Case } from './cases.ts';
import * as at from './place.ts';

const HEADER_BYTES = (at.MAX_WORDS + 2) * 4;
const STATE_BYTES = at.STATE_WORDS * 8;

/** Cases as harness.c reads them. */
export function encodeCases(cases: readonly Case[]): Uint8Array {
  const bytes = new Uint8Array(cases.length * (HEADER_BYTES + STATE_BYTES));
  const view = new DataView(bytes.buffer);
  cases.forEach(({ words, state }, index) => {
    const start = index * (HEADER_BYTES + STATE_BYTES);
    words.forEach((word, i) => view.setUint32(start + 4 * i, word, true));
    view.setUint32(start + 4 * at.MAX_WORDS, words.length, true);
    state.forEach((value, i) => view.setBigUint64(start + HEADER_BYTES + 8 * i, value, true));
  });
  return bytes;
}

/** States as harness.c writes them. */
export function parseStates(bytes: Uint8Array): BigUint64Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / STATE_BYTES) }, (_, index) =>
    BigUint64Array.from({ length: at.STATE_WORDS }, (__, i) => view.getBigUint64(index * STATE_BYTES + 8 * i, true)),
  );
}

/** What differs, in words; empty where nothing does. */
export function disagreement({ words, state }: Case, expected: BigUint64Array, actual: BigUint64Array): string {
  const lines: string[] = [];
  for (let i = 0; i < at.STATE_WORDS; i++) {
    if (expected[i] === actual[i]) continue;
    lines.push(`${nameOf(i)}: was ${hex(state[i]!)}, should be ${hex(expected[i]!)}, is ${hex(actual[i]!)}`);
  }
  if (lines.length === 0) return '';
  return [words.map((word) => hex(BigInt(word))).join(' '), ...lines].join('\n');
}

const hex = (value: bigint) => value.toString(16);

function nameOf(index: number): string {
  if (index < at.SP) return `x${index}`;
  if (index === at.SP) return 'sp';
  if (index === at.NZCV) return 'nzcv';
  if (index === at.END) return 'end';
  if (index < at.MEMORY) return `v${(index - at.V) >> 1}.d[${(index - at.V) & 1}]`;
  return `memory+${(index - at.MEMORY) * 8}`;
}
