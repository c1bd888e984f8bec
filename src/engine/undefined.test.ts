import { describe, expect, test } from 'vitest';
import { A64 } from '../isa/a64/table.ts';
import { insertFields, requiredFeatures, type Fields } from '../isa/row.ts';
import { CODE, Guest } from './guest.testing.ts';

const FEATURES = [...new Set(A64.rows.flatMap(({ row }) => requiredFeatures(row)))];

/** A word of each row of an extension, its fields all alike. */
function wordsOfExtensions(): readonly (readonly [name: string, word: number])[] {
  return A64.rows
    .filter(({ row }) => requiredFeatures(row).length > 0)
    .flatMap(({ row, diagram, index }): (readonly [string, number])[] => {
      for (const value of [0, 1, 2, 3, -1]) {
        const fields: Fields = Object.fromEntries(diagram.fields.map(({ name }) => [name, value]));
        const word = insertFields(diagram, fields);
        if (A64.decode(word)?.index === index) return [[row.name, word]];
      }
      return [];
    });
}

/** What is left of a word on a CPU without extensions: of a hint, HINT. */
const isInstruction = (word: number) => A64.decode(word, (row) => requiredFeatures(row).length === 0) !== null;

test('every row has semantics, or its instructions were UNDEFINED on every CPU', () => {
  expect(A64.rows.filter(({ row }) => !row.execute).map(({ row }) => row.name)).toEqual([]);
});

describe('an instruction of an extension that the CPU lacks', () => {
  const words = wordsOfExtensions();

  test('is found for the most part by its word', () => {
    const rows = A64.rows.filter(({ row }) => requiredFeatures(row).length > 0);
    expect(words.length).toBeGreaterThan(0.8 * rows.length);
    expect(rows.length).toBeGreaterThan(0);
  });

  test('is as if it were not there: UNDEFINED, but for hints', () => {
    const guest = new Guest('nop', undefined, undefined, FEATURES);
    const executed = words.flatMap(([name, word]) => {
      guest.load(CODE, `.inst ${word}`);
      guest.engine.state.pc = BigInt(CODE);
      const { exit, executed } = guest.run(1);
      const expected = isInstruction(word) ? 'budget' : 'undefined';
      return exit.kind === expected && executed === (expected === 'budget' ? 1 : 0) ? [] : [`${name}: ${exit.kind}`];
    });
    expect(executed).toEqual([]);
  });
});
