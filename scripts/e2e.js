// Runs the Playwright tests against the built page: `npm run e2e [-- playwright arguments]`. Builds dist/ unless SKIP_BUILD is set.
import { spawnSync } from 'node:child_process';
import { findChromium } from './find-chromium.js';

const env = { ...process.env, STAGE2_CHROMIUM: findChromium() };
const steps = [['playwright', 'test', ...process.argv.slice(2)]];
if (!process.env.SKIP_BUILD) steps.unshift(['vite', 'build', '--logLevel', 'warn']);
for (const step of steps) {
  const run = spawnSync('npx', step, { stdio: 'inherit', env });
  if (run.status !== 0) process.exit(run.status ?? 1);
}
