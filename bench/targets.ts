/** What runs an image: a process of its own for each, whose last line of output is the checksum. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { A64_ORIGIN } from './image.ts';
import type { Jit } from './guest.ts';
import type { Places } from './places.ts';

export type TargetName = 'engine' | 'uncounted' | 'interpreter' | 'qemu' | 'v86';

export interface Target {
  readonly name: TargetName;
  readonly title: string;
  readonly machine: 'a64' | 'x86';
  /** Why it can't be used here, or null. */
  missing(): string | null;
  command(image: string): readonly [string, ...string[]];
}

const QEMU = 'qemu-system-aarch64';

export function targets({ bundles, v86 }: Places): readonly Target[] {
  const engine = (jit: Jit) => (image: string) =>
    [process.execPath, join(bundles, 'node-guest.mjs'), image, jit] as const;
  return [
    { name: 'engine', title: 'Stage2', machine: 'a64', missing: () => null, command: engine('on') },
    { name: 'uncounted', title: 'Stage2 inexact', machine: 'a64', missing: () => null, command: engine('uncounted') },
    { name: 'interpreter', title: 'Stage2, interpreter', machine: 'a64', missing: () => null, command: engine('off') },
    {
      name: 'qemu',
      title: 'QEMU TCG',
      machine: 'a64',
      missing: () =>
        spawnSync(QEMU, ['--version']).status === 0 ? null : `${QEMU} is not installed (Debian: qemu-system-arm)`,
      command: (image) => [
        QEMU,
        ...'-M virt -cpu cortex-a57 -accel tcg -m 256 -nic none -display none -monitor none -serial stdio'.split(' '),
        '-device',
        `loader,file=${image},addr=${A64_ORIGIN},cpu-num=0`,
      ],
    },
    {
      name: 'v86',
      title: 'v86',
      machine: 'x86',
      missing: () => null,
      command: (image) => [process.execPath, join(bundles, 'node-v86.mjs'), v86, image],
    },
  ];
}
