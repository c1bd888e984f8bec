import { concatenation } from './concatenation/lab.ts';
import { dirtyLog } from './dirty-log/lab.ts';
import { hello } from './hello/lab.ts';
import { ipaSize } from './ipa-size/lab.ts';
import type { Lab } from './lab.ts';
import { lpa2Bits } from './lpa2-bits/lab.ts';
import { permission } from './permission/lab.ts';
import { psci } from './psci/lab.ts';
import { regScope } from './reg-scope/lab.ts';
import { slotTooHigh } from './slot-too-high/lab.ts';
import { twoFormats } from './two-formats/lab.ts';
import { twoStages } from './two-stages/lab.ts';

export type { Lab } from './lab.ts';

/** In the order in which they teach. */
export const LABS: readonly Lab[] = [
  hello,
  twoStages,
  permission,
  dirtyLog,
  slotTooHigh,
  ipaSize,
  concatenation,
  lpa2Bits,
  twoFormats,
  psci,
  regScope,
];

export const labByName = (name: string): Lab | null => LABS.find((lab) => lab.name === name) ?? null;
