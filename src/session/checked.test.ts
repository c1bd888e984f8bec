import { expect, it } from 'vitest';
import { labByName } from '../labs/index.ts';
import { failureOf, runChecked } from './checked.ts';
import type { Expectation } from './types.ts';

const check = (name: string, expectations: readonly Expectation[]) =>
  runChecked({ sandbox: labByName(name)!.sandbox, expect: expectations }, { timeout: 20_000 });

it('says of every kind of expectation that it was not seen, and what was', async () => {
  const page = { see: 'entry', stage: 2, address: 0x4002_0000n, kind: 'page' } as const;
  const wrong: Expectation[] = [
    { see: 'output', stream: 'console', text: 'never printed' },
    { see: 'output', stream: 'bootlog', text: 'never printed' },
    { see: 'ioctl', name: 'KVM_RUN', nth: 1, errno: 'EINVAL' },
    { see: 'ioctl', name: 'KVM_RUN', nth: 2, errno: null },
    { see: 'register', name: 'x4', value: 1n },
    { see: 'register', vm: 2, name: 'x4', value: 0n },
    { see: 'start', stage: 2, level: 0, entries: 2 },
    { see: 'start', stage: 1, level: 1, entries: 511 },
    { see: 'control', stage: 1, name: 'T0SZ', value: 24n },
    { see: 'control', stage: 2, name: 'no field', value: 0n },
    { ...page, kind: 'block' },
    { ...page, level: 2 },
    { ...page, bits: [{ hi: 7, lo: 6, value: 0n }] },
    { ...page, output: { from: 0n, below: 1n } },
    { ...page, stage: 1, vcpu: 2 },
    { see: 'walk', va: 0x8000_5000n, ipa: 0x4002_0000n, reads: 14 },
    { see: 'walk', va: 0x8000_5000n, ipa: 0x4002_0000n, value: 0n },
    { see: 'fault', va: 0x8000_5000n, access: 'read', fault: 'Stage 2 Translation fault, level 3' },
    { see: 'events', address: 0x4002_0000n, last: [{ operation: 'break' }] },
    { see: 'events', address: 0x4002_0000n, last: [{ operation: 'map', is: 'R--' }] },
    { see: 'events', address: 0x4002_0000n, last: [{ operation: 'map', tlbi: 'TLBI IPAS2E1IS' }] },
    { ...page, after: { ioctl: 'KVM_CREATE_VCPU', nth: 1 } },
    { ...page, after: { ioctl: 'KVM_RUN', nth: 2 } },
  ];
  const result = await check('two-stages', wrong);
  expect(result.end).toBe('finished');
  expect(result.passed).toBe(false);
  expect(result.checks.filter(({ ok }) => ok)).toEqual([]);
  expect(failureOf(result)).toContain('x4 is 0x1, but seen: 0x21326567617453');
});

it('looks when the moment is there, not at the end', async () => {
  const block = { see: 'entry', stage: 2, address: 0x4020_0000n, kind: 'block' } as const;
  const result = await check('dirty-log', [
    { ...block, kind: 'invalid', after: { ioctl: 'KVM_SET_USER_MEMORY_REGION', nth: 2 } },
    { ...block, after: { ioctl: 'KVM_RUN', nth: 1 } },
    { ...block, kind: 'invalid', level: 3, after: { ioctl: 'KVM_GET_DIRTY_LOG', nth: 2 } },
    block,
    // Nobody has run yet: stage 2 of the first VM can be looked at by its number.
    { see: 'start', stage: 2, vm: 1, level: 1, entries: 1024, after: { ioctl: 'KVM_CREATE_VM', nth: 1 } },
  ]);
  const oks = result.checks.map(({ ok }) => ok);
  // The first one names no VM, and none has run at its moment.
  expect(oks).toEqual([false, true, true, true, true]);
  expect(result.checks[0]?.seen).toBe('no such VM or vCPU');
});
