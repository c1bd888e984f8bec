import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

const VA = 0x80_0000_5000n;
const HIGH = 0x80_0000_0000n;
const WRITTEN = 0x21_3265_6761_7453n;

export const concatenation: Lab = {
  name: 'concatenation',
  title: 'Why concatenation saves a level',
  summary:
    'Stage 2 starts in up to sixteen tables side by side instead of a small one above them: 19 reads instead of 24.',
  text,
  sandbox: { host: USUAL_HOST, script, guest },
  expect: [
    { see: 'start', stage: 1, vm: 1, level: 0, entries: 2 },
    { see: 'control', stage: 1, vm: 1, name: 'T0SZ', value: 24n },
    { see: 'control', stage: 2, vm: 1, name: 'T0SZ', value: 24n },
    { see: 'start', stage: 2, vm: 1, level: 1, entries: 1024 },
    { see: 'start', stage: 2, vm: 2, level: 1, entries: 8192 },
    { see: 'start', stage: 2, vm: 3, level: 0, entries: 32 },
    { see: 'walk', vm: 1, va: VA, ipa: HIGH, reads: 19, value: WRITTEN },
    { see: 'walk', vm: 2, va: VA, ipa: HIGH, reads: 19, value: WRITTEN },
    { see: 'walk', vm: 3, va: VA, ipa: HIGH, reads: 24, value: WRITTEN },
    { see: 'entry', stage: 2, vm: 1, address: HIGH, kind: 'page', level: 3 },
    { see: 'entry', stage: 2, vm: 3, address: HIGH, kind: 'page', level: 3 },
  ],
};
