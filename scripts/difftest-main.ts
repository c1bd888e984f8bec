/** The driver of `npm run difftest`: see difftest.js. Rows are dealt out to processes, which report one line for each. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { randomCase, testableRows, type Case } from '../src/engine/difftest/cases.ts';
import { describe, disagreement, encodeCases, parseStates } from '../src/engine/difftest/compare.ts';
import { correct } from '../src/engine/difftest/differences.ts';
import { CaseRunner } from '../src/engine/difftest/execute.ts';
import { Random } from '../src/engine/difftest/random.ts';
import { parseRecorded, recordedLine } from '../src/engine/difftest/record.ts';
import { decode } from '../src/isa/a64/table.ts';

export interface Tools {
  /** Program and arguments: reads cases, writes states. */
  readonly judge: readonly string[];
  readonly vectors: string;
}

interface Options {
  readonly rows: RegExp;
  readonly count: number;
  readonly seed: number;
  readonly jobs: number;
  readonly record: boolean;
  readonly v8: readonly string[];
}

/** What a process tells of a row. */
interface Result {
  readonly index: number;
  readonly name: string;
  cases: number;
  disagreements: number;
  readonly examples: string[];
  readonly recorded: string[];
}

/** Cases of a row that are run together, its last ones or not. */
interface Part {
  readonly result: Result;
  readonly cases: readonly Case[];
  readonly last: boolean;
}

const RECORDED_PER_ROW = 8;
const EXAMPLES = 3;
const BATCH = 2000;

function parse(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '' },
      count: { type: 'string', default: '1500' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '2' },
      record: { type: 'boolean', default: false },
      v8: { type: 'string', multiple: true, default: [] },
    },
  });
  return {
    rows: new RegExp(values.rows, 'i'),
    count: Number(values.count),
    seed: Number(values.seed),
    jobs: Number(values.jobs),
    record: values.record,
    v8: values.v8,
  };
}

/** The judge's answers; a text for a case that it died of. */
function judged(cases: readonly Case[], [program, ...args]: readonly string[]): (BigUint64Array | string)[] {
  const answers: (BigUint64Array | string)[] = [];
  while (answers.length < cases.length) {
    const input = encodeCases(cases.slice(answers.length));
    const { stdout, signal, status, error } = spawnSync(program!, args, { input, maxBuffer: 2 ** 30 });
    if (error) throw error;
    for (const state of parseStates(stdout)) {
      correct(cases[answers.length]!.words.at(-1)!, state);
      answers.push(state);
    }
    if (answers.length < cases.length) answers.push(`the judge ends with ${signal ?? status}`);
  }
  return answers;
}

/** Runs cases of several rows with one start of the judge. */
function runBatch(batch: readonly Part[], { record }: Options, runner: CaseRunner, tools: Tools): void {
  const answers = judged(
    batch.flatMap(({ cases }) => cases),
    tools.judge,
  );
  let next = 0;
  for (const { result, cases } of batch) {
    for (const one of cases) {
      const expected = answers[next++]!;
      const wrong = outcome(one, expected, runner);
      if (wrong !== '') {
        result.disagreements++;
        if (result.examples.length < EXAMPLES) result.examples.push(wrong);
      } else if (record && typeof expected !== 'string' && result.recorded.length < RECORDED_PER_ROW) {
        result.recorded.push(recordedLine(one, expected));
      }
    }
    result.cases += cases.length;
  }
}

/** What is wrong, or nothing. */
function outcome(one: Case, expected: BigUint64Array | string, runner: CaseRunner): string {
  if (typeof expected === 'string') return `${describe(one)}\n  ${expected}`;
  try {
    return disagreement(one, expected, runner.run(one));
  } catch (thrown) {
    return `${describe(one)}\n  ${String(thrown)}`;
  }
}

/** One process's share of the rows; its lines are reports. */
export function worker(args: readonly string[], tools: Tools, job: number): void {
  const options = parse(args);
  const runner = new CaseRunner();
  const rows = rowsOf(options).filter((_, place) => place % options.jobs === job);
  let batch: Part[] = [];
  const flush = () => {
    runBatch(batch, options, runner, tools);
    for (const { result, last } of batch) if (last) report(result);
    batch = [];
  };
  for (const row of rows) {
    const random = new Random(options.seed * 0x10001 + row.index + 1);
    const result: Result = {
      index: row.index,
      name: row.row.name,
      cases: 0,
      disagreements: 0,
      examples: [],
      recorded: [],
    };
    for (let left = options.count; left > 0; left -= BATCH) {
      const cases = Array.from({ length: Math.min(left, BATCH) }, () => randomCase(row, random)).filter(
        (one) => one !== null,
      );
      batch.push({ result, cases, last: left <= BATCH });
      if (batch.reduce((sum, part) => sum + part.cases.length, 0) >= BATCH) flush();
    }
  }
  flush();
}

function report(result: Result): void {
  if (result.cases === 0) result.examples.push('no case was found');
  console.log(JSON.stringify(result));
}

const rowsOf = ({ rows }: Options) => testableRows().filter(({ row }) => rows.test(row.name));

export async function main(args: readonly string[], tools: Tools): Promise<number> {
  const options = parse(args);
  const rows = rowsOf(options);
  const reports: Result[] = [];
  const finished = Array.from({ length: options.jobs }, (_, job) =>
    runWorker(args, options, tools, job, (report) => {
      reports.push(report);
      if (report.examples.length === 0) return;
      console.log(`\n${report.name}: ${report.disagreements} of ${report.cases} cases differ`);
      for (const example of report.examples) console.log(example);
    }),
  );
  const failed = (await Promise.all(finished)).some((code) => code !== 0);
  reports.sort((a, b) => a.index - b.index);

  const total = reports.reduce((sum, { cases }) => sum + cases, 0);
  const each = reports.map(({ cases }) => cases);
  const wrong = reports.filter(({ examples }) => examples.length > 0);
  console.log(
    `${rows.length} rows, ${total} cases (${Math.min(...each)} to ${Math.max(...each)} of a row): ` +
      (wrong.length === 0
        ? 'none differs'
        : `${wrong.length} rows differ: ${wrong.map(({ name }) => name).join(', ')}`),
  );
  if (options.record) {
    const again = new Set(rows.map(({ index }) => index));
    const kept = recordedLines(tools.vectors).filter((line) => !again.has(rowOf(line)));
    const lines = [...kept, ...reports.flatMap(({ recorded }) => recorded)];
    writeFileSync(tools.vectors, gzipSync(`${lines.join('\n')}\n`, { level: 9 }));
    console.log(`${lines.length} cases recorded`);
  }
  return failed || wrong.length > 0 || reports.length < rows.length ? 1 : 0;
}

const recordedLines = (path: string) => gunzipSync(readFileSync(path)).toString().trimEnd().split('\n');

/** -1: there is no such row any more. */
function rowOf(line: string): number {
  return decode(parseRecorded(line).case.words.at(-1)!)?.index ?? -1;
}

function runWorker(
  args: readonly string[],
  { v8 }: Options,
  tools: Tools,
  job: number,
  onReport: (result: Result) => void,
) {
  const call = `import { worker } from ${JSON.stringify(import.meta.url)}; worker(...${JSON.stringify([args, tools, job])});`;
  const child = spawn(process.execPath, [...v8, '--input-type=module', '-e', call], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  createInterface(child.stdout).on('line', (line) => onReport(JSON.parse(line) as Result));
  return new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}
