import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

const OFF2 = 'KVM_SYSTEM_EVENT_SHUTDOWN data[0]=KVM_SYSTEM_EVENT_SHUTDOWN_FLAG_PSCI_OFF2';
const secondStarted = { ioctl: 'KVM_RUN', nth: 2 } as const;

export const psci: Lab = {
  name: 'psci',
  title: 'CPUs on and off',
  summary:
    'Three vCPUs, a thread of the VMM for each: PSCI’s CPU_ON and AFFINITY_INFO, what KVM keeps for itself, and SYSTEM_OFF2 of PSCI 1.3.',
  text,
  sandbox: { host: { ...USUAL_HOST, psci: '1.3' }, script, guest },
  expect: [
    { see: 'output', stream: 'bootlog', text: 'Linux version 6.12.117-psci13' },
    { see: 'output', stream: 'script', text: 'PSCI 1.3\n' },
    { see: 'register', after: secondStarted, vm: 1, vcpu: 1, name: 'x20', value: 0x1_0003n },
    { see: 'register', after: secondStarted, vm: 1, vcpu: 1, name: 'x21', value: 1n },
    { see: 'register', after: secondStarted, vm: 1, vcpu: 3, name: 'pc', value: 0n },
    { see: 'ioctl', name: 'KVM_RUN', nth: 1, errno: null, exit: `KVM_EXIT_SYSTEM_EVENT ${OFF2}` },
    { see: 'ioctl', name: 'KVM_RUN', nth: 2, errno: null, exit: 'KVM_EXIT_MMIO write 8 bytes at 0x9000000: 0x1' },
    { see: 'ioctl', name: 'KVM_RUN', nth: 3, errno: null, exit: 'KVM_EXIT_MMIO write 8 bytes at 0x9000000: 0x2' },
    { see: 'output', stream: 'script', text: 'vCPU 1 was started with x0 = 1, and is done' },
    { see: 'output', stream: 'script', text: 'vCPU 0 turns the machine off to hibernate' },
    { see: 'output', stream: 'script', text: 'affinities that the others found: 0x1 0x2' },
  ],
};
