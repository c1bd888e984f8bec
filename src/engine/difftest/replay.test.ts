/** vectors/a64.txt.gz: answers of qemu-aarch64 7.2 (-cpu max), recorded by `npm run difftest -- --record`. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decode } from '../../isa/a64/table.ts';
import { testableRows } from './cases.ts';
import { disagreement } from './compare.ts';
import { CaseRunner } from './execute.ts';
import { parseRecorded } from './record.ts';

const recorded = gunzipSync(readFileSync(new URL('../vectors/a64.txt.gz', import.meta.url)))
  .toString()
  .trimEnd()
  .split('\n')
  .map(parseRecorded);

test('recorded instructions do on the engine what they did on QEMU', () => {
  const runner = new CaseRunner();
  const disagreements = recorded
    .map((one) => disagreement(one.case, one.expected, runner.run(one.case)))
    .filter((text) => text !== '');
  expect(disagreements).toEqual([]);
});

test('every row of user code that has semantics is among the recorded instructions', () => {
  const rows = new Set(recorded.map((one) => decode(one.case.words.at(-1)!)?.row.name));
  expect(testableRows().flatMap(({ row }) => (rows.has(row.name) ? [] : [row.name]))).toEqual([]);
});

test('a wrong register, flag or byte of memory is noticed', () => {
  const runner = new CaseRunner();
  const { case: one, expected } = recorded[0]!;
  for (const place of [0, 31, 32, 33, 34, 35, 40, 120]) {
    const wrong = expected.slice();
    wrong[place]! ^= 1n << 30n;
    expect(disagreement(one, wrong, runner.run(one))).not.toBe('');
  }
});
