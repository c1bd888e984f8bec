import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from './address.ts';

const value = (text: string, bits = 64, names = {}) => {
  const parsed = parseAddress(text, bits, names);
  return parsed.ok ? parsed.value : parsed.message;
};

describe('a typed address', () => {
  it('is read back from how the views write it, and from decimal', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (address) => {
        expect(value(`0x${address.toString(16)}`)).toBe(address);
        expect(value(` ${address} `)).toBe(address);
      }),
    );
  });

  it('may have separators, binary factors, names, sums and differences', () => {
    expect(value('0x4000_0000')).toBe(0x4000_0000n);
    expect(value('1G')).toBe(1n << 30n);
    expect(value('0x10k')).toBe(0x4000n);
    expect(value('PC + 0x40 - 4', 64, { pc: 0x1000n })).toBe(0x103cn);
  });

  it('takes a name as it is written before one in another case', () => {
    const names = { sp: 1n, SP: 2n, table_1: 0x4001_0000n };
    expect(value('SP', 64, names)).toBe(2n);
    expect(value('sp', 64, names)).toBe(1n);
    expect(value('Sp', 64, names)).toBe(1n);
    expect(value('table_1+0x10', 64, names)).toBe(0x4001_0010n);
  });

  it('must lie in its space', () => {
    expect(value('0xffffffffff', 40)).toBe(0xff_ffff_ffffn);
    expect(value('0x10000000000', 40)).toMatch(/above 0xffffffffff.*40-bit/);
    expect(value('1 - 2')).toMatch(/below zero/);
  });

  it('is refused with help where it is junk', () => {
    expect(value('')).toMatch(/Type an address/);
    expect(value('4000f000')).toBe('Hexadecimal starts with 0x: did you mean 0x4000f000?');
    expect(value('0x')).toMatch(/neither a number/);
    expect(value('main', 64, { pc: 0n })).toMatch(/“main” is neither a number nor a name.*pc \+ 0x40/);
    expect(value('0x10 +')).toMatch(/missing at the end/);
    expect(value('+ 4')).toMatch(/missing before “\+”/);
    expect(value('constructor')).toMatch(/neither a number/);
    expect(value('9'.repeat(500))).toMatch(/too long/);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseAddress(text, 48, { pc: 1n })));
  });
});
