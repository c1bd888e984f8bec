import { parseArgs } from 'node:util';
import { KERNELS, type Kernel } from './kernels.ts';
import type { TargetName } from './targets.ts';

export interface Options {
  readonly kernels: readonly Kernel[];
  readonly targets: readonly TargetName[];
  readonly rounds: number;
  readonly quick: boolean;
  readonly sections: readonly Section[];
}

export type Section = 'kernels' | 'cold' | 'figures';

const SECTIONS: readonly Section[] = ['kernels', 'cold', 'figures'];
const TARGETS: readonly TargetName[] = ['engine', 'uncounted', 'interpreter', 'qemu', 'v86'];

export const USAGE = `npm run bench -- [options]
  --kernels K0,K1    of ${KERNELS.map(({ name }) => name).join(', ')}; nothing else is measured unless --sections says so
  --targets qemu     of ${TARGETS.join(', ')}
  --sections cold    of ${SECTIONS.join(', ')}
  --rounds 3         the median is taken
  --quick            a tenth of the work: start-up weighs more`;

/** Throws where the arguments can't be understood. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kernels: { type: 'string' },
      targets: { type: 'string' },
      sections: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      quick: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: not a number from 1 on`);
  const kernels = choose(values.kernels, KERNELS, ({ name }) => name);
  const targets = choose(values.targets, TARGETS, (name) => name);
  const sections = choose(values.sections ?? (values.kernels && 'kernels'), SECTIONS, (name) => name);
  return { kernels, targets, rounds, quick: values.quick, sections };
}

function choose<T>(names: string | undefined, all: readonly T[], nameOf: (item: T) => string): readonly T[] {
  if (names === undefined) return all;
  const wanted = names.split(',');
  const unknown = wanted.find((name) => !all.some((item) => nameOf(item) === name));
  if (unknown !== undefined) throw new Error(`there is no ${unknown}; there are ${all.map(nameOf).join(', ')}`);
  return all.filter((item) => wanted.includes(nameOf(item)));
}
