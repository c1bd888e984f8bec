import { INSTRUCTIONS_PER_COUNT } from '../../machine/cpu.ts';
import { COUNTER_HZ } from '../../machine/sysregs.ts';
import type { CapabilityRow } from '../capabilities.ts';
import type { Caller } from '../descriptor.ts';
import { DONE, refuse } from '../refusal.ts';
import { isSignalled } from '../signals.ts';
import { hex } from '../usercopy.ts';
import type { Vcpu } from '../vcpu.ts';
import { isRunnable } from './lines.ts';
import type { Slice, Steps } from './slice.ts';

/** A vCPU that has nothing to do: it polls for a while, then its thread sleeps (kvm_vcpu_halt). */

/** halt_poll_ns of the module (KVM_HALT_POLL_NS_DEFAULT), and how a vCPU's own time of polling changes up to it. */
export const HALT_POLL_NS = 500_000;
const POLL = { growStart: 10_000, grow: 2, shrink: 2 } as const;

/** Counter ticks that virtual time may be ahead of in one go; a timer that is set for later never fires. */
const FARTHEST_TIMER = 1n << 40n;
const NANO = 1_000_000_000n;

const nanoseconds = (counts: bigint): bigint => (counts * NANO) / COUNTER_HZ;

export const HALT_CAPABILITIES: readonly CapabilityRow[] = [
  {
    name: 'KVM_CAP_HALT_POLL',
    check: () => 1,
    enable: (vm, { flags, args }) => {
      const most = args[0] ?? 0n;
      if (flags !== 0 || most >= 1n << 32n) {
        const message = `flags ${hex(flags)} must be 0 and args[0] ${hex(most)} below 2^32`;
        return refuse('EINVAL', 'enable-cap.halt-poll', message, 'kvm_vm_ioctl_enable_cap_generic');
      }
      vm.haltPollLimit = Number(most);
      return DONE;
    },
  },
];

/**
 * Until an interrupt or a signal comes (kvm_vcpu_wfi). Virtual time goes on to the next timer, if one is set and nothing else can run.
 * A timer whose line userspace knows to be high already wakes nothing.
 */
export function* waitForInterrupt(vcpu: Vcpu, caller: Caller, slice: Slice): Steps<void> {
  const { cpu } = vcpu.vm.kvm.host;
  const { statistics } = vcpu;
  const start = cpu.physicalCount();
  const limit = vcpu.vm.haltPollLimit;
  vcpu.haltPoll = Math.min(vcpu.haltPoll, limit);
  const polling = (BigInt(vcpu.haltPoll) * COUNTER_HZ) / NANO;
  let halted = false;
  while (!isRunnable(vcpu) && !isSignalled(vcpu, caller)) {
    halted = true;
    // At the end of polling it looks once more.
    vcpu.sleepsFrom ??= polling === 0n ? start : start + polling + 1n;
    statistics.set('blocking', cpu.physicalCount() >= vcpu.sleepsFrom ? 1n : 0n);
    const ticks = vcpu.timers.ticksToNext('virtual', 'physical');
    const wakes = ticks !== null && ticks < FARTHEST_TIMER ? cpu.physicalCount() + ticks : null;
    const { idleUntil } = caller.control;
    if (wakes !== null && (idleUntil === null || wakes <= idleUntil)) {
      cpu.retire(Number(ticks) * INSTRUCTIONS_PER_COUNT);
    } else yield* slice.idle(wakes);
    // kvm_bg_timer_expire.
    if (wakes !== null && cpu.physicalCount() >= wakes) wakeUp(vcpu);
  }
  vcpu.sleepsFrom = null;
  statistics.set('blocking', 0n);
  record(vcpu, cpu.physicalCount() - start, polling, halted);
  adapt(vcpu, nanoseconds(cpu.physicalCount() - start), limit);
}

/** Somebody has something for a vCPU (kvm_vcpu_wake_up): counted where its thread sleeps. */
export function wakeUp(vcpu: Vcpu): void {
  if (vcpu.sleepsFrom === null || vcpu.vm.kvm.now() < vcpu.sleepsFrom) return;
  vcpu.sleepsFrom = null;
  vcpu.statistics.add('halt_wakeup');
}

/** `counts` of a halt in all, `polling` of them at most before its thread sleeps (update_halt_poll_stats). */
function record({ statistics }: Vcpu, counts: bigint, polling: bigint, halted: boolean): void {
  const slept = halted && (polling === 0n || counts > polling);
  if (slept) {
    const waited = nanoseconds(counts - polling);
    statistics.add('halt_wait_ns', waited);
    statistics.record('halt_wait_hist', waited);
  }
  if (polling === 0n) return;
  const polled = nanoseconds(slept ? polling : counts);
  statistics.add('halt_attempted_poll');
  if (!slept) statistics.add('halt_successful_poll');
  statistics.add(slept ? 'halt_poll_fail_ns' : 'halt_poll_success_ns', polled);
  statistics.record(slept ? 'halt_poll_fail_hist' : 'halt_poll_success_hist', polled);
}

/** How long the next halt polls: less after a long one, more after a short one that polling was too short for. */
function adapt(vcpu: Vcpu, took: bigint, limit: number): void {
  if (took <= BigInt(vcpu.haltPoll)) return;
  if (vcpu.haltPoll > 0 && took > BigInt(limit)) {
    const less = Math.floor(vcpu.haltPoll / POLL.shrink);
    vcpu.haltPoll = less < POLL.growStart ? 0 : less;
  } else if (vcpu.haltPoll < limit && took < BigInt(limit)) {
    vcpu.haltPoll = Math.max(POLL.growStart, vcpu.haltPoll * POLL.grow);
  }
}
