/** The single figures: start-up, a TLB miss, steps of the session. */
import { join } from 'node:path';
import { PAGES, PAGES_KERNEL } from './kernels.ts';
import type { Bench } from './measure.ts';
import type { Places } from './places.ts';
import { run } from './process.ts';
import { median } from './statistics.ts';
import { figure, table } from './table.ts';
import type { Target } from './targets.ts';

const STEPS = 100_000;
const STEPS_BAR = 20_000;
const PAGES_REPEATS = 100;

export async function measureFigures(
  bench: Bench,
  targets: readonly Target[],
  places: Places,
  rounds: number,
): Promise<string> {
  const columns: Figures[] = [];
  for (const target of targets) columns.push(await figuresOf(bench, target, rounds));
  const rows = ROWS.map(([name, digits, value]) => [name, ...columns.map((column) => figure(value(column), digits))]);
  const head = ['CPU time', ...targets.map(({ title }) => title)];
  return [table(head, rows), '', await measureStepping(bench, places)].join('\n');
}

interface Figures {
  /** Seconds. */
  readonly boot: number;
  readonly stands: number;
  readonly miss: number;
}

const ROWS: readonly (readonly [name: string, digits: number, value: (figures: Figures) => number])[] = [
  ['a process that boots and does nothing, ms', 0, ({ boot }) => boot * 1e3],
  ['of that until the machine stands, ms', 0, ({ stands }) => stands * 1e3],
  ['a load from a page that was not in the TLB, ns', 0, ({ miss }) => miss * 1e9],
];

async function figuresOf(bench: Bench, target: Target, rounds: number): Promise<Figures> {
  const kernel = { name: 'pages', number: PAGES_KERNEL };
  const all: Figures[] = [];
  for (let round = 0; round < rounds; round++) {
    const none = await bench.kernel(target, kernel, 0);
    const walks = await bench.kernel(target, kernel, PAGES_REPEATS);
    if (!none || !walks) break;
    const miss = (walks.cpu - none.cpu) / (PAGES * PAGES_REPEATS);
    all.push({ boot: none.cpu, stands: none.figures['startup'] ?? NaN, miss });
  }
  const middle = (key: keyof Figures) => median(all.map((figures) => figures[key]));
  return { boot: middle('boot'), stands: middle('stands'), miss: middle('miss') };
}

async function measureStepping(bench: Bench, places: Places): Promise<string> {
  const { output, errors, status } = await run(process.execPath, [
    join(places.bundles, 'node-stepping.mjs'),
    String(STEPS),
  ]);
  const speed = Number(/"stepsPerSecond":([\d.]+)/.exec(output)?.[1]);
  if (status !== 0 || !Number.isFinite(speed)) {
    bench.failures.push(`stepping: ${errors.trim()}`);
    return 'stepping failed';
  }
  const met = speed >= STEPS_BAR ? 'met' : 'MISSED';
  return `steps through the session: ${figure(speed, 0)} a second; bar ${STEPS_BAR}: ${met}`;
}
