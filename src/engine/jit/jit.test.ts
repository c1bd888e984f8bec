import { expect, test } from 'vitest';
import { Program, Side } from './programs.testing.ts';

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
    expect(compiling.engine.statistics!.compiled.regions).toBeGreaterThan(count / 2);
  },
  count * 1000,
);
