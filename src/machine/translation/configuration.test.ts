import { describe, expect, test } from 'vitest';
import { makeCase } from '../difftest/cases.ts';
import { cpuModel } from '../presets.ts';
import { configurationOf, withTables, type TranslationRegisters } from './configuration.ts';
import { BLOCK_BYTES, writeConfiguration, writeTables } from './parameters.ts';

const { features } = cpuModel('max');

/** Registers, and others with tables at another base and of another ASID: some where there can be none. */
function pairs(count: number): { before: TranslationRegisters; after: TranslationRegisters }[] {
  return Array.from({ length: count }, (_, number) => {
    const before = makeCase(3, number);
    const { TTBR0_EL1, TTBR1_EL1 } = makeCase(4, number);
    const above = number % 4 === 0 ? 1n << 47n : number % 4 === 1 ? 0x3cn : 0n;
    return {
      before,
      after: { ...before, TTBR0_EL1: TTBR0_EL1 | (5n << 48n) | above, TTBR1_EL1: TTBR1_EL1 | (600n << 48n) },
    };
  });
}

describe('a configuration with other tables', () => {
  test('is what the registers give', () => {
    const broken = pairs(200).map(({ before, after }) => {
      const expected = configurationOf(after, features);
      expect(withTables(configurationOf(before, features), after)).toEqual(expected);
      return expected.stage1?.[0].broken?.fault;
    });
    expect(new Set(broken)).toEqual(new Set([undefined, 'translation', 'addressSize']));
  });

  test('is written as a whole one is', () => {
    const block = () => new DataView(new ArrayBuffer(BLOCK_BYTES));
    for (const { before, after } of pairs(50)) {
      const [whole, changed] = [block(), block()];
      const next = configurationOf(after, features);
      writeConfiguration(whole, 0, next, features);
      writeConfiguration(changed, 0, configurationOf(before, features), features);
      writeTables(changed, 0, next);
      expect(new Uint8Array(changed.buffer)).toEqual(new Uint8Array(whole.buffer));
    }
  });
});

test.each([
  ['TTBR0_EL1, 8 bits', 0n, 0x34, 0xff],
  ['TTBR1_EL1 by A1', 1n << 22n, 0x78, 0xff],
  ['16 bits by AS', 1n << 36n, 0x1234, 0xffff],
  ['16 bits of TTBR1_EL1', (1n << 22n) | (1n << 36n), 0x5678, 0xffff],
])('the ASID is that of %s', (_what, tcr, asid, asidMask) => {
  const registers = { ...makeCase(3, 0), TCR_EL1: tcr, TTBR0_EL1: 0x1234n << 48n, TTBR1_EL1: 0x5678n << 48n };
  expect(configurationOf(registers, features)).toMatchObject({ asid, asidMask });
});
