import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

export const hello: Lab = {
  name: 'hello',
  title: 'Hello over an MMIO UART',
  summary: 'Eight ioctls make a VM; its guest stores bytes where no memory is, and the VMM prints them.',
  text,
  sandbox: { host: USUAL_HOST, script, guest },
  expect: [
    { see: 'output', stream: 'console', text: 'Hello from EL1\n' },
    { see: 'ioctl', name: 'KVM_RUN', nth: 1, errno: null, exit: 'KVM_EXIT_MMIO write 1 byte at 0x9000000: 0x48' },
    { see: 'ioctl', name: 'KVM_RUN', nth: 16, errno: null, exit: 'KVM_EXIT_SYSTEM_EVENT KVM_SYSTEM_EVENT_SHUTDOWN' },
    { see: 'output', stream: 'script', text: 'the guest turned itself off after 15 bytes' },
    { see: 'entry', stage: 2, address: 0x4000_0000n, kind: 'page', level: 3 },
    { see: 'entry', stage: 2, address: 0x0900_0000n, kind: 'invalid' },
  ],
};
