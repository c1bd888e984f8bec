/** Bundles bench/browser.ts and runs it: `npm run bench:browser [-- --help]`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, withBundles } from './bench-bundles.js';
import { findChromium } from './find-chromium.js';

await withBundles(['browser', 'browser-worker', 'node-guest'], (folder) => {
  const args = [join(folder, 'browser.mjs'), root, folder, findChromium(), ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
});
