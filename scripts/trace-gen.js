/**
 * Writes .kvmtrace files to ask a real kernel and ours: ioctls in orders that no VMM has, guests that do what few do.
 *
 *   node scripts/trace-gen.js AREA SEED COUNT > FILE
 *
 * The areas are in scripts/traces/main.ts. The same area and seed give the same traces.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(root, 'node_modules', '.traces-'));
try {
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    build: {
      ssr: 'scripts/traces/main.ts',
      outDir: folder,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'traces.js' } },
    },
  });
  const run = spawnSync(process.execPath, [join(folder, 'traces.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
