/**
 * The engine against QEMU: `npm run difftest` names the harness, the emulator and how many cases of each row to run.
 * STAGE2_DIFFTEST_RECORD names a file to write a sample of them to, which replay.test.ts plays.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { disagreement, encodeCases, parseStates } from './compare.ts';
import { randomCase, testableRows, type Case } from './cases.ts';
import { CaseRunner } from './execute.ts';
import { Random } from './random.ts';
import { recordedLine } from './record.ts';

const command = process.env['STAGE2_DIFFTEST']?.split(' ');
const count = Number(process.env['STAGE2_DIFFTEST_COUNT'] ?? 200);
const seed = Number(process.env['STAGE2_DIFFTEST_SEED'] ?? 1);
const recordTo = process.env['STAGE2_DIFFTEST_RECORD'];

const rows = command ? testableRows() : [];

describe.skipIf(!command)('the engine does what QEMU does', () => {
  const lines: string[] = [];
  let total = 0;
  const runner = new CaseRunner();

  for (const row of rows) {
    test(`${row.index} ${row.row.name}`, () => {
      const random = new Random(seed * 1000 + row.index + 1);
      const cases = Array.from({ length: count }, () => randomCase(row, random)).filter((c): c is Case => c !== null);
      expect(cases.length, 'cases found').toBeGreaterThan(0);
      const [program, ...args] = command!;
      const judge = spawnSync(program!, args, { input: encodeCases(cases), maxBuffer: 2 ** 30, timeout: 30_000 });
      const expected = parseStates(judge.stdout);
      expect(expected.length, `answers of the judge, ${judge.signal ?? ''} ${judge.stderr.toString()}`).toBe(
        cases.length,
      );
      cases.forEach((one, index) => {
        expect(disagreement(one, expected[index]!, runner.run(one))).toBe('');
        if (recordTo) lines.push(recordedLine(one, expected[index]!));
      });
      total += cases.length;
    });
  }

  test('and that was', () => {
    process.stdout.write(`${total} cases of ${rows.length} rows agree\n`);
    if (recordTo) writeFileSync(recordTo, gzipSync(`${lines.join('\n')}\n`, { level: 9 }));
    expect(total).toBeGreaterThan(0);
  });
});
