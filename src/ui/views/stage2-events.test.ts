import { describe, expect, it } from 'vitest';
import type { Stage2EventRow } from '../../session/messages.ts';
import { changeText, countText, FILTERS, placeText, reasonText, TERMS, termOf } from './stage2-events-text.ts';

const row: Stage2EventRow = {
  seq: 7,
  count: 1,
  time: 12n,
  until: 12n,
  step: 0,
  operation: 'relax',
  reason: 'permission fault',
  about: 0x8000_1010n,
  ipa: 0x8000_1000n,
  size: 4096n,
  level: 3,
  at: 0x4000_b008n,
  before: 1n,
  after: 3n,
  was: 'R--',
  is: 'RW-',
  steps: [
    { kind: 'tlb', text: 'DSB NSHST' },
    { kind: 'tlb', text: 'TLBI IPAS2E1, 0x80001' },
    { kind: 'tlb', text: 'TLBI VMALLE1' },
  ],
};

describe('an event in words', () => {
  it('says what changed, or which instruction flushes the TLB', () => {
    expect(changeText(row)).toBe('R-- → RW-');
    expect(changeText({ ...row, was: '' })).toBe('RW-');
    expect(changeText({ ...row, operation: 'flush' })).toBe('TLBI IPAS2E1');
    const two = [...row.steps, { kind: 'tlb', text: 'TLBI IPAS2E1, 0x80002' } as const];
    expect(changeText({ ...row, step: 2, steps: two })).toBe('TLBI IPAS2E1 × 2');
    expect(changeText({ ...row, operation: 'flush', steps: [{ kind: 'tlb', text: 'TLBI VMALLS12E1IS' }] })).toBe(
      'TLBI VMALLS12E1IS',
    );
  });

  it('says why, where and when', () => {
    expect(reasonText(row)).toBe('permission fault at IPA 0x80001010');
    expect(reasonText({ ...row, reason: 'host memory changed' })).toBe(
      'host memory changed, from 0x80001010 of the process on',
    );
    expect(reasonText({ ...row, about: null, reason: 'dirty log read' })).toBe('dirty log read');
    expect(placeText(row)).toBe('event 7, after 12 instructions, 4 KiB, level 3, descriptor at PA 0x4000b008');
    expect(placeText({ ...row, count: 3, until: 20n, level: null, at: null, size: 0x3000n })).toBe(
      'events 7 to 9, after 12 to 20 instructions, 12 KiB',
    );
    expect(countText(3, 5000, 2000)).toMatch(/^5000 events, the oldest 2.?000 dropped$/);
  });

  it('every operation has a term and a filter; the TLB step of break-before-make has its own', () => {
    const filtered = new Set(FILTERS.flatMap(({ operations }) => operations));
    expect([...filtered].sort()).toEqual(Object.keys(TERMS).sort());
    expect(termOf({ ...row, operation: 'break', step: 2 }).name).toBe('TLB');
    expect(termOf({ ...row, operation: 'break', step: 1 }).name).toBe('break');
  });
});
