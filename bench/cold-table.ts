import { withColdProgram } from './cold.ts';
import { LOADED_KERNEL } from './kernels.ts';
import type { Bench } from './measure.ts';
import { figure, table } from './table.ts';
import type { Target } from './targets.ts';

const TIMES = [0, 1, 10, 100];

/** Cold code: a large program run so often; 0 times is the start of the process. CPU time of the whole process, once each. */
export async function measureCold(bench: Bench, all: readonly Target[]): Promise<string> {
  const targets = all.filter(({ machine }) => machine === 'a64');
  const { functions, instructions } = withColdProgram(bench.a64(LOADED_KERNEL, 0));
  const rows: string[][] = [];
  let executed = 0;
  for (const times of TIMES) {
    const { image } = withColdProgram(bench.a64(LOADED_KERNEL, times));
    const cells: string[] = [];
    for (const target of targets) {
      const measured = await bench.image(target, `cold code, ${times} times`, image);
      cells.push(figure(measured?.cpu, 2));
      if (times === 1) executed = Math.max(executed, measured?.figures['instructions'] ?? 0);
    }
    rows.push([String(times), ...cells]);
  }
  return [
    `Cold code: ${functions} functions, ${instructions} instructions, of which one pass executes ${(executed / 1e6).toFixed(1)} million.`,
    '',
    table(['passes', ...targets.map(({ title }) => `${title}, s`)], rows),
  ].join('\n');
}
