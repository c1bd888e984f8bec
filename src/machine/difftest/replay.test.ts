import { expect, test } from 'vitest';
import { answers } from './answer.ts';
import { makeCase } from './cases.ts';
import { compare } from './compare.ts';
import recorded from './recorded.json' with { type: 'json' };

test('AT on random tables of both stages answers as QEMU was recorded to, and leaves the same in them', () => {
  const cases = Array.from({ length: recorded.cases }, (_, number) => makeCase(recorded.seed, number));
  const theirs = recorded.answers.split(' ').map((par) => BigInt(`0x${par}`));
  const { compared, different } = compare(cases, answers(cases), theirs);
  expect(compared).toBeGreaterThan(theirs.length * 0.85);
  expect(different).toEqual([]);
});
