import { expect, test } from 'vitest';
import { assemble } from './assembler.ts';
import { exampleOf, findRows, reference } from './reference.ts';
import { A64, decode } from './table.ts';

function wordOf(source: string): number {
  const { bytes } = assemble(source, { origin: 0n });
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

test('every row has an example, and a page that covers its 32 bits', () => {
  for (const entry of A64.rows) {
    const word = exampleOf(entry);
    expect(word, entry.row.name).not.toBeNull();
    expect(decode(word!)?.row.name).toBe(entry.row.name);
    const page = reference(word!, 0x1000n)!;
    expect(page.name).toBe(entry.row.name);
    expect(page.encoding.map(({ bits }) => bits).join('')).toBe(word!.toString(2).padStart(32, '0'));
    expect(page.semantics === null, entry.row.name).toBe(entry.row.execute === undefined);
    if (page.semantics) expect(page.semantics.length).toBeGreaterThan(0);
  }
});

test('semantics name the instruction’s own registers and values', () => {
  expect(reference(wordOf('add x3, sp, #16'), 0n)!.semantics).toEqual(['X3 = SP + 0x10']);
  expect(reference(wordOf('subs wzr, w1, w2'), 0n)!.semantics!.join('\n')).toMatch(/FlagsOf32\(\S+ - \S+\)/);
  expect(reference(wordOf('ldrsh x5, [x6, #-2]!'), 0n)!.semantics).toEqual([
    'let t1 = X6 + -2',
    'let m1 = address(t1) // 2 bytes, read',
    'X5 = SignExtend(Mem[m1, 2], 64)',
    'X6 = t1',
  ]);
  expect(reference(wordOf('b.ne . + 8'), 0n)!.semantics!.join(' ')).toContain('ConditionHolds(ne)');
});

test('an undefined word has no page', () => {
  expect(reference(0xffff_ffff, 0n)).toBeNull();
});

test('rows are found by mnemonic, alias and extension, those that begin so first', () => {
  expect(findRows('ldadd', 5).found.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^LDADD/));
  expect(findRows('cset', 50).found.map(({ name }) => name)).toContain('CSINC');
  expect(findRows('feat_crc32', 50).found.every(({ name }) => name.startsWith('CRC32'))).toBe(true);
  expect(findRows('no such instruction', 5)).toEqual({ found: [], total: 0 });
  const { found, total } = findRows('', 10);
  expect([found.length, total]).toEqual([10, A64.rows.length]);
});
