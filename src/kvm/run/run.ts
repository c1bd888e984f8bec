import { MP_STATES, SYSTEM_EVENTS } from '../../abi/constants.ts';
import { EXIT_REASONS } from '../../abi/exits.ts';
import { INSTRUCTIONS_PER_COUNT } from '../../machine/cpu.ts';
import type { Stop } from '../../machine/stop.ts';
import type { CapabilityRow } from '../capabilities.ts';
import type { Caller, IoctlRun } from '../descriptor.ts';
import { beginDebug, endDebug } from '../guestdebug.ts';
import { checkPmuForRun } from '../pmu.ts';
import { updateStolenTime } from '../pvtime.ts';
import { isSignalled } from '../signals.ts';
import { DONE, refuse, type IoctlResult, type Refusal } from '../refusal.ts';
import { hideGic } from '../sysregs/rows.ts';
import { hex } from '../usercopy.ts';
import type { Vcpu } from '../vcpu.ts';
import { handleExit, isAnsweredAtEl2 } from './exits.ts';
import { HALT_CAPABILITIES, waitForInterrupt } from './halt.ts';
import { HYPERCALL_CAPABILITIES } from './hypercalls.ts';
import { adjustPc } from './inject.ts';
import { deviceLevelsChanged, isRunnable, updateDeviceLevels } from './lines.ts';
import { completeMmio, MMIO_CAPABILITIES } from './mmio.ts';
import { PSCI_CAPABILITIES } from './psci.ts';
import type { Handled } from './result.ts';
import { Slice, type Steps } from './slice.ts';
import { hasFaultAddress } from './syndrome.ts';
import { calculateTraps, enterGuest, leaveGuest } from './traps.ts';

export const RUN_CAPABILITIES: readonly CapabilityRow[] = [
  { name: 'KVM_CAP_IMMEDIATE_EXIT', check: () => 1 },
  { name: 'KVM_CAP_ARM_USER_IRQ', check: () => 1 },
  ...HALT_CAPABILITIES,
  ...MMIO_CAPABILITIES,
  ...PSCI_CAPABILITIES,
  ...HYPERCALL_CAPABILITIES,
];

/** Exits in a row without an instruction done, after which whoever drives gets a turn. */
const MOST_EXITS = 1024;

/** KVM_RUN (kvm_vcpu_ioctl, kvm_arch_vcpu_ioctl_run). */
export function* kvmRun(vcpu: Vcpu, arg: bigint, caller: Caller): IoctlRun {
  if (arg !== 0n) return refuse('EINVAL', 'run.argument', `the argument must be 0, not ${hex(arg)}`, 'kvm_vcpu_ioctl');
  if (!vcpu.hasRunOnce) {
    const refused = firstRun(vcpu);
    if (refused) return refused;
  }
  const { run } = vcpu;
  const immediateExit = run.get('immediate_exit') !== 0n;
  if (run.exitReason === EXIT_REASONS.KVM_EXIT_MMIO) completeMmio(vcpu);
  load(vcpu);
  if (immediateExit) {
    put(vcpu);
    return refuse('EINTR', 'run.immediate-exit', 'kvm_run.immediate_exit is set', 'kvm_arch_vcpu_ioctl_run');
  }
  run.exitReason = EXIT_REASONS.KVM_EXIT_UNKNOWN;
  run.set('flags', 0);
  try {
    return yield* runLoop(vcpu, caller);
  } finally {
    updateDeviceLevels(vcpu);
    put(vcpu);
  }
}

/** vcpu_load. */
function load(vcpu: Vcpu): void {
  vcpu.loaded = true;
  vcpu.requests.recordSteal = true;
  vcpu.timers.load();
}

/** __kvm_adjust_pc, vcpu_put. */
function put(vcpu: Vcpu): void {
  adjustPc(vcpu);
  vcpu.timers.save();
  vcpu.loaded = false;
}

/** Checks and settings of the first KVM_RUN (kvm_arch_vcpu_run_pid_change). */
function firstRun(vcpu: Vcpu): Refusal | null {
  const { vm } = vcpu;
  if (!vcpu.initialized) {
    return refuse('ENOEXEC', 'run.not-initialized', 'KVM_RUN before KVM_ARM_VCPU_INIT', 'kvm_arch_vcpu_run_pid_change');
  }
  // No interrupt controller in the kernel: the guest finds none (kvm_finalize_sys_regs).
  hideGic(vm.idRegisters);
  const refused = checkPmuForRun(vcpu);
  if (refused) return refused;
  vcpu.requests.reloadPmu = true;
  calculateTraps(vcpu);
  vm.hasRunOnce = true;
  vcpu.hasRunOnce = true;
  return null;
}

function* runLoop(vcpu: Vcpu, caller: Caller): Steps<IoctlResult> {
  const { control } = caller;
  const { cpu } = vcpu.vm.kvm.host;
  const slice = new Slice(vcpu, control);
  let exits = 0;
  for (;;) {
    if (isSignalled(vcpu, caller)) {
      vcpu.statistics.add('signal_exits');
      return interrupted(vcpu, 'a signal is pending');
    }
    const before = yield* pendingRequests(vcpu, caller, slice);
    if (before === 'again') continue;
    if (before) return before;
    if (inAarch32(vcpu)) return noAarch32(vcpu);
    if (deviceLevelsChanged(vcpu)) return interrupted(vcpu, 'the output level of a timer or the PMU has changed');

    beginDebug(vcpu);
    adjustPc(vcpu);
    if (cpu.instructions >= slice.end || exits >= MOST_EXITS) {
      endDebug(vcpu);
      yield { why: 'budget', vcpu };
      slice.begin();
      exits = 0;
      continue;
    }
    enterGuest(vcpu);
    let stop = runSlice(vcpu, slice.end);
    // Holding the guest must not show: its registers stay in the CPU unless someone changed them meanwhile.
    while (stop !== 'interrupt' && stop.why !== 'trap') {
      const held = vcpu.context.bytes.slice();
      const { worldSwitches } = vcpu.vm.kvm;
      yield { why: stop.why, vcpu };
      slice.begin();
      exits = 0;
      const disturbed = worldSwitches !== vcpu.vm.kvm.worldSwitches || !sameBytes(held, vcpu.context.bytes);
      if (disturbed || isSignalled(vcpu, caller) || vcpu.requests.sleep) break;
      stop = runSlice(vcpu, slice.end);
    }
    if (stop !== 'interrupt' && stop.why !== 'trap') continue;
    exits++;
    if (stop === 'interrupt' || !isAnsweredAtEl2(vcpu, stop)) vcpu.statistics.add('exits');
    if (stop === 'interrupt') continue;
    if (stop.vector !== 'irq') vcpu.lastTrap = stop;
    if (hasFaultAddress(stop)) vcpu.faultAddress = stop.far;
    const handled: Handled | 'wait' = handleExit(vcpu, stop);
    if (handled === 'user') return DONE;
    if (handled === 'wait') yield* waitForInterrupt(vcpu, caller, slice);
    else if (handled !== 'guest') return handled;
  }
}

const MODE32_BIT = 0x10n;
const inAarch32 = ({ context }: Vcpu): boolean => (context.pstate & MODE32_BIT) !== 0n;

/** As a guest is left that is caught in an AArch32 state which its host does not have (vcpu_mode_is_bad_32bit). */
function noAarch32(vcpu: Vcpu): Refusal {
  const { pstate } = vcpu.context;
  vcpu.initialized = false;
  vcpu.run.exitReason = EXIT_REASONS.KVM_EXIT_FAIL_ENTRY;
  const message = `PSTATE ${hex(pstate)} is AArch32's, and this host's CPU runs AArch64 alone`;
  return refuse('EINVAL', 'run.no-aarch32', message, 'kvm_arch_vcpu_ioctl_run');
}

/**
 * Runs the loaded guest until the slice's end, or until a timer that KVM emulates or a counter of the PMU has the host interrupted.
 * The guest's registers are in the context afterwards.
 */
function runSlice(vcpu: Vcpu, sliceEnd: number): Stop | 'interrupt' {
  const { cpu } = vcpu.vm.kvm.host;
  const before = cpu.instructions;
  const beforeEl0 = cpu.el0Instructions;
  const timer = instructionsToTimer(vcpu);
  const stop = cpu.run(Math.min(sliceEnd - before, timer, vcpu.pmu.instructionsToOverflow()));
  leaveGuest(vcpu);
  const done = cpu.instructions - before;
  const el0 = cpu.el0Instructions - beforeEl0;
  const overflowed = vcpu.pmu.count({ el0, el1: done - el0 });
  return stop.why !== 'trap' && (overflowed || done >= timer) ? 'interrupt' : stop;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, index) => byte === b[index]);
}

function interrupted(vcpu: Vcpu, why: string): Refusal {
  vcpu.run.exitReason = EXIT_REASONS.KVM_EXIT_INTR;
  return refuse('EINTR', 'run.interrupted', `KVM_RUN was interrupted: ${why}`, 'kvm_arch_vcpu_ioctl_run');
}

/** What has to be done before the guest is entered (check_vcpu_requests); null: nothing more. */
function* pendingRequests(vcpu: Vcpu, caller: Caller, slice: Slice): Steps<IoctlResult | 'again' | null> {
  const { requests, run } = vcpu;
  if (requests.sleep) {
    requests.sleep = false;
    vcpu.sleepsFrom = vcpu.vm.kvm.now();
    while (vcpu.stopped && !isSignalled(vcpu, caller)) yield* slice.idle();
    vcpu.sleepsFrom = null;
    // Woken by a signal: sleep again later.
    if (vcpu.stopped) {
      requests.sleep = true;
      return 'again';
    }
  }
  if (vcpu.pendingReset) vcpu.reset();
  if (requests.recordSteal) {
    requests.recordSteal = false;
    updateStolenTime(vcpu);
  }
  if (requests.reloadPmu) {
    requests.reloadPmu = false;
    if (vcpu.hasPmu) vcpu.pmu.reload();
  }
  if (requests.suspend) {
    requests.suspend = false;
    if (vcpu.mpState !== MP_STATES.KVM_MP_STATE_SUSPENDED) return null;
    yield* waitForInterrupt(vcpu, caller, slice);
    // The state stays until userspace makes the vCPU runnable.
    requests.suspend = true;
    if (!isRunnable(vcpu)) return 'again';
    run.clear('system_event');
    run.set('system_event.type', SYSTEM_EVENTS.KVM_SYSTEM_EVENT_WAKEUP);
    run.exitReason = EXIT_REASONS.KVM_EXIT_SYSTEM_EVENT;
    return DONE;
  }
  // Until userspace has harvested the ring, the vCPU must not run.
  if (vcpu.dirtyRing?.mustBeHarvested()) {
    run.exitReason = EXIT_REASONS.KVM_EXIT_DIRTY_RING_FULL;
    return DONE;
  }
  return null;
}

/** How many instructions the guest may do before the line of a physical timer rises that KVM keeps for it. */
function instructionsToTimer(vcpu: Vcpu): number {
  if (vcpu.timers.physicalIsGuests) return Infinity;
  const ticks = vcpu.timers.ticksToNext('physical');
  if (ticks === null) return Infinity;
  return Number(ticks) * INSTRUCTIONS_PER_COUNT - (vcpu.vm.kvm.host.cpu.instructions % INSTRUCTIONS_PER_COUNT);
}
