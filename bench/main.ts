/** Prints what README.md says, for `npm run bench`. */
import { join } from 'node:path';
import { measureCold } from './cold-table.ts';
import { measureFigures } from './figures.ts';
import { Bench } from './measure.ts';
import { readOptions, USAGE, type Section } from './options.ts';
import type { Places } from './places.ts';
import { measureSpeed } from './speed.ts';
import { targets } from './targets.ts';

const [root = '', bundles = '', ...args] = process.argv.slice(2);

async function main(): Promise<void> {
  const options = readOptions(args);
  const places: Places = { source: join(root, 'bench'), bundles, v86: join(root, 'node_modules/v86/build/v86.wasm') };
  const wanted = targets(places).filter(({ name }) => options.targets.includes(name));
  const usable = wanted.filter((target) => {
    const missing = target.missing();
    if (missing !== null) console.log(`${target.title} is left out: ${missing}`);
    return missing === null;
  });
  const bench = new Bench(places);
  const plan = { ...options, targets: usable };
  const sections: Record<Section, () => Promise<string>> = {
    kernels: () => measureSpeed(bench, plan),
    cold: () => measureCold(bench, usable),
    figures: () => measureFigures(bench, usable, places, options.rounds),
  };
  for (const section of options.sections) console.log(`${await sections[section]()}\n`);
  for (const name of bench.unchecked) console.log(`not compared, as one target alone ran it: ${name}`);
  for (const failure of bench.failures) console.log(`FAILED ${failure}`);
  if (bench.failures.length > 0) process.exitCode = 1;
}

if (args.includes('--help')) console.log(USAGE);
else {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}
