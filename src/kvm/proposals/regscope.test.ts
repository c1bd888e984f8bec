import { describe, expect, it } from 'vitest';
import { NAMED_REGS } from '../../abi/onereg.ts';
import { HOST_PRESETS } from '../../host/config.ts';
import { TestVmm } from '../../host/testing.ts';
import { isRefusal } from '../refusal.ts';

const CAP = 210;
const SCOPE_BITS = 0xfn << 28n;
const VM = 1n << 28n;
const STD = NAMED_REGS.KVM_REG_ARM_STD_BMAP;

function host(regScope?: 'arm64-bit' | 'neutral-nibble'): TestVmm {
  const { config } = HOST_PRESETS[0]!;
  const ram = [{ base: 0x4000_0000n, size: 0x0100_0000n }];
  const vmm = new TestVmm({ ...config, ram, ...(regScope && { proposals: { regScope } }) });
  vmm.createVm(0);
  return vmm;
}

function list(vmm: TestVmm, vcpu: number): bigint[] {
  const at = vmm.map(0x4000);
  vmm.process.memory.write(at, new Uint8Array(BigUint64Array.of(1000n).buffer));
  const result = vmm.ioctl(vcpu, 'KVM_GET_REG_LIST', at);
  if (isRefusal(result)) throw new Error(result.message);
  const words = (count: number) => new BigUint64Array(vmm.process.memory.read(at, 8 * count)!.slice().buffer);
  const count = Number(words(1)[0]);
  return [...words(count + 1).slice(1)];
}

describe('KVM_CAP_ARM_REG_SCOPE', () => {
  it('is not there on a host without the proposal', () => {
    const vmm = host();
    expect(vmm.answer(vmm.vm, 'KVM_CHECK_EXTENSION', BigInt(CAP))).toBe(0);
    expect(vmm.enable(CAP)).toMatchObject({ errno: 'EINVAL' });
    const { fd } = vmm.vcpu();
    expect(list(vmm, fd).every((id) => (id & SCOPE_BITS) === 0n)).toBe(true);
    expect(vmm.getReg(fd, STD | VM)).toBe('ENOENT');
  });

  it.each(['arm64-bit', 'neutral-nibble'] as const)('%s: changes nothing until a VM has enabled it', (encoding) => {
    const vmm = host(encoding);
    expect(vmm.answer(vmm.vm, 'KVM_CHECK_EXTENSION', BigInt(CAP))).toBe(1);
    const { fd } = vmm.vcpu();
    const plain = host();
    expect(list(vmm, fd)).toEqual(list(plain, plain.vcpu().fd));
    expect(vmm.getReg(fd, STD | VM)).toBe('ENOENT');
  });

  it.each(['arm64-bit', 'neutral-nibble'] as const)(
    '%s: says of the firmware registers that they are the VM’s',
    (encoding) => {
      const vmm = host(encoding);
      const before = list(vmm, vmm.vcpu(0).fd);
      expect(vmm.enable(CAP)).toEqual({ ret: 0 });
      const after = list(vmm, vmm.vcpu(1).fd);
      const scoped = after.filter((id) => (id & SCOPE_BITS) === VM).map((id) => id & ~SCOPE_BITS);
      const { KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1: WA1, KVM_REG_ARM_VENDOR_HYP_BMAP: VENDOR } = NAMED_REGS;
      expect(scoped).toEqual(expect.arrayContaining([WA1, STD, VENDOR]));
      expect(scoped).not.toContain(NAMED_REGS.KVM_REG_ARM_PSCI_VERSION);
      expect(after.map((id) => id & ~SCOPE_BITS)).toEqual(before);
    },
  );

  it('a register written once, with its scope, is seen by every vCPU; scopes that are none name no register', () => {
    for (const encoding of ['arm64-bit', 'neutral-nibble'] as const) {
      const vmm = host(encoding);
      vmm.enable(CAP);
      const [first, second] = [vmm.vcpu(0).fd, vmm.vcpu(1).fd];
      expect(vmm.setReg(first, STD | VM, 0n)).toEqual({ ret: 0 });
      expect(vmm.getReg(second, STD)).toBe(0n);
      expect(vmm.getReg(second, STD | VM)).toBe(0n);
      expect(vmm.getReg(second, STD | (2n << 28n))).toBe('ENOENT');
      expect(vmm.getReg(second, STD | (3n << 28n))).toBe('ENOENT');
    }
  });
});
