import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ElfError, readElf } from './elf.ts';

/** vectors/hello.s, linked at 0x40080000 by GNU ld: headers in the first page, then code, then .bss. */
const HELLO = new Uint8Array(readFileSync(new URL('./vectors/hello.elf', import.meta.url)));

function changed(at: number, ...bytes: number[]): Uint8Array {
  const copy = HELLO.slice();
  copy.set(bytes, at);
  return copy;
}

/** Offset of the first program header. */
const SEGMENT = 64;

/** 48 MiB in memory for each of the two segments, at places that overlap. */
const OVERLAPPING = changed(SEGMENT + 43, 3);
OVERLAPPING[SEGMENT + 56 + 43] = 3;

describe('an ELF', () => {
  test('comes to lie where ld put it, zeros between and behind', () => {
    const { origin, bytes, entry, symbols } = readElf(HELLO);
    expect([origin, entry, bytes.length]).toEqual([0x4007_f000n, 0x4008_0000n, 0x2040]);
    expect(bytes.subarray(0x1000, 0x1004)).toEqual(HELLO.subarray(0x1000, 0x1004));
    expect(bytes.subarray(0x1030).every((byte) => byte === 0)).toBe(true);
    expect(symbols.get('_start')).toBe(0x4008_0000n);
    expect(new TextDecoder().decode(bytes.subarray(Number(symbols.get('text')! - origin)).subarray(0, 4))).toBe(
      'ELF\n',
    );
    expect([...symbols.keys()].filter((name) => name.startsWith('$'))).toEqual([]);
  });

  test('begins at the physical address of its entry point', () => {
    // p_paddr of the first segment to 0x4207f000; its p_vaddr stays.
    const { origin, entry } = readElf(changed(SEGMENT + 24, 0x00, 0xf0, 0x07, 0x42));
    expect([origin, entry]).toEqual([0x4008_1030n, 0x4208_0000n]);
  });

  test.each([
    ['no ELF', new Uint8Array([0x23, 0x21, 0x2f, 0x62]), /no ELF: it begins with 23 21 2f 62/],
    ['nothing', new Uint8Array(0), /begins with nothing/],
    ['a header cut short', HELLO.slice(0, 40), /40 bytes end inside/],
    ['32 bits', changed(4, 1), /32-bit/],
    ['big endian', changed(5, 2), /big-endian/],
    ['x86-64', changed(18, 62), /machine 62, not for EM_AARCH64/],
    ['an object file', changed(16, 1), /relocatable object: link it first/],
    ['program headers beyond the end', changed(32, 0xff, 0xff, 0xff), /2 program headers .* beyond its 5168 bytes/],
    ['no segments', changed(56, 0), /no PT_LOAD/],
    ['program headers without end', changed(56, 0xff, 0xff), /65535 program headers, more than 1170/],
    ['segments over segments', OVERLAPPING, /segments up to segment 1 have 1006\d+ bytes, more than/],
    ['a segment beyond the end', changed(SEGMENT + 8, 0xff, 0xff), /bytes of segment 0 .* beyond/],
    ['more in the file than in memory', changed(SEGMENT + 40, 1, 0), /segment 0 has more bytes in the file/],
    ['a segment of exabytes', changed(SEGMENT + 47, 0x10), /segment 0 has \d+ bytes, more than/],
    ['a segment above the address space', changed(SEGMENT + 30, 0x10), /ends above 2\^52/],
    ['segments far apart', changed(SEGMENT + 28, 1), /span 0x40081030 to/],
  ])('that is %s is refused and says why', (_, file, message) => {
    expect(() => readElf(file)).toThrow(ElfError);
    expect(() => readElf(file)).toThrow(message);
  });

  test('that is damaged anywhere is read or refused, nothing else', () => {
    const damage = fc.array(fc.tuple(fc.nat(HELLO.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(HELLO.length), fc.boolean(), (changes, length, cut) => {
        const file = cut ? HELLO.slice(0, length) : HELLO.slice();
        for (const [at, byte] of changes) if (at < file.length) file[at % 512 < 120 ? at % 120 : at] = byte;
        try {
          readElf(file);
        } catch (error) {
          expect(error).toBeInstanceOf(ElfError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
