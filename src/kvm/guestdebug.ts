import { GUESTDBG_FLAGS } from '../abi/constants.ts';
import { EXIT_REASONS } from '../abi/exits.ts';
import { kvm_guest_debug } from '../abi/structs.ts';
import { EC } from '../machine/esr.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller } from './descriptor.ts';
import { DONE, isRefusal, refuse, type IoctlResult } from './refusal.ts';
import { hex, readUser } from './usercopy.ts';
import type { Vcpu } from './vcpu.ts';

/** Userspace debugs the guest: its BRK instructions, and single steps (arch/arm64/kvm/debug.c). */

const { KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_SINGLESTEP, KVM_GUESTDBG_USE_SW_BP, KVM_GUESTDBG_USE_HW } = GUESTDBG_FLAGS;
const SUPPORTED = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP;
const VALID = SUPPORTED | KVM_GUESTDBG_USE_HW;

/** KVM_SET_GUEST_DEBUG (kvm_arch_vcpu_ioctl_set_guest_debug). */
export function setGuestDebug(vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult {
  const debug = readUser(caller.memory, arg, kvm_guest_debug);
  if (isRefusal(debug)) return debug;
  const kernel = 'kvm_arch_vcpu_ioctl_set_guest_debug';
  const { control } = debug;
  if ((control & ~VALID) !== 0) {
    return refuse('EINVAL', 'guest-debug.control', `control ${hex(control)} has bits that arm64 does not know`, kernel);
  }
  const enabled = (control & KVM_GUESTDBG_ENABLE) !== 0;
  if (enabled && (control & KVM_GUESTDBG_USE_HW) !== 0) {
    const message =
      "this host's CPU does not compare breakpoints and watchpoints yet: KVM_CAP_SET_GUEST_DEBUG2 is without it";
    return refuse('EINVAL', 'guest-debug.hardware', message, kernel);
  }
  vcpu.guestDebug = enabled ? control : 0;
  return DONE;
}

export const singleSteps = (vcpu: Vcpu): boolean => (vcpu.guestDebug & KVM_GUESTDBG_SINGLESTEP) !== 0;

const IL = 1 << 25;
/** ISS of a Software Step exception: ISV where an instruction was stepped, and the fault status of debug exceptions. */
const ISV = 1 << 24;
const DEBUG_STATUS = 0x22;

/**
 * The exit of a single step. The CPU takes a Software Step exception after one instruction, or at once where KVM did the
 * instruction in the guest's stead, which uses up PSTATE.SS (kvm_skip_instr): `stepped` tells them apart.
 */
export function exitStep(vcpu: Vcpu, stepped: boolean): void {
  exitDebug(vcpu, ((EC.SOFTSTEP_LOWER << 26) | IL | (stepped ? ISV : 0) | DEBUG_STATUS) >>> 0, 0n);
}

/** KVM_EXIT_DEBUG with the syndrome as the guest's exception had it (kvm_handle_guest_debug). */
export function exitDebug({ run }: Vcpu, esr: number, far: bigint): void {
  const HSR_HIGH_VALID = 1;
  run.exitReason = EXIT_REASONS.KVM_EXIT_DEBUG;
  run.set('debug.arch.hsr', esr);
  run.set('debug.arch.hsr_high', 0);
  run.set('flags', HSR_HIGH_VALID);
  if (esr >>> 26 === EC.WATCHPOINT_LOWER) run.set('debug.arch.far', far);
}

export const GUEST_DEBUG_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_SET_GUEST_DEBUG', check: () => 1 },
  { name: 'KVM_CAP_SET_GUEST_DEBUG2', check: () => SUPPORTED },
];
