/** What was probably meant. */

/** Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`. */
function distance(a: string, b: string): number {
  let [before, previous] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    [before, previous] = [previous, row];
  }
  return previous[b.length]!;
}

/** The nearest of `names`, where it is near enough to be a slip; else null. */
export function nearest(name: string, names: Iterable<string>): string | null {
  const limit = name.length > 4 ? 2 : 1;
  let [best, least] = [null as string | null, limit + 1];
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) > limit) continue;
    const steps = distance(name, candidate);
    if (steps < least) [best, least] = [candidate, steps];
  }
  return best;
}
