import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

export const twoStages: Lab = {
  name: 'two-stages',
  title: 'Stage 1 and stage 2 in one walk',
  summary: 'The guest builds page tables and turns its MMU on; one address then takes fifteen reads to translate.',
  text,
  sandbox: { host: USUAL_HOST, script, guest },
  expect: [
    { see: 'register', name: 'x4', value: 0x2132_6567_6174_53n },
    { see: 'register', name: 'TTBR0_EL1', value: 0x4001_0000n },
    { see: 'walk', va: 0x8000_5000n, ipa: 0x4002_0000n, reads: 15 },
    { see: 'entry', stage: 2, address: 0x4001_0000n, kind: 'page', level: 3 },
    { see: 'entry', stage: 2, address: 0x4002_0000n, kind: 'page', level: 3 },
    { see: 'entry', stage: 2, address: 0x4002_1000n, kind: 'invalid' },
    { see: 'ioctl', name: 'KVM_RUN', nth: 1, errno: null, exit: 'KVM_EXIT_SYSTEM_EVENT KVM_SYSTEM_EVENT_SHUTDOWN' },
  ],
};
