import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../../abi/capabilities.ts';
import { sysregId } from '../../abi/onereg.ts';
import { kvm_device_attr, kvm_pmu_event_filter } from '../../abi/structs.ts';
import { writeStruct } from '../../abi/values.ts';
import { TestVmm } from '../../host/testing.ts';
import { assemble } from '../../isa/a64/assembler.ts';

const RAM = 0x4000_0000;
const PSCI_AND_PMU = 0xc;
const OFF = 'movz x0, #0x8400, lsl #16\n movk x0, #8\n hvc #0\n b .\n';
const PMCR_EL0 = sysregId({ op0: 3, op1: 3, crn: 9, crm: 12, op2: 0 });
const PMCNTENSET_EL0 = sysregId({ op0: 3, op1: 3, crn: 9, crm: 12, op2: 1 });
const PMCNTENCLR_EL0 = sysregId({ op0: 3, op1: 3, crn: 9, crm: 12, op2: 2 });
const PMOVSCLR_EL0 = sysregId({ op0: 3, op1: 3, crn: 9, crm: 12, op2: 3 });
const PMOVSSET_EL0 = sysregId({ op0: 3, op1: 3, crn: 9, crm: 14, op2: 3 });
const ATTR = { IRQ: 0n, INIT: 1n, FILTER: 2n, SET_PMU: 3n };

function pmu(source = '', features = PSCI_AND_PMU) {
  const vmm = new TestVmm();
  vmm.createVm();
  const { bytes, errors } = assemble(source + OFF, { origin: BigInt(RAM) });
  expect(errors).toEqual([]);
  const ram = vmm.map(0x10000, { address: 0x1_0000_0000n });
  vmm.process.memory.write(ram, bytes);
  vmm.slot(0, RAM, 0x10000, ram);
  const { fd, vcpu } = vmm.vcpu(0, features);
  vmm.setCore(fd, 'pc', BigInt(RAM));
  const attribute = (attr: bigint, call = 'SET', addr = 0n) => {
    vmm.process.memory.write(vmm.scratch, writeStruct(kvm_device_attr, 'arm64', { group: 0, attr, addr }));
    return vmm.answer(fd, `KVM_${call}_DEVICE_ATTR`, vmm.scratch);
  };
  return { vmm, fd, vcpu, attribute };
}

/** Clears and starts the cycle counter, LC set; overflows reset to UNKNOWN, and would interrupt. */
const START = `mvn x1, xzr\n msr pmovsclr_el0, x1\n mov x1, #1\n lsl x1, x1, #31\n msr pmcntenset_el0, x1\n mov x2, #0x45\n msr pmcr_el0, x2\n`;

describe("a vCPU's PMU", () => {
  it('is advertised, and has its attributes where the vCPU has it', () => {
    const { vmm, attribute } = pmu();
    expect(vmm.answer(vmm.kvm, 'KVM_CHECK_EXTENSION', BigInt(CAPABILITIES.KVM_CAP_ARM_PMU_V3))).toBe(1);
    expect(Object.values(ATTR).map((attr) => attribute(attr, 'HAS'))).toEqual([0, 0, 0, 0]);
    expect(pmu('', 4).attribute(ATTR.INIT, 'HAS')).toBe('ENXIO');
    expect(pmu('', 4).attribute(ATTR.INIT)).toBe('ENODEV');
    expect(attribute(ATTR.IRQ)).toBe('EINVAL');
  });

  it('has to be initialized before the first KVM_RUN, once', () => {
    const { vmm, fd, attribute } = pmu();
    expect(vmm.answer(fd, 'KVM_RUN')).toBe('EINVAL');
    expect(attribute(ATTR.INIT)).toBe(0);
    expect(attribute(ATTR.INIT)).toBe('EBUSY');
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
  });

  it('counts the instructions between two readings as cycles', () => {
    const { vmm, fd, attribute } = pmu(`${START} mrs x13, pmccntr_el0\n nop\n nop\n nop\n mrs x14, pmccntr_el0\n`);
    attribute(ATTR.INIT);
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
    const [first, second] = [vmm.core(fd, 'x13'), vmm.core(fd, 'x14')] as [bigint, bigint];
    // The trapped reading itself is the hypervisor's; the instructions after it are the guest's.
    expect(second - first).toBe(3n);
  });

  it('counts nothing where both exception levels are excluded, or the filter denies the event', () => {
    const source = `${START} mov x5, #3\n lsl x5, x5, #30\n msr pmccfiltr_el0, x5\n mrs x13, pmccntr_el0\n nop\n mrs x14, pmccntr_el0\n`;
    const excluded = pmu(source);
    excluded.attribute(ATTR.INIT);
    excluded.vmm.answer(excluded.fd, 'KVM_RUN');
    expect(excluded.vmm.core(excluded.fd, 'x14')).toBe(excluded.vmm.core(excluded.fd, 'x13'));

    const denied = pmu(`${START} nop\n mrs x14, pmccntr_el0\n`);
    const at = denied.vmm.scratch + 0x800n;
    const deny = { base_event: 0x11, nevents: 1, action: 1 };
    denied.vmm.process.memory.write(at, writeStruct(kvm_pmu_event_filter, 'arm64', deny));
    expect(denied.attribute(ATTR.FILTER, 'SET', at)).toBe(0);
    denied.attribute(ATTR.INIT);
    denied.vmm.answer(denied.fd, 'KVM_RUN');
    expect(denied.vmm.core(denied.fd, 'x14')).toBe(0n);
  });

  it.each([
    ['EL0', 1n << 31n, 5n],
    ['EL1', 1n << 30n, 2n],
  ])('counts those of %s alone where the other level is excluded', (_level, type, count) => {
    // Between the readings: MSR, ERET; at EL0 four instructions and SVC.
    const source = `
      adr x6, vectors\n msr vbar_el1, x6\n adr x6, user\n msr elr_el1, x6\n msr spsr_el1, xzr
      mov x5, #${type >> 30n}\n lsl x5, x5, #30\n msr pmccfiltr_el0, x5\n ${START}
      mrs x13, pmccntr_el0\n nop\n eret
    user: nop\n nop\n nop\n nop\n svc #0
      .balign 0x800
    vectors: .skip 0x400\n mrs x14, pmccntr_el0\n`;
    const { vmm, fd, attribute } = pmu(source);
    attribute(ATTR.INIT);
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
    expect((vmm.core(fd, 'x14') as bigint) - (vmm.core(fd, 'x13') as bigint)).toBe(count);
  });

  it('raises its line in kvm_run when a counter overflows that interrupts', () => {
    const start = `mov x1, #1\n lsl x1, x1, #31\n msr pmintenset_el1, x1\n mvn x3, xzr\n sub x3, x3, #9\n`;
    const { vmm, fd, vcpu, attribute } = pmu(
      `${start} msr pmcntenset_el0, x1\n mov x2, #0x41\n msr pmcr_el0, x2\n msr pmccntr_el0, x3\n ${'nop\n '.repeat(40)}`,
    );
    attribute(ATTR.INIT);
    const overflowed = () => (vmm.getReg(fd, PMOVSSET_EL0) as bigint) >> 31n;
    vmm.setReg(fd, PMOVSCLR_EL0, 0xffff_ffffn);
    expect(overflowed()).toBe(0n);
    expect(vmm.answer(fd, 'KVM_RUN')).toBe('EINTR');
    expect(overflowed()).toBe(1n);
    const PMU_LINE = 4n;
    expect(vcpu.run.get('s.regs.device_irq_level') & PMU_LINE).toBe(PMU_LINE);
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
  });

  it('has as many counters as PMCR_EL0.N says, and no bits of others', () => {
    const { vmm, fd } = pmu();
    const N = (count: bigint): bigint => count << 11n;
    expect((vmm.getReg(fd, PMCR_EL0) as bigint) & N(31n)).toBe(N(6n));
    vmm.setReg(fd, PMCR_EL0, N(2n));
    vmm.setReg(fd, PMCNTENSET_EL0, 0xffff_ffffn);
    expect(vmm.getReg(fd, PMCNTENSET_EL0)).toBe(0x8000_0003n);
    vmm.setReg(fd, PMCNTENCLR_EL0, 1n);
    expect(vmm.getReg(fd, PMCNTENCLR_EL0)).toBe(0x8000_0002n);
    vmm.setReg(fd, PMCR_EL0, N(7n));
    expect((vmm.getReg(fd, PMCR_EL0) as bigint) & N(31n)).toBe(N(2n));
  });
});
