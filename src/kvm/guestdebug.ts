import { GUESTDBG_FLAGS } from '../abi/constants.ts';
import { EXIT_REASONS } from '../abi/exits.ts';
import { kvm_guest_debug_arch_arm64 } from '../abi/structs.ts';
import { readStruct } from '../abi/values.ts';
import { guestRegisters, MDSCR, OSLK, type Comparator, type DebugRegisters } from '../machine/debug.ts';
import { EC } from '../machine/esr.ts';
import { PSTATE } from '../machine/exceptions.ts';
import type { CapabilityRow } from './capabilities.ts';
import type { Caller } from './descriptor.ts';
import type { KvmModule } from './module.ts';
import { DONE, refuse, type IoctlResult } from './refusal.ts';
import { copyFault, hex } from './usercopy.ts';
import type { Vcpu } from './vcpu.ts';

/** Userspace debugs the guest: its BRKs, single steps, and the CPU's comparators (arch/arm64/kvm/debug.c). */

const { KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_SINGLESTEP, KVM_GUESTDBG_USE_SW_BP, KVM_GUESTDBG_USE_HW } = GUESTDBG_FLAGS;
const VALID = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW;
const SS = BigInt(PSTATE.SS);
/** struct kvm_guest_debug: control, pad, then the registers. */
const ARCH_OFFSET = 8;
const STRUCT_BYTES = ARCH_OFFSET + 4 * 16 * 8;

/** What userspace debugs a vCPU with. */
export class GuestDebug {
  /** kvm_guest_debug.control; 0: it does not. */
  control = 0;
  /** kvm_guest_debug.arch, with KVM_GUESTDBG_USE_HW. */
  breakpoints: readonly Comparator[] = [];
  watchpoints: readonly Comparator[] = [];
  /** The step was done and its exception has not been taken (DBG_SS_ACTIVE_PENDING). */
  stepPending = false;
  /** PSTATE.SS as the guest had it. */
  guestStep = 0n;

  get steps(): boolean {
    return (this.control & KVM_GUESTDBG_SINGLESTEP) !== 0;
  }
  get usesHardware(): boolean {
    return (this.control & KVM_GUESTDBG_USE_HW) !== 0;
  }
}

/** How many there are: ID_AA64DFR0_EL1.BRPs and WRPs (get_num_brps, get_num_wrps). */
function comparators({ host }: KvmModule, shift: bigint): number {
  return Number(((host.model.id.ID_AA64DFR0_EL1 ?? 0n) >> shift) & 0xfn) + 1;
}
const breakpoints = (kvm: KvmModule): number => comparators(kvm, 12n);
const watchpoints = (kvm: KvmModule): number => comparators(kvm, 20n);

function pairs(control: readonly bigint[], value: readonly bigint[], count: number): Comparator[] {
  return Array.from({ length: count }, (_, n) => ({ control: control[n] ?? 0n, value: value[n] ?? 0n }));
}

/** KVM_SET_GUEST_DEBUG (kvm_arch_vcpu_ioctl_set_guest_debug). */
export function setGuestDebug({ vm, debug }: Vcpu, arg: bigint, caller: Caller): IoctlResult {
  const bytes = caller.memory.read(arg, STRUCT_BYTES);
  if (!bytes) return copyFault(arg, STRUCT_BYTES, 'from', 'struct kvm_guest_debug');
  const control = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if ((control & ~VALID) !== 0) {
    const kernel = 'kvm_arch_vcpu_ioctl_set_guest_debug';
    return refuse('EINVAL', 'guest-debug.control', `control ${hex(control)} has bits that arm64 does not know`, kernel);
  }
  if ((control & KVM_GUESTDBG_ENABLE) === 0) {
    debug.control = 0;
    debug.stepPending = false;
    return DONE;
  }
  debug.control = control;
  if (debug.usesHardware) {
    const given = readStruct(kvm_guest_debug_arch_arm64, 'arm64', bytes.subarray(ARCH_OFFSET));
    debug.breakpoints = pairs(given.dbg_bcr, given.dbg_bvr, breakpoints(vm.kvm));
    debug.watchpoints = pairs(given.dbg_wcr, given.dbg_wvr, watchpoints(vm.kvm));
  }
  return DONE;
}

/** Before the entry: PSTATE.SS is userspace's (kvm_arm_setup_debug). */
export function beginDebug({ debug, context }: Vcpu): void {
  if (debug.control === 0) return;
  debug.guestStep = context.pstate & SS;
  if (debug.steps) context.pstate = debug.stepPending ? context.pstate & ~SS : context.pstate | SS;
}

/** After the guest was left: PSTATE.SS is the guest's again (kvm_arm_clear_debug). */
export function endDebug({ debug, context }: Vcpu): void {
  if (debug.control === 0) return;
  if (debug.steps && (context.pstate & SS) === 0n) debug.stepPending = true;
  context.pstate = (context.pstate & ~SS) | debug.guestStep;
}

/** What the CPU compares instead of the guest's registers; null: those. */
export function debugRegisters(vcpu: Vcpu): DebugRegisters | null {
  const { debug, context } = vcpu;
  if (debug.control === 0) return null;
  const guest = guestRegisters((name) => context.read(name));
  // The guest's own steps are suppressed meanwhile.
  const mdscr = debug.steps ? guest.MDSCR_EL1 | MDSCR.SS : guest.MDSCR_EL1 & ~MDSCR.SS;
  if (debug.usesHardware) {
    return { MDSCR_EL1: mdscr | MDSCR.MDE, breakpoints: debug.breakpoints, watchpoints: debug.watchpoints };
  }
  const locked = (vcpu.readSysreg('OSLSR_EL1') & OSLK) !== 0n;
  return { ...guest, MDSCR_EL1: locked ? mdscr & ~MDSCR.MDE : mdscr };
}

/** KVM_EXIT_DEBUG with the syndrome as the guest's exception had it (kvm_handle_guest_debug). */
export function exitDebug({ run, debug }: Vcpu, esr: number, far: bigint): void {
  const HSR_HIGH_VALID = 1;
  run.exitReason = EXIT_REASONS.KVM_EXIT_DEBUG;
  run.set('debug.arch.hsr', esr);
  run.set('debug.arch.hsr_high', 0);
  run.set('flags', HSR_HIGH_VALID);
  if (esr >>> 26 === EC.WATCHPOINT_LOWER) run.set('debug.arch.far', far);
  if (esr >>> 26 === EC.SOFTSTEP_LOWER) debug.stepPending = false;
}

export const GUEST_DEBUG_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_SET_GUEST_DEBUG', check: () => 1 },
  { name: 'KVM_CAP_SET_GUEST_DEBUG2', check: () => VALID },
  { name: 'KVM_CAP_GUEST_DEBUG_HW_BPS', check: breakpoints },
  { name: 'KVM_CAP_GUEST_DEBUG_HW_WPS', check: watchpoints },
];
