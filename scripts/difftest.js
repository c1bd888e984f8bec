/**
 * Runs random instructions on the engine and on QEMU's user-mode emulator, and compares all that they change.
 *
 *   npm run difftest -- [--rows REGEXP] [--count N] [--seed N] [--jobs N] [--record] [--v8=FLAG]
 *
 * --rows: rows whose name matches, in any case (all); --count: cases of each row (1500, which makes two million); --seed: other cases;
 * --jobs: processes (2); --record: puts a sample of these rows' cases into src/engine/vectors in place of theirs there;
 * --v8: a flag for the engine's V8, such as --v8=--experimental-wasm-relaxed-simd.
 *
 * What user mode can't judge is judged by QEMU's system emulation: `npx vitest run src/machine/difftest` says how.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

const COMPILER = 'aarch64-linux-gnu-gcc';
const EMULATOR = 'qemu-aarch64';
const root = fileURLToPath(new URL('..', import.meta.url));

for (const [tool, from] of [
  [COMPILER, 'gcc-aarch64-linux-gnu'],
  [EMULATOR, 'qemu-user'],
]) {
  if (spawnSync(tool, ['--version']).status === 0) continue;
  console.error(`npm run difftest needs ${tool}; on Debian: apt-get install ${from}`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'stage2-difftest-'));
try {
  const harness = join(folder, 'harness');
  const sources = ['harness.c', 'harness.S'].map((name) => join(root, 'src/engine/difftest', name));
  const flags = ['-O2', '-nostdlib', '-static', '-ffreestanding', '-fno-stack-protector', '-mgeneral-regs-only'];
  /* Slot ENTRY of place.ts. */
  const built = spawnSync(COMPILER, [...flags, '-Wl,--defsym=case_entry=0x1000ff8', '-o', harness, ...sources], {
    stdio: 'inherit',
  });
  if (built.status !== 0) process.exit(1);
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      ssr: join(root, 'scripts/difftest-main.ts'),
      outDir: join(folder, 'out'),
      emptyOutDir: true,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'main.mjs' } },
    },
  });
  const { main } = await import(pathToFileURL(join(folder, 'out/main.mjs')).href);
  process.exitCode = await main(process.argv.slice(2), {
    judge: [EMULATOR, '-cpu', 'max', harness],
    vectors: join(root, 'src/engine/vectors/a64.txt.gz'),
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
