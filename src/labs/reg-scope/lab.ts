import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

const NAMES = [
  'KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1',
  'KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2',
  'KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3',
  'KVM_REG_ARM_STD_BMAP',
  'KVM_REG_ARM_STD_HYP_BMAP',
  'KVM_REG_ARM_VENDOR_HYP_BMAP',
] as const;

export const regScope: Lab = {
  name: 'reg-scope',
  title: 'Registers of the VM, registers of a vCPU',
  summary: 'KVM_CAP_ARM_REG_SCOPE as proposed: ids that say whose a register is, written once and seen by every vCPU.',
  text,
  sandbox: { host: { ...USUAL_HOST, proposals: { regScope: 'arm64-bit' } }, script, guest },
  expect: [
    { see: 'output', stream: 'script', text: 'before: 0 of ' },
    { see: 'ioctl', name: 'KVM_ENABLE_CAP', nth: 1, errno: null },
    { see: 'output', stream: 'script', text: `after: ${NAMES.length} of ` },
    ...NAMES.map((name) => ({ see: 'output', stream: 'script', text: `${name}, scope VM\n` }) as const),
    { see: 'output', stream: 'script', text: '0x6030000010160000 KVM_REG_ARM_STD_BMAP, scope VM' },
    { see: 'output', stream: 'script', text: 'services of the second vCPU: 0x1\n' },
    { see: 'output', stream: 'script', text: 'once the first is written: 0x0 0x0\n' },
    {
      see: 'ioctl',
      name: 'KVM_RUN',
      nth: 1,
      errno: null,
      exit: 'KVM_EXIT_MMIO write 8 bytes at 0x9000000: 0xffffffffffffffff',
    },
    { see: 'register', vm: 1, vcpu: 2, name: 'x0', value: (1n << 64n) - 1n },
    { see: 'output', stream: 'script', text: 'TRNG_VERSION on the second: NOT_SUPPORTED' },
    { see: 'ioctl', name: 'KVM_SET_ONE_REG', nth: 4, errno: 'EBUSY', rule: 'firmware.bitmap-after-run' },
  ],
};
