import { DEVICE_IRQ_LEVELS } from '../../abi/constants.ts';
import { HCR } from '../../machine/el2.ts';
import type { Vcpu } from '../vcpu.ts';

/** Interrupt lines of a vCPU whose interrupt controller is userspace's: what it has asserted, and what it is told of devices in the CPU. */

const { KVM_ARM_DEV_EL1_VTIMER, KVM_ARM_DEV_EL1_PTIMER, KVM_ARM_DEV_PMU } = DEVICE_IRQ_LEVELS;
const DEVICE_LEVELS = KVM_ARM_DEV_EL1_VTIMER | KVM_ARM_DEV_EL1_PTIMER | KVM_ARM_DEV_PMU;

/** kvm_arch_vcpu_runnable. */
export function isRunnable(vcpu: Vcpu): boolean {
  return ((vcpu.hcr & (HCR.VI | HCR.VF)) !== 0n || deviceLevelsChanged(vcpu)) && !vcpu.stopped;
}

/** Lines of the timers and the PMU as kvm_run.s.regs.device_irq_level has them. */
function deviceLevels({ timers, pmu }: Vcpu): number {
  return (
    (timers.fires('virtual') ? KVM_ARM_DEV_EL1_VTIMER : 0) |
    (timers.fires('physical') ? KVM_ARM_DEV_EL1_PTIMER : 0) |
    (pmu.interrupts ? KVM_ARM_DEV_PMU : 0)
  );
}

/** Userspace has not heard of a line's level yet (kvm_timer_should_notify_user, kvm_pmu_should_notify_user). */
export function deviceLevelsChanged(vcpu: Vcpu): boolean {
  return (vcpu.run.low32('s.regs.device_irq_level') & DEVICE_LEVELS) !== deviceLevels(vcpu);
}

/** kvm_timer_update_run, kvm_pmu_update_run. */
export function updateDeviceLevels(vcpu: Vcpu): void {
  const others = vcpu.run.get('s.regs.device_irq_level') & ~BigInt(DEVICE_LEVELS);
  vcpu.run.set('s.regs.device_irq_level', others | BigInt(deviceLevels(vcpu)));
}
