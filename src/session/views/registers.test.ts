import { describe, expect, it } from 'vitest';
import { esrText } from './registers.ts';

describe('ESR_EL1 in words', () => {
  it.each([
    [0x9600_004bn, 'Data Abort from EL1: Access flag fault, level 3, write'],
    [0x9200_0007n, 'Data Abort from EL0: Translation fault, level 3, read'],
    [0x9600_0010n, 'Data Abort from EL1: Synchronous External abort, read'],
    [0x8600_002bn, 'Instruction Abort from EL1: Translation fault, level -1'],
    [0x9600_0061n, 'Data Abort from EL1: Alignment fault, write'],
    [0x5600_0000n, 'SVC, ISS 0x0'],
    [0xfe00_0001n, 'EC 0x3f, ISS 0x1'],
    [0n, ''],
  ])('%s', (esr, text) => {
    expect(esrText(esr)).toBe(text);
  });
});
