import { expect, test } from 'vitest';
import { A64 } from '../../isa/a64/table.ts';
import { Random } from '../difftest/random.ts';
import { leavesAlways } from './leaves.ts';
import { Program, Side, wordOf } from './programs.testing.ts';

/** STAGE2_JIT_PROGRAMS programs from STAGE2_JIT_SEED on: `npm test` runs a fixed few. */
const count = Number(process.env['STAGE2_JIT_PROGRAMS'] ?? 40);
const seed = Number(process.env['STAGE2_JIT_SEED'] ?? 1);

test(
  'compiled or interpreted, random programs come to the same at every stop',
  () => {
    const compiling = new Side({ interval: 5, exits: 2, lesson: 30, threshold: 1 });
    const other = new Side(false);
    const different: string[] = [];
    for (let number = seed; number < seed + count; number++) {
      const difference = new Program(number).compare(compiling, other, 3000);
      if (difference) different.push(`program ${number}: ${difference}`);
    }
    expect(different).toEqual([]);
    const { compiled, refused } = compiling.engine.statistics!;
    expect(compiled.regions).toBeGreaterThan(count / 2);
    expect(refused).toBe(0);
  },
  count * 1000,
);

test('only rows whose flow says so leave the engine', () => {
  const random = new Random(1);
  const leaving = A64.rows.filter((entry) => {
    if (!entry.row.execute || (entry.row.flow ?? 'next') !== 'next') return false;
    const words = [0, 1, 2, 3].flatMap(() => wordOf(random, entry, {}) ?? []);
    return words.some((word) => leavesAlways(A64.decode(word)!));
  });
  expect(leaving.map(({ row }) => row.name)).toEqual([]);
});
