/** A process that is the engine's target: IMAGE in, what was measured and the checksum out. Times are CPU time. */
import { readFileSync } from 'node:fs';
import { runImage } from './guest.ts';

const [image = ''] = process.argv.slice(2);

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const result = runImage(new Uint8Array(readFileSync(image)), cpuSeconds);
console.log(JSON.stringify(result));
console.log(result.checksum.toString(16).padStart(8, '0'));
