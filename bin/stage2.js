#!/usr/bin/env node
import { existsSync } from 'node:fs';

const bundle = new URL('../dist-cli/stage2.js', import.meta.url);
if (!existsSync(bundle)) {
  console.error('stage2: dist-cli/ is not built; `npm run prepare` does it, and so does `npm ci`');
  process.exit(2);
}
await import(bundle.href);
