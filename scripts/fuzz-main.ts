import fc from 'fast-check';
import { parseArgs } from 'node:util';
import { asRecorded, HOST_PRESETS, type HostConfig } from '../src/host/config.ts';
import { boot } from '../src/host/host.ts';
import { leftovers, play, programs } from '../src/host/fuzz.testing.ts';

const { values } = parseArgs({ options: { calls: { type: 'string' }, seed: { type: 'string' } } });
const wanted = Number(values.calls ?? 1_000_000);
const firstSeed = Number(values.seed ?? 1);
const RAM = [{ base: 0x4000_0000n, size: 0x0100_0000n }];
const ROUND = 100;

const HOSTS: readonly (readonly [string, HostConfig])[] = HOST_PRESETS.flatMap(({ name, config }) => [
  [name, config] as const,
  [`${name} as recorded`, asRecorded(config)] as const,
]);

let calls = 0;
let round = 0;
let longest = 0;
while (calls < wanted) {
  for (const [name, config] of HOSTS) {
    const host = boot({ ...config, ram: RAM });
    const free = host.freePages;
    const seed = firstSeed + round;
    const result = fc.check(
      fc.property(programs, (steps) => {
        const start = performance.now();
        calls += play(host, steps);
        longest = Math.max(longest, performance.now() - start);
        const left = leftovers(host, free);
        if (left !== '') throw new Error(`left behind: ${left}`);
      }),
      { numRuns: ROUND, seed },
    );
    if (result.failed) {
      console.error(`${name}, seed ${seed}:`);
      console.error(fc.defaultReportMessage(result));
      process.exit(1);
    }
    host.powerOff();
  }
  round++;
  if (round % 5 === 0) console.log(`${calls} calls; the longest program took ${Math.round(longest)} ms`);
}
console.log(
  `${calls} calls on ${HOSTS.length} hosts: nothing threw, hung or stayed; the longest program took ${Math.round(longest)} ms`,
);
