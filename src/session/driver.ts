import { ioctlByName, ioctlNumber } from '../abi/ioctls.ts';
import type { Process } from '../host/process.ts';
import type { RunControl } from '../kvm/descriptor.ts';
import { refuse, type IoctlResult } from '../kvm/refusal.ts';
import { signalSet } from '../kvm/signals.ts';
import type { Vcpu } from '../kvm/vcpu.ts';
import type { Call, VmmProgram } from '../vmm/program.ts';
import type { StopReason } from './messages.ts';
import { Threads, type Thread } from './threads.ts';

/** What the sandbox runs towards. */
export type Goal = 'run' | 'instruction' | 'exit' | 'ioctl';

export interface Stop {
  readonly reason: StopReason;
  readonly message: string | null;
  /** Line of the script where it failed. */
  readonly line: number | null;
}

const stop = (reason: StopReason, message: string | null = null, line: number | null = null): Stop => ({
  reason,
  message,
  line,
});

const KVM_RUN = ioctlNumber(ioctlByName('KVM_RUN')!, 'arm64');

/**
 * Guest instructions between two looks at the clock. A guest that faults or traps at every instruction is a hundred times
 * slower than one that computes, and may turn into it at any time: what was just measured says little about what comes.
 */
const CHUNK = { least: 1000, most: 8000 } as const;
/** Milliseconds that a chunk should take, and the most that it may without being cut. */
const CHUNK_TIME = { short: 0.5, long: 2 } as const;

/**
 * Takes a program through its ioctls, and KVM_RUN through its instructions, up to a goal or until time is up. Where it holds
 * is invisible to both: the calls under way are kept as generators and gone on with. Calls that the program makes before
 * others have returned are threads of it; their vCPUs take turns, counted in instructions and so the same every time.
 */
export class Driver {
  readonly #program: VmmProgram;
  readonly #process: Process;
  readonly #control: RunControl;
  /** The CPU's count of instructions. */
  readonly #instructions: () => number;
  readonly #clock: () => number;
  /** The ioctl that the program makes next. */
  #pending: Call | null = null;
  /** The program itself is at its end: calls under way alone keep it. */
  #over = false;
  readonly #threads = new Threads();
  /** Signals that are pending for the threads of calls. */
  readonly #signals = new WeakMap<Call, bigint>();
  /** Set once a call has returned, until the program is told. */
  #answer: { readonly call: Call; readonly result: IoctlResult } | null = null;
  /** Something has happened since the goal was set. */
  #moved = false;
  /** Where the held vCPU stood when the goal was set; a breakpoint there has been seen. */
  #from: { readonly pc: bigint; readonly count: number } | null = null;
  #chunk: number = CHUNK.least;
  #end: Stop | null = null;

  constructor(
    program: VmmProgram,
    process: Process,
    control: RunControl,
    instructions: () => number,
    clock: () => number,
  ) {
    this.#program = program;
    this.#process = process;
    this.#control = control;
    this.#instructions = instructions;
    this.#clock = clock;
  }

  /** The line of the script whose ioctl is to be made, or is under way. */
  get scriptLine(): number | null {
    if (this.#end) return this.#end.line;
    return (this.#pending ?? this.#answer?.call ?? this.#threads.current?.call)?.line ?? null;
  }

  /** The vCPU inside KVM_RUN whose turn it is. */
  get held(): Vcpu | null {
    return this.#answer ? null : (this.#threads.current?.vcpu ?? null);
  }

  /** Runs the script up to its first ioctl. */
  load(): Stop | null {
    return this.#fetch();
  }

  setGoal(): void {
    this.#moved = false;
    const { held } = this;
    this.#from = held ? { pc: held.context.pc, count: this.#instructions() } : null;
  }

  /** Goes on; null: `deadline`, in the clock's milliseconds, has passed before the goal. */
  advance(goal: Goal, deadline: number): Stop | null {
    do {
      const reached = this.#fetch() ?? (this.#pending ? this.#make(this.#pending, goal) : this.#proceed(goal));
      if (reached) return reached;
    } while (this.#clock() < deadline);
    return null;
  }

  /** tgkill(2) of the thread that makes a call: the signal is pending until the call has returned. */
  signal(call: Call, signal: number): void {
    this.#signals.set(call, (this.#signals.get(call) ?? 0n) | signalSet(signal));
    this.#threads.happened();
  }

  /** Ends the program; the process stays. */
  end(): void {
    this.#close();
    this.#end ??= stop('stopped');
  }

  #close(): void {
    this.#threads.end(refuse('EINTR', 'run.ended', 'the program was ended', 'do_exit'));
    this.#pending = this.#answer = null;
    this.#program.close();
  }

  #finish(end: Stop): Stop {
    this.#close();
    return (this.#end = end);
  }

  /** The program's next ioctl, if it makes one now; or its end. */
  #fetch(): Stop | null {
    if (this.#end) return this.#end;
    if (this.#answer) {
      this.#program.resume(this.#answer.call, this.#answer.result);
      this.#answer = null;
    }
    this.#pending ??= this.#threads.released();
    if (this.#pending) return null;
    const step = this.#program.next();
    if (step.kind === 'ioctl') this.#pending = step;
    else if (step.kind === 'waiting') this.#over = step.over;
    else if (step.kind === 'done') return this.#finish(stop('finished'));
    else return this.#finish(stop('failed', step.message, step.line));
    return null;
  }

  /** Begins a call: most are over at once, KVM_RUN comes to before its first instruction. */
  #make(call: Call, goal: Goal): Stop | null {
    if (goal === 'ioctl' && this.#moved) return stop('ioctl');
    this.#moved = true;
    let reached: Stop | null = null;
    const descriptor = this.#process.descriptor(call.fd);
    if (!this.#threads.waits(call, descriptor)) {
      this.#control.budget = 0;
      this.#control.idleUntil = 0n;
      const run = this.#process.ioctl(call.fd, call.request, call.arg);
      reached = this.#go({ call, descriptor, run, vcpu: null, wakes: null }, goal);
    }
    this.#pending = null;
    return reached;
  }

  #proceed(goal: Goal): Stop | null {
    this.#threads.settle();
    const thread = this.#threads.current;
    if (!thread) return this.#finish(stop('failed', 'the program waits for a call that it has not made'));
    // A vCPU that is not held yet is taken up to the instruction that it is about to execute.
    const stepping = goal === 'instruction';
    this.#control.idleUntil = this.#threads.idleUntil;
    this.#control.budget = stepping ? (thread.vcpu ? 1 : 0) : Math.min(this.#chunk, this.#threads.left);
    return this.#go(thread, goal);
  }

  /** Goes on with the thread whose turn it is, or that is new. */
  #go(thread: Thread, goal: Goal): Stop | null {
    const { budget } = this.#control;
    this.#control.signals = this.#signals.get(thread.call) ?? 0n;
    const wasHeld = thread.vcpu !== null;
    const count = this.#instructions();
    const began = this.#clock();
    const { done, value } = thread.run.next();
    if (done) {
      this.#from = null;
      this.#threads.leave(thread, this.#instructions() - count);
      this.#answer = { call: thread.call, result: value };
      this.#moved = true;
      return goal === 'exit' && thread.call.request === KVM_RUN ? stop('kvm-exit') : null;
    }
    thread.vcpu = value.vcpu;
    this.#threads.enter(thread);
    const executed = this.#instructions() - count;
    if (budget > 1) this.#adapt(this.#clock() - began);
    const isNext = this.#threads.current === thread;
    if (value.why === 'idle') {
      // A call that is new has not had a turn, and others may be about to begin.
      if (!wasHeld || !isNext) return null;
      if (executed > 0) this.#threads.happened();
      return this.#threads.idle(value.wakes) ? this.#stuck() : null;
    }
    const stepped = goal === 'instruction' && isNext && (executed > 0 || !wasHeld);
    if (value.why === 'breakpoint' && !this.#seen(value.vcpu)) return stop('breakpoint');
    // One that only traps has used up its turn, too.
    if (isNext) this.#threads.used(executed === 0 && budget > 0 && value.why === 'budget' ? Infinity : executed);
    return stepped ? stop('step') : null;
  }

  /** The breakpoint is where this run towards the goal began. */
  #seen(vcpu: Vcpu): boolean {
    const seen = this.#from?.pc === vcpu.context.pc && this.#from.count === this.#instructions();
    if (seen) this.#from = null;
    return seen;
  }

  /** Every vCPU in KVM_RUN waits, and no call is to come that could wake one. */
  #stuck(): Stop {
    if (this.#over) return this.#finish(stop('finished'));
    const why = ({ id, stopped }: Vcpu): string =>
      stopped
        ? `vCPU ${id} is off until another turns it on (PSCI CPU_ON)`
        : `vCPU ${id} waits for an interrupt (WFI), and nothing can bring one`;
    return stop('pause', this.#threads.vcpus.map(why).join('; '));
  }

  #adapt(took: number): void {
    if (took > CHUNK_TIME.long) this.#chunk = Math.max(CHUNK.least, this.#chunk >> 1);
    else if (took < CHUNK_TIME.short) this.#chunk = Math.min(CHUNK.most, this.#chunk * 2);
  }
}
