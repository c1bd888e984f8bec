/** The single figures: start-up, a TLB miss, steps of the session. */
import { join } from 'node:path';
import { PAGES, PAGES_KERNEL } from './kernels.ts';
import type { Bench } from './measure.ts';
import type { Places } from './places.ts';
import { run } from './process.ts';
import { median } from './statistics.ts';
import { figure } from './table.ts';
import type { Target } from './targets.ts';

const STEPS = 100_000;
const STEPS_BAR = 20_000;
const PAGES_REPEATS = 100;

export async function measureFigures(
  bench: Bench,
  all: readonly Target[],
  places: Places,
  rounds: number,
): Promise<string> {
  const lines: string[] = [];
  for (const target of all.filter(({ machine }) => machine === 'a64')) {
    const kernel = { name: 'pages', number: PAGES_KERNEL };
    const costs: number[] = [];
    const startups: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const without = await bench.kernel(target, kernel, 0);
      const walks = await bench.kernel(target, kernel, PAGES_REPEATS);
      if (!without || !walks) break;
      costs.push(((walks.cpu - without.cpu) / (PAGES * PAGES_REPEATS)) * 1e9);
      startups.push(without.figures['startup'] ?? NaN);
    }
    lines.push(`${target.title}: a load from a page that was not in the TLB takes ${figure(median(costs), 0)} ns`);
    if (startups.every(Number.isFinite)) {
      lines.push(
        `${target.title}: the machine stands ${figure(median(startups) * 1000, 0)} ms (CPU) after its first line`,
      );
    }
  }
  lines.push(await measureStepping(bench, places));
  return lines.join('\n');
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
