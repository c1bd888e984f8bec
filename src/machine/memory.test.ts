import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PhysicalMemory } from './memory.ts';

const HIGH = 2 ** 48 + 0x4000_0000;
const layout = (ram: { base: number; size: number }[]) => ({ reserved: 0x10000, ram, pageSize: 4096 as const });
const sparse = () =>
  new PhysicalMemory(
    layout([
      { base: HIGH, size: 0x20000 },
      { base: 0x4000_0000, size: 0x10000 },
    ]),
  );

describe('physical memory', () => {
  test('a byte written at a physical address is read there, above 2^48 too, and nowhere else', () => {
    const memory = sparse();
    memory.write64(HIGH + 8, 0x1122_3344_5566_7788n);
    expect(memory.read64(HIGH + 8)).toBe(0x1122_3344_5566_7788n);
    expect(memory.read16(HIGH + 14)).toBe(0x1122);
    expect(memory.read64(0x4000_0008)).toBe(0n);
  });
  test('there is no RAM below, between and above the banks', () => {
    const memory = sparse();
    for (const pa of [0, 0x3fff_ffff, 0x4001_0000, HIGH - 1, HIGH + 0x20000, 2 ** 52 - 1]) {
      expect(memory.offset(pa)).toBe(-1);
      memory.write32(pa, 1);
      expect(memory.read32(pa)).toBe(0);
      expect(memory.readBytes(pa, 1)).toBeNull();
    }
    expect(memory.writeBytes(0x4000_fffe, Uint8Array.of(1, 2, 3))).toBe(false);
    expect(memory.read16(0x4000_fffe)).toBe(0);
  });
  test('offsets and physical addresses lead to each other', () => {
    const memory = sparse();
    for (const { base, size } of memory.banks) {
      for (const pa of [base, base + size - 1]) expect(memory.physical(memory.offset(pa))).toBe(pa);
    }
    expect(memory.physical(0)).toBe(-1);
  });
  test('whoever caches what RAM holds is told of every write', () => {
    const memory = sparse();
    const seen: [number, number][] = [];
    memory.onWrite = (offset, length) => seen.push([memory.physical(offset), length]);
    memory.write8(0x4000_0000, 1);
    memory.write64(0x4000_0008, 1n);
    memory.writeBytes(0x4000_0100, new Uint8Array(3));
    memory.fill(0x4000_0200, 16, 7);
    expect(seen).toEqual([
      [0x4000_0000, 1],
      [0x4000_0008, 8],
      [0x4000_0100, 3],
      [0x4000_0200, 16],
    ]);
  });
  test.each([
    [[{ base: 0x1000, size: 0x10000 }]],
    [[{ base: 0, size: 0 }]],
    [
      [
        { base: 0, size: 0x20000 },
        { base: 0x10000, size: 0x10000 },
      ],
    ],
    [[{ base: 2 ** 52 - 0x10000, size: 0x20000 }]],
    [[{ base: 0, size: 2 ** 33 }]],
    [[]],
  ])('a layout that can not be is refused: %j', (ram) => {
    expect(() => new PhysicalMemory(layout(ram))).toThrow(RangeError);
  });
});

describe('pages', () => {
  test('are handed out once, aligned and zeroed, and are all free again after they are given back', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            count: fc.integer({ min: 1, max: 9 }),
            align: fc.constantFrom(4096, 8192, 65536),
            free: fc.boolean(),
          }),
          { maxLength: 40 },
        ),
        (requests) => {
          const memory = sparse();
          const { pages } = memory;
          let held: { pa: number; count: number }[] = [];
          for (const { count, align, free } of requests) {
            const pa = pages.allocate(count, align);
            if (pa === null) continue;
            expect(pa % align).toBe(0);
            expect(held.every((other) => pa + count * 4096 <= other.pa || other.pa + other.count * 4096 <= pa)).toBe(
              true,
            );
            expect(memory.readBytes(pa, count * 4096)?.every((byte) => byte === 0)).toBe(true);
            memory.fill(pa, count * 4096, 0xff);
            if (free) pages.free(pa, count);
            else held.push({ pa, count });
          }
          expect(pages.used).toBe(held.reduce((sum, { count }) => sum + count, 0));
          for (const { pa, count } of held) pages.free(pa as never, count);
          held = [];
          expect(pages.used).toBe(0);
          expect(pages.allocate(32)).not.toBeNull();
        },
      ),
    );
  });
  test('run out with null, and giving back what is free is an error of the host', () => {
    const { pages } = sparse();
    expect(pages.allocate(33)).toBeNull();
    const all = Array.from({ length: pages.total }, () => pages.allocate());
    expect(all.every((pa) => pa !== null)).toBe(true);
    expect(pages.allocate()).toBeNull();
    pages.free(all[3]!);
    expect(() => pages.free(all[3]!)).toThrow(RangeError);
    expect(pages.allocate()).toBe(all[3]);
  });
  test('reserved pages are not handed out', () => {
    const { pages, banks } = sparse();
    expect(pages.reserve(banks[0]!.base, 2)).toBe(true);
    expect(pages.reserve(banks[0]!.base, 1)).toBe(false);
    expect(pages.allocate()).toBe(banks[0]!.base + 8192);
  });
});
