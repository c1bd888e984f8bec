import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../../abi/capabilities.ts';
import type { MmapRequest } from '../../host/mm.ts';
import { TestVmm } from '../../host/testing.ts';
import { assemble } from '../../isa/a64/assembler.ts';
import { isRefusal } from '../refusal.ts';

const RAM = 0x4000_0000;
const DATA = 0x5000_0000;
const PAGE = 0x1000;
const EXIT_MMIO = 6;
const ACCESS = { ldr: 'ldr x2, [x1]', str: 'str x2, [x1]', br: 'br x1' } as const;
type Access = keyof typeof ACCESS;

/** A guest that makes one access to a slot of two pages, whose memory the caller maps, and asks userspace for the rest. */
function guest(access: Access, map: (vmm: TestVmm) => bigint) {
  const vmm = new TestVmm();
  vmm.createVm();
  const { bytes, errors } = assemble(
    `movz x1, #0x5000, lsl #16\n ${ACCESS[access]}\n movz x9, #0x900, lsl #16\n str x2, [x9]`,
    { origin: BigInt(RAM) },
  );
  expect(errors).toEqual([]);
  const code = vmm.map(PAGE);
  vmm.process.memory.write(code, bytes);
  vmm.slot(0, RAM, PAGE, code);
  const { fd, run } = vmm.vcpu();
  const hva = map(vmm);
  expect(vmm.slot(1, DATA, 2 * PAGE, hva)).toEqual({ ret: 0 });
  vmm.setCore(fd, 'pc', BigInt(RAM));
  const step = () => {
    const result = vmm.ioctl(fd, 'KVM_RUN');
    return isRefusal(result) ? result : vmm.runStruct(run).exit_reason;
  };
  return { vmm, fd, run, hva, step };
}

const anonymous =
  (protection: Partial<MmapRequest>) =>
  (vmm: TestVmm): bigint =>
    vmm.map(2 * PAGE, protection);

function unmapped(vmm: TestVmm): bigint {
  const hva = vmm.map(2 * PAGE);
  vmm.process.munmap(hva, 2 * PAGE);
  return hva;
}

/** A vCPU's file has struct kvm_run, and pages that are none. */
const beyondFile = (vmm: TestVmm): bigint => {
  const { fd } = vmm.vcpu(1);
  return vmm.map(2 * PAGE, { fd, offset: BigInt(16 * PAGE) });
};

const NONE = { readable: false, writable: false };
const READ = { readable: true, writable: false };

describe('memory of the process that a guest can’t have', () => {
  /** oracle/arm64/*.jsonl.gz, section guest, case bad_hva_slot: ret -1, EFAULT, exit reason 0, flags 0, the PC at the access. */
  it.each([
    ['unmapped', 'ldr', unmapped, 'where nothing is mapped'],
    ['unmapped', 'str', unmapped, 'where nothing is mapped'],
    ['unmapped', 'br', unmapped, 'where nothing is mapped'],
    ['PROT_NONE', 'ldr', anonymous(NONE), 'which is PROT_NONE'],
    ['PROT_NONE', 'str', anonymous(NONE), 'which is PROT_NONE'],
    ['PROT_NONE', 'br', anonymous(NONE), 'which is PROT_NONE'],
    ['PROT_READ', 'str', anonymous(READ), "which can't be written"],
    ['a file beyond its end', 'ldr', beyondFile, 'beyond the end of the file'],
  ] as const)(
    '%s, %s: EFAULT and no exit, kvm_run as at the start, the guest at its access',
    (_kind, access, map, why) => {
      const { vmm, fd, run, hva, step } = guest(access, map);
      const before = vmm.process.memory.read(run, PAGE)!;
      const refused = step();
      expect(refused).toMatchObject({ errno: 'EFAULT', rule: 'run.no-user-memory', kernel: 'user_mem_abort' });
      const message = isRefusal(refused) ? refused.message : '';
      for (const part of [
        'IPA 0x50000000 in slot 1',
        `0x${hva.toString(16)}`,
        why,
        'arm64 has no KVM_EXIT_MEMORY_FAULT',
      ])
        expect(message).toContain(part);
      // device_irq_level, immediate_exit and all else: as they were.
      expect(vmm.process.memory.read(run, PAGE)).toEqual(before);
      expect(vmm.core(fd, 'pc')).toBe(BigInt(access === 'br' ? DATA : RAM + 4));
      expect(step()).toEqual(refused);
    },
  );

  it('is there for loads and fetches where the process may only read: of execution KVM asks nothing', () => {
    const readable = (vmm: TestVmm): bigint => {
      const hva = vmm.map(2 * PAGE);
      vmm.process.memory.write(hva, assemble('movz x9, #0x900, lsl #16\n str x2, [x9]', { origin: 0n }).bytes);
      vmm.process.mprotect(hva, 2 * PAGE, READ);
      return hva;
    };
    for (const access of ['ldr', 'br'] as const) expect(guest(access, readable).step()).toBe(EXIT_MMIO);
  });

  it('is EFAULT where the host has no page left, and there when it has', () => {
    const { vmm, fd, step } = guest('ldr', anonymous({}));
    const { pages } = vmm.host.machine.memory;
    const taken: number[] = [];
    for (let page = pages.allocate(); page !== null; page = pages.allocate()) taken.push(page);
    // Tables of stage 2 come first (kvm_mmu_topup_memory_cache), then the page.
    const refused = step();
    expect(refused).toMatchObject({ errno: expect.stringMatching(/EFAULT|ENOMEM/) as string });
    for (const page of taken) pages.free(page as Parameters<typeof pages.free>[0]);
    expect([step(), vmm.core(fd, 'x2')]).toEqual([EXIT_MMIO, 0n]);
  });

  it('never makes a KVM_EXIT_MEMORY_FAULT: the capability is not there', () => {
    const vmm = new TestVmm();
    vmm.createVm();
    const cap = BigInt(CAPABILITIES.KVM_CAP_MEMORY_FAULT_INFO);
    expect([vmm.answer(vmm.kvm, 'KVM_CHECK_EXTENSION', cap), vmm.answer(vmm.vm, 'KVM_CHECK_EXTENSION', cap)]).toEqual([
      0, 0,
    ]);
  });

  it('that the process gives back under a block is zeros for the guest, and only there', () => {
    const HUGE = 0x20_0000;
    const vmm = new TestVmm();
    const vm = vmm.createVm();
    const { bytes } = assemble('loop: ldr x2, [x1]\n movz x9, #0x900, lsl #16\n str x2, [x9]\n b loop', {
      origin: BigInt(RAM),
    });
    const code = vmm.map(PAGE);
    vmm.process.memory.write(code, bytes);
    vmm.slot(0, RAM, PAGE, code);
    const hva = vmm.map(HUGE, { shared: false, address: 0x1_0000_0000n });
    expect(vmm.slot(1, DATA, HUGE, hva)).toEqual({ ret: 0 });
    const { fd, run } = vmm.vcpu();
    vmm.setCore(fd, 'pc', BigInt(RAM));
    const at = (page: number): number => {
      vmm.setCore(fd, 'x1', BigInt(DATA + page * PAGE));
      expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
      return vmm.runStruct(run).mmio.data[0]!;
    };
    for (const page of [4, 5, 6]) vmm.process.memory.write(hva + BigInt(page * PAGE), Uint8Array.of(page));
    expect([at(4), at(5)]).toEqual([4, 5]);
    expect(vm.stage2.mappedBytes(DATA, DATA + HUGE)).toBe(HUGE);
    expect(vmm.process.madvise(hva + BigInt(5 * PAGE), PAGE, 'dontneed')).toEqual({ ret: 0 });
    expect(vm.stage2.mappedBytes(DATA + 5 * PAGE, DATA + 6 * PAGE)).toBe(0);
    expect([at(4), at(5), at(6)]).toEqual([4, 0, 6]);
    vmm.process.memory.write(hva + BigInt(5 * PAGE), Uint8Array.of(9));
    expect(at(5)).toBe(9);
  });
});
