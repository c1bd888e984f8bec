import type { Expectation } from '../../session/types.ts';
import { USUAL_HOST } from '../host.ts';
import type { Lab } from '../lab.ts';
import guest from './guest.s?raw';
import text from './text.md?raw';
import script from './vmm.ts.txt?raw';

const LOGGED = 0x4020_0000n;
const READ_ONLY = [{ hi: 7, lo: 6, value: 0b01n }] as const;
const WRITABLE = [{ hi: 7, lo: 6, value: 0b11n }] as const;

type Permission = typeof READ_ONLY | typeof WRITABLE;

/** What stage 2 has for the slot after a call: a block, or for some pages what they may. */
function afterCall(
  ioctl: string,
  nth: number,
  what: { readonly block: Permission } | Readonly<Record<number, Permission | null>>,
): Expectation[] {
  const after = { ioctl, nth };
  if ('block' in what)
    return [{ see: 'entry', after, stage: 2, address: LOGGED, kind: 'block', level: 2, bits: what.block }];
  return Object.entries(what).map(([page, bits]) => ({
    see: 'entry',
    after,
    stage: 2,
    address: LOGGED + (BigInt(page) << 12n),
    level: 3,
    ...(bits ? { kind: 'page', bits } : { kind: 'invalid' }),
  }));
}

export const dirtyLog: Lab = {
  name: 'dirty-log',
  title: 'Dirty logging',
  summary:
    'How KVM finds out which pages a guest writes: a block is write-protected, falls into pages, and comes back.',
  text,
  sandbox: { host: USUAL_HOST, script, guest },
  expect: [
    ...afterCall('KVM_RUN', 1, { block: WRITABLE }),
    ...afterCall('KVM_SET_USER_MEMORY_REGION', 3, { block: READ_ONLY }),
    ...afterCall('KVM_RUN', 2, { 0: null, 3: WRITABLE, 5: WRITABLE, 7: READ_ONLY, 8: null }),
    ...afterCall('KVM_GET_DIRTY_LOG', 2, { 0: null, 3: READ_ONLY, 5: READ_ONLY, 7: READ_ONLY }),
    ...afterCall('KVM_RUN', 3, { 3: READ_ONLY, 5: WRITABLE, 7: READ_ONLY }),
    ...afterCall('KVM_GET_DIRTY_LOG', 3, { 3: READ_ONLY, 5: READ_ONLY }),
    ...afterCall('KVM_SET_USER_MEMORY_REGION', 4, { 0: null, 3: READ_ONLY, 5: READ_ONLY }),
    ...afterCall('KVM_RUN', 4, { block: WRITABLE }),
    {
      see: 'events',
      after: { ioctl: 'KVM_RUN', nth: 2 },
      address: LOGGED + 0x3000n,
      last: [
        { operation: 'break', is: 'locked' },
        { operation: 'break', tlbi: 'TLBI IPAS2E1IS' },
        { operation: 'make', is: 'table' },
        { operation: 'map', is: 'RW-' },
      ],
    },
    {
      see: 'events',
      after: { ioctl: 'KVM_RUN', nth: 3 },
      address: LOGGED + 0x5000n,
      last: [{ operation: 'relax', is: 'RW-', tlbi: 'TLBI IPAS2E1' }],
    },
    {
      see: 'events',
      address: LOGGED,
      last: [
        { operation: 'break', is: 'locked' },
        { operation: 'break', tlbi: 'TLBI RIPAS2E1IS' },
        { operation: 'make', is: 'RW-' },
      ],
    },
    { see: 'output', stream: 'script', text: 'when the log is switched on: []\n' },
    { see: 'output', stream: 'script', text: 'second round: [3, 5]\n' },
    { see: 'output', stream: 'script', text: 'third round: [5]\n' },
  ],
};
