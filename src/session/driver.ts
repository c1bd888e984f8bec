import { ioctlByName, ioctlNumber } from '../abi/ioctls.ts';
import type { Process } from '../host/process.ts';
import type { GuestPause, IoctlRun, RunControl } from '../kvm/descriptor.ts';
import { refuse, type IoctlResult } from '../kvm/refusal.ts';
import type { Vcpu } from '../kvm/vcpu.ts';
import type { Step, VmmProgram } from '../vmm/program.ts';
import type { StopReason } from './messages.ts';

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

type Call = Extract<Step, { kind: 'ioctl' }>;

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
 * is invisible to both: the pending call, or the generator of the call in progress, is kept and gone on with.
 */
export class Driver {
  readonly #program: VmmProgram;
  readonly #process: Process;
  readonly #control: RunControl;
  /** The CPU's count of instructions. */
  readonly #instructions: () => number;
  readonly #clock: () => number;
  /** The ioctl that the program waits for. */
  #pending: Call | null = null;
  /** Set while it is under way. */
  #running: IoctlRun | null = null;
  /** Set once it has returned, until the program is told. */
  #result: IoctlResult | null = null;
  /** The vCPU that is held between two guest instructions. */
  #held: Vcpu | null = null;
  /** Something has happened since the goal was set. */
  #moved = false;
  /** Where the held vCPU stood when the goal was set; a breakpoint there has been seen. */
  #from: { readonly pc: bigint; readonly count: number } | null = null;
  #chunk: number = CHUNK.least;
  #over: Stop | null = null;

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

  /** The line of the script whose ioctl is pending or under way. */
  get scriptLine(): number | null {
    return this.#over ? this.#over.line : (this.#pending?.line ?? null);
  }

  /** The vCPU inside KVM_RUN. */
  get held(): Vcpu | null {
    return this.#held;
  }

  /** Runs the script up to its first ioctl. */
  load(): Stop | null {
    return this.#fetch();
  }

  setGoal(): void {
    this.#moved = false;
    const held = this.#held;
    this.#from = held ? { pc: held.context.pc, count: this.#instructions() } : null;
  }

  /** Goes on; null: `deadline`, in the clock's milliseconds, has passed before the goal. */
  advance(goal: Goal, deadline: number): Stop | null {
    do {
      const reached = this.#running ? this.#proceed(goal) : this.#begin(goal);
      if (reached) return reached;
    } while (this.#clock() < deadline);
    return null;
  }

  /** Ends the program; the process stays. */
  end(): void {
    this.#running?.return(refuse('EINTR', 'run.ended', 'the program was ended', 'do_exit'));
    this.#running = this.#result = this.#pending = this.#held = null;
    this.#program.close();
    this.#over ??= stop('stopped');
  }

  /** The next ioctl of the program, if there is none yet; or its end. */
  #fetch(): Stop | null {
    if (this.#over) return this.#over;
    if (this.#result) {
      this.#program.resume(this.#result);
      this.#result = this.#pending = null;
    }
    if (this.#pending) return null;
    const step = this.#program.next();
    if (step.kind === 'ioctl') this.#pending = step;
    else if (step.kind === 'done') this.#over = stop('finished');
    else this.#over = stop('failed', step.message, step.line);
    return this.#over;
  }

  #begin(goal: Goal): Stop | null {
    const ended = this.#fetch();
    if (ended) return ended;
    if (goal === 'ioctl' && this.#moved) return stop('ioctl');
    const { fd, request, arg } = this.#pending!;
    this.#running = this.#process.ioctl(fd, request, arg);
    this.#moved = true;
    return null;
  }

  #proceed(goal: Goal): Stop | null {
    const stepping = goal === 'instruction';
    // A vCPU that is not held yet is taken up to the instruction that it is about to execute.
    this.#control.budget = stepping ? (this.#held ? 1 : 0) : this.#chunk;
    const wasHeld = this.#held !== null;
    const count = this.#instructions();
    const began = this.#clock();
    const { done, value } = this.#running!.next();
    if (done) {
      this.#running = this.#held = null;
      this.#from = null;
      this.#result = value;
      this.#moved = true;
      return goal === 'exit' && this.#pending!.request === KVM_RUN ? stop('kvm-exit') : null;
    }
    this.#adapt(this.#clock() - began);
    return this.#paused(value, stepping, wasHeld, this.#instructions() - count);
  }

  #paused({ why: paused, vcpu }: GuestPause, stepping: boolean, wasHeld: boolean, executed: number): Stop | null {
    this.#held = vcpu;
    if (paused === 'idle') {
      const why = vcpu.stopped
        ? 'is off, and its KVM_RUN returns once another turns it on (PSCI CPU_ON): no other runs meanwhile'
        : 'waits for an interrupt (WFI or WFE), and nothing can bring one';
      return stop('pause', `vCPU ${vcpu.id} ${why}`);
    }
    if (paused === 'breakpoint') {
      const seen = this.#from?.pc === vcpu.context.pc && this.#from.count === this.#instructions();
      if (seen) this.#from = null;
      else return stop('breakpoint');
    }
    return stepping && (executed > 0 || !wasHeld) ? stop('step') : null;
  }

  #adapt(took: number): void {
    if (took > CHUNK_TIME.long) this.#chunk = Math.max(CHUNK.least, this.#chunk >> 1);
    else if (took < CHUNK_TIME.short) this.#chunk = Math.min(CHUNK.most, this.#chunk * 2);
  }
}
