import { describe, expect, it } from 'vitest';
import { scrolledTo } from './use-rows.ts';

describe('scrolledTo', () => {
  const box = { top: 220, height: 110 };

  it('leaves a row that is in sight where it is', () => {
    for (const row of [10, 12, 14]) expect(scrolledTo(row, 22, box, false)).toBe(220);
    expect(scrolledTo(12, 22, box, true)).toBe(220);
  });

  it('brings a row above to the top, and one below to the bottom', () => {
    expect(scrolledTo(9, 22, box, false)).toBe(198);
    expect(scrolledTo(15, 22, box, false)).toBe(16 * 22 - 110);
  });

  it('shows all of a row that is cut off', () => {
    expect(scrolledTo(10, 22, { top: 225, height: 110 }, false)).toBe(220);
    expect(scrolledTo(15, 22, { top: 230, height: 110 }, false)).toBe(16 * 22 - 110);
  });

  it('with a lead leaves a third of the rows before it, as far as there are any', () => {
    expect(scrolledTo(100, 22, box, true)).toBe(99 * 22);
    expect(scrolledTo(0, 22, box, true)).toBe(0);
  });
});
