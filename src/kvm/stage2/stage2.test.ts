import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOST_PRESETS } from '../../host/config.ts';
import { boot } from '../../host/host.ts';
import { stage2Regime } from '../../machine/translation/control.ts';
import { tableFormat } from '../../machine/translation/format.ts';
import { PageTable } from '../pagetable.ts';
import { Stage2 } from './tables.ts';

const RAM = [{ base: 0x4000_0000n, size: 0x0100_0000n }];
const host = (name: string) => boot({ ...HOST_PRESETS.find((row) => row.name === name)!.config, ram: RAM });

describe.each(HOST_PRESETS.map(({ name }) => name))('stage 2 on %s', (name) => {
  it('is set up by VTCR_EL2 and VTTBR_EL2 as the hardware reads them, for every IPA size', () => {
    const { kvm, machine } = host(name);
    for (let bits = 32; bits <= kvm.ipaLimit; bits++) {
      const stage2 = Stage2.create(kvm, bits)!;
      const { tables } = stage2.table;
      const regime = stage2Regime(stage2.vtcr, stage2.vttbr, machine.model.features);
      expect(regime.broken).toBeNull();
      expect(regime.tables).toMatchObject({ root: tables.root, startLevel: tables.startLevel, inputBits: bits });
      expect(regime.tables.format.name).toBe(tables.format.name);
      expect(stage2.table.rootPages).toBeLessThanOrEqual(16);
      stage2.destroy();
    }
  });
});

it('VTCR_EL2 has the fields that kvm_get_vtcr gives', () => {
  const vtcr = (name: string, bits: number) => Stage2.create(host(name).kvm, bits)!.vtcr.toString(16);
  // RES1, HA, PS, SH0, ORGN0, IRGN0, then SL0 and T0SZ; VS and DS where the CPU has them.
  expect(vtcr('a57-4k', 40)).toBe('80243558');
  expect(vtcr('a57-4k', 44)).toBe('80243594');
  expect(vtcr('n1-4k', 48)).toBe('802d3590');
  expect(vtcr('max-4k', 52)).toBe('1802e358c');
});

describe('a tree of tables', () => {
  const SIZES = [4096, 2 << 20] as const;
  interface Step {
    readonly op: 'map' | 'unmap' | 'split';
    readonly size: number;
    readonly at: number;
    readonly output: number;
  }
  const step: fc.Arbitrary<Step> = fc.record({
    op: fc.constantFrom('map', 'map', 'unmap', 'split'),
    size: fc.constantFrom(...SIZES),
    at: fc.nat({ max: 1500 }),
    output: fc.nat({ max: 1 << 20 }),
  });

  it('maps what was mapped last, and has no table left when nothing is', () => {
    const { memory } = host('max-4k').machine;
    const free = memory.pages.used;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const table = PageTable.create(memory, tableFormat(2, '4K', 52), 1, 40)!;
        const model = new Map<number, number>();
        for (const { op, size, at, output } of steps) {
          const input = at * 4096 - ((at * 4096) % size);
          const first = input / 4096;
          if (op === 'map') {
            const old = table.lookup(input);
            // A page in place of a block: the rest of the block is left to fault in again.
            if (old?.valid && old.size > size) {
              for (let n = old.input / 4096; n < (old.input + old.size) / 4096; n++) model.delete(n);
            }
            expect(table.map(input, size, output * size, { low: 0, high: 0 })).toBe(true);
            for (let n = 0; n < size / 4096; n++) model.set(first + n, output * size + n * 4096);
          } else if (op === 'unmap') {
            // Blocks go as a whole.
            for (const leaf of table.leaves(input, input + size)) {
              for (let n = 0; n < leaf.size / 4096; n++) model.delete(leaf.input / 4096 + n);
            }
            table.unmap(input, input + size);
          } else expect(table.split(input, input + size)).toBe(true);
        }
        for (const [page, output] of model) {
          const leaf = table.lookup(page * 4096)!;
          expect(leaf.valid && leaf.output + (page * 4096 - leaf.input)).toBe(output);
        }
        const mapped = table.leaves(0, 2 ** 40).reduce((sum, leaf) => sum + leaf.size / 4096, 0);
        expect(mapped).toBe(model.size);
        table.unmap(0, 2 ** 40);
        expect(table.pages).toBe(table.rootPages);
        table.destroy();
        expect(memory.pages.used).toBe(free);
      }),
      { numRuns: 150 },
    );
  });
});
