import { describe, expect, it } from 'vitest';
import { ipa, pa } from '../../abi/address.ts';
import { TestVmm } from '../../host/testing.ts';
import type { Vm } from '../../kvm/vm.ts';
import type { Query } from '../messages.ts';
import { stage2EventsView } from './stage2-events.ts';

type Asked = Extract<Query, { readonly view: 'stage2Events' }>;
const BLOCK = 2 << 20;
const RW = { write: true, execute: false };

function view(vm: Vm, asked: Partial<Asked> = {}) {
  return stage2EventsView(vm, { view: 'stage2Events', vm: 0, from: 0, count: 500, ...asked });
}
const brief = (vm: Vm, asked: Partial<Asked> = {}) =>
  view(vm, asked).rows.map(({ operation, step, count, was, is }) => [operation, step, count, was, is].join(' '));

function machine(name = 'max-4k'): Vm {
  const vm = new TestVmm(name).createVm();
  vm.stage2.because('translation fault', 0x1234);
  for (let page = 0; page < 3; page++) vm.stage2.map(ipa(page * 4096), 4096, pa(page * 4096), RW);
  return vm;
}

describe('events of stage 2', () => {
  it('are one row for neighbours that are the same', () => {
    const vm = machine();
    expect(brief(vm, { operations: ['map'] })).toEqual(['map 0 3 – RW-']);
    const [row] = view(vm, { operations: ['map'] }).rows;
    expect(row).toMatchObject({ ipa: 0n, size: 0x3000n, level: 3, about: 0x1234n, reason: 'translation fault' });
    expect(row?.steps.map(({ kind }) => kind)).toEqual(['write', 'write', 'barrier']);
  });

  it('break-before-make is three rows: invalid, TLB, new', () => {
    const vm = machine();
    const before = view(vm).total;
    vm.stage2.map(ipa(0), BLOCK, pa(0), RW);
    expect(brief(vm, { from: before })).toEqual(['break 1 1 table locked', 'break 2 1  ', 'make 3 1 locked RW-']);
    const [, tlb] = view(vm, { from: before }).rows;
    expect(tlb).toMatchObject({ before: null, after: null });
    expect(tlb?.steps.map(({ text }) => text)).toContain('TLBI VMALLE1IS');
  });

  it('are filtered by operation and by address, and counted from either end', () => {
    const vm = machine();
    vm.stage2.because('permission fault').relax(ipa(0x1000), { write: true, execute: true });
    const range = { start: 0x1000n, end: 0x2000n };
    expect(brief(vm, { range, operations: ['map', 'relax'] })).toEqual(['map 0 1 – RW-', 'relax 0 1 RW- RWX']);
    const last = view(vm, { from: 'end', count: 1 });
    expect(last.rows.map(({ operation }) => operation)).toEqual(['relax']);
    expect(last.from).toBe(last.total - 1);
    expect(view(vm, { from: 1e6 }).rows).toEqual([]);
  });

  it('are hypercalls where the kernel is not at EL2', () => {
    const vm = machine('a57-4k');
    vm.stage2.flushAll();
    const texts = view(vm, { operations: ['flush'] }).rows[0]?.steps.map(({ text }) => text);
    expect(texts?.[0]).toBe('HVC __kvm_tlb_flush_vmid');
  });
});
