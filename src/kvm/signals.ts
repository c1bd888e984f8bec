import { SIGNALS } from '../abi/posix.ts';
import { readUserInteger, hex } from './usercopy.ts';
import type { Caller } from './descriptor.ts';
import { DONE, refuse, type IoctlResult } from './refusal.ts';
import type { Vcpu } from './vcpu.ts';

/** sizeof(sigset_t). */
const SET_BYTES = 8;

/** A signal set (sigset_t) with these in it. */
export function signalSet(...signals: readonly number[]): bigint {
  return signals.reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n);
}

const NEVER_BLOCKED = signalSet(SIGNALS.SIGKILL, SIGNALS.SIGSTOP);

/** KVM_SET_SIGNAL_MASK: the signals that KVM_RUN blocks, or with a null pointer again those of the task. */
export function setSignalMask(vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult {
  if (arg === 0n) {
    vcpu.signalMask = null;
    return DONE;
  }
  const length = readUserInteger(caller.memory, arg, 4, 'struct kvm_signal_mask');
  if (typeof length !== 'bigint') return length;
  if (length !== BigInt(SET_BYTES)) {
    return refuse(
      'EINVAL',
      'signal-mask.length',
      `a signal set has ${SET_BYTES} bytes, not ${length}`,
      'kvm_vcpu_ioctl',
    );
  }
  const set = readUserInteger(caller.memory, arg + 4n, SET_BYTES, `the signal set at ${hex(arg + 4n)}`);
  if (typeof set !== 'bigint') return set;
  // kvm_vcpu_ioctl_set_sigmask.
  vcpu.signalMask = set & ~NEVER_BLOCKED;
  return DONE;
}

/** A signal is pending that ends KVM_RUN. The task itself blocks none; with a mask of the vCPU that is what counts (kvm_sigset_activate). */
export function isSignalled(vcpu: Vcpu, caller: Caller): boolean {
  const { signals } = caller.control;
  return signals !== 0n && (signals & ~(vcpu.signalMask ?? 0n)) !== 0n;
}
