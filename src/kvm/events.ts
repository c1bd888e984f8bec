import { kvm_vcpu_events_arm64 } from '../abi/structs.ts';
import { HCR } from '../machine/el2.ts';
import type { Caller } from './descriptor.ts';
import { DONE, isRefusal, refuse, type IoctlResult, type Refusal } from './refusal.ts';
import { injectDataAbort, injectSerror } from './run/inject.ts';
import { hex, mustBeZero, readUser, writeUser } from './usercopy.ts';
import type { Vcpu } from './vcpu.ts';

const ISS_MASK = 0x1ff_ffffn;

/** KVM_GET_VCPU_EVENTS (__kvm_arm_vcpu_get_events). */
export function getVcpuEvents(vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult {
  const { ras } = vcpu.vm.kvm.features;
  const pending = (vcpu.hcr & HCR.VSE) !== 0n;
  const events = {
    exception: {
      serror_pending: pending ? 1 : 0,
      serror_has_esr: ras ? 1 : 0,
      serror_esr: pending && ras ? vcpu.vsesr : 0n,
    },
  };
  return writeUser(caller.memory, arg, kvm_vcpu_events_arm64, events) ?? DONE;
}

/** KVM_SET_VCPU_EVENTS (kvm_arm_vcpu_set_events, __kvm_arm_vcpu_set_events). */
export function setVcpuEvents(vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult {
  const events = readUser(caller.memory, arg, kvm_vcpu_events_arm64);
  if (isRefusal(events)) return events;
  const no = (rule: string, message: string, kernel = 'kvm_arm_vcpu_set_events'): Refusal =>
    refuse('EINVAL', `vcpu-events.${rule}`, message, kernel);
  const { exception } = events;
  const set = mustBeZero('reserved', events.reserved) ?? mustBeZero('exception.pad', exception.pad);
  if (set !== null) return no('reserved', set);
  if (exception.serror_pending !== 0 && exception.serror_has_esr !== 0) {
    const kernel = '__kvm_arm_vcpu_set_events';
    if (!vcpu.vm.kvm.features.ras)
      return no(
        'no-ras',
        `serror_esr ${hex(exception.serror_esr)}: an SError has a syndrome only on a host with RAS`,
        kernel,
      );
    if ((exception.serror_esr & ~ISS_MASK) !== 0n) {
      return no('serror-esr', `serror_esr ${hex(exception.serror_esr)} has bits outside the ISS`, kernel);
    }
    injectSerror(vcpu, exception.serror_esr);
  } else if (exception.serror_pending !== 0) injectSerror(vcpu);
  if (exception.ext_dabt_pending !== 0) injectDataAbort(vcpu, vcpu.faultAddress);
  return DONE;
}
