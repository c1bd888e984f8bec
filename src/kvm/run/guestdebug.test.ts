import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../../abi/capabilities.ts';
import { kvm_guest_debug } from '../../abi/structs.ts';
import { writeStruct } from '../../abi/values.ts';
import { TestVmm } from '../../host/testing.ts';
import { assemble } from '../../isa/a64/assembler.ts';

const RAM = 0x4000_0000n;
const OFF = 'movz x0, #0x8400, lsl #16\n movk x0, #8\n hvc #0\n b .\n';
const [ENABLE, SINGLESTEP, SW_BP, HW] = [1, 2, 0x10000, 0x20000];
const EXIT_DEBUG = 4n;
const EXIT_SYSTEM_EVENT = 24n;

type Comparators = Partial<Record<'dbg_bcr' | 'dbg_bvr' | 'dbg_wcr' | 'dbg_wvr', readonly bigint[]>>;

function debugged(source: string, control: number, arch: Comparators = {}) {
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
    vmm.process.memory.write(vmm.scratch, writeStruct(kvm_guest_debug, 'arm64', { control: value, arch }));
    return vmm.answer(fd, 'KVM_SET_GUEST_DEBUG', vmm.scratch);
  };
  const step = () => {
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
    const { run } = vcpu;
    return [run.get('exit_reason'), Number(run.get('debug.arch.hsr')), Number(vcpu.context.pc - RAM)];
  };
  expect(set(control)).toBe(0);
  return { vmm, fd, vcpu, set, step };
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

  it('leaves at a breakpoint of the CPU, before the instruction, as often as it is met', () => {
    // BAS all, EL0 and EL1, enabled.
    const { step } = debugged('nop\n nop\n b .\n', ENABLE | HW, { dbg_bcr: [0x1e7n], dbg_bvr: [RAM + 4n] });
    expect(step()).toEqual([EXIT_DEBUG, 0xc200_0022, 4]);
    expect(step()).toEqual([EXIT_DEBUG, 0xc200_0022, 4]);
  });

  it('leaves at an access to watched bytes, and says which', () => {
    const source = 'movz x1, #0x4000, lsl #16\n movk x1, #0x800\n ldr x2, [x1]\n str x2, [x1, #8]\n';
    // BAS of the four lower bytes, stores, EL0 and EL1, enabled.
    const { vcpu, step } = debugged(source, ENABLE | HW, { dbg_wcr: [0x1f7n], dbg_wvr: [RAM + 0x808n] });
    expect(step()).toEqual([EXIT_DEBUG, 0xd200_0062, 12]);
    expect(vcpu.run.get('debug.arch.far')).toBe(RAM + 0x808n);
  });

  it('steps the guest and compares at once', () => {
    const { step } = debugged('nop\n nop\n', ENABLE | SINGLESTEP | HW, { dbg_bcr: [0x1e7n], dbg_bvr: [RAM + 4n] });
    expect(step()).toEqual([EXIT_DEBUG, 0xcb00_0022, 4]);
    expect(step()).toEqual([EXIT_DEBUG, 0xc200_0022, 4]);
  });

  it("does not show the guest userspace's comparators and steps, and forgets them when it ends", () => {
    const source = 'mrs x3, dbgbvr0_el1\n mrs x4, mdscr_el1\n nop\n';
    const { vcpu, set, step } = debugged(source, ENABLE | HW, { dbg_bcr: [0x1e7n], dbg_bvr: [RAM + 8n] });
    expect(step()).toEqual([EXIT_DEBUG, 0xc200_0022, 8]);
    expect([...vcpu.context.x.subarray(3, 5)]).toEqual([0n, 0n]);
    expect(set(0)).toBe(0);
    expect(step()[0]).toBe(EXIT_SYSTEM_EVENT);
  });

  it('refuses bits that are unknown', () => {
    const { set } = debugged('', ENABLE);
    expect(set(ENABLE | 4)).toBe('EINVAL');
    expect(set(0)).toBe(0);
  });

  it('says how many comparators there are', () => {
    const vmm = new TestVmm();
    expect(vmm.answer(vmm.kvm, 'KVM_CHECK_EXTENSION', BigInt(CAPABILITIES.KVM_CAP_GUEST_DEBUG_HW_BPS))).toBe(6);
    expect(vmm.answer(vmm.kvm, 'KVM_CHECK_EXTENSION', BigInt(CAPABILITIES.KVM_CAP_GUEST_DEBUG_HW_WPS))).toBe(4);
  });
});
