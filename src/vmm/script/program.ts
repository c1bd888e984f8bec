import type { QuickJSHandle } from 'quickjs-emscripten-core';
import { oneRegText } from '../../abi/onereg.ts';
import type { Call, CallResult, Step, VmmProgram } from '../program.ts';
import { preludeData } from './api.ts';
import type { GuestImage } from './api.ts';
import { problemOf, SCRIPT_FILE } from './engine.ts';
import type { Realm, ScriptEngine } from './engine.ts';
import { SCRIPT_LIMITS, WORK_PER_INTERRUPT } from './limits.ts';
import { PRELUDE_MAIN, preludeModule } from './prelude.ts';
import { markLoops, stripTypes } from './strip.ts';
import type { ScriptProblem } from './strip.ts';

/** A system call that failed. */
export interface Failed {
  readonly errno: string;
  readonly rule: string;
  readonly message: string;
  readonly kernel: string;
}

/** What a script reaches outside of itself: its process on the host, the guest program, and where its output goes. */
export interface ScriptWorld {
  readonly pageSize: number;
  readonly guest: GuestImage;
  open(path: string): number | Failed;
  close(fd: number): number | Failed;
  /** Anonymous memory of a new mapping; `align` in bytes, 0 for a page. */
  alloc(length: number, align: number, shared: boolean): number | Failed;
  /** mmap(2): PROT_* and MAP_* as in C. */
  mmap(address: number, length: number, prot: number, flags: number, fd: number, offset: number): number | Failed;
  munmap(address: number, length: number): number | Failed;
  mprotect(address: number, length: number, prot: number): number | Failed;
  madvise(address: number, length: number, advice: number): number | Failed;
  /** tgkill(2) of the thread that makes a call, which has not returned. */
  kill(call: Call, signal: number): number | Failed;
  eventfd(count: number, flags: number): number | Failed;
  /** read(2), and with an offset pread(2). */
  readFile(fd: number, length: number, offset: number | null): Uint8Array | Failed;
  /** write(2), and with an offset pwrite(2). */
  writeFile(fd: number, bytes: Uint8Array, offset: number | null): number | Failed;
  /** null and false: no such memory, or not so accessible. */
  read(address: number, length: number): Uint8Array | null;
  write(address: number, bytes: Uint8Array): boolean;
  /** Text for the script's own stream. */
  print(text: string): void;
  /** Bytes that the guest sent to its console. */
  uartWrite(bytes: Uint8Array): void;
  /** The next byte that was typed for the guest, or -1. */
  uartRead(): number;
}

type HostFunction = (...args: QuickJSHandle[]) => QuickJSHandle | undefined;

interface MadeCall {
  /** The prelude's number of it. */
  readonly id: number;
  readonly call: Call;
}

/** After an interrupt inside an async function its error reaches the script's promise, and so its line, through a few jobs. */
const JOBS_TO_END = 20;

const DONE: Step = { kind: 'done' };

const THREAD_GONE: Failed = {
  errno: 'ESRCH',
  rule: 'kill.no-thread',
  message: 'the call has returned, and its thread is no more',
  kernel: 'do_send_specific',
};

/** A script is over its work limit: thrown into it, and fatal even where it is caught. */
class OutOfWork extends Error {
  override readonly name = 'OutOfWork';
}

/** A VMM script as a program: QuickJS runs it up to its next ioctl, and further while that is under way only where the script does not await it. */
export class ScriptProgram implements VmmProgram {
  readonly #world: ScriptWorld;
  readonly #realm: Realm | null;
  /** Calls that have not been named yet, in order. */
  readonly #calls: MadeCall[] = [];
  /** Those that have been and are not answered: the prelude's number of each. */
  readonly #named = new Map<Call, number>();
  /** The script as QuickJS runs it, until it has been started. */
  #code: string | null = null;
  #main: QuickJSHandle | null = null;
  #settle: QuickJSHandle | null = null;
  #work = 0;
  #end: Step | null = null;

  /** Nothing of the script runs yet. */
  constructor(engine: ScriptEngine, source: string, world: ScriptWorld) {
    this.#world = world;
    const stripped = stripTypes(source);
    this.#realm = stripped.ok ? engine.open() : null;
    if (!stripped.ok) this.#end = failed(stripped.problem);
    else if (!this.#realm) this.#end = failed(problem('the script engine is being restarted; try again'));
    else this.#code = markLoops(stripped.code);
  }

  next(): Step {
    const realm = this.#realm;
    if (realm && !this.#end && this.#calls.length === 0) this.#guarded(realm, () => this.#advance(realm));
    if (this.#end) return this.#end;
    const made = this.#calls.shift();
    if (made) {
      this.#named.set(made.call, made.id);
      return made.call;
    }
    return { kind: 'waiting', over: realm ? this.#mainState(realm) === 'fulfilled' : true };
  }

  resume(call: Call, result: CallResult): void {
    const realm = this.#realm;
    const id = this.#named.get(call);
    if (id === undefined || !realm || this.#end) return;
    this.#named.delete(call);
    this.#work = 0;
    this.#guarded(realm, () => {
      const { context } = realm;
      const refused = 'errno' in result ? JSON.stringify(result) : '';
      const args = [
        context.newNumber(id),
        context.newNumber('ret' in result ? result.ret : -1),
        context.newString(refused),
      ];
      const answer = context.callFunction(this.#settle!, context.undefined, args);
      for (const arg of args) arg.dispose();
      if (answer.error) this.#fail(realm, answer.error);
      else answer.value.dispose();
    });
  }

  close(): void {
    this.#finish(DONE);
  }

  /** Runs the prelude, and the script up to its first `await`. */
  #start(realm: Realm, code: string): void {
    const { context, runtime } = realm;
    runtime.setInterruptHandler(() => {
      if (this.#work > SCRIPT_LIMITS.work) return true;
      this.#work += WORK_PER_INTERRUPT;
      // The next loop mark throws, and so says its line; the interrupt after this one can't be caught.
      if (this.#work > SCRIPT_LIMITS.work) context.setProp(context.global, '__over', context.true);
      return false;
    });
    const host = this.#hostObject(realm);
    context.setProp(context.global, '__host', host);
    host.dispose();
    // The prelude alone has modules: a script is one file.
    const missing = (name: string): { error: Error } => ({ error: new Error(`could not load module '${name}'`) });
    runtime.setModuleLoader(
      (name) => preludeModule(name) ?? missing(name),
      (_from, name) => name,
    );
    const ran = context.evalCode(`import '${PRELUDE_MAIN}';`, 'prelude', { type: 'module' });
    runtime.setModuleLoader(missing, (_from, name) => name);
    if (ran.error) {
      this.#fail(realm, ran.error);
      return;
    }
    ran.value.dispose();
    this.#settle = context.getProp(context.global, '__settle');
    this.#work = 0;
    const main = context.evalCode(code, SCRIPT_FILE, { type: 'module' });
    if (main.error) this.#fail(realm, main.error);
    else this.#main = main.value;
  }

  /** Runs what is due until an ioctl waits, or says how the script ended. */
  #advance(realm: Realm): void {
    const { runtime } = realm;
    if (this.#code !== null) {
      this.#start(realm, this.#code);
      this.#code = null;
    }
    if (this.#end) return;
    let late = 0;
    while (this.#calls.length === 0 && runtime.hasPendingJob()) {
      const jobs = runtime.executePendingJobs(1);
      if (jobs.error) {
        this.#fail(realm, jobs.error);
        return;
      }
      this.#work += SCRIPT_LIMITS.jobWork;
      if (this.#work > SCRIPT_LIMITS.work && ++late > JOBS_TO_END) {
        this.#finish(failed(problem(OVERWORKED)));
        return;
      }
    }
    if (this.#calls.length > 0) return;
    const state = this.#mainState(realm);
    if (this.#end || this.#named.size > 0) return;
    if (state === 'fulfilled') this.#finish(DONE);
    else this.#finish(failed(problem('the script waits for a promise that nothing will settle')));
  }

  /** Where the script's own promise is; an error in it ends the script. */
  #mainState(realm: Realm): 'pending' | 'fulfilled' | 'rejected' {
    const state = realm.context.getPromiseState(this.#main!);
    if (state.type === 'rejected') this.#fail(realm, state.error);
    else if (state.type === 'fulfilled' && state.value !== this.#main) state.value.dispose();
    return state.type;
  }

  /** The call of a number, unless it has returned. */
  #callOf(id: number): Call | null {
    for (const [call, named] of this.#named) if (named === id) return call;
    return this.#calls.find((made) => made.id === id)?.call ?? null;
  }

  /** Ends the script with an error of its own; takes the handle. */
  #fail(realm: Realm, error: QuickJSHandle): void {
    const found = problemOf(realm.context.dump(error));
    error.dispose();
    const overworked = this.#work > SCRIPT_LIMITS.work;
    this.#finish(failed(overworked ? { ...found, message: OVERWORKED } : found));
  }

  /** An exception that comes out of QuickJS itself leaves it unusable; the script is over, the sandbox is not. */
  #guarded(realm: Realm, action: () => void): void {
    try {
      action();
    } catch (error) {
      realm.broke();
      const message =
        error instanceof RangeError ? 'the script is nested too deeply' : `the script engine failed: ${String(error)}`;
      this.#end = failed(problem(message));
    }
  }

  #finish(end: Step): void {
    const realm = this.#realm;
    this.#calls.length = 0;
    this.#named.clear();
    this.#end = end;
    if (!realm || (!this.#main && !this.#settle && !realm.context.alive)) return;
    this.#main?.dispose();
    this.#settle?.dispose();
    this.#main = this.#settle = null;
    realm.close();
  }

  /* ---------------------------------------------------------------- what the prelude calls */

  #hostObject({ context }: Realm): QuickJSHandle {
    const world = this.#world;
    const host = context.newObject();
    const set = (name: string, value: QuickJSHandle): void => {
      context.setProp(host, name, value);
      value.dispose();
    };
    const number = (handle: QuickJSHandle | undefined): number => (handle ? context.getNumber(handle) : NaN);
    const size = (handle: QuickJSHandle | undefined): number => {
      const value = number(handle);
      if (!(value >= 0 && value <= SCRIPT_LIMITS.transfer)) {
        throw new RangeError(`${value} bytes at once: the limit is ${SCRIPT_LIMITS.transfer}`);
      }
      return value;
    };
    const answer = (result: number | Failed): QuickJSHandle =>
      typeof result === 'number' ? context.newNumber(result) : context.newString(JSON.stringify(result));
    const bytes = <T>(handle: QuickJSHandle, use: (bytes: Uint8Array) => T): T => {
      const lifetime = context.getArrayBuffer(handle);
      try {
        this.#charge(lifetime.value.length);
        return use(lifetime.value);
      } finally {
        lifetime.dispose();
      }
    };
    const functions: Record<string, HostFunction> = {
      open: (path) => answer(world.open(context.getString(path!).slice(0, 4096))),
      close: (fd) => answer(world.close(number(fd))),
      alloc: (length, align, shared) =>
        answer(world.alloc(number(length), number(align), context.dump(shared!) === true)),
      mmap: (address, length, prot, flags, fd, offset) =>
        answer(world.mmap(number(address), number(length), number(prot), number(flags), number(fd), number(offset))),
      munmap: (address, length) => answer(world.munmap(number(address), number(length))),
      mprotect: (address, length, prot) => answer(world.mprotect(number(address), number(length), number(prot))),
      madvise: (address, length, advice) => answer(world.madvise(number(address), number(length), number(advice))),
      kill: (id, signal) => {
        const call = this.#callOf(number(id));
        return answer(call ? world.kill(call, number(signal)) : THREAD_GONE);
      },
      eventfd: (count, flags) => answer(world.eventfd(number(count), number(flags))),
      readFile: (fd, length, offset) => {
        const from = number(offset);
        const found = world.readFile(number(fd), size(length), from < 0 ? null : from);
        if (!(found instanceof Uint8Array)) return context.newString(JSON.stringify(found));
        this.#charge(found.length);
        return context.newArrayBuffer(exact(found));
      },
      writeFile: (fd, data, offset) => {
        const to = number(offset);
        return answer(bytes(data!, (from) => world.writeFile(number(fd), from.slice(), to < 0 ? null : to)));
      },
      registerName: (id) => context.newString(oneRegText(context.getBigInt(id!))),
      read: (address, length) => {
        const count = size(length);
        this.#charge(count);
        const found = world.read(number(address), count);
        return found ? context.newArrayBuffer(exact(found)) : undefined;
      },
      write: (address, data, length) => {
        const count = size(length);
        const to = number(address);
        return bytes(data!, (from) => world.write(to, from.slice(0, count))) ? context.true : context.false;
      },
      submit: (id, fd, request, arg, line) => {
        if (this.#calls.length + this.#named.size >= SCRIPT_LIMITS.pendingIoctls) {
          throw new Error(
            `${SCRIPT_LIMITS.pendingIoctls} ioctls were called and none awaited: is an \`await\` missing?`,
          );
        }
        const at = number(line);
        this.#calls.push({
          id: number(id),
          call: {
            kind: 'ioctl',
            fd: number(fd),
            request: number(request),
            arg: context.getBigInt(arg!),
            line: at > 0 ? at : null,
          },
        });
        return undefined;
      },
      print: (text) => {
        const printed = context.getString(text!);
        this.#charge(printed.length);
        world.print(printed);
        return undefined;
      },
      uartWrite: (data) => {
        bytes(data!, (sent) => world.uartWrite(sent.slice()));
        return undefined;
      },
      uartRead: () => context.newNumber(world.uartRead()),
    };
    for (const [name, run] of Object.entries(functions)) {
      set(
        name,
        context.newFunction(name, (...args) => {
          this.#charge(0);
          return run(...args);
        }),
      );
    }
    set('api', context.newString(preludeData(world.pageSize, world.guest)));
    set('guestBytes', context.newArrayBuffer(exact(world.guest.bytes)));
    return host;
  }

  #charge(length: number): void {
    this.#work += SCRIPT_LIMITS.hostCallWork + Math.ceil(length / SCRIPT_LIMITS.bytesPerWork);
    if (this.#work > SCRIPT_LIMITS.work) throw new OutOfWork('too much work between two ioctls');
  }
}

const OVERWORKED =
  `the script does not end: some ${SCRIPT_LIMITS.work} loop turns and calls since its last ioctl. ` +
  'A script may compute for long only with an `await ioctl(…)` now and then';

const problem = (message: string): ScriptProblem => ({ message, line: null, column: null });

const failed = ({ message, line }: ScriptProblem): Step => ({ kind: 'failed', message, line });

function exact(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer;
}
