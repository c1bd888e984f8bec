import { expect, it } from 'vitest';
import type { IoctlEntry } from '../../session/messages.ts';
import { fieldRows, filtered, latest } from './ioctl-text.ts';

function call(seq: number, name: string, errno: string | null, exitText: string | null = null): IoctlEntry {
  const result = { ret: errno ? -1 : 0, errno, explanation: null, outStruct: null, exitText };
  const entry = { seq, fd: 4, fdKind: 'vm', name, request: 1, arg: 0n, argText: 'slot 0', argStruct: null } as const;
  return { ...entry, result, scriptLine: null, instructions: 0n };
}
const CALLS = [
  call(1, 'KVM_CREATE_VM', null),
  call(2, 'KVM_SET_USER_MEMORY_REGION', 'E2BIG'),
  call(3, 'KVM_RUN', null, 'KVM_EXIT_MMIO write 4 bytes'),
];
const found = (filter: string, refused = false) => filtered(CALLS, filter, refused).map((entry) => entry.seq);

it('finds calls by every word, wherever it occurs', () => {
  expect(found('')).toEqual([1, 2, 3]);
  expect(found('e2big')).toEqual([2]);
  expect(found('run mmio')).toEqual([3]);
  expect(found('run e2big')).toEqual([]);
  expect(found('slot', true)).toEqual([2]);
  expect(filtered(CALLS, ' ', false)).toBe(CALLS);
});

it('puts a field before and after the call into one row', () => {
  const field = { name: 'n', offset: 0, size: 4 };
  const before = { name: 'kvm_reg_list', size: 8, fields: [{ ...field, text: '0' }] };
  const after = { name: 'kvm_reg_list', size: 8, fields: [{ ...field, text: '231' }] };
  expect(fieldRows(before, after)).toEqual([{ ...field, before: '0', after: '231', changed: true }]);
  expect(fieldRows(before, null)).toEqual([{ ...field, before: '0', after: null, changed: false }]);
  expect(fieldRows(null, after)).toEqual([{ ...field, before: null, after: '231', changed: false }]);
  expect(fieldRows(null, null)).toEqual([]);
});

it('follows the call that came back where several are under way', () => {
  const run = (seq: number, fd: number, returned: boolean): IoctlEntry => {
    const entry = { ...call(seq, 'KVM_RUN', null), fd };
    return returned ? entry : { ...entry, result: null };
  };
  const runs = [run(13, 5, false), run(14, 6, true), run(15, 7, false)];
  expect(latest(runs, 6)?.seq).toBe(14);
  expect(latest(runs, 5)?.seq).toBe(15);
  expect(latest(runs, null)?.seq).toBe(15);
  expect(latest([], 6)).toBeUndefined();
});
