export interface Extent {
  readonly base: bigint;
  readonly size: bigint;
}

/** One stretch of a compressed map, from low to high addresses; `index` is that of the region, null for a gap. */
export interface MapStretch {
  readonly base: bigint;
  readonly size: bigint;
  readonly index: number | null;
  /** From the map's start, in the unit of `sizes`. */
  readonly at: number;
  readonly length: number;
}

export interface MapSizes {
  readonly gap: number;
  /** Length of the smallest region, and what each doubling beyond a page adds. */
  readonly region: number;
  readonly perDoubling: number;
}

/**
 * Lays sorted, disjoint regions of a space of `end` bytes along a line: every region is long enough for its label, a larger
 * one is never shorter than a smaller one, and each gap has the same small length however wide it is.
 */
export function compressGaps(regions: readonly Extent[], end: bigint, sizes: MapSizes): MapStretch[] {
  const stretches: MapStretch[] = [];
  let at = 0;
  let reached = 0n;
  const push = (base: bigint, size: bigint, index: number | null, length: number) => {
    stretches.push({ base, size, index, at, length });
    at += length;
  };
  regions.forEach((region, index) => {
    if (region.base > reached) push(reached, region.base - reached, null, sizes.gap);
    const doublings = Math.max(0, region.size.toString(2).length - 13);
    push(region.base, region.size, index, sizes.region + doublings * sizes.perDoubling);
    reached = region.base + region.size;
  });
  if (end > reached) push(reached, end - reached, null, sizes.gap);
  return stretches;
}
