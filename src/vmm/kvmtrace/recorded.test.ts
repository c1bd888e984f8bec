import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { boot } from '../../host/host.ts';
import { HOST_PRESETS } from '../../host/config.ts';
import { compareOutputs } from './compare.ts';
import { parseTraces } from './parse.ts';
import { playTraces } from './run.ts';

const vector = (name: string): string =>
  gunzipSync(readFileSync(new URL(`./vectors/${name}.gz`, import.meta.url))).toString();

const traces = parseTraces(vector('slots.kvmtrace'));
const RECORDED = ['max-4k', 'max-4k-lpa2off', 'max-4k-protected', 'max-16k', 'a57-4k'];

/** The traces of areas ipa and memslot of the oracle's kvmtrace/golden, copied by scripts/trace-vectors.js. */
describe.each(RECORDED)('on %s every trace of ipa and memslot', (name) => {
  const { config } = HOST_PRESETS.find((preset) => preset.name === name)!;

  it('has the answers of the real kernel', () => {
    const output: string[] = [];
    playTraces(traces, boot(config), { print: (line) => output.push(line) });
    const kernel = vector(`slots.${name}.out`).split('\n');
    const rows = compareOutputs(traces, output, kernel, { maxCpu: config.cpu === 'max' });
    expect(rows.map(({ area, total }) => [area, total])).toEqual([
      ['ipa', 15],
      ['memslot', 120],
    ]);
    for (const { differences } of rows) expect(differences).toEqual([]);
  });

  it('leaves no page of the host in use', () => {
    const host = boot(config);
    const quiet = { print: () => undefined };
    playTraces(traces.slice(0, 1), host, quiet);
    const free = host.freePages;
    playTraces(traces, host, quiet);
    expect(host.freePages).toBe(free);
    expect(host.processes).toEqual([]);
  });
});
