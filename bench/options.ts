import { parseArgs } from 'node:util';
import { KERNELS, type Kernel } from './kernels.ts';
import type { TargetName } from './targets.ts';

export interface Options {
  readonly kernels: readonly Kernel[];
  readonly targets: readonly TargetName[];
  readonly rounds: number;
  readonly quick: boolean;
  /** Nothing but the table of kernels. */
  readonly kernelsOnly: boolean;
}

const TARGETS: readonly TargetName[] = ['engine', 'interpreter', 'qemu', 'v86'];

export const USAGE = `npm run bench -- [--kernels ${KERNELS.map(({ name }) => name).join(',')}] [--targets ${TARGETS.join(',')}] [--rounds 3] [--quick]
--kernels, --targets: only these, and nothing but their table; --quick: a tenth of the work, figures to be taken as rough`;

/** Throws where the arguments can't be understood. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kernels: { type: 'string' },
      targets: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      quick: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: not a number from 1 on`);
  const kernels = choose(values.kernels, KERNELS, ({ name }) => name);
  const targets = choose(values.targets, TARGETS, (name) => name);
  const kernelsOnly = values.kernels !== undefined || values.targets !== undefined;
  return { kernels, targets, rounds, quick: values.quick, kernelsOnly };
}

function choose<T>(names: string | undefined, all: readonly T[], nameOf: (item: T) => string): readonly T[] {
  if (names === undefined) return all;
  const wanted = names.split(',');
  const unknown = wanted.find((name) => !all.some((item) => nameOf(item) === name));
  if (unknown !== undefined) throw new Error(`there is no ${unknown}; there are ${all.map(nameOf).join(', ')}`);
  return all.filter((item) => wanted.includes(nameOf(item)));
}
