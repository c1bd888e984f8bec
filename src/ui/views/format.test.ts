import { describe, expect, it } from 'vitest';
import { addressDigits, rangeText, sentence, shortSize } from './format.ts';
import { closeUp, tokens } from './disassembly-text.ts';

describe('sizes', () => {
  it('are exact in up to four digits, else rounded to a tenth', () => {
    expect([0n, 1n, 4096n, 0x20_0000n, 1022n << 20n, 1n << 52n].map(shortSize)).toEqual([
      '0 B',
      '1 B',
      '4 KiB',
      '2 MiB',
      '1022 MiB',
      '4 PiB',
    ]);
    expect(shortSize(15_744n << 10n)).toBe('15.4 MiB');
    expect(shortSize((2n << 30n) - 4096n)).toBe('2 GiB');
    expect(shortSize((1n << 64n) - 1n)).toBe('16 EiB');
    expect(shortSize((1n << 50n) - 4096n)).toBe('1 PiB');
  });
});

describe('addresses', () => {
  it('have the digits their column needs', () => {
    expect([0x4000_0000n, 1n << 32n, 1n << 48n].map(addressDigits)).toEqual([8, 12, 16]);
    expect(rangeText(0x4000_0000n, 0x1000n)).toBe('0x40000000–0x40000fff');
  });
});

describe('a reason', () => {
  it('becomes a sentence', () => {
    expect(sentence('the MMU is off')).toBe('The MMU is off.');
    expect(sentence('Why?')).toBe('Why?');
  });
});

describe('a line of disassembly', () => {
  const kinds = (text: string) =>
    tokens(text)
      .filter(({ kind }) => kind !== 'other')
      .map(({ kind, text: part }) => `${kind} ${part}`);

  it('is taken apart without losing anything', () => {
    for (const line of ['ldr\tx0, [sp, #-16]!', 'b.eq 0x40 <loop>', '', '.inst 0x0 // undefined', 'fmov v3.2d, #1.5']) {
      expect(
        tokens(line)
          .map(({ text }) => text)
          .join(''),
      ).toBe(line);
    }
  });

  it('tells mnemonic, registers, immediates, symbols and comments apart', () => {
    expect(kinds('ldr\tx0, [sp, #-16]!')).toEqual(['mnemonic ldr', 'register x0', 'register sp', 'immediate #-16']);
    expect(kinds('b.eq\t0x40 <loop>  // b.none')).toEqual([
      'mnemonic b.eq',
      'immediate 0x40',
      'symbol <loop>',
      'comment // b.none',
    ]);
    expect(kinds('msr\tsctlr_el1, x30')).toEqual(['mnemonic msr', 'register x30']);
    expect(kinds('mov\tw29, wzr')).toEqual(['mnemonic mov', 'register w29', 'register wzr']);
  });
});

it('closes up what aligns a comment, and nothing else', () => {
  expect(closeUp('mov\tx19, #0x2                   \t// #2')).toBe('mov\tx19, #0x2  // #2');
  expect(closeUp('ldr\tx0,  [x1]')).toBe('ldr\tx0,  [x1]');
});
