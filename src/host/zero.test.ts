import { describe, expect, it } from 'vitest';
import { assemble } from '../isa/a64/assembler.ts';
import { TestVmm } from './testing.ts';

const HUGE = 0x20_0000;
const PAGE = 4096;
const AT = 0x1_0000_0000n;
const page = (n: number): bigint => AT + BigInt(n * PAGE);
/** AP[2]: read-only. */
const READ_ONLY = 1n << 7n;

function setUp({ length = HUGE, shared = false } = {}) {
  const vmm = new TestVmm();
  const { process, host } = vmm;
  vmm.map(length, { shared, address: AT });
  const { memory } = process;
  const leaf = (n: number) => memory.table.lookup(Number(page(n)))!;
  return { vmm, host, process, memory, leaf };
}

describe('private memory that was read and not written', () => {
  it('is one page of zeros for all, read-only until it is written', () => {
    const { vmm, host, process, memory, leaf } = setUp({ length: 4 * PAGE });
    memory.read(page(0), 3 * PAGE);
    const other = host.createProcess();
    other.mmap({ length: PAGE, address: AT });
    other.memory.read(AT, 1);
    const zero = leaf(0).output;
    expect([leaf(1).output, leaf(2).output]).toEqual([zero, zero]);
    expect(other.memory.table.lookup(Number(AT))!.output).toBe(zero);
    expect(leaf(0).value & READ_ONLY).toBe(READ_ONLY);
    const free = host.freePages;
    memory.write(page(1) + 5n, Uint8Array.of(9));
    expect(host.freePages).toBe(free - 1);
    expect(leaf(1).output).not.toBe(zero);
    expect(leaf(1).value & READ_ONLY).toBe(0n);
    expect([...memory.read(page(1) + 4n, 3)!]).toEqual([0, 9, 0]);
    expect([memory.read(page(2), 1), other.memory.read(AT, 1)]).toEqual([Uint8Array.of(0), Uint8Array.of(0)]);
    expect(process.madvise(page(1), PAGE, 'dontneed')).toEqual({ ret: 0 });
    memory.read(page(1), 1);
    expect([leaf(1).output, host.freePages]).toEqual([zero, free]);
    expect(vmm.process.mprotect(AT, 4 * PAGE, { readable: true })).toEqual({ ret: 0 });
    expect(memory.write(page(2), Uint8Array.of(1))).toBe(false);
    process.mprotect(AT, 4 * PAGE, { readable: true, writable: true });
    expect(leaf(2).value & READ_ONLY).toBe(READ_ONLY);
    expect(memory.write(page(2), Uint8Array.of(1))).toBe(true);
    expect(memory.read(page(0), 1)).toEqual(Uint8Array.of(0));
  });

  it('is the huge zero page where a huge page fits, and pages once that is split', () => {
    const { host, process, memory, leaf } = setUp({ length: 3 * HUGE });
    const besideTables = () => host.freePages + memory.table.pages;
    const free = besideTables();
    memory.read(AT, 1);
    memory.read(AT + BigInt(HUGE), 1);
    expect(leaf(0)).toMatchObject({ level: 2, size: HUGE, output: leaf(512).output });
    expect(besideTables()).toBe(free - HUGE / PAGE);
    memory.write(page(7), Uint8Array.of(1));
    expect(leaf(8)).toMatchObject({ level: 3, output: leaf(6).output });
    expect(leaf(7).output).not.toBe(leaf(6).output);
    expect([leaf(6).value & READ_ONLY, leaf(7).value & READ_ONLY]).toEqual([READ_ONLY, 0n]);
    expect(leaf(512).level).toBe(2);
    expect(process.munmap(page(600), PAGE)).toEqual({ ret: 0 });
    expect(leaf(601).output).toBe(leaf(6).output);
    memory.write(page(1024), Uint8Array.of(1));
    expect(leaf(1024).size).toBe(HUGE);
    process.exit();
    expect(host.createProcess().memory.mappings()).toHaveLength(2);
  });

  it('gives the huge zero page back with the last process that had it', () => {
    const { host, memory, process } = setUp();
    const other = host.createProcess();
    other.mmap({ length: HUGE, address: AT });
    const free = host.freePages;
    memory.read(AT, 1);
    other.memory.read(AT, 1);
    expect(memory.table.lookup(Number(AT))!.output).toBe(other.memory.table.lookup(Number(AT))!.output);
    process.exit();
    expect(host.freePages).toBeLessThan(free);
    other.exit();
    expect(host.freePages).toBeGreaterThan(free);
  });

  it('is not shared memory, nor the kernel’s', () => {
    const { memory, leaf } = setUp({ length: 2 * PAGE, shared: true });
    memory.read(AT, 2 * PAGE);
    expect(leaf(0).output).not.toBe(leaf(1).output);
    const vdso = memory.mappings().at(-1)!;
    memory.read(vdso.start, 1);
    expect(memory.present(Number(vdso.start))).toMatchObject({ exclusive: true });
  });

  it.each([
    ['pages', 2 * PAGE],
    ['a huge page', HUGE],
  ])('is seen by guest and process alike when either writes it: %s', (_, length) => {
    const { vmm, memory } = setUp({ length });
    const vm = vmm.createVm();
    const CODE = 0x8000_0000;
    const code = vmm.map(PAGE);
    const source = `movz x9, #0x900, lsl #16\n movz x1, #0x4000, lsl #16\n
      1: ldr x2, [x1]\n str x2, [x9]\n ldr x2, [x1]\n add x2, x2, #1\n str x2, [x1]\n str x2, [x9]\n b 1b`;
    const { bytes, errors } = assemble(source, { origin: BigInt(CODE) });
    expect(errors).toEqual([]);
    memory.write(code, bytes);
    vmm.slot(0, CODE, PAGE, code);
    vmm.slot(1, 0x4000_0000, length, AT);
    const { fd, vcpu } = vmm.vcpu();
    vmm.setCore(fd, 'pc', BigInt(CODE));
    const runs = (): bigint | string => {
      expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
      return vmm.core(fd, 'x2');
    };
    expect(runs()).toBe(0n);
    expect(vm.stage2.mappedBytes(0x4000_0000, 0x4000_0000 + length)).toBe(length === HUGE ? HUGE : PAGE);
    memory.write(AT, Uint8Array.of(41));
    expect(vm.stage2.mappedBytes(0x4000_0000, 0x4000_0000 + length)).toBe(0);
    expect(runs()).toBe(42n);
    expect(memory.read(AT, 1)).toEqual(Uint8Array.of(42));
    vmm.process.madvise(AT, length, 'dontneed');
    expect(runs()).toBe(0n);
    expect(runs()).toBe(1n);
    expect(memory.read(AT, 1)).toEqual(Uint8Array.of(1));
    expect(memory.read(page(1), 1)).toEqual(Uint8Array.of(0));
    expect(vcpu.vm.invalidations).toBeGreaterThan(0);
  });
});
