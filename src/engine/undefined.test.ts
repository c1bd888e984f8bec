import { describe, expect, test } from 'vitest';
import { A64 } from '../isa/a64/table.ts';
import { insertFields, type Fields } from '../isa/row.ts';
import { CODE, Guest } from './guest.testing.ts';

/** A word of each row that has no semantics; all fields 0 but for what the row needs to be valid. */
function wordsWithoutSemantics(): readonly (readonly [name: string, word: number])[] {
  return A64.rows
    .filter(({ row }) => !row.execute)
    .flatMap(({ row, diagram, index }): (readonly [string, number])[] => {
      for (const value of [0, 1, 2, 3, -1]) {
        const fields: Fields = Object.fromEntries(diagram.fields.map(({ name }) => [name, value]));
        const word = insertFields(diagram, fields);
        if (A64.decode(word)?.index === index) return [[row.name, word]];
      }
      return [];
    });
}

/** What is left of a word when rows without semantics are taken away: of a hint, HINT. */
const isInstruction = (word: number) => A64.decode(word, ({ execute }) => execute !== undefined) !== null;

describe('a row without semantics', () => {
  const words = wordsWithoutSemantics();

  test('is found for the most part by its word', () => {
    expect(words.length).toBeGreaterThan(0.8 * A64.rows.filter(({ row }) => !row.execute).length);
  });

  test('is as if it were not there: UNDEFINED, but for hints', () => {
    const guest = new Guest('nop');
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
