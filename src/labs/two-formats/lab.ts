import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

const VA = 0x8000_5000n;
const LOW = 0x4002_0000n;
const HIGH = 0xc_0000_4002_0000n;
const DESCRIPTOR = [{ hi: 63, lo: 0, value: 0x0060_0000_4002_0703n }] as const;
const exactly = (value: bigint) => ({ from: value, below: value + 1n });

export const twoFormats: Lab = {
  name: 'two-formats',
  title: 'Stage 1 without LPA2 on stage 2 with it',
  summary:
    'The format is of each table, not of the host: one descriptor means two addresses, by the register above it.',
  text,
  sandbox: { host: { ...USUAL_HOST, kernel: { paBits: 48, vaBits: 48 } }, script, guest },
  expect: [
    { see: 'output', stream: 'bootlog', text: 'detected: 52-bit Virtual Addressing for KVM (LPA2)' },
    { see: 'output', stream: 'bootlog', text: 'IPA Size Limit: 52 bits' },
    { see: 'control', stage: 2, name: 'DS', value: 1n },
    { see: 'control', stage: 2, name: 'T0SZ', value: 12n },
    { see: 'start', stage: 2, level: 0, entries: 8192 },
    { see: 'control', stage: 1, vcpu: 1, name: 'DS', value: 0n },
    { see: 'control', stage: 1, vcpu: 1, name: 'T0SZ', value: 16n },
    { see: 'control', stage: 1, vcpu: 1, name: 'IPS', value: 6n },
    { see: 'control', stage: 1, vcpu: 2, name: 'DS', value: 1n },
    { see: 'start', stage: 1, vcpu: 1, level: 0, entries: 512 },
    { see: 'start', stage: 1, vcpu: 2, level: 0, entries: 512 },
    { see: 'entry', stage: 1, vcpu: 1, address: VA, kind: 'page', level: 3, output: exactly(LOW), bits: DESCRIPTOR },
    { see: 'entry', stage: 1, vcpu: 2, address: VA, kind: 'page', level: 3, output: exactly(HIGH), bits: DESCRIPTOR },
    { see: 'entry', stage: 2, address: LOW, kind: 'page', level: 3, bits: [{ hi: 9, lo: 8, value: 0n }] },
    { see: 'entry', stage: 2, address: HIGH, kind: 'page', level: 3, bits: [{ hi: 9, lo: 8, value: 0n }] },
    { see: 'walk', after: { ioctl: 'KVM_RUN', nth: 1 }, va: VA, ipa: LOW, reads: 24, value: 0n },
    { see: 'walk', vcpu: 2, va: VA, ipa: HIGH, reads: 24, value: 1n << 59n },
    { see: 'ioctl', name: 'KVM_RUN', nth: 1, errno: null, exit: 'KVM_EXIT_MMIO write 8 bytes at 0x50000000' },
    { see: 'output', stream: 'script', text: 'vCPU 0: TCR_EL1.DS is 0, and the store went to 0x40020000\n' },
    { see: 'output', stream: 'script', text: 'vCPU 1: TCR_EL1.DS is 1, and the store went to 0xc000040020000\n' },
  ],
};
