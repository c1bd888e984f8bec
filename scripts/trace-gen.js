/**
 * Writes .kvmtrace files to ask a real kernel and ours: ioctls in orders that no VMM has, guests that do what few do.
 *
 *   node scripts/trace-gen.js AREA SEED COUNT > FILE
 *
 * The areas are in scripts/traces/main.ts. The same area and seed give the same traces.
 */
import { runBundled } from './run-bundled.js';

await runBundled('scripts/traces/main.ts');
