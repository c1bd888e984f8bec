import { describe, expect, it } from 'vitest';
import type { MemoryView } from '../../session/messages.ts';
import { NO_BASELINE, advance, byteAt, hexLayout, isMarked } from './memory-bytes.ts';

const view = (...bytes: number[]): MemoryView => ({
  view: 'memory',
  address: 0x1000n,
  runs: [
    { offset: 0, length: 16, missing: 'no memory slot' },
    { offset: 16, data: Uint8Array.from(bytes) },
  ],
});

describe('a byte of a view', () => {
  it('is its value, its reason, or nothing where the view does not reach', () => {
    expect(byteAt(view(7), 0x1010n)).toBe(7);
    expect(byteAt(view(7), 0x1000n)).toEqual({ missing: 'no memory slot' });
    expect(byteAt(view(7), 0xfffn)).toBeNull();
    expect(byteAt(view(7), 0x1011n)).toBeNull();
  });
});

describe('changed bytes', () => {
  const changed = (...states: readonly [stop: string | null, view: MemoryView][]) => {
    const baseline = states.reduce((so, [stop, next]) => advance(so, stop, next), NO_BASELINE);
    return isMarked(baseline, 0x1010n, byteAt(baseline.latest!, 0x1010n));
  };
  const one = view(1);
  const two = view(2);

  it('are those that differ from the stop before', () => {
    expect(changed(['a', one])).toBe(false);
    expect(changed(['a', one], ['b', one], ['b', two])).toBe(true);
    expect(changed(['a', one], ['b', two], ['c', two])).toBe(false);
  });

  it('are compared with the last stop while the guest runs and where it then stops', () => {
    expect(changed(['a', one], [null, one], [null, two])).toBe(true);
    expect(changed(['a', one], [null, one], [null, two], ['b', two])).toBe(true);
    expect(changed(['a', one], [null, two], ['b', two], ['c', two])).toBe(false);
  });

  it('include those a person wrote at this stop', () => {
    expect(changed(['a', one], ['b', one], ['b', two])).toBe(true);
    expect(changed(['a', one], ['a', two])).toBe(true);
    expect(changed(['a', one], ['a', two], ['a', two])).toBe(true);
    expect(changed(['a', one], ['a', two], ['b', two])).toBe(false);
  });

  it('are not those seen for the first time', () => {
    const baseline = advance(advance(NO_BASELINE, 'a', view(1)), 'b', view(1, 5));
    expect(isMarked(baseline, 0x1011n, 5)).toBe(false);
  });
});

describe('a row of bytes', () => {
  it('has as many as fit, with their characters where there is room', () => {
    expect(hexLayout(100, 8)).toEqual({ bytesPerRow: 16, ascii: true });
    expect(hexLayout(73, 8)).toEqual({ bytesPerRow: 16, ascii: true });
    expect(hexLayout(48, 8)).toEqual({ bytesPerRow: 8, ascii: true });
    expect(hexLayout(36, 8)).toEqual({ bytesPerRow: 8, ascii: false });
    expect(hexLayout(10, 16)).toEqual({ bytesPerRow: 4, ascii: false });
  });

  it('never grows as the space for it shrinks', () => {
    let last = 16;
    for (let columns = 120; columns > 0; columns--) {
      const { bytesPerRow } = hexLayout(columns, 12);
      expect(bytesPerRow).toBeLessThanOrEqual(last);
      last = bytesPerRow;
    }
  });
});
