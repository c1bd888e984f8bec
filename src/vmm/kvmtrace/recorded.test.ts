import fc from 'fast-check';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { boot } from '../../host/host.ts';
import { asTraced, HOST_PRESETS } from '../../host/config.ts';
import { areaOf, compareOutputs } from './compare.ts';
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

const GOLDEN = join(process.cwd(), '../shared/oracle/kvmtrace/golden');
/** Guest instructions of a trace that ends; those that hang are ended after as many. */
const ENOUGH = 300_000;
const golden = (name: string): string => gunzipSync(readFileSync(join(GOLDEN, `${name}.gz`))).toString();
/** All that does not need an interrupt controller. */
const AREAS = ['ipa', 'caps', 'memslot', 'vcpu', 'enablecap', 'onereg', 'run'];

describe.runIf(existsSync(GOLDEN)).each(RECORDED)('on %s, with the oracle beside the repository', (name) => {
  it.each(AREAS)('every trace of %s has the answers of the real kernel', (area) => {
    const { config } = HOST_PRESETS.find((preset) => preset.name === name)!;
    const all = parseTraces(golden('open.kvmtrace')).filter((trace) => areaOf(trace) === area);
    const output: string[] = [];
    playTraces(all, boot(asTraced(config)), { print: (line) => output.push(line) }, ENOUGH);
    const rows = compareOutputs(all, output, golden(`open.${name}.out`).split('\n'), { maxCpu: config.cpu === 'max' });
    expect(rows.map(({ differences }) => differences)).toEqual([[]]);
  });
});

/** A guest that stores a byte where no memory is and turns itself off: what the traces of slots do not do. */
const GUEST = `trace guest
buf a 0x1000
buf ram 0x10000 0x10000
hex ram 20000039000180520080b072020000d4
open kvm /dev/kvm
ioctl kvm 0xae01 0 -> vm
w64 a+0x100 0
w64 a+0x108 0x40000000
w64 a+0x110 0x10000
w64 a+0x118 &ram
ioctl vm 0x4020ae46 &a+0x100
ioctl vm 0xae41 0 -> v0
ioctl vm 0x8020aeaf &a+0x200
w32 a+0x204 4
ioctl v0 0x4020aeae &a+0x200
w64 a+0x300 0x6030000000100040
w64 a+0x308 &a+0x340
w64 a+0x340 0x40000000
ioctl v0 0x4010aeac &a+0x300
mmap run v0 0x1000 0
run v0 run
run v0 run
ioctl vm 0x4010ae42 &a+0x100
end`;

describe('whatever a trace asks for', () => {
  const slots = vector('slots.kvmtrace')
    .split(/^(?=trace )/m)
    .filter((text) => text.startsWith('trace '));
  const text = fc.oneof(fc.constant(GUEST), fc.constantFrom(...slots));
  const number = fc.oneof(
    fc.constantFrom('0', '1', '0x1000', '0x40000000', '0xffffffff', '0xffff000000000000', '0xfffffffffffff000'),
    fc.constantFrom('0xae80', '0xae41', '0xae03', '0x4020ae46', '0x4020aeae', '0x4010aeab', '0x4010aeac', '0x4068aea3'),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((value) => `0x${value.toString(16)}`),
  );
  const change = fc.record({
    line: fc.nat(),
    word: fc.nat(),
    number,
    kind: fc.constantFrom('drop', 'repeat', 'number'),
  });

  function changed(
    text: string,
    changes: readonly { line: number; word: number; number: string; kind: string }[],
  ): string {
    const lines = text.split('\n');
    for (const { line, word, number: other, kind } of changes) {
      const at = 1 + (line % (lines.length - 1));
      const words = (lines[at] ?? '').split(' ');
      if (kind === 'drop') lines.splice(at, 1);
      else if (kind === 'repeat') lines.splice(at, 0, lines[at] ?? '');
      else if (/^(0x)?[0-9a-f]+$/.test(words[word % words.length] ?? '')) {
        words[word % words.length] = other;
        lines[at] = words.join(' ');
      }
    }
    return lines.join('\n');
  }

  it.each(RECORDED)('%s answers it and gives all its memory back', (name) => {
    const host = boot(HOST_PRESETS.find((preset) => preset.name === name)!.config);
    const free = host.freePages;
    fc.assert(
      fc.property(text, fc.array(change, { maxLength: 8 }), (original, changes) => {
        const output: string[] = [];
        playTraces(parseTraces(changed(original, changes)), host, { print: (line) => output.push(line) }, 10_000);
        expect(output.at(-1)).toBe('@@END');
        expect(host.freePages).toBe(free);
      }),
      { numRuns: 60 },
    );
  });
});
