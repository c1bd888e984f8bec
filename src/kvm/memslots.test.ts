import { describe, expect, it } from 'vitest';
import { ipa } from '../abi/address.ts';
import { TestVmm } from '../host/testing.ts';
import { isRefusal } from './refusal.ts';

const MIB = 1 << 20;
const HVA = 0x1_0000_0000n;

function vm(type = 36): TestVmm {
  const vmm = new TestVmm();
  vmm.createVm(type);
  expect(vmm.slot(0, MIB, MIB, HVA)).toEqual({ ret: 0 });
  return vmm;
}

describe('KVM_SET_USER_MEMORY_REGION', () => {
  it.each([
    ['memslot.v1-flags', 'EINVAL', [1, 0, 4096, HVA, 4]],
    ['memslot.slot-id', 'EINVAL', [32767, 0, 4096, HVA, 0]],
    ['memslot.slot-id', 'EINVAL', [0x1_7fff, 1, 1, 1n, 0]],
    ['memslot.size-alignment', 'EINVAL', [1, 1, 4097, 1n, 0]],
    ['memslot.ipa-alignment', 'EINVAL', [1, 1, 4096, 1n, 0]],
    ['memslot.hva-alignment', 'EINVAL', [1, 0, 4096, 1n, 0]],
    ['memslot.hva-tag', 'EINVAL', [1, 0, 4096, 0x0100_0000_0000_0000n, 0]],
    ['memslot.hva-range', 'EINVAL', [1, 0, 4096, 1n << 52n, 0]],
    ['memslot.hva-range', 'EINVAL', [0x1_0001, 0, 4096, -4096n, 0]],
    ['memslot.address-space', 'EINVAL', [0x1_0001, 0, 4096, HVA, 0]],
    ['memslot.ipa-wrap', 'EINVAL', [1, (1n << 64n) - 4096n, 8192, HVA, 0]],
    ['memslot.too-large', 'EINVAL', [1, 0, 1n << 43n, HVA, 0]],
    ['memslot.delete-missing', 'EINVAL', [1, 0, 0, HVA, 0]],
    ['memslot.modify', 'EINVAL', [0, MIB, 2 * MIB, HVA, 0]],
    ['memslot.modify', 'EINVAL', [0, MIB, MIB, HVA + 4096n, 0]],
    ['memslot.modify', 'EINVAL', [0, MIB, MIB, HVA, 2]],
    ['memslot.overlap', 'EEXIST', [1, 2 * MIB - 4096, 8192, HVA, 0]],
    // The overlap is seen before the end of the IPA space.
    ['memslot.overlap', 'EEXIST', [1, MIB, 1n << 40n, HVA, 0]],
    ['memslot.ipa-limit', 'EFAULT', [1, (1n << 36n) - 4096n, 8192, HVA, 0]],
    ['memslot.ipa-limit', 'EFAULT', [0, 1n << 36n, MIB, HVA, 0]],
    ['memslot.log-device', 'EINVAL', [1, 4 * MIB, 1n << 35n, 0xfffe_0000_0000n, 1]],
  ] as const)('refuses by %s with %s', (rule, errno, [slot, guest, size, hva, flags]) => {
    const result = vm().slot(slot, guest, size, BigInt.asUintN(64, hva), flags);
    expect(result).toMatchObject({ errno, rule });
    expect(isRefusal(result) && result.message).toMatch(/\d/);
  });

  it('explains a slot that is too high for the VM', () => {
    expect(vm().slot(1, 1n << 36n, 4096, HVA)).toMatchObject({
      message: "the slot ends at 0x1000001000, above the VM's IPA space of 36 bits, 0x1000000000",
      kernel: 'kvm_arch_prepare_memory_region',
    });
  });

  it('takes as many slots as there are, and finds each', () => {
    const vmm = new TestVmm();
    const { memslots } = vmm.createVm(48);
    // In an order that is neither up nor down.
    const base = (id: number) => ((id * 7919) % 32767) * 8192;
    const refused = Array.from({ length: 32767 }, (_, id) => vmm.slot(id, base(id), 4096, HVA)).filter(isRefusal);
    expect(refused).toEqual([]);
    for (let id = 0; id < 32767; id += 97) {
      expect(memslots.at(ipa(base(id) + 4095))?.id).toBe(id);
      expect(memslots.at(ipa(base(id) + 4096))).toBeNull();
    }
    expect(vmm.slot(5, base(5), 0, HVA)).toEqual({ ret: 0 });
    expect(vmm.slot(5, base(5) - 4096, 12288, HVA)).toEqual({ ret: 0 });
    expect(vmm.slot(6, base(5), 4096, HVA)).toMatchObject({ rule: 'memslot.overlap' });
  });

  it('moves, changes flags of and deletes a slot', () => {
    const vmm = vm();
    const slots = () =>
      [...[...vmm.host.kvm.vms][0]!.memslots.values()].map(({ id, base, flags }) => [id, base, flags]);
    expect(vmm.slot(0, 4 * MIB, MIB, HVA)).toEqual({ ret: 0 });
    expect(vmm.slot(0, 4 * MIB, MIB, HVA, 1)).toEqual({ ret: 0 });
    expect(vmm.slot(1, MIB, MIB, HVA)).toEqual({ ret: 0 });
    expect(slots()).toEqual([
      [0, 4 * MIB, 1],
      [1, MIB, 0],
    ]);
    expect(vmm.slot(0, 0, 0, HVA)).toEqual({ ret: 0 });
    expect(slots()).toEqual([[1, MIB, 0]]);
  });
});

describe('KVM_CREATE_VM', () => {
  it.each([
    ['max-4k', 53, 'vm.ipa-above-limit'],
    ['max-4k-lpa2off', 49, 'vm.ipa-above-limit'],
    ['a57-4k', 45, 'vm.ipa-above-limit'],
    ['max-4k', 31, 'vm.ipa-below-minimum'],
    ['max-4k', 0x100 | 40, 'vm.type'],
    ['max-4k-protected', 0x100, 'vm.type'],
  ])('on %s refuses type %i by %s', (host, type, rule) => {
    const vmm = new TestVmm(host);
    expect(vmm.ioctl(vmm.kvm, 'KVM_CREATE_VM', BigInt(type))).toMatchObject({ errno: 'EINVAL', rule });
  });

  it('gives the bits that were asked for; protected mode always the most', () => {
    expect([0, 32, 52].map((type) => new TestVmm('max-4k').createVm(type).ipaBits)).toEqual([40, 32, 52]);
    expect([0, 1, 255].map((type) => new TestVmm('max-4k-protected').createVm(type).ipaBits)).toEqual([52, 52, 52]);
  });

  it('has no default size where the host has fewer bits than it', () => {
    const small = {
      cpu: 'cortex-a53',
      paBits: 36,
      pageSize: 4096,
      mode: 'nvhe',
      ram: [{ base: 0x4000_0000n, size: 0x40_0000n }],
    } as const;
    const vmm = new TestVmm(small);
    expect(vmm.ioctl(vmm.kvm, 'KVM_CREATE_VM')).toMatchObject({ errno: 'EINVAL', rule: 'vm.ipa-default' });
    expect(vmm.createVm(36).ipaBits).toBe(36);
  });

  it('ends with the process’ descriptors', () => {
    const vmm = new TestVmm();
    let made = 0;
    while (vmm.answer(vmm.kvm, 'KVM_CREATE_VM') !== 'EMFILE') made++;
    // Of 1024 descriptors three are the terminal’s, and one is /dev/kvm.
    expect(made).toBe(1020);
  });
});
