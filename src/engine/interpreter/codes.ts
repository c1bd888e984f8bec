/** What `run` of the generated module answers. */
import type { Leave } from '../../isa/builder.ts';

export const CODES = [
  'budget',
  'fetch',
  'undecoded',
  'breakpoint',
  'slow',
  'modified',
  'left',
  'readMiss',
  'writeMiss',
  'readAlignment',
  'writeAlignment',
  'spAlignment',
  'fp',
  'svc',
  'hvc',
  'smc',
  'brk',
  'hlt',
  'dcps1',
  'dcps2',
  'dcps3',
  'system',
  'undefined',
  'wfi',
  'wfe',
] as const satisfies readonly (Leave | string)[];
export type Code = (typeof CODES)[number];

export const codeNumber = (code: Code): number => CODES.indexOf(code);
