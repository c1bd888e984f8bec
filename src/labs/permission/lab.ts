import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

export const permission: Lab = {
  name: 'permission',
  title: 'A permission fault through two stages',
  summary:
    'A store that stage 2 refuses leaves to the VMM; one that stage 1 refuses is the guest’s own, and nobody else hears of it.',
  text,
  sandbox: { host: USUAL_HOST, script, guest },
  expect: [
    { see: 'register', name: 'x4', value: 0x21_3265_6761_7453n },
    { see: 'ioctl', name: 'KVM_RUN', nth: 1, errno: null, exit: 'KVM_EXIT_MMIO write 8 bytes at 0x48000018' },
    { see: 'entry', stage: 2, address: 0x4800_0000n, kind: 'page', level: 3, bits: [{ hi: 7, lo: 6, value: 0b01n }] },
    { see: 'entry', stage: 1, address: 0x8000_5000n, kind: 'page', level: 3, bits: [{ hi: 7, lo: 6, value: 0b00n }] },
    { see: 'fault', va: 0x8000_5018n, access: 'write', fault: 'Stage 2 Permission fault, level 3', reads: 15 },
    { see: 'walk', va: 0x8000_5018n, ipa: 0x4800_0018n, reads: 15, value: 0x21_3265_6761_7453n },
    // Not asked for the second store.
    { see: 'entry', stage: 1, address: 0x8000_6000n, kind: 'page', level: 3, bits: [{ hi: 7, lo: 6, value: 0b10n }] },
    { see: 'entry', stage: 2, address: 0x4002_0000n, kind: 'invalid' },
    { see: 'fault', va: 0x8000_6028n, access: 'write', fault: 'Stage 1 Permission fault, level 3', reads: 12 },
    { see: 'register', name: 'x10', value: 0x9600_004fn },
    { see: 'register', name: 'x11', value: 0x8000_6028n },
    { see: 'register', name: 'ESR_EL1', value: 0x9600_004fn },
    { see: 'register', name: 'FAR_EL1', value: 0x8000_6028n },
    { see: 'ioctl', name: 'KVM_RUN', nth: 2, errno: null, exit: 'KVM_EXIT_SYSTEM_EVENT KVM_SYSTEM_EVENT_SHUTDOWN' },
  ],
};
