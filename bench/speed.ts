/** The table of kernels: CPU time on each target, the ratios, and what the bars say of them. */
import type { Kernel } from './kernels.ts';
import type { Bench, Measured } from './measure.ts';
import { geometricMean, median } from './statistics.ts';
import { figure, table } from './table.ts';
import type { Target, TargetName } from './targets.ts';

/** How many times as fast as each other the engine is to be: by the geometric mean, and in the worst kernel. */
const BARS: readonly { readonly other: TargetName; readonly mean: number; readonly each: number }[] = [
  { other: 'qemu', mean: 1.3, each: 0.9 },
  { other: 'v86', mean: 3, each: 0 },
];
const INTERPRETER_MIPS = 200;

export interface Plan {
  readonly kernels: readonly Kernel[];
  readonly targets: readonly Target[];
  readonly rounds: number;
  readonly quick: boolean;
}

interface Row {
  readonly kernel: Kernel;
  /** One for each round, and for the interpreter one of `few` repeats. */
  readonly runs: ReadonlyMap<TargetName, readonly Measured[]>;
}

/** Targets take turns within a round. What a target can't run is missing in the table, and in `bench.failures`. */
export async function measureSpeed(bench: Bench, plan: Plan): Promise<string> {
  const rows: Row[] = [];
  for (const kernel of plan.kernels) rows.push({ kernel, runs: await runKernel(bench, plan, kernel) });
  return [speedTable(plan, rows), '', ...verdicts(plan, rows), ...compilation(rows)].join('\n');
}

/** What the compiler did in all kernels, once each. */
function compilation(rows: readonly Row[]): string[] {
  const runs = rows.flatMap(({ runs }) => runs.get('engine')?.slice(0, 1) ?? []);
  const sum = (name: string) => runs.reduce((total, { figures }) => total + (figures[name] ?? 0), 0);
  const [regions, instructions, bytes] = [sum('regions'), sum('compiledInstructions'), sum('compiledBytes')];
  if (regions === 0) return [];
  return [
    `compiler: ${regions} regions of ${figure(instructions / regions, 0)} instructions in the mean; ` +
      `${figure((sum('compiling') / regions) * 1e3, 2)} ms for a region, ` +
      `${figure((sum('compiling') / instructions) * 1e6, 0)} µs and ${figure(bytes / instructions, 0)} bytes of WebAssembly for an instruction`,
  ];
}

async function runKernel(bench: Bench, plan: Plan, kernel: Kernel): Promise<Map<TargetName, Measured[]>> {
  const runs = new Map<TargetName, Measured[]>();
  const timed = plan.targets.filter(({ name }) => name !== 'interpreter');
  const interpreter = plan.targets.find(({ name }) => name === 'interpreter');
  if (interpreter) {
    const alone = await bench.kernel(interpreter, kernel, kernel.few);
    if (alone) runs.set('interpreter', [alone]);
    const other = timed.find(({ name }) => name !== 'engine') ?? timed[0];
    if (other && !plan.quick) await bench.kernel(other, kernel, kernel.few);
  }
  for (let round = 0; round < plan.rounds; round++) {
    for (const target of timed) {
      const before = runs.get(target.name) ?? [];
      if (before.length < round) continue;
      const measured = await bench.kernel(target, kernel, plan.quick ? kernel.few : kernel.repeats);
      if (measured) runs.set(target.name, [...before, measured]);
    }
  }
  return runs;
}

function speedTable({ targets }: Plan, rows: readonly Row[]): string {
  const timed = targets.filter(({ name }) => name !== 'interpreter');
  const others = targets.some(({ name }) => name === 'engine') ? timed.filter(({ name }) => name !== 'engine') : [];
  const engines = targets.filter(({ name }) => name === 'engine' || name === 'interpreter');
  const head = [
    'kernel',
    ...timed.map(({ title }) => `${title}, s`),
    ...others.map(({ title }) => `× ${title}`),
    ...engines.map(({ title }) => `${title}, MIPS`),
  ];
  const cells = rows.map((row) => [
    `${row.kernel.name} ${row.kernel.what}`,
    ...timed.map(({ name }) => figure(seconds(row, name), 2)),
    ...others.map(({ name }) => figure(ratio(row, name), 2)),
    ...engines.map(({ name }) => figure(mips(row, name), 0)),
  ]);
  const means = others.map(({ name }) => figure(mean(rows, name), 2));
  return table(head, [...cells, ['geometric mean', ...timed.map(() => ''), ...means, ...engines.map(() => '')]]);
}

function verdicts(plan: Plan, rows: readonly Row[]): string[] {
  const has = (name: TargetName) => rows.some(({ runs }) => runs.has(name));
  const lines = BARS.filter(({ other }) => has('engine') && has(other)).map(({ other, mean: bar, each }) => {
    const title = plan.targets.find(({ name }) => name === other)?.title ?? other;
    const found = mean(rows, other);
    const worst = Math.min(...rows.flatMap((row) => ratio(row, other) ?? []));
    const complete = rows.every((row) => ratio(row, other) !== null) ? '' : ' (not of all kernels)';
    const met = found >= bar && worst >= each ? 'met' : 'MISSED';
    const floor = each > 0 ? `, none below ${each}` : '';
    return `${title}: ${figure(found, 2)} times as fast, worst ${figure(worst, 2)}${complete}; bar ${bar}${floor}: ${met}`;
  });
  const [integer, floating] = [true, false].map((kind) =>
    rows.filter(({ kernel }) => kernel.integer === kind).flatMap((row) => mips(row, 'interpreter') ?? []),
  );
  if (integer?.length) {
    const met = geometricMean(integer) >= INTERPRETER_MIPS ? 'met' : 'MISSED';
    const mean = figure(geometricMean(integer), 0);
    lines.push(
      `interpreter, integer kernels: ${mean} MIPS, worst ${figure(Math.min(...integer), 0)}; bar ${INTERPRETER_MIPS}: ${met}`,
    );
  }
  if (floating?.length)
    lines.push(`interpreter, floating point and vectors: ${figure(geometricMean(floating), 0)} MIPS`);
  return lines;
}

function seconds({ runs }: Row, name: TargetName): number | null {
  const measured = runs.get(name);
  return measured ? median(measured.map(({ cpu }) => cpu)) : null;
}

/** How many times as fast as `other` the engine is: the median of the rounds. */
function ratio({ runs }: Row, other: TargetName): number | null {
  const ours = runs.get('engine');
  const theirs = runs.get(other);
  if (!ours || !theirs) return null;
  return median(ours.flatMap(({ cpu }, round) => (theirs[round] ? [theirs[round].cpu / cpu] : [])));
}

function mean(rows: readonly Row[], other: TargetName): number {
  return geometricMean(rows.flatMap((row) => ratio(row, other) ?? []));
}

/** Millions of guest instructions in a second of CPU time, start-up left out. */
function mips({ runs }: Row, name: TargetName): number | null {
  const speeds = runs.get(name)?.map(({ figures: { instructions = 0, running = 0 } }) => instructions / running / 1e6);
  return speeds ? median(speeds) : null;
}
