import { expect, it } from 'vitest';
import { TestVmm } from '../../host/testing.ts';
import { Vmids, type VmidHolder } from './vmid.ts';

const holder = (): VmidHolder => ({ vmid: 0, generation: 0 });

it('gives each VM a VMID of its own when it runs, and keeps it', () => {
  const vmids = new Vmids(8, () => undefined);
  const vms = [holder(), holder(), holder()];
  for (const vm of [...vms, ...vms]) vmids.update(vm);
  expect(vms.map(({ vmid }) => vmid)).toEqual([1, 2, 3]);
});

it('begins anew when all have been given: TLBs forget them, and no two VMs that run have the same', () => {
  let flushes = 0;
  const vmids = new Vmids(8, () => flushes++);
  const vms = Array.from({ length: 300 }, holder);
  vms.slice(0, 255).forEach((vm) => vmids.update(vm));
  expect([vms[254]!.vmid, flushes]).toEqual([255, 0]);
  vms.slice(255).forEach((vm) => vmids.update(vm));
  expect([vms[255]!.vmid, vms[299]!.vmid, flushes]).toEqual([1, 45, 1]);
  // 45 is taken meanwhile, 46 is not.
  vmids.update(vms[45]!);
  expect(vms[45]!.vmid).toBe(46);
  vmids.update(vms[44]!);
  expect(vms[44]!.vmid).toBe(47);
  const running = [...vms.slice(255), vms[44]!, vms[45]!];
  expect(new Set(running.map(({ vmid }) => vmid)).size).toBe(running.length);
  expect(flushes).toBe(1);
});

it('VTTBR_EL2 has no VMID before a vCPU has run, and CnP where the CPU has FEAT_TTCNP', () => {
  for (const [name, cnp] of [
    ['max-4k', 1n],
    ['n1-4k', 1n],
    ['a57-4k', 0n],
  ] as const) {
    const vmm = new TestVmm(name);
    const { stage2 } = vmm.createVm();
    expect([stage2.vttbr >> 48n, stage2.vttbr & 1n]).toEqual([0n, cnp]);
    const { fd } = vmm.vcpu();
    const memory = vmm.map(0x10000);
    // ldr x0, [x1]
    vmm.process.memory.write(memory, new Uint8Array(Uint32Array.of(0xf940_0020).buffer));
    vmm.slot(0, 0, 0x10000, memory);
    vmm.setCore(fd, 'x1', 0x1000_0000n);
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
    expect([stage2.vttbr >> 48n, stage2.vttbr & 1n]).toEqual([1n, cnp]);
  }
});
