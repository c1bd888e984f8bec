import type { Expectation } from '../../session/types.ts';
import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

/** The VMs in their order: bits, VTCR_EL2.SL0, the level at which the walk starts, and the entries that it has there. */
const VMS = [
  { bits: 40, sl0: 1n, level: 1, entries: 1024 },
  { bits: 32, sl0: 0n, level: 2, entries: 2048 },
  { bits: 36, sl0: 1n, level: 1, entries: 64 },
  { bits: 44, sl0: 2n, level: 0, entries: 32 },
  { bits: 48, sl0: 2n, level: 0, entries: 512 },
  { bits: 52, sl0: 2n, level: 0, entries: 8192 },
] as const;

const inEachVm = VMS.flatMap(({ bits, sl0, level, entries }, index): Expectation[] => {
  const vm = index + 1;
  return [
    { see: 'control', stage: 2, vm, name: 'T0SZ', value: BigInt(64 - bits) },
    { see: 'control', stage: 2, vm, name: 'SL0', value: sl0 },
    { see: 'control', stage: 2, vm, name: 'PS', value: 6n },
    { see: 'start', stage: 2, vm, level, entries },
    { see: 'entry', stage: 2, vm, address: (1n << BigInt(bits)) - 4096n, kind: 'page', level: 3 },
    {
      see: 'walk',
      vm,
      va: (1n << BigInt(bits)) - 8n,
      ipa: (1n << BigInt(bits)) - 8n,
      reads: 4 - level,
      value: BigInt(bits),
    },
  ];
});

export const ipaSize: Lab = {
  name: 'ipa-size',
  title: 'IPA size and start level',
  summary:
    'Six VMs of 32 to 52 bits on one host: what becomes of KVM_CREATE_VM’s argument in VTCR_EL2, and what is refused.',
  text,
  sandbox: { host: USUAL_HOST, script, guest },
  expect: [
    { see: 'output', stream: 'bootlog', text: 'IPA Size Limit: 52 bits' },
    { see: 'output', stream: 'script', text: 'this host has up to 52 bits of IPA' },
    ...inEachVm,
    { see: 'ioctl', name: 'KVM_CREATE_VM', nth: 1, errno: null },
    { see: 'ioctl', name: 'KVM_CREATE_VM', nth: 7, errno: 'EINVAL', rule: 'vm.ipa-above-limit' },
    { see: 'ioctl', name: 'KVM_CREATE_VM', nth: 8, errno: 'EINVAL', rule: 'vm.ipa-below-minimum' },
    { see: 'ioctl', name: 'KVM_CREATE_VM', nth: 9, errno: 'EINVAL', rule: 'vm.type' },
  ],
};
