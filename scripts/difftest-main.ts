/** The driver of `npm run difftest`: see difftest.js. Rows are dealt out to processes, which report one line for each. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { randomCase, testableRows, type A64TableRow, type Case } from '../src/engine/difftest/cases.ts';
import { describe, disagreement, encodeCases, parseStates } from '../src/engine/difftest/compare.ts';
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
}

interface Report {
  readonly index: number;
  readonly name: string;
  readonly cases: number;
  readonly disagreements: number;
  readonly examples: readonly string[];
  readonly recorded: readonly string[];
}

const RECORDED_PER_ROW = 6;
const EXAMPLES = 3;
const BATCH = 2000;

function parse(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '' },
      count: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '2' },
      record: { type: 'boolean', default: false },
    },
  });
  return {
    rows: new RegExp(values.rows, 'i'),
    count: Number(values.count),
    seed: Number(values.seed),
    jobs: Number(values.jobs),
    record: values.record,
  };
}

/** The judge's answers; a text for a case that it died of. */
function judged(cases: readonly Case[], [program, ...args]: readonly string[]): (BigUint64Array | string)[] {
  const answers: (BigUint64Array | string)[] = [];
  while (answers.length < cases.length) {
    const input = encodeCases(cases.slice(answers.length));
    const { stdout, signal, status, error } = spawnSync(program!, args, { input, maxBuffer: 2 ** 30 });
    if (error) throw error;
    answers.push(...parseStates(stdout));
    if (answers.length < cases.length) answers.push(`the judge ends with ${signal ?? status}`);
  }
  return answers;
}

function testRow(row: A64TableRow, { count, seed, record }: Options, runner: CaseRunner, tools: Tools): Report {
  const random = new Random(seed * 0x10001 + row.index + 1);
  const examples: string[] = [];
  const recorded: string[] = [];
  let [found, disagreements] = [0, 0];
  for (let done = 0; done < count; done += BATCH) {
    const wanted = Math.min(BATCH, count - done);
    const cases = Array.from({ length: wanted }, () => randomCase(row, random)).filter((one) => one !== null);
    judged(cases, tools.judge).forEach((expected, index) => {
      const one = cases[index]!;
      const wrong = outcome(one, expected, runner);
      if (wrong !== '') {
        disagreements++;
        if (examples.length < EXAMPLES) examples.push(wrong);
      } else if (record && typeof expected !== 'string' && recorded.length < RECORDED_PER_ROW) {
        recorded.push(recordedLine(one, expected));
      }
    });
    found += cases.length;
  }
  if (found === 0) examples.push('no case was found');
  return { index: row.index, name: row.row.name, cases: found, disagreements, examples, recorded };
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
  rowsOf(options).forEach((row, place) => {
    if (place % options.jobs === job) console.log(JSON.stringify(testRow(row, options, runner, tools)));
  });
}

const rowsOf = ({ rows }: Options) => testableRows().filter(({ row }) => rows.test(row.name));

export async function main(args: readonly string[], tools: Tools): Promise<number> {
  const options = parse(args);
  const rows = rowsOf(options);
  const reports: Report[] = [];
  const finished = Array.from({ length: options.jobs }, (_, job) =>
    runWorker(args, tools, job, (report) => {
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

function runWorker(args: readonly string[], tools: Tools, job: number, onReport: (report: Report) => void) {
  const call = `import { worker } from ${JSON.stringify(import.meta.url)}; worker(...${JSON.stringify([args, tools, job])});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', call], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  createInterface(child.stdout).on('line', (line) => onReport(JSON.parse(line) as Report));
  return new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}
