import { expect, it } from 'vitest';
import { remembered } from './remembered.ts';

it('makes a result once, keeps those used last, and none of a long text', () => {
  const made: string[] = [];
  const length = remembered(
    (text) => {
      made.push(text);
      return { length: text.length };
    },
    { most: 2, longest: 3 },
  );
  const a = length('a');
  expect(length('a')).toBe(a);
  length('bb');
  length('a');
  length('ccc');
  expect(made).toEqual(['a', 'bb', 'ccc']);
  expect(length('a')).toBe(a);
  expect(length('bb')).toEqual({ length: 2 });
  expect(made).toEqual(['a', 'bb', 'ccc', 'bb']);
  length('dddd');
  length('dddd');
  expect(made.slice(4)).toEqual(['dddd', 'dddd']);
});
