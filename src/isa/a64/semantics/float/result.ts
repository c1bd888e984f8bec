/** Whether a result of WebAssembly's own arithmetic (fast.ts) shows that nothing was raised but inexact: 0 or 1. */
import { and, ltU, sub, type Expr } from '../../../expr.ts';
import { FORMATS, type Precision } from './format.ts';
import { long } from './integer.ts';

/** Precisions that WebAssembly has. */
export type Wide = Exclude<Precision, 'half'>;

/** Infinity and the smallest normal number. */
export const BOUNDS = {
  single: { infinity: 0x7f800000n, smallest: 0x00800000n },
  double: { infinity: 0x7ff0000000000000n, smallest: 0x0010000000000000n },
} as const;

export const magnitude = (p: Wide, value: Expr) => and(value, FORMATS[p].abs);
export const finite = (p: Wide, value: Expr) => ltU(magnitude(p, value), long(BOUNDS[p].infinity));
/** No NaN. */
export const number = (p: Wide, value: Expr) => ltU(magnitude(p, value), long(BOUNDS[p].infinity + 1n));
/** Normal, and not the smallest such number, which tiny ones may have been rounded to. */
export function regular(p: Wide, value: Expr): Expr {
  const { infinity, smallest } = BOUNDS[p];
  return ltU(sub(magnitude(p, value), long(smallest + 1n)), long(infinity - smallest - 1n));
}
