import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { boot } from '../../host/host.ts';
import { asTraced, HOST_PRESETS } from '../../host/config.ts';
import { compareOutputs, sections } from './compare.ts';
import { parseTraces } from './parse.ts';
import { playTraces } from './run.ts';

const vector = (name: string): string =>
  gunzipSync(readFileSync(new URL(`./vectors/${name}.gz`, import.meta.url))).toString('latin1');

/**
 * Traces of scripts/trace-gen.js and of the oracle's kvmgen.py in which our kernel or CPU was found to answer differently, with the
 * real kernel's answers: a VFIO device, descriptors that are no event's, stolen time in a read-only slot, the PMU's number, dirty
 * rings, the address of an injected abort, the order of interrupts, ICC_SRE_EL1, atomic instructions, WFE; the physical timer that a
 * guest under VHE has to itself: its status, what ends KVM_RUN, what an interrupt leaves in ESR_EL2.
 */
const traces = parseTraces(vector('found.kvmtrace'));

describe.each(['max-4k', 'a57-4k'])('on %s what was once found to differ', (name) => {
  const { config } = HOST_PRESETS.find((preset) => preset.name === name)!;
  const kernel = vector(`found.${name}.out`).split('\n');
  const asked = traces.filter((trace) => sections(kernel).has(trace.name));

  it.each(asked.map((trace) => [trace.name, trace] as const))(
    'has the answers of the real kernel: %s',
    (_name, trace) => {
      const output: string[] = [];
      playTraces([trace], boot(asTraced(config)), { print: (line) => output.push(line) });
      const [row] = compareOutputs([trace], output, kernel, { maxCpu: config.cpu === 'max' });
      expect(row?.differences).toEqual([]);
    },
  );
});
