import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import type {
  MemoryMapView,
  RegisterValue,
  TableNode,
  TableRow,
  TablesView,
  WalkView,
} from '../../session/messages.ts';
import { DescriptorBits, DescriptorFields, highestFirst } from './descriptor-bits.tsx';
import { MemoryMap } from './memory-map.tsx';
import { Registers } from './registers.tsx';
import { TablesOf } from './tables.tsx';
import { Walk } from './walk.tsx';

/** What a view says, without its markup. */
const textOf = (view: ReactNode) =>
  renderToStaticMarkup(view)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
const nothing = () => undefined;

describe('registers', () => {
  const register = (name: string, changed: boolean, meaning = ''): RegisterValue => ({
    name,
    value: 0x4000_0000n,
    bits: 64,
    changed,
    meaning,
    oneReg: null,
  });
  const groups = [{ title: 'General', registers: [register('x0', true), register('pstate', false, 'nZCv EL1h')] }];

  it('say in words which values changed', () => {
    const text = textOf(<Registers groups={groups} base="hex" filter="" />);
    expect(text).toContain('changed x0 0x00000000 40000000');
    expect(text).not.toContain('changed pstate');
  });

  it('are found by name or meaning', () => {
    expect(textOf(<Registers groups={groups} base="dec" filter="el1H" />)).toMatch(/General.* pstate 1073741824/);
    expect(textOf(<Registers groups={groups} base="hex" filter="q9" />)).toContain('No register matches “q9”');
  });
});

describe('a descriptor', () => {
  it('shows its 64 bits from the highest and its fields in that order', () => {
    const fields = [
      { name: 'Valid', bits: '0', value: 1n, meaning: 'valid' },
      { name: 'XN', bits: '54:53', value: 2n, meaning: 'not executable' },
    ];
    expect(textOf(<DescriptorBits value={(2n << 53n) | 1n} fields={fields} />)).toMatch(/54 53 1 0 XN/);
    expect(textOf(<DescriptorFields fields={highestFirst(fields)} marked={null} />)).toMatch(
      /54:53 XN 0x2 not executable 0 Valid 0x1 valid/,
    );
  });
});

describe('page tables', () => {
  it('name entries by level and index, with what they map', () => {
    const table: TableNode = {
      address: 0x4800_0000n,
      level: 3,
      inputBase: 0x4000_0000n,
      inputSize: 0x20_0000n,
      valid: 1,
      total: 512,
      changed: 0,
    };
    const owner = { stage: 2, vm: 4 } as const;
    const shown = {
      view: 'tables',
      stage: 2,
      title: 'IPA 40 bits',
      control: [],
      comparable: false,
      kept: null,
    } as const;
    const rows = { total: 1, cut: 0, highest: table.inputBase, from: 0, found: null };
    const place = { id: '0', parent: null, depth: 1, position: 1, siblings: 1, level: 3, entry: null } as const;
    const row: TableRow = { ...place, table, opens: 'table', open: false };
    const view: TablesView = { ...shown, ...rows, roots: [table], rows: [row] };
    const html = (tables: TablesView, told: TableRow | null) => (
      <TablesOf
        view={tables}
        owner={owner}
        selected={null}
        told={told}
        onSelect={nothing}
        onToggle={nothing}
        onSeen={nothing}
        onMemory={nothing}
      />
    );
    expect(renderToStaticMarkup(html(view, null))).toMatch(/role="tree" aria-label="Stage 2 tables"/);
    expect(renderToStaticMarkup(html(view, null))).toMatch(/role="treeitem"[^>]*aria-expanded="false"/);
    expect(textOf(html(view, null))).toMatch(/L3 table 0x40000000 2 MiB root → 0x48000000 1 of 512 valid/);
    expect(textOf(html(view, row))).toContain('Level 3 table for 0x40000000–0x401fffff (2 MiB): 1 of 512 valid.');
    expect(textOf(html({ ...view, cut: 3 }, null))).toContain('3 more rows: close some tables to see them.');
  });
});

describe('a walk', () => {
  const tlb = {
    refills: { read: 3, write: 2, fetch: 1 },
    fills: { read: 1, write: 0, fetch: 0 },
    flushes: { all: 2, space: 0, page: 1 },
  };
  const view = (result: WalkView['result']): WalkView => ({ view: 'walk', va: 0x1000n, steps: [], result, tlb });

  it('tells what the TLBs had to be filled by', () => {
    const ok = view({ ok: true, ipa: 0n, pa: 0n, meaning: '' });
    expect(textOf(<Walk view={ok} shape="grid" onMemory={nothing} />)).toContain(
      'TLB misses: 6 walked in WebAssembly, 1 in TypeScript; flushes: 2 of everything, 1 of a page.',
    );
  });

  it('leads from VA over IPA to PA', () => {
    const ok = view({ ok: true, ipa: 0x4000_1000n, pa: 0x4800_1000n, meaning: 'Normal Write-Back' });
    expect(textOf(<Walk view={ok} shape="grid" onMemory={nothing} />)).toMatch(
      /VA 0x1000 → IPA 0x40001000 → PA 0x48001000 Normal Write-Back · 0 reads/,
    );
  });

  it('ends in its fault and says what that means', () => {
    const fault = view({
      ok: false,
      stage: 2,
      level: 3,
      fault: 'Stage 2 Translation fault, level 3',
      message: 'IPA 0x1000 is in no memory slot',
      refusing: [],
    });
    expect(textOf(<Walk view={fault} shape="grid" onMemory={nothing} />)).toMatch(
      /Stage 2 Translation fault, level 3 IPA 0x1000 is in no memory slot\. 0 reads/,
    );
  });
});

describe('the memory map', () => {
  const slot = (index: number): MemoryMapView['regions'][number] => ({
    kind: 'slot',
    name: `slot ${index}`,
    base: BigInt(index) * 0x1_0000n,
    size: 0x1000n,
    flags: [],
    userspaceAddress: 0x7f00_0000n,
    mapped: 0n,
  });
  const text = (count: number) =>
    textOf(
      <MemoryMap
        view={{ view: 'memoryMap', ipaBits: 40, regions: Array.from({ length: count }, (_, index) => slot(index)) }}
        onMemory={nothing}
        onProcessMemory={nothing}
      />,
    );

  it('marks the limit of the IPA space', () => {
    expect(text(1)).toContain('0x10000000000 IPA limit, 40 bits');
  });

  it('shows some of very many slots and says how many there are', () => {
    expect(text(1000)).toContain('200 of 1000 regions are shown');
    expect(text(1000)).not.toContain('slot 500');
  });
});
