/** Bundles bench/ and runs it: `npm run bench [-- --help]`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
// Below node_modules, where what the bundles import from there is found.
const folder = mkdtempSync(join(root, 'node_modules', '.stage2-bench-'));
try {
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      ssr: true,
      outDir: folder,
      emptyOutDir: true,
      target: 'node20',
      rollupOptions: {
        input: ['main', 'node-guest', 'node-stepping', 'node-v86'].map((name) => join(root, 'bench', `${name}.ts`)),
        output: { entryFileNames: '[name].mjs' },
      },
    },
  });
  const bench = spawnSync(process.execPath, [join(folder, 'main.mjs'), root, folder, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exitCode = bench.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
