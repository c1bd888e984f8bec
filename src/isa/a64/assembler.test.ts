import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { assemble } from './assembler.ts';

interface RecordedProgram {
  readonly name: string;
  readonly origin: number;
  readonly hex: string;
}

const file = (name: string) => readFileSync(new URL(`vectors/${name}`, import.meta.url));
/** scripts/a64-vectors.js: what as and ld 2.40 make of the sources beside it. */
const programs: readonly RecordedProgram[] = JSON.parse(gunzipSync(file('programs.json.gz')).toString());

const at = (source: string, origin = 0n) => assemble(source, { origin });
const words = (source: string, origin = 0n) => {
  const { bytes, errors } = at(source, origin);
  expect(errors).toEqual([]);
  return [...new Uint32Array(bytes.slice().buffer)].map((word) => word.toString(16).padStart(8, '0'));
};
const messages = (source: string) =>
  at(source).errors.map(({ line, column, endColumn, message }) => `${line}:${column}-${endColumn} ${message}`);

describe('the assembler', () => {
  it.each(programs)('makes of $name what as and ld make of it', ({ name, origin, hex }) => {
    const { bytes, errors } = at(file(name).toString(), BigInt(origin));
    expect(errors).toEqual([]);
    expect(Buffer.from(bytes).toString('hex')).toBe(hex);
  });

  it('gives symbols, sections and the line of each instruction', () => {
    const { symbols, lines, sections } = at(
      ['.macro two', 'nop', 'nop', '.endm', 'a: nop', '  two', '.data', 'b: .byte 1', '.equ c, b - a'].join('\n'),
      0x1000n,
    );
    expect([...symbols]).toEqual([
      ['a', 0x1000n],
      ['b', 0x1010n],
      ['c', 0x10n],
    ]);
    expect(lines).toEqual([
      { address: 0x1000n, line: 5 },
      { address: 0x1004n, line: 6 },
      { address: 0x1008n, line: 6 },
    ]);
    expect(sections).toEqual([
      { name: '.text', address: 0x1000n, size: 12 },
      { name: '.data', address: 0x1010n, size: 1 },
    ]);
  });

  it('takes what compilers write for unwinders and linkers', () => {
    const directives =
      '.cfi_sections .debug_frame|.cfi_startproc|.cfi_b_key_frame|.cfi_def_cfa_offset 32|.cfi_offset 29, -32|.cfi_remember_state|' +
      '.cfi_restore 30|.cfi_def_cfa_register 29|.cfi_negate_ra_state|.cfi_restore_state|.variant_pcs f|nop|.cfi_endproc';
    expect(words(`f: ${directives.split('|').join('\n')}`)).toEqual(['d503201f']);
    expect(at('.cfi_offsets 1').errors).toHaveLength(1);
  });

  it('puts common symbols into .bss, and leaves sections out that are not loaded', () => {
    const { symbols, sections, bytes } = at(
      'nop\n.section .debug_line,"",@progbits\nnop\nend:\n.bss\n.byte 0\n.comm a, 100, 32\n.lcomm b, 5',
    );
    expect([...symbols]).toEqual([
      ['end', 4n],
      ['a', 0x40n],
      ['b', 0xa4n],
    ]);
    expect(sections).toEqual([
      { name: '.text', address: 0n, size: 4 },
      { name: '.bss', address: 0x20n, size: 0x89 },
    ]);
    expect(bytes).toHaveLength(0xa9);
  });

  it('uses labels before they are defined, in sizes too', () => {
    expect(words('b end\n.skip (end - start) * 4\nstart: nop\nend: nop')).toEqual([
      '14000006',
      ...Array<string>(4).fill('00000000'),
      'd503201f',
      'd503201f',
    ]);
  });

  it('ranks operators as GNU as does', () => {
    expect(words('.word 1 + 2 * 3 - 4 | 8, 1 << 4 + 1, ~0 & 0xff, -1 >> 60, 2 == 2')).toEqual([
      'fffffffb',
      '00000011',
      '000000ff',
      '0000000f',
      'ffffffff',
    ]);
  });

  it('takes the first encoding of mov that holds the value', () => {
    expect(words('mov x0, #0xffff0000\nmov x0, #-2\nmov w0, #0xffffffff\nmov x0, #0xff00ff00ff00ff00')).toEqual([
      'd2bfffe0',
      '92800020',
      '12800000',
      'b2089fe0',
    ]);
  });

  it('keeps comments and separators inside quotes', () => {
    const { bytes, errors } = at('.ascii "a//b;/*c*/#" // "\n.byte \';\', \'"\'; .byte 1');
    expect(errors).toEqual([]);
    expect(Buffer.from(bytes).toString('latin1')).toBe('a//b;/*c*/#;"\x01');
  });

  it.each([
    ['movv x0, #1', '1:1-5 unknown instruction "movv", did you mean "mov"?'],
    ['  .wrod 1', '1:3-8 unknown directive ".wrod", did you mean ".word"?'],
    ['nop ; one comment', '1:7-10 unknown instruction "one"; ";" separates statements, a comment starts with //'],
    ['b nowhere', '1:3-10 undefined label or symbol "nowhere"'],
    ['b 1f', '1:3-5 no label "1:" after this line'],
    ['add x0, x1, #5000', '1:13-18 immediate 5000 is out of range: 0 to 4095, or a multiple of 4096 up to 0xfff000'],
    ['ldr x0, [x1, #40000]', '1:14-20 offset 40000 is out of range: 0 to 32760, a multiple of 8'],
    ['add x0, w1, x2', '1:9-11 expected a 64-bit (x) register, as in the operand before'],
    ['add x0, x1, x99', '1:13-16 expected a value or a register, found "x99"'],
    ['mov x0, #0x12345678', "1:9-20 one mov can't make 0x12345678: use movz and movk, or ldr with =0x12345678"],
    ['msr sctlr_el9, x0', '1:5-14 unknown system register "sctlr_el9"'],
    ['tbz w0, #40, .', '1:9-12 bit number 40 is out of range: 0 to 31'],
    ['a: nop\na: nop', '2:1-2 "a" is already defined on line 1'],
    ['.byte 300', "1:7-10 value 300 doesn't fit a byte: -128 to 255"],
    ['mov x0', '1:7-8 expected ",", found the end of the line'],
    ['cbz x0, .+0x200000', '1:9-19 0x200000 is 2097152 bytes away; it must be within 1048576 bytes'],
    ['add v0.4s, v1.8h, v2.4s', '1:12-17 expected v….4s, found "v1.8h"'],
    ['add v0.1d, v1.1d, v2.1d', '1:5-24 these operands have no encoding as ADD (vector)'],
    ['mul v0.8h, v1.8h, v16.h[0]', '1:19-24 only v0 … v15 can stand here'],
    ['mov v0.s[4], w1', '1:10-11 index 4 is out of range: 0 to 3'],
    ['ld1 {v0.16b, v2.16b}, [x0]', '1:6-20 registers of a list follow one another'],
    ['ld2 {v0.16b}, [x0]', '1:6-12 expected a list of 2, not 1'],
    ['ld1 {v0.16b}, [x0], #8', '1:21-23 expected #16'],
    ['fcmla v0.4s, v1.4s, v2.4s, #45', '1:28-31 expected #0 or #90 or #180 or #270'],
    [
      'fmov s0, #0.1',
      '1:10-14 0.1 is no floating-point immediate: n/16 times a power of two, 16 to 31 for n, 2^-3 to 2^4',
    ],
    ['.word 1.5', '1:7-10 expected a value, found "1.5"'],
    ['.if 1', '1:1-6 .if without .endif'],
    ['.ifc a\n.endif', '1:1-7 .ifc needs two texts with a comma between them'],
    ['.float 0x10', '1:8-12 expected a decimal number, found "0x10"'],
    ['.float 1e50', '1:8-12 1e50 is too large for 32 bits'],
    ['.octa ~0, 0x1ffffffffffffffff + 1', '1:11-30 0x1ffffffffffffffff is wider than 64 bits'],
    ['fp .req x1', '1:1-11 "fp" is the register x29 already'],
    ['sum .req x99', '1:1-13 "x99" is no register'],
    ['sum .req x1\nsum .req x2', '2:1-12 "sum" is the register x1 already'],
    ['.unreq sum', '1:8-11 "sum" is no name of a register by .req'],
    ['.purgem m', '1:9-10 there is no macro "m"'],
    ['.popsection', '1:1-12 .popsection without .pushsection'],
    ['.exitm', '1:1-7 .exitm outside of a macro or a repetition'],
    ['a == 1\na == 2', '2:1-7 "a" has a value already'],
    ['.comm a, 4, 3', '1:13-14 3 is no power of two'],
    ['.if 1\n.error "4K pages are needed"\n.endif', '2:1-29 4K pages are needed'],
    ['nop\n  .balignl 16, 1', '2:3-17 .balignl is a directive of GNU as that is not read here'],
    ['.endr', '1:1-6 .endr without .rept'],
    [
      'adrp x0, :got:a',
      '1:11-14 expected one of lo12, pg_hi21, abs_g0, abs_g0_nc, abs_g1, abs_g1_nc, abs_g2, abs_g2_nc, abs_g3, abs_g3_nc, found "got"',
    ],
    [
      '.macro m r\nadd \\r, \\r, #70000\n.endm\n  m x1',
      '4:3-7 immediate 70000 is out of range: 0 to 4095, or a multiple of 4096 up to 0xfff000 (in macro m: "add x1, x1, #70000")',
    ],
  ])('explains %j', (source, expected) => {
    expect(messages(source)).toEqual([expected]);
  });

  it('collects all errors, in the order of their lines', () => {
    expect(messages('b a\nnop\nmov w0, x1\nfoo\n').map((message) => message.split(' ')[0])).toEqual([
      '1:3-4',
      '3:9-11',
      '4:1-4',
    ]);
  });

  it.each([
    ['a macro that calls itself', '.macro a\na\n.endm\na', /nested deeper/],
    ['an argument that doubles itself', '.macro m x\nm "\\x\\x"\n.endm\nm 12345678', /expansion is too long/],
    ['a huge repetition', '.rept 1000000000000\nnop\n.endr', /more than 200000 statements/],
    ['a huge gap', '.space 1 << 50', /larger than 1048576 bytes/],
    ['a huge fill of nothing', '.fill 1 << 60, 0, 0\nfoo', /unknown instruction/],
    ['deep brackets', `.word ${'('.repeat(100_000)}`, /nested too deeply/],
    ['many signs', `.word ${'-'.repeat(100_000)}1`, /nested too deeply/],
    ['a long number', `.quad ${'9'.repeat(1_000_000)}`, /wider than 64 bits/],
    ['many blanks', `.ifc a${' '.repeat(300_000)}b\n.endif`, /needs two texts/],
    ['many sections', Array.from({ length: 5000 }, (_, n) => `.text ${n}\nnop`).join('\n'), /more than 1000 sections/],
    ['many digits', `.float 1${'0'.repeat(300_000)}`, /too large/],
    ['a huge exponent', `.double 1e${'9'.repeat(1000)}`, /too large/],
    ['sizes in a circle', 'a: .space b - a\nnop\nb:', /in a circle/],
    ['names of objects', 'constructor x0\n.word :constructor: 1\n.toString', /unknown instruction/],
  ])('refuses %s', (_what, source, expected) => {
    const { errors, bytes } = at(source);
    expect(errors[0]?.message).toMatch(expected);
    expect(bytes.length).toBe(0);
  });

  it('refuses a text that is no assembly without looking for a suggestion for every line', { timeout: 10_000 }, () => {
    expect(assemble('foo\n'.repeat(150_000), { origin: 0n }).errors).toHaveLength(200);
  });

  it('never throws, whatever the source is', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...[
          'nop',
          'ldr',
          'x0',
          'w1',
          'sp',
          '#',
          '1',
          '0x',
          '[',
          ']',
          '!',
          ',',
          '=',
          ':lo12:',
          'ld2',
          'movi',
          'fmov',
          'v0.4s',
          'v1.b',
          '{',
          '}',
          '1.5e300',
          '1b',
          '1f',
          '1:',
          'a:',
          'a',
        ],
        ...[
          '.rept 3',
          '.irpc c, ab',
          '.exitm',
          'r .req x1',
          'r',
          '.ifc a, b',
          '.float',
          '.octa',
          '.uleb128',
          '.pushsection .text, 1',
          '.popsection',
          '.previous',
          '.comm c, 8',
          '.endr',
          '.macro m x',
          '.endm',
          'm',
          '\\x',
          '\\@',
          '.if',
          '.else',
          '.endif',
          '.word',
          '.ascii "',
          '"',
        ],
        ...[
          '.org',
          '.align',
          '.skip',
          '.set a,',
          '.data',
          '.ltorg',
          '+',
          '-',
          '*',
          '(',
          ')',
          '\n',
          '\n',
          ' ',
          ';',
          '/*',
          '*/',
          '//',
        ],
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { bytes, errors } = at(pieces.join(' '));
        expect(errors.length === 0 || bytes.length === 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
