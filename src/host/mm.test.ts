import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefusal } from '../kvm/refusal.ts';
import { TestVmm } from './testing.ts';

const PAGE = 4096;
const BASE = 0x1_0000_0000n;
const PAGES = 1100;

interface Step {
  readonly op: 'map' | 'huge' | 'unmap' | 'protect' | 'write';
  readonly page: number;
  readonly count: number;
  readonly value: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  op: fc.constantFrom('map', 'huge', 'unmap', 'protect', 'write'),
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
          if (op === 'map' || op === 'huge') {
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
