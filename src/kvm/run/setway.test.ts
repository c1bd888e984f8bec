import { expect, it } from 'vitest';
import { TestVmm } from '../../host/testing.ts';
import { HCR } from '../../machine/el2.ts';

it.each([
  ['a57-4k', HCR.TVM],
  ['max-4k', 0n],
])('on %s cache maintenance by set and way has translation registers trapped again: %s', (name, trapped) => {
  const vmm = new TestVmm(name);
  vmm.createVm();
  const { fd, vcpu } = vmm.vcpu();
  const memory = vmm.map(0x10000);
  // dc isw, x0; ldr x0, [x1]
  const program = Uint32Array.of(0xd508_7640, 0xf940_0020);
  vmm.process.memory.write(memory, new Uint8Array(program.buffer));
  vmm.slot(0, 0, 0x10000, memory);
  vmm.setCore(fd, 'x1', 0x1000_0000n);
  // As it is once MMU and caches are on.
  vcpu.hcr &= ~HCR.TVM;
  expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
  expect([vcpu.context.pc, vcpu.hcr & HCR.TVM]).toEqual([4n, trapped]);
});
