import { describe, expect, it } from 'vitest';
import { cellAt, cellMove, cellsLayout } from './cells.ts';

describe('cells of a table', () => {
  it.each([4, 16, 512, 1024, 2048, 8192, 131072])('have a place each that a pointer finds: %i', (total) => {
    for (const width of [0, 120, 300, 470, 900, 1600]) {
      const layout = cellsLayout(total, width);
      expect(layout.columns * layout.rows).toBeGreaterThanOrEqual(total);
      for (const index of [0, 1, total >> 1, total - 1]) {
        const x = (index % layout.columns) * layout.cell + 1;
        const y = Math.floor(index / layout.columns) * layout.cell + 1;
        expect(cellAt(layout, total, x, y)).toBe(index);
      }
      expect(cellAt(layout, total, layout.columns * layout.cell, 0)).toBeNull();
    }
  });

  it('fill the width of the panel', () => {
    expect(cellsLayout(512, 470)).toEqual({ columns: 32, rows: 16, cell: 14 });
    expect(cellsLayout(8192, 470).columns).toBe(64);
  });

  it('are gone through by keys, never out of the table', () => {
    expect(cellMove(null, 'ArrowDown', 512, 32, 10)).toBe(0);
    expect(cellMove(5, 'ArrowDown', 512, 32, 10)).toBe(37);
    expect(cellMove(5, 'ArrowUp', 512, 32, 10)).toBe(5);
    expect(cellMove(0, 'ArrowLeft', 512, 32, 10)).toBe(0);
    expect(cellMove(37, 'PageDown', 512, 32, 100)).toBe(485);
    expect(cellMove(485, 'ArrowDown', 512, 32, 10)).toBe(485);
    expect(cellMove(3, 'End', 512, 32, 10)).toBe(511);
    expect(cellMove(3, 'x', 512, 32, 10)).toBeNull();
  });
});
