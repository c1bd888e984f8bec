import { describe, expect, it } from 'vitest';
import { GRANULES } from '../../machine/translation/format.ts';
import { NO_LEVEL, type Stage2Event } from './events.ts';
import { flushInstructions, type TlbiHost } from './tlbi.ts';

const event = (change: Partial<Stage2Event>): Stage2Event => ({
  seq: 0,
  time: 0,
  operation: 'flush',
  reason: 'slot deleted',
  about: -1,
  ipa: 0x4000_0000,
  size: 4096,
  level: 3,
  at: -1,
  before: 0n,
  after: 0n,
  flush: 'ipa',
  flushIpa: 0x4000_0000,
  flushLevel: 3,
  maintenance: 0,
  ...change,
});
const vhe: TlbiHost = { granule: GRANULES['4K'], callsHypervisor: false, tlbLevel: true, lpa2: false, part: 2 ** 30 };
const GIB = 2 ** 30;

describe('TLB maintenance of stage 2', () => {
  it('by IPA names the page in units of 4K and, with FEAT_TTL, granule and level; stage 1 goes with it', () => {
    expect(flushInstructions(vhe, event({}))).toEqual([
      'DSB ISHST',
      'TLBI IPAS2E1IS, 0x700000040000',
      'DSB ISH',
      'TLBI VMALLE1IS',
      'DSB ISH',
      'ISB',
    ]);
    const instruction = (host: Partial<TlbiHost>, change: Partial<Stage2Event>) =>
      flushInstructions({ ...vhe, ...host }, event(change))[1];
    expect(instruction({ tlbLevel: false }, {})).toBe('TLBI IPAS2E1IS, 0x40000');
    expect(instruction({}, { flushLevel: NO_LEVEL })).toBe('TLBI IPAS2E1IS, 0x40000');
    expect(instruction({ granule: GRANULES['64K'] }, { flushLevel: 2 })).toBe('TLBI IPAS2E1IS, 0xe00000040000');
  });

  it('of relaxed permissions stays on this CPU', () => {
    expect(flushInstructions(vhe, event({ flush: 'ipa local' }))).toEqual([
      'DSB NSHST',
      'TLBI IPAS2E1, 0x700000040000',
      'DSB NSH',
      'TLBI VMALLE1',
      'DSB NSH',
      'ISB',
    ]);
  });

  it('is a hypercall where the kernel is not at EL2, whose barrier is stronger', () => {
    const host = { ...vhe, callsHypervisor: true };
    expect(flushInstructions(host, event({ flush: 'vmid' }))).toEqual([
      'HVC __kvm_tlb_flush_vmid',
      'DSB ISH',
      'TLBI VMALLS12E1IS',
      'DSB ISH',
      'ISB',
    ]);
  });

  it('of a range takes the largest ranges first, and a single page last', () => {
    const ranges = (change: Partial<Stage2Event>, host: Partial<TlbiHost> = {}) =>
      flushInstructions({ ...vhe, ...host }, event({ flush: 'range', flushLevel: NO_LEVEL, ...change })).filter(
        (text) => text.includes('IPAS2'),
      );
    // 2^18 pages are (3 + 1) << 16 of scale 3: TG 1, SCALE 3, NUM 3.
    expect(ranges({ size: GIB })).toEqual([
      `TLBI RIPAS2E1IS, 0x${((1n << 46n) | (3n << 44n) | (3n << 39n) | 0x40000n).toString(16)}`,
    ]);
    // 35 pages: 34 are (16 + 1) << 1 of scale 0.
    expect(ranges({ size: 35 * 4096 })).toEqual([
      `TLBI RIPAS2E1IS, 0x${((1n << 46n) | (16n << 39n) | 0x40000n).toString(16)}`,
      'TLBI IPAS2E1IS, 0x40022',
    ]);
    expect(ranges({ size: 2 * GIB })).toHaveLength(1);
    // With LPA2 a range begins at a multiple of 64K, and is named in units of it.
    expect(ranges({ ipa: 0x4000_f000, size: 3 * 4096 }, { lpa2: true })).toEqual([
      'TLBI IPAS2E1IS, 0x4000f',
      `TLBI RIPAS2E1IS, 0x${((1n << 46n) | 0x4001n).toString(16)}`,
    ]);
  });

  it('of a large range is several calls: one takes 2^21 pages, and what is unmapped goes in parts', () => {
    const instructions = (size: number, flush: 'range' | 'parts') => flushInstructions(vhe, event({ flush, size }));
    const count = (lines: readonly string[], text: string) => lines.filter((line) => line.includes(text)).length;
    const once = instructions(8 * GIB, 'range');
    expect([count(once, 'RIPAS2E1IS'), count(once, 'VMALLE1IS')]).toEqual([1, 1]);
    const twice = instructions(9 * GIB, 'range');
    expect([count(twice, 'RIPAS2E1IS'), count(twice, 'VMALLE1IS')]).toEqual([2, 2]);
    const parts = instructions(3 * GIB, 'parts');
    expect([count(parts, 'RIPAS2E1IS'), count(parts, 'VMALLE1IS')]).toEqual([3, 3]);
    const many = instructions(2 ** 50, 'parts');
    expect(many.at(-1)).toBe('…');
    expect(many.length).toBeLessThan(50);
  });
});
