import variant from '@jitl/quickjs-wasmfile-release-sync';
import { DefaultIntrinsics, newQuickJSWASMModuleFromVariant, newVariant } from 'quickjs-emscripten-core';
import type { QuickJSContext, QuickJSRuntime, QuickJSWASMModule } from 'quickjs-emscripten-core';
import { remembered } from '../remembered.ts';
import { SCRIPT_LIMITS } from './limits.ts';
import { REMEMBERED, stripTypes } from './strip.ts';
import type { ScriptProblem } from './strip.ts';

export const SCRIPT_FILE = 'script.ts';

/**
 * QuickJS's own limit counts allocations, not their bytes, where malloc can't tell a block's size; the limit that holds is
 * that of the WebAssembly memory. The first 16 MiB are what the module was linked for.
 */
const WASM_PAGE = 65536;
const MEMORY = { initial: (16 << 20) / WASM_PAGE, maximum: SCRIPT_LIMITS.memory / WASM_PAGE };

/** The prelude says in its place why there is none. */
const NO_CLOCK = { ...DefaultIntrinsics, Date: false } as const;

/** A runtime and context of its own for one script; `close` gives the memory back. */
export interface Realm {
  readonly runtime: QuickJSRuntime;
  readonly context: QuickJSContext;
  /** QuickJS itself came to a bad end in here: the module is not used again. */
  broke(): void;
  close(): void;
}

/** Before a script that is only to be read: a module has to be started to be compiled, and this one never gets further. */
const NOTHING_MORE = 'await new Promise(() => {}); ';

/**
 * QuickJS as WebAssembly, compiled once. All scripts run in one module, each in a runtime of its own; a module that a script
 * has broken (a stack overflow inside QuickJS leaves it inconsistent) is replaced by a spare one that is always at hand,
 * because a module can only be made asynchronously.
 */
export class ScriptEngine {
  readonly #make: () => Promise<QuickJSWASMModule>;
  readonly #checked = remembered((source) => ({ problem: this.#read(source) }), REMEMBERED);
  #module: QuickJSWASMModule | null;
  #spare: QuickJSWASMModule | null = null;

  private constructor(make: () => Promise<QuickJSWASMModule>, module: QuickJSWASMModule) {
    this.#make = make;
    this.#module = module;
    this.#refill();
  }

  /** `wasmLocation`: where a browser fetches QuickJS from; Node finds it in the package. */
  static async load(wasmLocation?: string): Promise<ScriptEngine> {
    const make = (): Promise<QuickJSWASMModule> => {
      const wasmMemory = new WebAssembly.Memory(MEMORY);
      const where = wasmLocation === undefined ? {} : { wasmLocation };
      return newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmMemory, ...where }));
    };
    return new ScriptEngine(make, await make());
  }

  /** null: two scripts broke QuickJS at once and its replacement is not there yet. */
  open(): Realm | null {
    const module = this.#module;
    if (!module) return null;
    const runtime = module.newRuntime();
    runtime.setMaxStackSize(SCRIPT_LIMITS.stack);
    const context = runtime.newContext({ intrinsics: NO_CLOCK });
    let broken = false;
    const broke = (): void => {
      broken = true;
      this.#replace(module);
    };
    return {
      runtime,
      context,
      broke,
      close: () => {
        if (broken) return;
        try {
          context.dispose();
          runtime.dispose();
        } catch {
          broke();
        }
      },
    };
  }

  /** Whether a script can be read at all; what it means is for the editor's type checker. */
  check(source: string): ScriptProblem | null {
    return this.#module && this.#checked(source).problem;
  }

  #read(source: string): ScriptProblem | null {
    const stripped = stripTypes(source);
    if (!stripped.ok) return stripped.problem;
    const realm = this.open();
    if (!realm) return null;
    try {
      const result = realm.context.evalCode(NOTHING_MORE + stripped.code, SCRIPT_FILE, { type: 'module' });
      if (!result.error) {
        result.value.dispose();
        return null;
      }
      const { message, line, column } = problemOf(realm.context.dump(result.error));
      result.error.dispose();
      return {
        message,
        line,
        column: line === 1 && column !== null ? Math.max(1, column - NOTHING_MORE.length) : column,
      };
    } catch {
      realm.broke();
      return { message: 'the script is nested too deeply', line: null, column: null };
    } finally {
      realm.close();
    }
  }

  #replace(broken: QuickJSWASMModule): void {
    if (this.#module !== broken) return;
    this.#module = this.#spare;
    this.#spare = null;
    this.#refill();
  }

  #refill(): void {
    void this.#make().then((module) => {
      if (this.#module === null) this.#module = module;
      else this.#spare = module;
    });
  }
}

/** An error as QuickJS dumps it: name, message and a stack whose first frame in the script says where. */
export function problemOf(dumped: unknown): ScriptProblem {
  const error = isRecord(dumped) ? dumped : {};
  const name = typeof error['name'] === 'string' ? error['name'] : null;
  const text = typeof error['message'] === 'string' ? error['message'] : null;
  const stack = typeof error['stack'] === 'string' ? error['stack'] : '';
  const place = /script\.ts:(\d+):(\d+)/.exec(stack);
  return {
    message: text === null ? `the script threw ${String(dumped).slice(0, 200)}` : explained(headed(name, text)),
    line: place ? Number(place[1]) : null,
    column: place ? Number(place[2]) : null,
  };
}

/** Errors that the prelude makes say all in their message; the language's own are named. */
function headed(name: string | null, text: string): string {
  return name === null || name === 'Error' || name === 'SystemError' || name === 'IoctlError'
    ? text
    : `${name}: ${text}`;
}

/** QuickJS's words for its limits, in ours. */
function explained(message: string): string {
  if (message.endsWith('out of memory'))
    return `the script needs more than its ${SCRIPT_LIMITS.memory >> 20} MiB of memory`;
  if (message.endsWith('stack overflow')) return 'the script calls itself too deeply';
  const module = /could not load module '(.*)'/.exec(message);
  return module ? `import of '${module[1]}': a script is one file, all it needs is there without an import` : message;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
