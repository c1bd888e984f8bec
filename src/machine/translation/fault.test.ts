import { expect, test } from 'vitest';
import { FAULTS, faultStatus, faultStatusText, type FaultType } from './fault.ts';

/** DFSC of ESR_EL1, DDI 0487: code, type, level. */
const CODES: readonly (readonly [code: number, type: FaultType, level: number])[] = [
  ...[0, 1, 2, 3].flatMap((level) => [
    [0b000000 + level, 'addressSize', level] as const,
    [0b000100 + level, 'translation', level] as const,
    [0b001000 + level, 'accessFlag', level] as const,
    [0b001100 + level, 'permission', level] as const,
    [0b010100 + level, 'externalAbortOnWalk', level] as const,
  ]),
  [0b010011, 'externalAbortOnWalk', -1],
  [0b101001, 'addressSize', -1],
  [0b101011, 'translation', -1],
  [0b010000, 'externalAbort', 0],
  [0b100001, 'alignment', 0],
];

test('every fault has the manual’s code, and every code of those its name; others have none', () => {
  for (const [code, type, level] of CODES) expect([type, level, faultStatus(type, level)]).toEqual([type, level, code]);
  for (let code = 0; code < 64; code++) {
    const row = CODES.find(([each]) => each === code);
    const name = row && FAULTS[row[1]].name + (FAULTS[row[1]].leveled ? `, level ${row[2]}` : '');
    expect(faultStatusText(code)).toBe(name ?? null);
  }
});
