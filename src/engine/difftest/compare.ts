import { disassemble } from '../../isa/a64/disassembler.ts';
import type { Case } from './cases.ts';
import * as at from './place.ts';

const HEADER_WORDS = (at.MAX_WORDS + 2) / 2;
const CASE_WORDS = HEADER_WORDS + at.STATE_WORDS;

/** Cases as harness.c reads them. */
export function encodeCases(cases: readonly Case[]): Uint8Array {
  const all = new BigUint64Array(cases.length * CASE_WORDS);
  const halves = new Uint32Array(all.buffer);
  cases.forEach(({ words, state }, index) => {
    const start = index * CASE_WORDS;
    halves.set(words, 2 * start);
    halves[2 * start + at.MAX_WORDS] = words.length;
    all.set(state, start + HEADER_WORDS);
  });
  return new Uint8Array(all.buffer);
}

/** States as harness.c writes them. */
export function parseStates(bytes: Uint8Array): BigUint64Array[] {
  const count = Math.floor(bytes.length / 8 / at.STATE_WORDS);
  const all = new BigUint64Array(bytes.slice(0, count * at.STATE_WORDS * 8).buffer);
  return Array.from({ length: count }, (_, index) =>
    all.subarray(index * at.STATE_WORDS, (index + 1) * at.STATE_WORDS),
  );
}

/** What differs, in words; empty where nothing does. */
export function disagreement(one: Case, expected: BigUint64Array, actual: BigUint64Array): string {
  const lines: string[] = [];
  for (let i = 0; i < at.STATE_WORDS; i++) {
    if (expected[i] === actual[i]) continue;
    lines.push(`  ${nameOf(i)}: was ${hex(one.state[i]!)}, should be ${hex(expected[i]!)}, is ${hex(actual[i]!)}`);
  }
  return lines.length === 0 ? '' : [describe(one), ...lines].join('\n');
}

/** The instructions of a case, and the registers that they name. */
export function describe({ words, state }: Case): string {
  const address = BigInt(at.SLOTS + 4 * at.ENTRY);
  const text = words.map((word, i) => disassemble(word, address + BigInt(4 * i)).replace('\t', ' ')).join('; ');
  const named: string[] = [];
  const seen = new Set<string>();
  for (const [, kind, number] of text.matchAll(/\b([wxbhsdqv])(\d+)\b/g)) {
    const index = Number(number);
    const vector = kind !== 'w' && kind !== 'x';
    const name = `${vector ? 'v' : 'x'}${index}`;
    if (index > 31 || (!vector && index > 30) || seen.has(name)) continue;
    seen.add(name);
    const wide = (value: bigint) => hex(value).padStart(16, '0');
    const value = vector
      ? `${wide(state[at.V + 2 * index + 1]!)}_${wide(state[at.V + 2 * index]!)}`
      : hex(state[index]!);
    named.push(`${name}=${value}`);
  }
  named.push(`nzcv=${hex(state[at.NZCV]! >> 28n)} fpcr=${hex(state[at.FPCR]!)} fpsr=${hex(state[at.FPSR]!)}`);
  return `${words.map((word) => hex(BigInt(word))).join(' ')}  ${text}\n  ${named.join(' ')}`;
}

const hex = (value: bigint) => value.toString(16);

function nameOf(index: number): string {
  if (index < at.SP) return `x${index}`;
  if (index < at.V) return ['sp', 'nzcv', 'end', 'fpcr', 'fpsr'][index - at.SP]!;
  if (index < at.MEMORY) return `v${(index - at.V) >> 1}.d[${(index - at.V) & 1}]`;
  return `memory+${(index - at.MEMORY) * 8}`;
}
