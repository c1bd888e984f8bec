/**
 * Runs random instructions of every row on the engine and on QEMU's user-mode emulator, and compares all that they change.
 *
 *   npm run difftest -- [--count N] [--seed N] [--record]
 *
 * --count: cases of each row (200); --seed: other cases; --record: writes a sample to src/engine/vectors instead.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const COMPILER = 'aarch64-linux-gnu-gcc';
const EMULATOR = 'qemu-aarch64';
const RECORDED_COUNT = '12';
const root = fileURLToPath(new URL('..', import.meta.url));

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    seed: { type: 'string', default: '1' },
    record: { type: 'boolean', default: false },
  },
});

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
  const environment = {
    ...process.env,
    STAGE2_DIFFTEST: `${EMULATOR} -cpu max ${harness}`,
    STAGE2_DIFFTEST_COUNT: values.count ?? (values.record ? RECORDED_COUNT : '200'),
    STAGE2_DIFFTEST_SEED: values.seed,
    ...(values.record && { STAGE2_DIFFTEST_RECORD: join(root, 'src/engine/vectors/a64.txt.gz') }),
  };
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const run = spawnSync(process.execPath, [vitest, 'run', 'src/engine/difftest/live.test.ts'], {
    cwd: root,
    env: environment,
    stdio: 'inherit',
  });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
