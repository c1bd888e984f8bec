import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compressGaps } from './gap-compression.ts';

const SIZES = { gap: 10, region: 30, perDoubling: 2 };
const END = 1n << 40n;

const regions = fc
  .uniqueArray(fc.bigInt({ min: 0n, max: END - 1n }), { maxLength: 12 })
  .map((edges) => edges.sort((a, b) => (a < b ? -1 : 1)))
  .map((edges) =>
    edges.flatMap((base, index) =>
      index % 2 === 0 && index + 1 < edges.length ? [{ base, size: edges[index + 1]! - base }] : [],
    ),
  );

describe('the compressed map', () => {
  it('covers the whole space in order, each region as itself', () => {
    fc.assert(
      fc.property(regions, (list) => {
        const stretches = compressGaps(list, END, SIZES);
        let address = 0n;
        let at = 0;
        for (const stretch of stretches) {
          expect([stretch.base, stretch.at]).toEqual([address, at]);
          address += stretch.size;
          at += stretch.length;
        }
        expect(address).toBe(END);
        expect(stretches.filter(({ index }) => index !== null).map(({ base, size }) => ({ base, size }))).toEqual(list);
      }),
    );
  });

  it('draws a larger region no shorter than a smaller one, and all gaps alike', () => {
    fc.assert(
      fc.property(regions, (list) => {
        const stretches = compressGaps(list, END, SIZES);
        const drawn = stretches.filter(({ index }) => index !== null).sort((a, b) => (a.size < b.size ? -1 : 1));
        drawn.forEach((stretch, index) =>
          expect(stretch.length).toBeGreaterThanOrEqual(drawn[index - 1]?.length ?? 30),
        );
        for (const gap of stretches.filter(({ index }) => index === null)) expect(gap.length).toBe(SIZES.gap);
      }),
    );
  });

  it('has no gap between neighbours, nor beyond a region that ends the space or passes its end', () => {
    const list = [
      { base: 0n, size: 0x1000n },
      { base: 0x1000n, size: END },
    ];
    expect(compressGaps(list, END, SIZES).map(({ index }) => index)).toEqual([0, 1]);
  });
});
