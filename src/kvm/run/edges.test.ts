import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../../abi/capabilities.ts';
import { TestVmm } from '../../host/testing.ts';
import { assemble } from '../../isa/a64/assembler.ts';
import { sysregId } from '../../abi/onereg.ts';
import { isRefusal } from '../refusal.ts';

const RAM = 0x4000_0000;
const SIZE = 0x20000;
const VBAR_EL1 = sysregId({ op0: 3, op1: 0, crn: 12, crm: 0, op2: 0 });
const ESR_EL1 = sysregId({ op0: 3, op1: 0, crn: 5, crm: 2, op2: 0 });
const FAR_EL1 = sysregId({ op0: 3, op1: 0, crn: 6, crm: 0, op2: 0 });
const OFF = 'movz x0, #0x8400, lsl #16\n movk x0, #8\n hvc #0\n b .\n';
const EXIT = { MMIO: 6, INTR: 10, SYSTEM_EVENT: 24 };

function guest(source: string, host = 'max-4k') {
  const vmm = new TestVmm(host);
  const vm = vmm.createVm();
  const { bytes, errors } = assemble(source, { origin: BigInt(RAM) });
  expect(errors).toEqual([]);
  const ram = vmm.map(SIZE, { address: 0x1_0000_0000n });
  vmm.process.memory.write(ram, bytes);
  expect(vmm.slot(0, RAM, SIZE, ram)).toEqual({ ret: 0 });
  const { fd, run, vcpu } = vmm.vcpu();
  vmm.setCore(fd, 'pc', BigInt(RAM));
  const step = () => {
    const result = vmm.ioctl(fd, 'KVM_RUN');
    return isRefusal(result) ? result : vmm.runStruct(run).exit_reason;
  };
  return { vmm, vm, fd, run, vcpu, ram, step };
}

/** Reads the word at `RAM + 0x10000`, and again. */
const READ = `movz x1, #0x4001, lsl #16\n ldr x2, [x1]\n hvc #0x100\n`;

describe('host memory behind a slot', () => {
  it.each([
    ['of no access', { readable: false, writable: false }, READ],
    ['that can only be read', { readable: true, writable: false }, 'movz x1, #0x4001, lsl #16\n str x1, [x1]\n'],
  ])('%s is EFAULT with its address, and works when it is given back', (_what, protection, source) => {
    const { vmm, ram, step } = guest(source + OFF);
    expect(vmm.process.mprotect(ram + 0x10000n, 0x1000, protection)).toEqual({ ret: 0 });
    const refused = step();
    expect(refused).toMatchObject({ errno: 'EFAULT', message: expect.stringContaining('0x100010000') as string });
    expect(vmm.process.mprotect(ram + 0x10000n, 0x1000, { readable: true, writable: true })).toEqual({ ret: 0 });
    expect(step()).toBe(EXIT.SYSTEM_EVENT);
  });

  it('that is taken away under a mapping is not seen any more', () => {
    const { vmm, ram, step, fd } = guest(
      `movz x1, #0x4001, lsl #16\n movz x3, #0x900, lsl #16\n ldr x2, [x1]\n str x2, [x3]\n ldr x7, [x1]\n ${OFF}`,
    );
    expect(step()).toBe(EXIT.MMIO);
    vmm.process.mprotect(ram + 0x10000n, 0x1000, { readable: false, writable: false });
    expect(step()).toMatchObject({ errno: 'EFAULT' });
    vmm.process.mprotect(ram + 0x10000n, 0x1000, { readable: true, writable: true });
    vmm.process.memory.write(ram + 0x10000n, Uint8Array.of(7));
    expect(step()).toBe(EXIT.SYSTEM_EVENT);
    expect(vmm.core(fd, 'x7')).toBe(7n);
  });
});

describe('a slot that is deleted or moved while its VM is there', () => {
  it('is MMIO for the guest at its old place, and memory at its new one', () => {
    const { vmm, step, fd, run } = guest(
      `movz x3, #0x900, lsl #16\n movz x1, #0x5000, lsl #16\n mov x4, #9\n str x4, [x1]\n str x4, [x3]\n ldr x2, [x1]\n movz x1, #0x6000, lsl #16\n ldr x5, [x1]\n ${OFF}`,
    );
    const more = vmm.map(0x1000, { address: 0x2_0000_0000n });
    expect(vmm.slot(1, 0x5000_0000, 0x1000, more)).toEqual({ ret: 0 });
    expect(step()).toBe(EXIT.MMIO);
    expect(vmm.slot(1, 0x6000_0000, 0x1000, more)).toEqual({ ret: 0 });
    expect([step(), vmm.runStruct(run).mmio.phys_addr]).toEqual([EXIT.MMIO, 0x5000_0000n]);
    expect(step()).toBe(EXIT.SYSTEM_EVENT);
    expect(vmm.core(fd, 'x5')).toBe(9n);
    expect(vmm.slot(1, 0x6000_0000, 0, more)).toEqual({ ret: 0 });
  });
});

describe('KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE', () => {
  it('splits the blocks of a slot when its log is switched on', () => {
    const vmm = new TestVmm('max-4k');
    const vm = vmm.createVm();
    const sizes = vmm.answer(vmm.vm, 'KVM_CHECK_EXTENSION', BigInt(CAPABILITIES.KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES));
    expect(sizes).toBe(0x4020_1000);
    expect(vmm.enable(CAPABILITIES.KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, 0x20_0000n)).toEqual({ ret: 0 });
    const block = 0x20_0000;
    const ram = vmm.map(block, { shared: false, address: 0x1_0000_0000n });
    vmm.process.memory.write(ram, assemble(OFF, { origin: BigInt(RAM) }).bytes);
    vmm.slot(0, RAM, block, ram);
    const { fd } = vmm.vcpu();
    vmm.setCore(fd, 'pc', BigInt(RAM));
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
    expect(vm.stage2.table.lookup(RAM)).toMatchObject({ level: 2 });
    vmm.slot(0, RAM, block, ram, 1);
    expect(vm.stage2.table.lookup(RAM)).toMatchObject({ level: 3, valid: true });
    expect(vmm.enable(CAPABILITIES.KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, 0n)).toMatchObject({ errno: 'EINVAL' });
  });
});

describe('KVM_SET_VCPU_EVENTS', () => {
  it('makes the guest take an external abort at its next entry', () => {
    const { vmm, fd, step } = guest(`b .\n .org 0xa00\n ${OFF}`);
    // struct kvm_vcpu_events: serror_pending, serror_has_esr, ext_dabt_pending.
    vmm.process.memory.write(vmm.scratch, Uint8Array.of(0, 0, 1, ...new Array<number>(61).fill(0)));
    expect(vmm.answer(fd, 'KVM_SET_VCPU_EVENTS', vmm.scratch)).toBe(0);
    vmm.setReg(fd, VBAR_EL1, BigInt(RAM + 0x800));
    expect(step()).toBe(EXIT.SYSTEM_EVENT);
    expect((vmm.getReg(fd, ESR_EL1) as bigint) >> 26n).toBe(0x25n);
  });

  it('gives such an abort the address of the last one, whatever has left the guest since', () => {
    const { vmm, fd, step } = guest(`movz x3, #0x900, lsl #16\n str x3, [x3, #0x18]\n ${OFF}`);
    expect([step(), step()]).toEqual([EXIT.MMIO, EXIT.SYSTEM_EVENT]);
    vmm.process.memory.write(vmm.scratch, Uint8Array.of(0, 0, 1, ...new Array<number>(61).fill(0)));
    expect(vmm.answer(fd, 'KVM_SET_VCPU_EVENTS', vmm.scratch)).toBe(0);
    expect(vmm.getReg(fd, FAR_EL1)).toBe(0x900_0018n);
  });
});
