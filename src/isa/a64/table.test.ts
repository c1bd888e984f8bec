import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { insertFields, type Fields } from '../row.ts';
import { A64, decode } from './table.ts';

/** Field values that fail on a name which the diagram doesn't have. */
function guarded(fields: Fields): Fields {
  return new Proxy(fields, {
    get(target, name) {
      const value = target[String(name)];
      if (value === undefined) throw new Error(`no field ${String(name)}`);
      return value;
    },
  });
}

const wordOf = (row: (typeof A64.rows)[number], random: number) =>
  ((random & ~row.diagram.mask) | row.diagram.value) >>> 0;

describe('the A64 table', () => {
  it('titles each row once', () => {
    const names = A64.rows.map(({ row }) => row.name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('has no two rows that overlap, but for one that lies within the other', () => {
    const ambiguous: string[] = [];
    for (const a of A64.rows) {
      for (const b of A64.rows) {
        if (a.index >= b.index) continue;
        const both = (a.diagram.mask & b.diagram.mask) >>> 0;
        if ((a.diagram.value & both) >>> 0 !== (b.diagram.value & both) >>> 0) continue;
        const nested = both === a.diagram.mask || both === b.diagram.mask;
        if (!nested || a.diagram.mask === b.diagram.mask) ambiguous.push(`${a.row.name} / ${b.row.name}`);
      }
    }
    expect(ambiguous).toEqual([]);
  });

  it('decodes a word as the narrowest row that has it', () => {
    fc.assert(
      fc.property(fc.nat(A64.rows.length - 1), fc.integer({ min: 0, max: 0xffffffff }), (index, random) => {
        const word = wordOf(A64.rows[index]!, random);
        const fits = A64.rows.filter(({ diagram, row }) => {
          if ((word & diagram.mask) >>> 0 !== diagram.value) return false;
          const fields: Record<string, number> = {};
          for (const { name, lo, width, signed } of diagram.fields) {
            const raw = Math.floor(word / 2 ** lo) % 2 ** width;
            fields[name] = signed && raw >= 2 ** (width - 1) ? raw - 2 ** width : raw;
          }
          return row.valid?.(fields as never) ?? true;
        });
        const bits = (mask: number) => [...mask.toString(2)].filter((bit) => bit === '1').length;
        fits.sort((a, b) => bits(b.diagram.mask) - bits(a.diagram.mask));
        expect(decode(word)?.row.name).toBe(fits[0]?.row.name);
      }),
      { numRuns: 5000 },
    );
  });

  it('gives back a word from its fields', () => {
    fc.assert(
      fc.property(fc.nat(A64.rows.length - 1), fc.integer({ min: 0, max: 0xffffffff }), (index, random) => {
        const decoded = decode(wordOf(A64.rows[index]!, random));
        if (!decoded) return;
        const ignored = decoded.diagram.fields.reduce(
          (mask, { lo, width }) => mask & ~((2 ** width - 1) << lo),
          ~decoded.diagram.mask,
        );
        expect((insertFields(decoded.diagram, decoded.fields) & ~ignored) >>> 0).toBe((decoded.word & ~ignored) >>> 0);
      }),
      { numRuns: 5000 },
    );
  });

  it('maps operands and checks from fields that the diagram has', () => {
    for (const entry of A64.rows) {
      const fields = guarded(decode(wordOf(entry, 0))?.fields ?? {});
      if (Object.keys(fields).length === 0) continue;
      for (const [operand, value] of Object.entries(entry.row.operands)) {
        const got = (value as (f: Fields) => number | bigint)(fields);
        expect(typeof got, `${entry.row.name} ${operand}`).toBe(operand.startsWith('imm') ? 'bigint' : 'number');
      }
      for (const name of entry.row.variant ?? []) expect(fields[name]).toBeTypeOf('number');
    }
  });
});
