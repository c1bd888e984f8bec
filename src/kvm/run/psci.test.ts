import { describe, expect, it } from 'vitest';
import { MP_STATES } from '../../abi/constants.ts';
import { NAMED_REGS } from '../../abi/onereg.ts';
import { kvm_mp_state } from '../../abi/structs.ts';
import { HOST_PRESETS } from '../../host/config.ts';
import { TestVmm } from '../../host/testing.ts';
import { assemble } from '../../isa/a64/assembler.ts';
import { isRefusal } from '../refusal.ts';

const RAM = 0x4000_0000;
const SIZE = 0x10000;
const ALL = (1n << 64n) - 1n;
const NOT_SUPPORTED = ALL;
const INVALID_PARAMETERS = ALL - 1n;
const INTERNAL_FAILURE = ALL - 5n;
const FEATURES = 0x8400_000an;
const OFF2_32 = 0x8400_0015n;
const OFF2_64 = 0xc400_0015n;
const EXIT = { MMIO: 6, SYSTEM_EVENT: 24 } as const;
const VERSION = NAMED_REGS.KVM_REG_ARM_PSCI_VERSION;

/** A guest that makes the call in x0 to x3, shows x0 to userspace by a store, and goes on so. */
function guest(psci?: '1.1' | '1.3', version?: bigint) {
  const { config } = HOST_PRESETS[0]!;
  const ram = [{ base: 0x4000_0000n, size: 0x0100_0000n }];
  const vmm = new TestVmm({ ...config, ram, ...(psci && { psci }) });
  vmm.createVm();
  const { bytes } = assemble('loop: hvc #0\n movz x9, #0x0900, lsl #16\n str x0, [x9]\n b loop', {
    origin: BigInt(RAM),
  });
  const hva = vmm.map(SIZE);
  vmm.process.memory.write(hva, bytes);
  vmm.slot(0, RAM, SIZE, hva);
  const { fd, run, vcpu } = vmm.vcpu();
  vmm.setCore(fd, 'pc', BigInt(RAM));
  const other = vmm.vcpu(1);
  if (version !== undefined) expect(vmm.setReg(fd, VERSION, version)).toEqual({ ret: 0 });
  const runOn = () => {
    const result = vmm.ioctl(fd, 'KVM_RUN');
    if (isRefusal(result)) throw new Error(result.message);
    const { exit_reason: reason, mmio, system_event: event } = vmm.runStruct(run);
    if (reason === EXIT.MMIO) return new DataView(mmio.data.slice().buffer).getBigUint64(0, true);
    return { reason, type: event.type, ndata: event.ndata, data: event.data[0] };
  };
  const call = (...args: bigint[]) => {
    for (let n = 0; n < 4; n++) vmm.setCore(fd, `x${n}`, args[n] ?? 0n);
    return runOn();
  };
  return { vmm, fd, vcpu, other, call, runOn };
}

describe('the versions of PSCI', () => {
  it('end at 1.1 as Linux 6.12 has them: a later one is refused with the kernel that has it', () => {
    const { vmm, fd, call } = guest();
    expect(vmm.getReg(fd, VERSION)).toBe(0x1_0001n);
    expect(vmm.setReg(fd, VERSION, 0x1_0003n)).toMatchObject({
      errno: 'EINVAL',
      rule: 'firmware.psci-version',
      message: expect.stringMatching(/PSCI 1\.3, which KVM has since Linux 6\.13/) as string,
    });
    expect(vmm.setReg(fd, VERSION, 0x1_0004n)).toMatchObject({
      message: expect.stringMatching(/0x10004 is no version/) as string,
    });
    expect([call(FEATURES, OFF2_64), call(OFF2_64, 1n)]).toEqual([NOT_SUPPORTED, NOT_SUPPORTED]);
  });

  it('go to 1.3 where the host’s kernel has that, and each can be chosen', () => {
    const { vmm, fd, call } = guest('1.3');
    expect([vmm.getReg(fd, VERSION), call(0x8400_0000n)]).toEqual([0x1_0003n, 0x1_0003n]);
    for (const version of [2n, 0x1_0000n, 0x1_0001n, 0x1_0002n, 0x1_0003n]) {
      expect([vmm.setReg(fd, VERSION, version), call(0x8400_0000n)]).toEqual([{ ret: 0 }, version]);
    }
    expect(vmm.setReg(fd, VERSION, 0x1_0004n)).toMatchObject({ errno: 'EINVAL' });
    expect(vmm.setReg(fd, VERSION, 1n)).toMatchObject({ errno: 'EINVAL', rule: 'firmware.psci-feature' });
  });
});

describe('SYSTEM_OFF2', () => {
  it('is there from 1.3 on, and FEATURES tells its types', () => {
    for (const [version, types, off] of [
      [0x1_0002n, NOT_SUPPORTED, NOT_SUPPORTED],
      [0x1_0003n, 1n, INVALID_PARAMETERS],
    ] as const) {
      const { call } = guest('1.3', version);
      expect([call(FEATURES, OFF2_32), call(FEATURES, OFF2_64)]).toEqual([types, types]);
      expect([call(OFF2_32, 2n), call(OFF2_64, 2n)]).toEqual([off, off]);
    }
  });

  it.each([
    ['HIBERNATE_OFF', [OFF2_64, 1n, 0n]],
    ['the drafts’ 0 for it', [OFF2_64, 0n, 0n]],
    ['a 32-bit call, whose arguments are the low halves', [OFF2_32, 0xffff_0000_0000_0001n, 1n << 32n]],
    ['a type as 32 bits', [OFF2_64, (1n << 32n) | 1n, 0n]],
  ])('switches the VM off with %s', (_what, args) => {
    const { vmm, fd, vcpu, other, call, runOn } = guest('1.3');
    expect(call(...args)).toEqual({ reason: EXIT.SYSTEM_EVENT, type: 1, ndata: 1, data: 1n });
    expect([vcpu.stopped, other.vcpu.stopped]).toEqual([true, true]);
    expect(['x0', 'x1', 'x2', 'x3'].map((name) => vmm.core(fd, name))).toEqual([INTERNAL_FAILURE, 0n, 0n, 0n]);
    const runnable = { mp_state: MP_STATES.KVM_MP_STATE_RUNNABLE };
    expect(vmm.call(fd, 'KVM_SET_MP_STATE', kvm_mp_state, runnable)).toEqual({ ret: 0 });
    expect(runOn()).toBe(INTERNAL_FAILURE);
  });

  it.each([
    ['another type', [OFF2_64, 2n, 0n]],
    ['a second argument', [OFF2_64, 1n, 1n]],
    ['a second argument above 32 bits', [OFF2_64, 1n, 1n << 32n]],
    ['0 and a second argument', [OFF2_64, 0n, 1n]],
  ])('knows no %s', (_what, args) => {
    const { vcpu, call } = guest('1.3');
    expect(call(...args)).toBe(INVALID_PARAMETERS);
    expect(vcpu.stopped).toBe(false);
  });
});

describe('AFFINITY_INFO and CPU_ON', () => {
  it('turn on one vCPU after the other, each with the context that it was given', () => {
    const { vmm, fd, call } = guest();
    const third = vmm.vcpu(2, 5);
    expect(call(0xc400_0004n, 2n)).toBe(1n);
    expect(call(0xc400_0003n, 2n, BigInt(RAM), 0x55n)).toBe(0n);
    expect([call(0xc400_0004n, 2n), call(0xc400_0003n, 2n)]).toEqual([0n, ALL - 3n]);
    expect([vmm.core(third.fd, 'pc'), vmm.core(third.fd, 'x0')]).toEqual([BigInt(RAM), 0x55n]);
    expect(call(0xc400_0003n, 3n)).toBe(INVALID_PARAMETERS);
    expect(vmm.core(fd, 'x0')).toBe(INVALID_PARAMETERS);
  });
});
