// Every test, the browser's too: formatter, lint, types, unit tests, the built page. Ends with one line of counts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';

const UNIT = 'test-results/unit.json';
const E2E = 'test-results/e2e.json';
mkdirSync('test-results', { recursive: true });
for (const file of [UNIT, E2E]) rmSync(file, { force: true });

const steps = [
  ['lint', 'npm', ['run', '--silent', 'lint']],
  ['types', 'npm', ['run', '--silent', 'typecheck']],
  ['unit', 'npx', ['vitest', 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${UNIT}`]],
  ['command line', 'npm', ['run', '--silent', 'prepare']],
  ['page', 'node', ['scripts/e2e.js']],
];

let passed = 0;
let failed = 0;
for (const [name, command, args] of steps) {
  const start = Date.now();
  const run = spawnSync(command, args, { stdio: 'inherit' });
  const ok = run.status === 0;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${Math.round((Date.now() - start) / 1000)} s)`);
  if (ok) passed++;
  else failed++;
}
if (existsSync(UNIT)) {
  const unit = JSON.parse(readFileSync(UNIT, 'utf8'));
  passed += unit.numPassedTests;
  failed += unit.numFailedTests;
}
if (existsSync(E2E)) {
  const { stats } = JSON.parse(readFileSync(E2E, 'utf8'));
  passed += stats.expected;
  failed += stats.unexpected;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
