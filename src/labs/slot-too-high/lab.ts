import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

export const slotTooHigh: Lab = {
  name: 'slot-too-high',
  title: 'A memory slot above the IPA size',
  summary: 'A slot at 64 GiB does not fit a VM of 36 bits: the refusal, the rule behind it, and how a VMM asks first.',
  text,
  sandbox: { host: USUAL_HOST, script, guest },
  expect: [
    { see: 'ioctl', name: 'KVM_SET_USER_MEMORY_REGION', nth: 1, errno: null },
    { see: 'ioctl', name: 'KVM_SET_USER_MEMORY_REGION', nth: 2, errno: 'EFAULT', rule: 'memslot.ipa-limit' },
    { see: 'output', stream: 'script', text: 'refused: KVM_SET_USER_MEMORY_REGION: EFAULT' },
    { see: 'ioctl', name: 'KVM_SET_USER_MEMORY_REGION', nth: 4, errno: null },
    { see: 'ioctl', name: 'KVM_RUN', nth: 1, errno: null, exit: 'KVM_EXIT_SYSTEM_EVENT KVM_SYSTEM_EVENT_SHUTDOWN' },
    { see: 'entry', stage: 2, address: 0x10_0000_0000n, kind: 'page', level: 3 },
    { see: 'output', stream: 'script', text: 'the guest left 0x4b0 at 64 GiB' },
  ],
};
