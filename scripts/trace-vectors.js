/**
 * Copies the traces of some areas, and what the real kernel answered to them, into src/vmm/kvmtrace/vectors.
 *   node scripts/trace-vectors.js GOLDEN-FOLDER AREA…
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

const [golden, ...areas] = process.argv.slice(2);
if (!golden || areas.length === 0) {
  console.error('usage: node scripts/trace-vectors.js GOLDEN-FOLDER AREA…');
  process.exit(2);
}
const wanted = (name) => areas.includes(name.split('-')[0]);
const out = new URL('../src/vmm/kvmtrace/vectors/', import.meta.url);
mkdirSync(out, { recursive: true });

/** Lines of the sections whose heading, after `prefix`, names a wanted area. */
function select(text, prefix) {
  let inside = false;
  return text.split('\n').filter((line) => {
    if (line.startsWith(prefix)) inside = wanted(line.slice(prefix.length));
    return (inside && line !== '@@END') || line === '@@BEGIN' || line === '@@END';
  });
}

const write = (name, lines) => writeFileSync(new URL(name, out), gzipSync(lines.join('\n') + '\n', { level: 9 }));
const read = (name) => gunzipSync(readFileSync(join(golden, name))).toString('latin1');

write('slots.kvmtrace.gz', select(read('open.kvmtrace.gz'), 'trace '));
for (const name of readdirSync(golden)) {
  const host = /^open\.(.*)\.out\.gz$/.exec(name)?.[1];
  if (host) write(`slots.${host}.out.gz`, select(read(name), '@@trace '));
}
