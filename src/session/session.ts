import { HOST_PRESETS } from '../host/config.ts';
import { ScriptEngine } from '../vmm/script/engine.ts';
import { scriptTypes } from '../vmm/script/types.ts';
import { readCommand } from './commands.ts';
import type { Goal, Stop } from './driver.ts';
import { GuestProgram } from './guest.ts';
import type { Command, CommandType, Diagnostic, Event, Query, RunState, Status, StopReason, View } from './messages.ts';
import { MESSAGE_VERSION } from './messages.ts';
import { Outbox } from './outbox.ts';
import { LoadedSandbox } from './sandbox.ts';
import { answer } from './views/answer.ts';
import { locatorOf } from './views/memory.ts';

/** Milliseconds of work before the next message is looked at. */
const SLICE = 8;
/** Milliseconds between two updates of views and status while running. */
const LIVE = 250;
/** Symbols of a guest that a page is told of. */
const MOST_SYMBOLS = 5000;
/** Views that a page may keep up to date at once. */
const MOST_WATCHES = 100;
const SHARED_ZEROS = 'the zero page, which all share and the process may not write';

const GOALS: Readonly<Partial<Record<CommandType, Goal>>> = {
  run: 'run',
  stepInstruction: 'instruction',
  stepExit: 'exit',
  stepIoctl: 'ioctl',
};

export interface SessionOptions {
  /** Where a browser finds QuickJS's WebAssembly file. */
  readonly wasmLocation?: string;
  /** Milliseconds; only lengths of slices and intervals of messages depend on it. */
  readonly clock?: () => number;
}

/**
 * A sandbox behind its messages; the page's worker and the command line both drive it:
 *
 *     const session = await Session.create(emit);
 *     session.handle(command);          // at any time between two slices
 *     while (session.slice()) …         // in turns with whatever else there is to do
 *
 * Neither throws: a command that can't be is answered by `refused`, an error of our own by a status of `failed`.
 */
export class Session {
  readonly #emit: (event: Event) => void;
  readonly #engine: ScriptEngine;
  readonly #clock: () => number;
  readonly #outbox: Outbox;
  readonly #watches = new Map<string, Query>();
  #sandbox: LoadedSandbox | null = null;
  #state: RunState = 'empty';
  #reason: StopReason | null = null;
  #message: string | null = null;
  #goal: Goal = 'run';
  #generation = 0;
  #lastLive = 0;

  private constructor(emit: (event: Event) => void, engine: ScriptEngine, clock: () => number) {
    this.#emit = emit;
    this.#engine = engine;
    this.#clock = clock;
    this.#outbox = new Outbox(emit);
    emit({ type: 'ready', version: MESSAGE_VERSION, presets: HOST_PRESETS, scriptTypes });
    this.#sendStatus();
  }

  static async create(emit: (event: Event) => void, options: SessionOptions = {}): Promise<Session> {
    const engine = await ScriptEngine.load(options.wasmLocation);
    return new Session(emit, engine, options.clock ?? (() => performance.now()));
  }

  /** Carries out a message from the page, whatever it is. */
  handle(message: unknown): void {
    const read = readCommand(message);
    if (!read.ok) {
      this.#emit({ type: 'refused', command: read.type ?? 'unknown', message: read.message });
      return;
    }
    this.#contained(() => this.#carryOut(read.command));
  }

  /** Runs for some milliseconds; true: there is more to do. */
  slice(): boolean {
    if (this.#state !== 'running') return false;
    this.#contained(() => {
      const now = this.#clock();
      const reached = this.#sandbox?.driver.advance(this.#goal, now + SLICE) ?? null;
      if (reached) this.#halt(reached);
      else this.#live();
    });
    return this.#state === 'running';
  }

  /** The answer to a query now, for a caller without messages. */
  query(query: Query): View {
    try {
      return answer(this.#sandbox, query);
    } catch (error) {
      return { view: 'nothing', why: `internal error: ${String(error)}` };
    }
  }

  get status(): Status {
    return this.#status();
  }

  /* ---------------------------------------------------------------- commands */

  #carryOut(command: Command): void {
    switch (command.type) {
      case 'check':
        this.#emit({ type: 'diagnostics', diagnostics: this.#check(command.script, new GuestProgram(command)) });
        return;
      case 'load':
        this.#load(command);
        return;
      case 'run':
      case 'stepInstruction':
      case 'stepExit':
      case 'stepIoctl':
        this.#start(command.type);
        return;
      case 'pause':
        if (this.#state === 'running') this.#halt({ reason: 'pause', message: null, line: null });
        else this.#refuse(command.type, `nothing runs: the sandbox is ${this.#state}`);
        return;
      case 'stop':
        this.#stop();
        return;
      case 'setBreakpoints':
        this.#sandbox?.setBreakpoints(command.breakpoints);
        this.#sendViews('disassembly');
        return;
      case 'consoleInput':
        if (this.#sandbox) this.#sandbox.type(command.text);
        else this.#refuse(command.type, 'nothing is loaded');
        return;
      case 'watch':
        this.#watch(command.id, command.query);
        return;
      case 'unwatch':
        this.#watches.delete(command.id);
        return;
      case 'keepTables':
        if (this.#sandbox) this.#sandbox.keepTables(command.keep);
        else this.#refuse(command.type, 'nothing is loaded');
        this.#sendViews();
        return;
      case 'poke':
        this.#poke(command);
    }
  }

  #check(script: string, guest: GuestProgram): Diagnostic[] {
    const problem = this.#engine.check(script);
    return problem
      ? [scriptDiagnostic(problem.message, problem.line, problem.column), ...guest.diagnostics]
      : [...guest.diagnostics];
  }

  #load({ sandbox: source, breakpoints }: Extract<Command, { type: 'load' }>): void {
    this.#drop();
    this.#generation++;
    let sandbox: LoadedSandbox;
    try {
      sandbox = new LoadedSandbox(source, this.#engine, this.#outbox, this.#clock);
    } catch (error) {
      // A configuration that can't be is the person's; whatever else is thrown is ours, and said the same way.
      const message = error instanceof Error ? error.message : String(error);
      this.#emit({ type: 'diagnostics', diagnostics: [{ source: 'host', severity: 'error', message }] });
      this.#end('failed', 'failed', `the host can't be: ${message}`);
      return;
    }
    this.#sandbox = sandbox;
    const { guest, host } = sandbox;
    this.#emit({ type: 'bootlog', lines: host.bootLog });
    this.#emit({ type: 'symbols', symbols: [...guest.image.symbols].slice(0, MOST_SYMBOLS) });
    const diagnostics = this.#check(source.script, guest);
    this.#emit({ type: 'diagnostics', diagnostics });
    const first = diagnostics[0];
    if (first) {
      sandbox.driver.end();
      const where = first.line === undefined ? '' : `, line ${first.line}`;
      this.#end('failed', 'failed', `${first.source}${where}: ${first.message}`);
      return;
    }
    sandbox.setBreakpoints(breakpoints);
    const ended = sandbox.driver.load();
    this.#halt(ended ?? { reason: 'loaded', message: null, line: null });
  }

  #start(command: CommandType): void {
    const goal = GOALS[command];
    if (!this.#sandbox || this.#state === 'empty') this.#refuse(command, 'nothing is loaded');
    else if (this.#state === 'running') this.#refuse(command, 'the sandbox runs already; pause it first');
    else if (this.#state !== 'paused') this.#refuse(command, 'the program has ended; load it anew');
    else if (goal) {
      this.#goal = goal;
      this.#sandbox.driver.setGoal();
      this.#sandbox.changes.running();
      this.#state = 'running';
      this.#reason = this.#message = null;
      this.#lastLive = this.#clock();
      if (goal === 'run') this.#sendStatus();
    }
  }

  #stop(): void {
    if (!this.#sandbox || (this.#state !== 'running' && this.#state !== 'paused')) {
      this.#refuse('stop', `nothing to stop: the sandbox is ${this.#state}`);
      return;
    }
    this.#sandbox.driver.end();
    this.#end('failed', 'stopped', 'ended before the script came to its end');
  }

  #watch(id: string, query: Query): void {
    if (!this.#watches.has(id) && this.#watches.size >= MOST_WATCHES) {
      this.#refuse('watch', `${MOST_WATCHES} views are kept up to date already`);
      return;
    }
    this.#watches.set(id, query);
    this.#sendView(id, query);
  }

  #poke({ space, address, data, vm, vcpu }: Extract<Command, { type: 'poke' }>): void {
    const sandbox = this.#sandbox;
    if (!sandbox) return this.#refuse('poke', 'nothing is loaded');
    const [firstVm] = sandbox.vms();
    const locate = locatorOf(sandbox, space, vm ?? firstVm?.fd, vcpu ?? firstVm?.vcpus[0]?.fd);
    if (typeof locate !== 'function') return this.#refuse('poke', locate.why);
    const parts: { readonly pa: number; readonly bytes: Uint8Array }[] = [];
    for (let offset = 0; offset < data.length;) {
      const at = address + BigInt(offset);
      let found = locate(at);
      // Zeros that all share give way to a page of the process' own, as when it writes.
      if (found.ok && found.hva !== undefined && sandbox.process.present(Number(found.hva))?.exclusive === false) {
        found = sandbox.process.getPage(found.hva, true) ? locate(at) : { ...found, ok: false, missing: SHARED_ZEROS };
      }
      if (!found.ok) return this.#refuse('poke', `0x${at.toString(16)}: ${found.missing}`);
      const bytes = data.subarray(offset, offset + found.length);
      parts.push({ pa: found.pa, bytes });
      offset += bytes.length;
    }
    if (parts.some(({ pa, bytes }) => !sandbox.memory.readBytes(pa, bytes.length))) {
      return this.#refuse('poke', 'not all of it is RAM');
    }
    for (const { pa, bytes } of parts) sandbox.memory.writeBytes(pa, bytes);
    // The bytes may be a descriptor's: what the CPU holds of it goes, so that the guest runs on with it.
    sandbox.memory.exposeAll();
    sandbox.host.kvm.host.cpu.invalidateStage2();
    this.#sendViews();
  }

  /* ---------------------------------------------------------------- stops */

  #halt({ reason, message, line }: Stop): void {
    if (reason === 'failed' && message !== null) {
      this.#emit({ type: 'diagnostics', diagnostics: [scriptDiagnostic(message, line, null)] });
      this.#end('failed', reason, line === null ? message : `script, line ${line}: ${message}`);
    } else this.#end(reason === 'finished' ? 'finished' : 'paused', reason, message);
  }

  /** The sandbox stands still: everything that shows it is sent. */
  #end(state: RunState, reason: StopReason, message: string | null): void {
    this.#state = state;
    this.#reason = reason;
    this.#message = message;
    this.#sandbox?.stopped();
    this.#outbox.flush(this.#clock());
    this.#sendStatus();
    this.#sendViews();
  }

  #live(): void {
    const now = this.#clock();
    this.#outbox.tick(now);
    if (now - this.#lastLive < LIVE) return;
    this.#sendStatus();
    this.#sendViews();
    this.#lastLive = this.#clock();
  }

  #drop(): void {
    const sandbox = this.#sandbox;
    this.#sandbox = null;
    this.#state = 'empty';
    this.#outbox.clear();
    sandbox?.dispose();
  }

  /** An error of our own ends the sandbox, not the worker. */
  #contained(action: () => void): void {
    try {
      action();
    } catch (error) {
      const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      this.#state = 'failed';
      this.#reason = 'failed';
      this.#message = `internal error, the sandbox can't go on: ${what}`;
      this.#outbox.flush(this.#clock());
      this.#sendStatus();
    }
  }

  /* ---------------------------------------------------------------- what is sent */

  #refuse(command: CommandType, message: string): void {
    this.#emit({ type: 'refused', command, message });
  }

  #sendStatus(): void {
    this.#emit({ type: 'status', status: this.#status() });
  }

  #status(): Status {
    const sandbox = this.#sandbox;
    const common = { state: this.#state, reason: this.#reason, message: this.#message, generation: this.#generation };
    if (!sandbox) {
      const none = { instructions: 0n, ioctls: 0, vcpu: null, pc: null, guestLine: null, scriptLine: null, vms: [] };
      return { ...common, ...none };
    }
    const vcpu = sandbox.current;
    const pc = vcpu ? vcpu.context.pc : null;
    return {
      ...common,
      instructions: sandbox.instructions,
      ioctls: sandbox.ioctls,
      vcpu: vcpu ? sandbox.reference(vcpu) : null,
      pc,
      guestLine: pc === null ? null : sandbox.guest.lineAt(pc),
      scriptLine: sandbox.driver.scriptLine,
      vms: sandbox.vms(),
    };
  }

  #sendViews(only?: Query['view']): void {
    for (const [id, query] of this.#watches) if (only === undefined || query.view === only) this.#sendView(id, query);
  }

  #sendView(id: string, query: Query): void {
    this.#emit({ type: 'view', id, view: this.query(query) });
  }
}

function scriptDiagnostic(message: string, line: number | null, column: number | null): Diagnostic {
  return {
    source: 'script',
    severity: 'error',
    message,
    ...(line === null ? {} : { line }),
    ...(column === null ? {} : { column }),
  };
}
