/** Bundles bench/main.ts and runs it: `npm run bench [-- --help]`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, withBundles } from './bench-bundles.js';

await withBundles(['main', 'node-guest', 'node-stepping', 'node-v86'], (folder) => {
  const args = [join(folder, 'main.mjs'), root, folder, ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
});
