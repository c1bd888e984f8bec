/** A process that is the engine's target: IMAGE, on or off for the compiler, and the clock in; what was measured and the checksum out. */
import './v8-flags.ts';
import { readFileSync } from 'node:fs';
import { runImage, type Jit } from './guest.ts';

const [image = '', jit = 'on', clock = 'cpu'] = process.argv.slice(2);

const CLOCKS: Readonly<Record<string, () => number>> = {
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
  wall: () => performance.now() / 1000,
};

function jitOf(name: string): Jit {
  const found = (['on', 'off', 'uncounted'] as const).find((one) => one === name);
  if (!found) throw new Error(`on, off or uncounted, not ${name}`);
  return found;
}

const seconds = CLOCKS[clock];
if (!seconds) throw new Error(`there is no clock ${clock}`);
const result = runImage(new Uint8Array(readFileSync(image)), { clock: seconds, jit: jitOf(jit) });
console.log(JSON.stringify(result));
console.log(result.checksum.toString(16).padStart(8, '0'));
