/** Bundles bench/main.ts and runs it: `npm run bench`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'stage2-bench-'));
try {
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      ssr: join(root, 'bench/main.ts'),
      outDir: folder,
      emptyOutDir: true,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'bench.mjs' } },
    },
  });
  const bench = spawnSync(process.execPath, [join(folder, 'bench.mjs'), pathToFileURL(join(root, 'bench/')).href], {
    stdio: 'inherit',
  });
  process.exitCode = bench.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
