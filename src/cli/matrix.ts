import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import {
  brokenRule,
  combinations,
  combinationText,
  SETS,
  type Combination,
  type MatrixSet,
} from '../labs/matrix/axes.ts';
import { sandboxOf } from '../labs/matrix/sandbox.ts';
import { Checker, failureOf } from '../session/checked.ts';
import { print, table, UsageError } from './command.ts';
import type { Command } from './command.ts';

/** Milliseconds: one that can't boot may fault for ever, and one that can takes some 20. */
const TIMEOUT = 5000;

/** A valid combination, by its place in what is run. */
interface Entry {
  readonly set: MatrixSet;
  readonly combination: Combination;
}

/** What became of one combination; `failure` null: all that must be seen was seen. */
interface Outcome {
  readonly index: number;
  readonly failure: string | null;
}

export const matrix: Command = {
  name: 'matrix',
  usage: '[--set NAME] [--jobs N] [--rules] [--verbose]',
  summary:
    'boots every combination of hardware, host kernel and guest kernel that the LPA2 series was tested with, and more; ' +
    'status 1 where one does not come to its end as it must',
  options: {
    set: { type: 'string' },
    jobs: { type: 'string' },
    rules: { type: 'boolean' },
    verbose: { type: 'boolean' },
    part: { type: 'string' },
  },
  words: { least: 0, most: 0 },
  run: async (given) => {
    const name = given.text('set');
    const sets = setsOf(name);
    const entries = sets.flatMap((set) => validOf(set).map((combination) => ({ set, combination })));
    const part = given.text('part');
    if (part !== null) {
      await run(entries, partOf(part), (outcome) => print(JSON.stringify(outcome)));
      return 0;
    }
    const jobs = numberOf(given.text('jobs'));
    const failed = await runAll(entries, name, jobs, (outcome) => {
      if (given.flag('verbose')) print(`${outcome.failure === null ? 'ok  ' : 'FAIL'} ${textOf(entries, outcome)}`);
    });
    for (const set of sets) {
      const all = combinations(set);
      const valid = entries.filter((entry) => entry.set === set).length;
      const wrong = failed.filter(({ index }) => entries[index]?.set === set);
      print(`${set.name}: ${set.title}`);
      print(`  ${all.length} combinations, ${valid} valid`);
      if (given.flag('rules')) for (const line of rulesOf(set, all)) print(`  ${line}`);
      for (const outcome of wrong) print(`  FAIL ${textOf(entries, outcome)}: ${outcome.failure ?? ''}`);
      print(`  ${valid - wrong.length} of ${valid} booted, wrote, read and stopped as they must`);
    }
    return failed.length === 0 ? 0 : 1;
  },
};

const textOf = (entries: readonly Entry[], { index }: Outcome): string => {
  const { set, combination } = entries[index]!;
  return `${set.name} ${combinationText(combination)}`;
};

function setsOf(name: string | null): readonly MatrixSet[] {
  if (name === null) return SETS;
  const found = SETS.find((set) => set.name === name);
  if (!found) throw new UsageError(`there is no set "${name}"; there are ${SETS.map((set) => set.name).join(', ')}`);
  return [found];
}

function numberOf(text: string | null): number {
  const jobs = text === null ? availableParallelism() : Number(text);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64) throw new UsageError('--jobs wants a number from 1 to 64');
  return jobs;
}

/** `I/N`: every N-th valid combination from the I-th on. */
function partOf(text: string): { first: number; step: number } {
  const [first = NaN, step = NaN] = text.split('/').map(Number);
  if (!Number.isInteger(first) || !Number.isInteger(step) || first < 0 || step < 1) {
    throw new UsageError('--part wants I/N');
  }
  return { first, step };
}

const validOf = (set: MatrixSet): Combination[] => combinations(set).filter((one) => !brokenRule(set, one));

function rulesOf(set: MatrixSet, all: readonly Combination[]): string[] {
  const count = (name: string) => all.filter((one) => brokenRule(set, one)?.name === name).length;
  return table(set.rules.map(({ name, because }) => [String(count(name)), name, because]));
}

async function run(
  entries: readonly Entry[],
  { first, step }: { first: number; step: number },
  tell: (outcome: Outcome) => void,
): Promise<void> {
  const checker = await Checker.create({ timeout: TIMEOUT });
  for (let index = first; index < entries.length; index += step) {
    tell({ index, failure: failureOf(checker.run(sandboxOf(entries[index]!.combination))) });
    // QuickJS is replaced asynchronously where a script has broken it.
    await new Promise(setImmediate);
  }
}

/** Those that failed. With more than one job, each part is a process of its own; `set` is the one set that is run, or null. */
async function runAll(
  entries: readonly Entry[],
  set: string | null,
  jobs: number,
  tell: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const missing = new Set(entries.keys());
  const failed: Outcome[] = [];
  const one = (outcome: Outcome) => {
    missing.delete(outcome.index);
    if (outcome.failure !== null) failed.push(outcome);
    clearProgress();
    tell(outcome);
    showProgress(entries.length - missing.size, entries.length);
  };
  const program = process.argv[1];
  if (jobs === 1 || program === undefined) await run(entries, { first: 0, step: 1 }, one);
  else {
    const words = [program, 'matrix', ...(set === null ? [] : ['--set', set]), '--part'];
    const parts = Array.from({ length: jobs }, (_, index) => `${index}/${jobs}`);
    await Promise.all(parts.map((part) => runPart([...words, part], one)));
  }
  for (const index of missing) failed.push({ index, failure: 'it was not run: a process ended early' });
  return failed.sort((a, b) => a.index - b.index);
}

async function runPart(words: readonly string[], tell: (outcome: Outcome) => void): Promise<void> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    const outcome: unknown = JSON.parse(line);
    if (isOutcome(outcome)) tell(outcome);
  }
  await ended;
}

function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && 'index' in value && 'failure' in value;
}

const WIDTH = 40;

/** What is printed next begins where the bar was: both go to one terminal. */
function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

function showProgress(done: number, total: number): void {
  if (!process.stderr.isTTY) return;
  const filled = Math.round((done / total) * WIDTH);
  process.stderr.write(`\r  [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${done}/${total}`);
  if (done === total) clearProgress();
}
