import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles programs of bench/ as NAME.mjs into a folder that is there while `use` runs. */
export async function withBundles(programs, use) {
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
          input: programs.map((name) => join(root, 'bench', `${name}.ts`)),
          output: { entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' },
        },
      },
    });
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
