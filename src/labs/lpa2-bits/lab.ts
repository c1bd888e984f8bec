import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

const VA = 0x8000_5000n;
const DATA = 0x6_0000_4000_3000n;
/** Address bits 51:48 are 1010. */
const RAM = { base: 0xa_0000_4000_0000n, size: 0x0800_0000n };
const HOST_RAM = { from: RAM.base, below: RAM.base + RAM.size };

export const lpa2Bits: Lab = {
  name: 'lpa2-bits',
  title: 'LPA2’s moved bits',
  summary: 'Pages above 2^48 with 4K pages: address bits 51:50 stand where shareability was, in both stages.',
  text,
  sandbox: { host: { ...USUAL_HOST, ram: [RAM] }, script, guest },
  expect: [
    { see: 'register', name: 'TTBR0_EL1', value: 0x4000_0018n },
    { see: 'control', stage: 1, name: 'DS', value: 1n },
    { see: 'control', stage: 1, name: 'IPS', value: 6n },
    { see: 'control', stage: 1, name: 'SH0', value: 3n },
    { see: 'control', stage: 2, name: 'DS', value: 1n },
    { see: 'control', stage: 2, name: 'SH0', value: 3n },
    { see: 'control', stage: 2, name: 'PS', value: 6n },
    {
      see: 'entry',
      stage: 1,
      address: VA,
      kind: 'page',
      level: 3,
      output: { from: DATA, below: DATA + 1n },
      bits: [
        { hi: 63, lo: 0, value: 0x0062_0000_4000_3503n },
        { hi: 9, lo: 8, value: 0b01n },
        { hi: 49, lo: 48, value: 0b10n },
      ],
    },
    {
      see: 'entry',
      stage: 2,
      address: DATA,
      kind: 'page',
      level: 3,
      output: HOST_RAM,
      bits: [
        { hi: 9, lo: 8, value: 0b10n },
        { hi: 49, lo: 48, value: 0b10n },
      ],
    },
    { see: 'walk', va: VA, ipa: DATA, pa: HOST_RAM, reads: 19, value: 0x21_3265_6761_7453n },
    { see: 'output', stream: 'script', text: 'the guest wrote Stage2!' },
    { see: 'ioctl', name: 'KVM_RUN', nth: 1, errno: null, exit: 'KVM_EXIT_SYSTEM_EVENT KVM_SYSTEM_EVENT_SHUTDOWN' },
  ],
};
