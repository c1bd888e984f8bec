import { spawnSync } from 'node:child_process';

let failed = false;
for (const project of ['tsconfig.core.json', 'tsconfig.node.json', 'tsconfig.ui.json']) {
  const run = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { stdio: 'inherit' });
  failed ||= run.status !== 0;
}
process.exit(failed ? 1 : 0);
