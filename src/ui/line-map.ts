/**
 * Which line of `to` is line `line` of `from` (both from 1), when one text was edited into the other; null if that line
 * itself was changed. Lines before and after the edited stretch keep their meaning.
 */
export function mapLine(from: string, to: string, line: number): number | null {
  if (from === to) return line;
  const a = from.split('\n');
  const b = to.split('\n');
  if (line < 1 || line > a.length) return null;
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head++;
  if (line <= head) return line;
  let tail = 0;
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return line > a.length - tail ? line + b.length - a.length : null;
}
