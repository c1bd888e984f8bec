/**
 * Makes random ioctls, as src/host/fuzz.test.ts does a few of: none may throw, hang, or leave a descriptor or a page behind.
 *
 *   npm run fuzz -- [--calls N] [--seed N]
 *
 * --calls: how many (1000000); --seed: other ones.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(root, 'node_modules', '.fuzz-'));
try {
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    build: {
      ssr: 'scripts/fuzz-main.ts',
      outDir: folder,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'fuzz.js' } },
    },
  });
  const run = spawnSync(process.execPath, [join(folder, 'fuzz.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
