import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { movedWindow, rowOf, windowAround, WINDOW_ROWS } from './address-window.ts';

const LIMIT = 1n << 64n;

describe('the window a list scrolls in', () => {
  it('holds the address it was made around and stays in the space', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: LIMIT - 1n }),
        fc.constantFrom(4n, 8n, 16n),
        fc.constantFrom(32n, 40n, 64n),
        (anywhere, unit, bits) => {
          const limit = 1n << bits;
          const address = anywhere % limit;
          const window = windowAround(address, unit, limit);
          expect(window.base % unit).toBe(0n);
          expect(window.base + BigInt(window.rows) * unit <= limit).toBe(true);
          const row = rowOf(window, address, unit);
          expect(row).not.toBeNull();
          expect(window.base + BigInt(row!) * unit).toBe(address - (address % unit));
        },
      ),
    );
  });

  it('is the whole space where that is small', () => {
    expect(windowAround(0x800n, 16n, 0x1000n)).toEqual({ base: 0n, rows: 0x100 });
  });

  it('moves on near its edges and nowhere else', () => {
    const window = windowAround(1n << 40n, 16n, LIMIT);
    expect(movedWindow(window, WINDOW_ROWS / 2, 16n, LIMIT)).toBe(window);
    const up = movedWindow(window, 10, 16n, LIMIT);
    expect(rowOf(up, window.base + 160n, 16n)).toBe(WINDOW_ROWS / 2);
    const down = movedWindow(window, WINDOW_ROWS - 10, 16n, LIMIT);
    expect(down.base > window.base).toBe(true);
  });

  it('rests at both ends of the space', () => {
    const start = windowAround(0n, 4n, LIMIT);
    expect(movedWindow(start, 0, 4n, LIMIT)).toBe(start);
    const end = windowAround(LIMIT - 4n, 4n, LIMIT);
    expect(movedWindow(end, end.rows - 1, 4n, LIMIT)).toBe(end);
  });
});
