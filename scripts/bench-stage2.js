/** Bundles bench/stage2.ts and runs it: `node scripts/bench-stage2.js [--rounds N] [--part tables|faults]`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { withBundles } from './bench-bundles.js';

await withBundles(['stage2'], (folder) => {
  const args = [...process.execArgv, join(folder, 'stage2.mjs'), ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
});
