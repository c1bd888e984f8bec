import fc from 'fast-check';
import { expect, test } from 'vitest';
import { differenceOf, patched } from './difference.ts';

/** Few different values, so that two trees often have parts in common. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(0, 1, -0, 'a', null, true, undefined, 5n),
    fc.constantFrom(0, 1, 2).map((byte) => Uint8Array.of(byte, 7)),
    fc.constantFrom(0n, 1n).map((one) => BigUint64Array.of(one)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.record({ a: tie('value'), b: tie('value') }, { noNullPrototype: true }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { noNullPrototype: true }),
  ),
}));

test('a difference put to the value before is the value now, also on the other side of a clone', () => {
  fc.assert(
    fc.property(value, value, (before, now) => {
      const difference = differenceOf(before, now);
      if (difference === null) expect(before).toStrictEqual(now);
      else expect(patched(before, structuredClone(difference))).toStrictEqual(now);
    }),
    { numRuns: 2000 },
  );
});

test('values that are the same have no difference', () => {
  fc.assert(
    fc.property(value, (one) => {
      expect(differenceOf(one, structuredClone(one))).toBeNull();
    }),
  );
});

test('what did not change keeps its identity', () => {
  const before = { view: 'x', rows: [{ a: 1n }, { a: 2n }, { a: 3n }], bytes: Uint8Array.of(1) };
  const now = { view: 'x', rows: [{ a: 1n }, { a: 5n }, { a: 3n }], bytes: Uint8Array.of(1) };
  const after = patched(before, differenceOf(before, now)!);
  expect(after).toStrictEqual(now);
  expect(after.rows[0]).toBe(before.rows[0]);
  expect(after.rows[1]).not.toBe(before.rows[1]);
  expect(after.bytes).toBe(before.bytes);
});

test('an item put into a long list is all that is sent of it', () => {
  const before = { rows: Array.from({ length: 1000 }, (_, index) => ({ index, text: `row ${index}` })) };
  const now = { rows: [...before.rows.slice(0, 500), { index: -1, text: 'new' }, ...before.rows.slice(500)] };
  const difference = differenceOf(before, now)!;
  expect(JSON.stringify(difference).length).toBeLessThan(120);
  const after = patched(before, difference);
  expect(after).toStrictEqual(now);
  expect(after.rows[900]).toBe(before.rows[899]);
  expect(patched(after, differenceOf(after, before)!)).toStrictEqual(before);
});

test('of an object one value that changed is sent alone, and all of it where more did, if nothing hangs on it', () => {
  const row = { index: 1, value: 5n, before: null, child: null as { index: number } | null };
  expect(differenceOf(row, { ...row, value: 6n })).toEqual({ parts: [['value', { now: 6n }]] });
  const both = { ...row, value: 6n, before: 5n };
  expect(differenceOf(row, both)).toEqual({ now: both });
  const child = { index: 2 };
  expect(differenceOf({ ...row, child }, { ...both, child })).toMatchObject({
    parts: [
      ['value', {}],
      ['before', {}],
    ],
  });
});
