import { hello } from './hello/lab.ts';
import type { Lab } from './lab.ts';
import { slotTooHigh } from './slot-too-high/lab.ts';
import { twoStages } from './two-stages/lab.ts';

export type { Lab } from './lab.ts';

/** In the order in which they teach. */
export const LABS: readonly Lab[] = [hello, twoStages, slotTooHigh];

export const labByName = (name: string): Lab | null => LABS.find((lab) => lab.name === name) ?? null;
