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

describe('a memory that is given up', () => {
  const SIZE = 0x40000;
  const one = (size = SIZE) => new PhysicalMemory(layout([{ base: HIGH, size }]));
  const address = fc.integer({ min: HIGH, max: HIGH + SIZE - 64 });

  test('serves the next machine of its size, and none of its bytes are left, however they were written', () => {
    const write = fc.oneof(
      fc.tuple(fc.constantFrom('write8', 'write16', 'write32'), address).map(([how, pa]) => ({ how, pa })),
      address.map((pa) => ({ how: 'write64' as const, pa })),
      fc.record({ how: fc.constantFrom('fill', 'writeBytes', 'writeHalvesAt', 'guest'), pa: address }),
    );
    fc.assert(
      fc.property(fc.array(write, { minLength: 1 }), (writes) => {
        const memory = one();
        const bytes = new Uint8Array(memory.memory.buffer);
        expect(bytes.subarray(0x10000).every((byte) => byte === 0)).toBe(true);
        for (const { how, pa } of writes) {
          if (how === 'write64') memory.write64(pa, 1n << 63n);
          else if (how === 'write8' || how === 'write16' || how === 'write32') memory[how](pa, 0xff);
          else if (how === 'fill') memory.fill(pa, 64, 0xff);
          else if (how === 'writeBytes') memory.writeBytes(pa, new Uint8Array(64).fill(0xff));
          else if (how === 'writeHalvesAt') memory.writeHalvesAt(memory.offset(pa - (pa % 8)), 0xff, 0xff);
          else {
            const page = memory.pages.allocate();
            if (page !== null) bytes.fill(0xff, memory.offset(page), memory.offset(page) + 4096);
          }
        }
        memory.release();
        const next = one();
        expect(next.memory).toBe(memory.memory);
        expect(bytes.subarray(0x10000).every((byte) => byte === 0)).toBe(true);
        next.release();
      }),
    );
  });
  test('is cleared where nothing was handed out, if writes may have gone there', () => {
    const memory = one();
    memory.exposeAll();
    const bytes = new Uint8Array(memory.memory.buffer);
    bytes.fill(0xff, 0x10000);
    memory.release();
    expect(one().memory).toBe(memory.memory);
    expect(bytes.subarray(0x10000).every((byte) => byte === 0)).toBe(true);
  });
  test('is not there any more for who had it: no RAM, reads of 0, writes dropped', () => {
    const memory = one();
    memory.release();
    const next = one();
    next.write64(HIGH, 7n);
    memory.write64(HIGH, 8n);
    expect(memory.read64(HIGH)).toBe(0n);
    expect(memory.readBytes(HIGH, 8)).toBeNull();
    expect(memory.banks).toEqual([]);
    expect(next.read64(HIGH)).toBe(7n);
    // Given up twice, it is still not served to two.
    memory.release();
    expect(one().memory).not.toBe(next.memory);
  });
  test('serves none of another size, and is let go then', () => {
    const memory = one();
    memory.release();
    expect(one(2 * SIZE).memory).not.toBe(memory.memory);
    expect(one().memory).not.toBe(memory.memory);
  });
  test('serves nobody where clearing it would take long', () => {
    const large = () => one(128 << 20);
    const memory = large();
    memory.exposeAll();
    memory.release();
    expect(large().memory).not.toBe(memory.memory);
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
