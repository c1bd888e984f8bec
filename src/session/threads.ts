import type { Descriptor, IoctlRun } from '../kvm/descriptor.ts';
import type { Refusal } from '../kvm/refusal.ts';
import type { Vcpu } from '../kvm/vcpu.ts';
import type { Call } from '../vmm/program.ts';

/** A call under way. */
export interface Thread {
  readonly call: Call;
  /** Whose ioctl it is; the number may be another's by now. */
  readonly descriptor: Descriptor | null;
  readonly run: IoctlRun;
  /** The vCPU that is held in it between two guest instructions. */
  vcpu: Vcpu | null;
  /** Where that could only wait in its last turn: the count of the host's at which its timer wakes it. */
  wakes: bigint | null;
}

/** Guest instructions of a turn. */
const TURN = 10_000;
/** A count that is over: time does not go on by itself. */
const OVER = 0n;

/**
 * The threads of a program that are inside of KVM_RUN, and whose turn it is. A turn ends after so many instructions, or where
 * the vCPU can only wait; one that comes back from userspace goes on with the turn that it had.
 */
export class Threads {
  readonly #threads: Thread[] = [];
  /** Calls to a vCPU that another thread is inside of: they wait for its mutex (kvm_vcpu_ioctl). */
  readonly #waiting: { readonly call: Call; readonly descriptor: Descriptor | null }[] = [];
  #at = 0;
  #left = TURN;
  /** The descriptor whose turn it is while its thread is in userspace. */
  #away: Descriptor | null = null;
  /** Turns in a row that came to nothing. */
  #idle = 0;
  /** Until when the thread whose turn it is may sleep, all others wait for longer. */
  #idleUntil = OVER;

  get current(): Thread | null {
    return this.#threads[this.#at] ?? null;
  }

  get vcpus(): readonly Vcpu[] {
    return this.#threads.flatMap(({ vcpu }) => vcpu ?? []);
  }

  /** Instructions that are left of the turn. */
  get left(): number {
    return this.#threads.length > 1 ? this.#left : Infinity;
  }

  /** RunControl.idleUntil for the thread whose turn it is. */
  get idleUntil(): bigint | null {
    return this.#threads.length > 1 ? this.#idleUntil : null;
  }

  /** Whether a call has to wait for another to the same vCPU; it then comes back by `released`. */
  waits(call: Call, descriptor: Descriptor | null): boolean {
    const busy = this.#isBusy(descriptor);
    if (busy) this.#waiting.push({ call, descriptor });
    return busy;
  }

  /** A call that waited and need not any more. */
  released(): Call | null {
    const index = this.#waiting.findIndex(({ descriptor }) => !this.#isBusy(descriptor));
    return index < 0 ? null : (this.#waiting.splice(index, 1)[0]?.call ?? null);
  }

  /** A call is inside of KVM_RUN from now on; nothing happens where it was already. */
  enter(thread: Thread): void {
    if (this.#threads.includes(thread)) return;
    this.happened();
    if (thread.descriptor === this.#away) {
      this.#threads.splice(this.#at, 0, thread);
      this.#away = null;
    } else this.#threads.push(thread);
  }

  /** A call has returned, after it has executed instructions. */
  leave(thread: Thread, instructions: number): void {
    this.happened();
    const index = this.#threads.indexOf(thread);
    if (index < 0) return;
    const isNext = index === this.#at;
    if (isNext && this.#threads.length > 1) this.#left -= instructions;
    this.#threads.splice(index, 1);
    if (index < this.#at) this.#at--;
    else if (isNext) this.#away = thread.descriptor;
    if (this.#left <= 0) this.settle();
  }

  /** Userspace does nothing more for now: if the thread whose turn it was has not come back, it is the next one's. */
  settle(): void {
    if (this.#away === null) return;
    this.#away = null;
    this.#left = TURN;
    this.#at %= Math.max(1, this.#threads.length);
  }

  /** The thread whose turn it is has executed instructions. */
  used(instructions: number): void {
    this.happened();
    if (this.#threads.length > 1) this.#left -= instructions;
    if (this.#left <= 0) this.#pass();
  }

  /** Whoever could only wait may be able to run by now. */
  happened(): void {
    this.#idle = 0;
    this.#idleUntil = OVER;
  }

  /**
   * The vCPU whose turn it is can only wait, up to `wakes` or for others. Where nobody can run, it is the turn of the first whose timer
   * comes, and time may go on to that; true: there is none.
   */
  idle(wakes: bigint | null): boolean {
    const { current } = this;
    if (current) current.wakes = wakes;
    this.#idleUntil = OVER;
    this.#pass();
    if (++this.#idle < this.#threads.length) return false;
    this.#idle = 0;
    let first: { readonly index: number; readonly wakes: bigint } | null = null;
    for (const [index, { wakes }] of this.#threads.entries())
      if (wakes !== null && (!first || wakes < first.wakes)) first = { index, wakes };
    if (!first) return true;
    this.#at = first.index;
    this.#idleUntil = first.wakes;
    return false;
  }

  /** Every call ends with `answer`. */
  end(answer: Refusal): void {
    for (const { run } of this.#threads) run.return(answer);
    this.#threads.length = this.#waiting.length = this.#at = 0;
  }

  #pass(): void {
    this.#at = (this.#at + 1) % this.#threads.length;
    this.#left = TURN;
  }

  #isBusy(descriptor: Descriptor | null): boolean {
    return this.#threads.some((thread) => thread.descriptor === descriptor);
  }
}
