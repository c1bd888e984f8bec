import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefusal } from '../kvm/refusal.ts';
import { TestVmm } from './testing.ts';

const PAGE = 4096;
const BASE = 0x1_0000_0000n;
const PAGES = 1100;

interface Step {
  readonly op: 'map' | 'private' | 'huge' | 'unmap' | 'protect' | 'read' | 'write';
  readonly page: number;
  readonly count: number;
  readonly value: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  op: fc.constantFrom('map', 'private', 'huge', 'unmap', 'protect', 'read', 'write'),
  page: fc.nat({ max: PAGES - 1 }),
  count: fc.integer({ min: 1, max: 24 }),
  value: fc.nat({ max: 255 }),
});

describe('the memory of a process', () => {
  it('holds what was written as long as it is mapped, and gives every page back', () => {
    const { host, process } = new TestVmm();
    const free = host.freePages;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const child = host.createProcess();
        // What the page should hold at its start, or null where nothing is mapped; read-only pages keep theirs.
        const model = new Map<number, { value: number; writable: boolean }>();
        for (const { op, page, count, value } of steps) {
          const address = BASE + BigInt(page * PAGE);
          const range = Array.from({ length: count }, (_, n) => page + n);
          if (op === 'map' || op === 'private' || op === 'huge') {
            const length = (op === 'huge' ? 1024 : count) * PAGE;
            const mapped = child.mmap({ length, address, fixed: true, shared: op === 'map' });
            expect(mapped).toEqual({ address });
            for (let n = page; n < page + length / PAGE; n++) model.set(n, { value: 0, writable: true });
          } else if (op === 'unmap') {
            expect(child.munmap(address, count * PAGE)).toEqual({ ret: 0 });
            for (const n of range) model.delete(n);
          } else if (op === 'protect') {
            const whole = range.every((n) => model.has(n));
            expect(isRefusal(child.mprotect(address, count * PAGE, { readable: true }))).toBe(!whole);
            if (whole) for (const n of range) model.get(n)!.writable = false;
          } else if (op === 'read') {
            const byte = child.memory.read(address, 1);
            expect(byte?.[0] ?? null).toBe(model.get(page)?.value ?? null);
          } else {
            const entry = model.get(page);
            expect(child.memory.write(address, Uint8Array.of(value))).toBe(entry?.writable === true);
            if (entry?.writable) entry.value = value;
          }
        }
        for (let n = 0; n < PAGES + 24; n++) {
          const byte = child.memory.read(BASE + BigInt(n * PAGE), 1);
          expect(byte?.[0] ?? null).toBe(model.get(n)?.value ?? null);
        }
        child.exit();
        expect(host.freePages).toBe(free);
      }),
      { numRuns: 60 },
    );
    expect(process.memory.mappings()).toHaveLength(3);
  });

  it('is not written at all where a part of it can not be', () => {
    const vmm = new TestVmm();
    const at = vmm.map(PAGE, { address: BASE });
    expect(vmm.process.memory.write(at + 4090n, new Uint8Array(8).fill(7))).toBe(false);
    expect([...vmm.process.memory.read(at + 4090n, 6)!]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(vmm.process.memory.read(at + 4090n, 8)).toBeNull();
    expect(vmm.process.memory.read(1n << 60n, 8)).toBeNull();
    expect(vmm.process.memory.read(-8n, 8)).toBeNull();
  });

  it('lies in real tables: user pages as Linux writes them', () => {
    const { process, host } = new TestVmm('a57-4k');
    const mapped = process.mmap({ length: PAGE, address: BASE, fixed: true });
    expect(mapped).toEqual({ address: BASE });
    process.memory.write(BASE, Uint8Array.of(1));
    const leaf = process.memory.table.lookup(Number(BASE))!;
    const memory = host.machine.memory;
    expect(memory.read64(leaf.at)).toBe(leaf.value);
    expect(memory.read8(leaf.output)).toBe(1);
    // UXN, PXN, DBM as PTE_WRITE, nG, AF, inner shareable, EL0 access, writable, a page.
    expect(leaf.value & ~0xffff_ffff_f000n).toBe(0x0068_0000_0000_0f43n);
  });

  it('is given out below the stack, top down, lowest free descriptor first', () => {
    const vmm = new TestVmm();
    const [first, second] = [vmm.map(PAGE), vmm.map(PAGE)];
    expect(second).toBe(first - BigInt(PAGE));
    expect(first < 1n << 48n && first > 0xffff_0000_0000n).toBe(true);
    expect(vmm.kvm).toBe(3);
    vmm.createVm();
    vmm.process.close(3);
    expect(vmm.process.open('/dev/kvm')).toBe(3);
    expect(vmm.process.open('/dev/zero')).toMatchObject({ errno: 'ENOENT' });
    expect(vmm.process.close(99)).toMatchObject({ errno: 'EBADF' });
    expect(vmm.process.mmap({ length: PAGE, fd: 4 })).toMatchObject({ errno: 'ENODEV' });
    expect(vmm.process.mmap({ length: 0 })).toMatchObject({ errno: 'EINVAL' });
    expect(vmm.process.mmap({ length: PAGE, address: 0x1000n, fixed: true })).toMatchObject({ errno: 'EPERM' });
    expect(vmm.process.munmap(1n, PAGE)).toMatchObject({ errno: 'EINVAL' });
  });
});

describe('mprotect and madvise', () => {
  const RW = { readable: true, writable: true };
  const NONE = { readable: false, writable: false };
  const setUp = (pages = 8) => {
    const vmm = new TestVmm('max-4k');
    const at = vmm.map(pages * PAGE, { shared: false, address: 0x1_0000_0000n });
    const { process } = vmm;
    const page = (n: number): bigint => at + BigInt(n * PAGE);
    const count = () => process.memory.mappings().length;
    return { vmm, process, at, page, count };
  };

  it('split a mapping, and make it one again', () => {
    const { process, page, count } = setUp();
    const before = count();
    process.memory.write(page(2), Uint8Array.of(5));
    expect(process.mprotect(page(2), PAGE, NONE)).toEqual({ ret: 0 });
    expect([count(), process.memory.read(page(2), 1), process.memory.read(page(3), 1)]).toEqual([
      before + 2,
      null,
      Uint8Array.of(0),
    ]);
    expect(process.mprotect(page(1), 3 * PAGE, RW)).toEqual({ ret: 0 });
    expect([count(), process.memory.read(page(2), 1)]).toEqual([before, Uint8Array.of(5)]);
    expect(process.madvise(page(4), PAGE, 'nohugepage')).toEqual({ ret: 0 });
    expect(count()).toBe(before + 2);
    expect(process.madvise(page(0), 8 * PAGE, 'hugepage')).toEqual({ ret: 0 });
    expect(count()).toBe(before);
  });

  it('answer as Linux does where there is nothing, a hole, or no page of user space', () => {
    const { process, at, page } = setUp();
    const errno = (result: object) => ('errno' in result ? result.errno : 0);
    process.munmap(page(4), PAGE);
    for (const call of [
      (address: bigint, length: number) => process.mprotect(address, length, { readable: true, writable: false }),
      (address: bigint, length: number) => process.madvise(address, length, 'dontneed'),
    ]) {
      expect(errno(call(at, 0))).toBe(0);
      expect(errno(call(at + 1n, PAGE))).toBe('EINVAL');
      expect(errno(call(page(4), PAGE))).toBe('ENOMEM');
      expect(errno(call(page(3), 3 * PAGE))).toBe('ENOMEM');
      expect(errno(call(-BigInt(PAGE), PAGE))).toBe('ENOMEM');
      expect(errno(call(at, 2 ** 40))).toBe('ENOMEM');
    }
    // mprotect goes on to the hole, madvise beyond it.
    expect([process.memory.write(page(3), Uint8Array.of(1)), process.memory.write(page(5), Uint8Array.of(1))]).toEqual([
      false,
      true,
    ]);
    process.madvise(page(5), PAGE, 'dontneed');
    process.memory.write(page(5), Uint8Array.of(9));
    expect(errno(process.madvise(page(3), 3 * PAGE, 'dontneed'))).toBe('ENOMEM');
    expect(process.memory.read(page(5), 1)).toEqual(Uint8Array.of(0));
  });

  it('MADV_DONTNEED gives private pages back and zeros for them, also from the middle of a huge page; shared ones stay', () => {
    const { vmm, process } = setUp();
    const HUGE = 0x20_0000;
    const free = vmm.host.freePages;
    const at = vmm.map(HUGE, { shared: false, address: 0x2_0000_0000n });
    process.memory.write(at, Uint8Array.of(1));
    process.memory.write(at + 0x1000n, Uint8Array.of(2));
    expect(process.memory.getPage(at, true)!.mappingSize).toBe(HUGE);
    expect(process.madvise(at + 0x1000n, PAGE, 'dontneed')).toEqual({ ret: 0 });
    expect([process.memory.read(at, 1), process.memory.read(at + 0x1000n, 1)]).toEqual([
      Uint8Array.of(1),
      Uint8Array.of(0),
    ]);
    process.munmap(at, HUGE);
    expect(vmm.host.freePages).toBe(free);
    const shared = vmm.map(PAGE);
    process.memory.write(shared, Uint8Array.of(3));
    expect(process.madvise(shared, PAGE, 'dontneed')).toEqual({ ret: 0 });
    expect(process.memory.read(shared, 1)).toEqual(Uint8Array.of(3));
  });

  it('MADV_NOHUGEPAGE makes the next pages small ones', () => {
    const { vmm, process } = setUp();
    const HUGE = 0x20_0000;
    const at = vmm.map(HUGE, { shared: false, address: 0x2_0000_0000n });
    process.madvise(at, HUGE, 'nohugepage');
    expect(process.memory.getPage(at, true)!.mappingSize).toBe(PAGE);
  });

  it('are bounded in the mappings that they make', () => {
    const { vmm, process } = setUp();
    const pages = 70_000;
    const at = vmm.map(pages * PAGE, { shared: false });
    let refused = 0;
    for (let n = 1; n < pages; n += 2) {
      const result = process.mprotect(at + BigInt(n * PAGE), PAGE, NONE);
      if ('errno' in result) refused++;
    }
    expect(process.memory.mappings().length).toBeLessThanOrEqual(65_530);
    expect(refused).toBeGreaterThan(0);
    expect(process.munmap(at, pages * PAGE)).toEqual({ ret: 0 });
  });
});
