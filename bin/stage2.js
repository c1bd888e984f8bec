#!/usr/bin/env node
import { existsSync } from 'node:fs';
import v8 from 'node:v8';

// What browsers have without a flag makes compiled guest code faster; its results are the same.
v8.setFlagsFromString('--experimental-wasm-branch-hinting');
v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const bundle = new URL('../dist-cli/stage2.js', import.meta.url);
if (!existsSync(bundle)) {
  console.error('stage2: dist-cli/ is not built; `npm run prepare` does it, and so does `npm ci`');
  process.exit(2);
}
await import(bundle.href);
