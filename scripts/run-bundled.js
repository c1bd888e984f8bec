import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles a TypeScript program, runs it in Node with this process' arguments, and takes over its exit status. */
export async function runBundled(entry) {
  const folder = mkdtempSync(join(root, 'node_modules', '.bundled-'));
  try {
    await build({
      root,
      configFile: false,
      logLevel: 'warn',
      publicDir: false,
      build: {
        ssr: entry,
        outDir: folder,
        target: 'node20',
        rollupOptions: { output: { entryFileNames: 'main.js' } },
      },
    });
    const run = spawnSync(process.execPath, [join(folder, 'main.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
    process.exitCode = run.status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
