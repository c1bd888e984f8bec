import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitOwners, initials, movedFields, nameFits, parseBits, rulerRows } from './bit-ruler.ts';

const field = (bits: string) => ({ name: bits, bits, value: 0n, meaning: '' });

describe('bits of a field', () => {
  it('are ranges, single bits, or several for a split field', () => {
    expect(parseBits('54:53')).toEqual([{ hi: 54, lo: 53 }]);
    expect(parseBits('0')).toEqual([{ hi: 0, lo: 0 }]);
    expect(parseBits('9:8,49:12')).toEqual([
      { hi: 9, lo: 8 },
      { hi: 49, lo: 12 },
    ]);
  });

  it('that are none give nothing', () => {
    expect(['', ':64', '64', '3:70', '5:', ':5', '1:2:3'].flatMap(parseBits)).toEqual([]);
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const { hi, lo } of parseBits(text)) expect(lo >= 0 && lo <= hi && hi < 64).toBe(true);
      }),
    );
  });
});

describe('the ruler', () => {
  it('shows every bit once, from 63 down, in rows of the width asked for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(63), fc.nat(63)).map(([a, b]) => field(`${Math.max(a, b)}:${Math.min(a, b)}`))),
        fc.constantFrom(16, 32, 64),
        (fields, perRow) => {
          const rows = rulerRows(fields, perRow);
          expect(rows).toHaveLength(64 / perRow);
          const bits = rows.flatMap((row) =>
            row.flatMap(({ hi, lo }) => Array.from({ length: hi - lo + 1 }, (_, index) => hi - index)),
          );
          expect(bits).toEqual(Array.from({ length: 64 }, (_, index) => 63 - index));
        },
      ),
    );
  });

  it('gives both parts of a split field to it, and the rest to none', () => {
    const [row] = rulerRows([field('9:8,49:12')], 64);
    expect(row).toEqual([
      { hi: 63, lo: 50, field: null },
      { hi: 49, lo: 12, field: 0 },
      { hi: 11, lo: 10, field: null },
      { hi: 9, lo: 8, field: 0 },
      { hi: 7, lo: 0, field: null },
    ]);
  });

  it('breaks a field at the end of a row', () => {
    const rows = rulerRows([field('47:12')], 32);
    expect(rows[0]!.at(-1)).toEqual({ hi: 47, lo: 32, field: 0 });
    expect(rows[1]![0]).toEqual({ hi: 31, lo: 12, field: 0 });
  });
});

describe('fields of two formats', () => {
  const own = [
    { name: 'OutputAddress', bits: '47:12' },
    { name: 'SH', bits: '9:8' },
    { name: 'AF', bits: '10' },
  ];

  it('have moved where a name stands elsewhere, or is not here', () => {
    const other = [
      { name: 'OutputAddress', bits: '9:8,49:12' },
      { name: 'AF', bits: '10' },
      { name: 'nG', bits: '11' },
    ];
    expect(movedFields(own, other)).toEqual([
      { name: 'OutputAddress', bits: '9:8,49:12', here: '47:12' },
      { name: 'nG', bits: '11', here: null },
    ]);
    expect(movedFields(own, own)).toEqual([]);
  });

  it('have each bit once, a split field its parts', () => {
    const owners = bitOwners([{ bits: '9:8,49:12' }, { bits: '10' }]);
    expect([owners[8], owners[10], owners[11], owners[12], owners[49], owners[50]]).toEqual([0, 1, null, 0, 0, null]);
  });

  it('are named across their bits only where there is room', () => {
    expect(nameFits('XN', 28)).toBe(true);
    expect(nameFits('Contiguous', 14)).toBe(false);
    expect([initials('OutputAddress'), initials('nG'), initials('abc')]).toEqual(['OA', 'G', 'abc']);
  });
});
