import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asRecorded, HOST_PRESETS, type HostConfig } from './config.ts';
import { boot } from './host.ts';
import { isRefusal, type Refusal } from '../kvm/refusal.ts';
import { leftovers, play, programs } from './fuzz.testing.ts';

const { config: MAX } = HOST_PRESETS[0]!;
const HOSTS: readonly (readonly [string, HostConfig])[] = [
  ...HOST_PRESETS.map(({ name, config }) => [name, config] as const),
  ['max-4k as recorded', asRecorded(MAX)],
  ['max-4k with a GICv2', { ...MAX, gic: 'v2' }],
  ['max-4k with PSCI 1.3 and scopes', { ...MAX, psci: '1.3', proposals: { regScope: 'neutral-nibble' } }],
];
const RAM = [{ base: 0x4000_0000n, size: 0x0100_0000n }];

/** A rule's name, what it says with its operands, and the kernel's function. */
const isExplained = ({ rule, message, kernel }: Refusal): boolean =>
  /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/.test(rule) && message.length > 8 && /^[a-z_][a-z0-9_]+$/.test(kernel);

/** `npm run fuzz` makes a million calls. */
describe('whatever a program calls', () => {
  it.each(HOSTS)(
    'on %s, no call throws or hangs, refusals are explained, and nothing stays behind',
    (_name, config) => {
      const host = boot({ ...config, ram: RAM });
      const free = host.freePages;
      const unexplained: Refusal[] = [];
      host.onIoctl = {
        after: (_call, result) => {
          if (isRefusal(result) && !isExplained(result)) unexplained.push(result);
        },
      };
      fc.assert(
        fc.property(programs, (steps) => {
          play(host, steps);
          expect(unexplained).toEqual([]);
          expect(leftovers(host, free)).toBe('');
        }),
        { numRuns: Number(process.env['STAGE2_FUZZ_RUNS'] ?? 30), seed: 1 },
      );
      host.powerOff();
    },
  );
});
