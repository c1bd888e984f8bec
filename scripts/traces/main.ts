import { memory, mmio } from './accesses.ts';
import { calls } from './calls.ts';
import { debug } from './debug.ts';
import { psci } from './hypercalls.ts';
import { idregs, sysreg } from './registers.ts';
import { lines, stage1 } from './translated.ts';
import { TraceWriter } from './trace.ts';

const AREAS: Readonly<Record<string, (trace: TraceWriter, index: number) => void>> = {
  calls,
  debug,
  idregs,
  lines,
  memory,
  mmio,
  psci,
  stage1,
  sysreg,
};

const [area = '', seed = '1', count = '10'] = process.argv.slice(2);
const make = AREAS[area];
if (!make) {
  console.error(`usage: node scripts/trace-gen.js AREA SEED COUNT; areas: ${Object.keys(AREAS).join(', ')}`);
  process.exit(2);
}
for (let n = 0; n < Number(count); n++) {
  const trace = new TraceWriter(`${area}-${seed}-${n}`);
  make(trace, n);
  process.stdout.write(trace.text());
}
