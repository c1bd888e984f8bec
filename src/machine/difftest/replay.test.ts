import { expect, test } from 'vitest';
import { featuresOf } from '../features.ts';
import { answers } from './answer.ts';
import { makeCase } from './cases.ts';
import { compare } from './compare.ts';
import recorded from './recorded.json' with { type: 'json' };

test.each(recorded)(
  'AT on random tables of both stages answers as $judge was recorded to, and leaves the same in them',
  ({ id, seed, cases: count, answers: text }) => {
    const features = featuresOf(
      Object.fromEntries(Object.entries(id).map(([name, value]) => [name, BigInt(`0x${value}`)])),
    );
    const cases = Array.from({ length: count }, (_, number) => makeCase(seed, number, undefined, features));
    const theirs = text.split(' ').map((par) => BigInt(`0x${par}`));
    const { compared, different } = compare(cases, answers(cases, features), theirs);
    expect(compared).toBeGreaterThan(theirs.length * 0.75);
    expect(different).toEqual([]);
  },
);
