import { describe, expect, it } from 'vitest';
import { count, hex, parseNumber, size } from './format.ts';
import { fieldError, readRam } from './panels/ram.ts';

it('writes numbers as the views show them', () => {
  expect(hex(255n, 4)).toBe('0x00ff');
  expect(count(1234567n).replace(/\s/g, ' ')).toBe('1 234 567');
  expect(count(123)).toBe('123');
  expect(size(0x1000_0000n)).toBe('256 MiB');
  expect(count(1022)).toBe('1022');
  expect(size(0x1001n)).toBe('4097 B');
  expect(size(0x10001n).replace(/\s/g, ' ')).toBe('65 537 B');
  expect(size(0n)).toBe('0 B');
});

describe('a number that a person typed', () => {
  it.each([
    ['0x4000_0000', 0x4000_0000n],
    ['256M', 0x1000_0000n],
    ['4 KiB', 4096n],
    ['1t', 1n << 40n],
    ['12', 12n],
    ['0xffffffffffffffff', 0xffff_ffff_ffff_ffffn],
  ])('%s', (text, value) => expect(parseNumber(text)).toBe(value));

  it.each(['', '0x', '-1', '1.5', '12Q', '0xg', '9'.repeat(99)])('is none: %s', (text) =>
    expect(parseNumber(text)).toBeNull(),
  );
});

it('refuses RAM that is no range, and says why', () => {
  expect(readRam([{ base: '0x40000000', size: '256M' }])).toEqual([{ base: 0x4000_0000n, size: 0x1000_0000n }]);
  expect(readRam([{ base: 'x', size: '256M' }])).toBeNull();
  expect(readRam([])).toBeNull();
  expect(fieldError('0', 'size')).toContain('more than 0');
  expect(fieldError('0', 'base')).toBeNull();
  expect(fieldError('0x10000000000000', 'base')).toContain('52 bits');
});
