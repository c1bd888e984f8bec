/** System calls with their arguments as in C: flag words and numbers are checked and told apart here, as the kernel does it first. */
import { LAST_SIGNAL, MADV_ADVICE, MAP_FLAGS, PROT_FLAGS, SIGNALS } from '../abi/posix.ts';
import { refuse, type IoctlResult, type Refusal } from '../kvm/refusal.ts';
import type { Advice, Protection } from './mm.ts';
import type { Process } from './process.ts';

export interface MmapArguments {
  readonly address: bigint;
  /** Bytes. */
  readonly length: number;
  /** PROT_*. */
  readonly prot: number;
  /** MAP_*. */
  readonly flags: number;
  /** Looked at without MAP_ANONYMOUS only. */
  readonly fd: number;
  /** Bytes. */
  readonly offset: bigint;
}

const { PROT_READ, PROT_WRITE, PROT_EXEC } = PROT_FLAGS;
const ALL_PROT = PROT_READ | PROT_WRITE | PROT_EXEC;
const { MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_ANONYMOUS } = MAP_FLAGS;
const MAP_TYPE = 0xf;

const protection = (prot: number): Required<Protection> => ({
  readable: (prot & PROT_READ) !== 0,
  writable: (prot & PROT_WRITE) !== 0,
  executable: (prot & PROT_EXEC) !== 0,
});

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** mmap(2). Flags that the host does not know are nothing to it, as in Linux for MAP_SHARED and MAP_PRIVATE. */
export function mmap(process: Process, given: MmapArguments): { address: bigint } | Refusal {
  const { address, length, prot, flags, fd, offset } = given;
  const type = flags & MAP_TYPE;
  if (type !== MAP_SHARED && type !== MAP_PRIVATE) {
    const message = `flags ${hex(flags)} have neither MAP_SHARED nor MAP_PRIVATE, or both`;
    return refuse('EINVAL', 'mmap.type', message, 'do_mmap');
  }
  const keep = (flags & MAP_FIXED_NOREPLACE) !== 0;
  return process.mmap({
    address,
    length,
    ...protection(prot),
    shared: type === MAP_SHARED,
    fixed: keep || (flags & MAP_FIXED) !== 0,
    keep,
    offset,
    ...((flags & MAP_ANONYMOUS) === 0 && { fd }),
  });
}

/** mprotect(2). */
export function mprotect(process: Process, address: bigint, length: number, prot: number): IoctlResult {
  if ((prot & ~ALL_PROT) !== 0) {
    const message = `prot ${hex(prot)} has bits beside PROT_READ, PROT_WRITE and PROT_EXEC`;
    return refuse('EINVAL', 'mprotect.prot', message, 'do_mprotect_pkey');
  }
  return process.mprotect(address, length, protection(prot));
}

const ADVICE = new Map<number, Advice>([
  [MADV_ADVICE.MADV_NORMAL, 'normal'],
  [MADV_ADVICE.MADV_DONTNEED, 'dontneed'],
  [MADV_ADVICE.MADV_HUGEPAGE, 'hugepage'],
  [MADV_ADVICE.MADV_NOHUGEPAGE, 'nohugepage'],
]);

/** madvise(2), of the advice that makes a difference to KVM. */
export function madvise(process: Process, address: bigint, length: number, advice: number): IoctlResult {
  const known = ADVICE.get(advice);
  if (known) return process.madvise(address, length, known);
  const message = `advice ${advice}: this host knows ${Object.keys(MADV_ADVICE).join(', ')}`;
  return refuse('EINVAL', 'madvise.advice', message, 'madvise_behavior_valid');
}

const UNHANDLED: readonly number[] = [SIGNALS.SIGKILL, SIGNALS.SIGSTOP];

/**
 * Why a program can't be sent a signal, or null; 0 only asks whether its receiver is there. A program here has an empty handler
 * for each signal that can have one: what is sent ends the system calls that a signal ends, and nothing else.
 */
export function checkSignal(signal: number): Refusal | null {
  if (!Number.isInteger(signal) || signal < 0 || signal > LAST_SIGNAL) {
    return refuse('EINVAL', 'kill.signal', `signal ${signal}: they are 1 to ${LAST_SIGNAL}`, 'check_kill_permission');
  }
  if (!UNHANDLED.includes(signal)) return null;
  const message = `signal ${signal} can have no handler (SIGKILL, SIGSTOP): it is for the whole program, not for a thread`;
  return refuse('EINVAL', 'kill.unhandled', message, 'do_send_specific');
}
