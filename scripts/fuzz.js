/**
 * Makes random ioctls, as src/host/fuzz.test.ts does a few of: none may throw, hang, or leave a descriptor or a page behind.
 *
 *   npm run fuzz -- [--calls N] [--seed N]
 *
 * --calls: how many (1000000); --seed: other ones.
 */
import { runBundled } from './run-bundled.js';

await runBundled('scripts/fuzz-main.ts');
