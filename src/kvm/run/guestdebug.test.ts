import { describe, expect, it } from 'vitest';
import { kvm_guest_debug } from '../../abi/structs.ts';
import { writeStruct } from '../../abi/values.ts';
import { TestVmm } from '../../host/testing.ts';
import { assemble } from '../../isa/a64/assembler.ts';

const RAM = 0x4000_0000n;
const OFF = 'movz x0, #0x8400, lsl #16\n movk x0, #8\n hvc #0\n b .\n';
const [ENABLE, SINGLESTEP, SW_BP, HW] = [1, 2, 0x10000, 0x20000];
const EXIT_DEBUG = 4n;
const EXIT_SYSTEM_EVENT = 24n;

function debugged(source: string, control: number) {
  const vmm = new TestVmm();
  vmm.createVm();
  const { bytes, errors } = assemble(source + OFF, { origin: RAM });
  expect(errors).toEqual([]);
  const ram = vmm.map(0x10000, { address: 0x1_0000_0000n });
  vmm.process.memory.write(ram, bytes);
  vmm.slot(0, RAM, 0x10000, ram);
  const { fd, vcpu } = vmm.vcpu();
  vmm.setCore(fd, 'pc', RAM);
  const set = (value: number) => {
    vmm.process.memory.write(vmm.scratch, writeStruct(kvm_guest_debug, 'arm64', { control: value }));
    return vmm.answer(fd, 'KVM_SET_GUEST_DEBUG', vmm.scratch);
  };
  const step = () => {
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
    const { run } = vcpu;
    return [run.get('exit_reason'), Number(run.get('debug.arch.hsr')), Number(vcpu.context.pc - RAM)];
  };
  expect(set(control)).toBe(0);
  return { vmm, fd, set, step };
}

describe('KVM_SET_GUEST_DEBUG', () => {
  it('leaves the guest after each instruction, and after one that KVM did in its stead', () => {
    const { set, step } = debugged('nop\n movz x1, #5\n mrs x2, id_aa64mmfr0_el1\n nop\n', ENABLE | SINGLESTEP);
    expect(step()).toEqual([EXIT_DEBUG, 0xcb00_0022, 4]);
    expect(step()).toEqual([EXIT_DEBUG, 0xcb00_0022, 8]);
    expect(step()).toEqual([EXIT_DEBUG, 0xca00_0022, 12]);
    expect(step()).toEqual([EXIT_DEBUG, 0xcb00_0022, 16]);
    expect(set(0)).toBe(0);
    expect(step()[0]).toBe(EXIT_SYSTEM_EVENT);
  });

  it("gives userspace the guest's BRK, with PC at it", () => {
    const { step } = debugged('nop\n brk #7\n', ENABLE | SW_BP);
    expect(step()).toEqual([EXIT_DEBUG, 0xf200_0007, 4]);
    expect(step()).toEqual([EXIT_DEBUG, 0xf200_0007, 4]);
  });

  it('refuses bits that are unknown, and hardware breakpoints, which it does not advertise', () => {
    const { set } = debugged('', ENABLE);
    expect(set(ENABLE | 4)).toBe('EINVAL');
    expect(set(ENABLE | HW)).toBe('EINVAL');
    expect(set(0)).toBe(0);
  });
});
