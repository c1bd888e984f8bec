import { describe, expect, it } from 'vitest';
import { assemble } from '../isa/a64/assembler.ts';
import { isRefusal } from '../kvm/refusal.ts';
import { TestVmm } from './testing.ts';

const PAGE = 4096;
const RAM = 0x4000_0000;
const IDLE = '/sys/kernel/mm/page_idle/bitmap';
const PAGEMAP = '/proc/self/pagemap';

function opened(host = 'max-4k') {
  const vmm = new TestVmm(host);
  const { process } = vmm;
  const open = (path: string): number => {
    const fd = process.open(path);
    if (typeof fd !== 'number') throw new Error(fd.message);
    return fd;
  };
  const pagemap = open(PAGEMAP);
  const bitmap = open(IDLE);
  const words = (fd: number, offset: number, count = 1): bigint[] => {
    const bytes = process.read(fd, 8 * count, offset);
    if (isRefusal(bytes)) throw new Error(bytes.message);
    return [...new BigUint64Array(bytes.slice().buffer)];
  };
  const entry = (hva: bigint): bigint => words(pagemap, Number(hva / BigInt(PAGE)) * 8)[0]!;
  const pfn = (hva: bigint): number => Number(BigInt.asUintN(55, entry(hva)));
  const mark = (hva: bigint): unknown => {
    const word = new Uint8Array(BigUint64Array.of(1n << BigInt(pfn(hva) % 64)).buffer);
    return process.write(bitmap, word, Math.floor(pfn(hva) / 64) * 8);
  };
  const isIdle = (hva: bigint): boolean =>
    ((words(bitmap, Math.floor(pfn(hva) / 64) * 8)[0]! >> BigInt(pfn(hva) % 64)) & 1n) === 1n;
  return { vmm, process, pagemap, bitmap, words, entry, pfn, mark, isIdle };
}

describe('/proc/self/pagemap', () => {
  const PRESENT = 1n << 63n;
  const FILE = 1n << 61n;
  const EXCLUSIVE = 1n << 56n;

  // As recorded with Debian's 6.12.
  it('says which page of the host lies behind one of the process, once that was touched', () => {
    const { vmm, process, entry, words, pagemap } = opened();
    const shared = vmm.map(2 * PAGE);
    const own = vmm.map(2 * PAGE, { shared: false });
    expect([entry(shared), entry(own)]).toEqual([0n, 0n]);
    for (const at of [shared, own]) process.memory.write(at + BigInt(PAGE), Uint8Array.of(1));
    const frame = (at: bigint) => BigInt(process.memory.table.lookup(Number(at))!.output / PAGE);
    const [of, page] = [(at: bigint) => at + BigInt(PAGE), BigInt(PAGE)];
    expect(words(pagemap, Number(shared / page) * 8, 2)).toEqual([0n, PRESENT | FILE | EXCLUSIVE | frame(of(shared))]);
    expect(words(pagemap, Number(own / page) * 8, 2)).toEqual([0n, PRESENT | EXCLUSIVE | frame(of(own))]);
    vmm.createVm(0);
    const { run, vcpu } = vmm.vcpu();
    process.memory.read(run, 1);
    expect(entry(run)).toBe(PRESENT | FILE | EXCLUSIVE | BigInt(vcpu.run.pa / PAGE));
    const vvar = process.memory.mappings().at(-2)!;
    process.memory.read(vvar.start, 1);
    expect(entry(vvar.start)).toBe(0n);
    process.memory.mprotect(own, 2 * PAGE, {});
    expect(entry(of(own))).toBe(PRESENT | EXCLUSIVE | frame(of(own)));
  });

  it('has the same page of zeros wherever private memory was only read, which nobody has for his own', () => {
    const { vmm, process, entry, pfn, mark, isIdle } = opened();
    const HUGE = 0x20_0000;
    const small = vmm.map(2 * PAGE, { shared: false });
    const huge = vmm.map(HUGE, { shared: false, address: 0x1_0000_0000n });
    for (const at of [small, small + BigInt(PAGE), huge]) process.memory.read(at, 1);
    expect(entry(small)).toBe(PRESENT | BigInt(pfn(small)));
    expect(entry(small + BigInt(PAGE))).toBe(entry(small));
    expect([mark(small), isIdle(small)]).toEqual([8, false]);
    expect(entry(huge)).toBe(PRESENT | FILE | BigInt(pfn(huge)));
    expect(pfn(huge + 0x5000n)).toBe(pfn(huge) + 5);
    process.memory.write(huge, Uint8Array.of(1));
    expect(entry(huge)).toBe(PRESENT | EXCLUSIVE | BigInt(pfn(huge)));
    expect(entry(huge + 0x5000n)).toBe(entry(small));
  });

  it('goes through a huge page page by page, and ends with user space', () => {
    const { vmm, process, pfn, pagemap } = opened();
    const at = vmm.map(0x20_0000, { shared: false, address: 0x1_0000_0000n });
    process.memory.write(at, Uint8Array.of(1));
    expect(pfn(at + 0x5000n)).toBe(pfn(at) + 5);
    const end = Number(process.memory.taskSize / BigInt(PAGE)) * 8;
    expect(process.read(pagemap, 16, end - 8)).toHaveLength(8);
    expect(process.read(pagemap, 16, end)).toHaveLength(0);
  });

  it('has entries of 8 bytes, is read on from where the last read ended, and is not written', () => {
    const { process, pagemap } = opened();
    expect(process.read(pagemap, 12, 0)).toMatchObject({ errno: 'EINVAL', kernel: 'pagemap_read' });
    expect(process.read(pagemap, 8, 4)).toMatchObject({ errno: 'EINVAL' });
    expect([process.read(pagemap, 16), process.read(pagemap, 0)]).toEqual([new Uint8Array(16), new Uint8Array(0)]);
    expect(process.write(pagemap, new Uint8Array(8))).toMatchObject({ errno: 'EINVAL' });
  });
});

describe('/sys/kernel/mm/page_idle/bitmap', () => {
  it('marks pages idle until the process touches them or has them anew', () => {
    const { vmm, process, mark, isIdle } = opened();
    const at = vmm.map(2 * PAGE, { shared: false });
    const other = at + BigInt(PAGE);
    for (const page of [at, other]) process.memory.write(page, Uint8Array.of(1));
    expect([isIdle(at), mark(at), isIdle(at), isIdle(at), isIdle(other)]).toEqual([false, 8, true, true, false]);
    process.memory.read(at, 1);
    expect([isIdle(at), mark(at), isIdle(at)]).toEqual([false, 8, true]);
    process.madvise(at, PAGE, 'dontneed');
    process.memory.read(at, 1);
    expect(isIdle(at)).toBe(false);
  });

  it('knows of a huge page by its first page alone', () => {
    const { vmm, process, mark, isIdle } = opened();
    const at = vmm.map(0x20_0000, { shared: false, address: 0x1_0000_0000n });
    process.memory.write(at, Uint8Array.of(1));
    expect([mark(at + 0x1000n), isIdle(at + 0x1000n), isIdle(at)]).toEqual([8, false, false]);
    expect([mark(at), isIdle(at), isIdle(at + 0x1000n)]).toEqual([8, true, false]);
  });

  it.each(['max-4k', 'a57-4k'])('sees on %s that a guest has used a page', (host) => {
    const { vmm, process, mark, isIdle } = opened(host);
    vmm.createVm(0);
    const source = `ldr x1, =0x40008000\n movz x8, #0x0900, lsl #16\n mov x3, #${PAGE}
      1: ldr x2, [x1]\n strb w2, [x8]\n tlbi vmalle1\n dsb ish\n isb\n add x1, x1, x3\n b 1b`;
    const { bytes, errors } = assemble(source, { origin: BigInt(RAM) });
    expect(errors).toEqual([]);
    const ram = vmm.map(0x10000);
    process.memory.write(ram, bytes);
    vmm.slot(0, RAM, 0x10000, ram);
    const { fd } = vmm.vcpu();
    vmm.setCore(fd, 'pc', BigInt(RAM));
    const pages = [ram + 0x8000n, ram + 0x9000n];
    for (const page of pages) process.memory.write(page, Uint8Array.of(1));
    vmm.answer(fd, 'KVM_RUN');
    for (const page of pages) mark(page);
    expect(pages.map(isIdle)).toEqual([true, true]);
    vmm.answer(fd, 'KVM_RUN');
    expect(pages.map(isIdle)).toEqual([true, false]);
    vmm.setCore(fd, 'x1', BigInt(RAM + 0x8000 - PAGE));
    vmm.answer(fd, 'KVM_RUN');
    expect(pages.map(isIdle)).toEqual([false, false]);
  });

  it('leaves the kernel’s own pages alone, and ends with the host’s RAM', () => {
    const { vmm, process, bitmap, mark, isIdle } = opened();
    vmm.createVm(0);
    const { run } = vmm.vcpu();
    process.memory.read(run, 1);
    expect([mark(run), isIdle(run)]).toEqual([8, false]);
    const end = 0x4100_0000 / PAGE / 8;
    expect(process.read(bitmap, 64, end - 8)).toHaveLength(8);
    expect(process.read(bitmap, 64, end)).toHaveLength(0);
    expect(process.write(bitmap, new Uint8Array(8), end)).toMatchObject({ errno: 'ENXIO' });
    expect(process.write(bitmap, new Uint8Array(9), 0)).toMatchObject({ errno: 'EINVAL' });
    expect(process.read(bitmap, 8, 3)).toMatchObject({ errno: 'EINVAL', kernel: 'page_idle_bitmap_read' });
    // A page of it at most at once (sysfs).
    expect(process.read(bitmap, 3 * PAGE, 0)).toHaveLength(PAGE);
  });
});
