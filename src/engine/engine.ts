import type { TableRow } from '../isa/decoder.ts';
import { fpcrBits } from '../isa/a64/semantics/float/format.ts';
import { A64 } from '../isa/a64/table.ts';
import { CodeCache } from './code-cache.ts';
import { crcTables } from './crc.ts';
import type { Access, Exit } from './exit.ts';
import { CalledHandlers, ENTER_ENTRY, FIRST_ENTRY } from './interpreter/called.ts';
import { CODES, type Code } from './interpreter/codes.ts';
import { generateInterpreter, type Program } from './interpreter/program.ts';
import { Jit, type JitOptions, type JitStatistics } from './jit/jit.ts';
import * as at from './layout.ts';
import { Library } from './library.ts';
import { CpuState } from './state.ts';
import { SoftTlb } from './tlb.ts';
import { Views } from './views.ts';

export type * from './exit.ts';
export type { JitOptions, JitStatistics } from './jit/jit.ts';
export { ENGINE_BYTES, REGIMES, STATE_BYTES } from './layout.ts';
export { CpuState } from './state.ts';
export { SoftTlb } from './tlb.ts';

const MAX_BUDGET = 0x7fffffff;
/** Instructions that regions may do before they are entered anew: only then does V8 run the better code that it has made. */
const MOST_AT_ONCE = 4_000_000;

/**
 * Fills the entry of a page that has none, as `SoftTlb.fill` would, if that takes no more than a look at memory: 1, or 0
 * where it does not. `table` is the offset from TLB of the table that missed. An exported WebAssembly function.
 */
export type Refill = (va: bigint, table: number) => number;

export interface EngineOptions {
  /** False: everything is interpreted. */
  readonly jit?: false | JitOptions;
}

let a64: Program | undefined;
/** The A64 interpreter, the same for all engines. */
export function a64Program(): Program {
  return (a64 ??= generateInterpreter(A64));
}

/** Runs guest code in the memory given, whose first `ENGINE_BYTES` are the engine's own, whatever they hold at first. */
export class Engine {
  readonly state: CpuState;
  readonly tlb: SoftTlb;
  readonly library: Library;
  /** Instructions completed in the last `run`. */
  executed = 0;
  readonly #views: Views;
  readonly #code: CodeCache;
  readonly #run: (count: number, tables: number) => number;
  readonly #jit: Jit | null;
  #left = 0;
  /** See `stepOff`. */
  #passing: { readonly lo: number; readonly hi: number } | null = null;

  /**
   * `absent`: features (FEAT_…) that this CPU lacks; their instructions are UNDEFINED, or the hints they lie among.
   * `refill`: see README.md; without it every miss is an exit.
   */
  constructor(
    memory: WebAssembly.Memory,
    absent: ReadonlySet<string> = new Set(),
    refill: Refill = () => 0,
    { jit = {} }: EngineOptions = {},
  ) {
    if (memory.buffer.byteLength < at.ENGINE_BYTES) throw new RangeError(`the engine needs ${at.ENGINE_BYTES} bytes`);
    const { module, handlers, called } = a64Program();
    const views = new Views(memory);
    views.u8.fill(0, 0, at.REFILL_BANKS);
    views.u8.fill(0, at.PAGE_SLOTS, at.PAGE_SLOTS + 2 * (views.u8.length / at.PAGE_BYTES));
    views.u8.set(crcTables(), at.CRC);
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: FIRST_ENTRY });
    const { run, translate, commit } = new WebAssembly.Instance(module, {
      engine: { memory, table, refill },
    }).exports;
    if (!isRun(run) || !isFunction(translate) || !isFunction(commit))
      throw new Error('the interpreter lacks an export');
    this.#run = run;
    this.library = new Library(memory);
    const calledHandlers = new CalledHandlers(called, this.library, table, { translate, commit });
    this.#views = views;
    const tree = (row: TableRow) => handlers.trees[row.index] ?? calledHandlers.tree(row);
    this.#code = new CodeCache(views, A64, tree, absent);
    const install = (enter: WebAssembly.Import) => table.set(ENTER_ENTRY, enter);
    this.#jit = jit ? new Jit(views, this.#code, this.library, install, jit) : null;
    this.state = new CpuState(views);
    this.state.setControl('fpcrBits', BigInt(fpcrBits(!absent.has('FEAT_FP16'))));
    this.tlb = new SoftTlb(views, this.#code);
  }

  /** Runs at most `budget` instructions (up to 2^31 − 1) from PC on. */
  run(budget: number): Exit {
    const wanted = Math.max(0, Math.min(budget, MAX_BUDGET));
    const passing = this.#passing;
    if (passing && (passing.lo !== this.state.pcLow || passing.hi !== this.state.pcHigh)) this.#passing = null;
    let left = wanted;
    for (;;) {
      const code = this.#runSome(left);
      left = this.#left;
      this.executed = wanted - left;
      if (this.executed > 0) this.#passing = null;
      if (code === 'budget' && left > 0) continue;
      if (code === 'modified' || code === 'left') {
        this.#jit?.[code](this.state.btype !== 0);
        continue;
      }
      if (code === 'undecoded') {
        this.#code.predecode(this.#record());
        continue;
      }
      if (code !== 'breakpoint') return this.#exit(code);
      const { pcLow, pcHigh } = this.state;
      if (this.#passing === null && this.#code.isBreakpoint(pcLow, pcHigh)) return { kind: 'breakpoint' };
      const exit = this.#stepPlanted();
      left -= 1 - this.#views.i32[at.REMAINING >> 2]!;
      this.executed = wanted - left;
      if (this.executed > 0) this.#passing = null;
      if (exit.kind !== 'budget') return exit;
    }
  }

  /** Lets the instruction now at PC run once although it has a breakpoint: forgotten when PC is found elsewhere. */
  stepOff(): void {
    this.#passing = { lo: this.state.pcLow, hi: this.state.pcHigh };
  }

  /** Virtual addresses where `run` stops before the instruction; all other breakpoints are removed. */
  setBreakpoints(addresses: Iterable<bigint>): void {
    this.#code.setBreakpoints(addresses);
    this.tlb.flushFetch();
  }

  /** Guest memory was written by other than guest code: forgets instructions predecoded from it. Offsets in the memory. */
  written(offset: number, bytes: number): void {
    this.#code.written(offset, bytes);
  }

  /** What the compiler has done; null: there is none. */
  get statistics(): JitStatistics | null {
    return this.#jit?.statistics ?? null;
  }

  /** Runs up to `left` instructions, fewer where the compiler wants to look at what is hot; what remains is in `#left`. */
  #runSome(left: number): Code {
    const jit = this.#jit;
    const { i32 } = this.#views;
    const chunk = jit?.chunk(left) ?? left;
    /* What is followed step by step must not be run by a region. */
    const rest = jit?.following ? 0 : Math.min(left - chunk, MOST_AT_ONCE);
    const record = this.#record();
    i32[at.REST >> 2] = rest;
    const code = this.#runOnce(chunk);
    const remaining = i32[at.REMAINING >> 2]!;
    this.#left = left - chunk - rest + remaining + i32[at.REST >> 2]!;
    if (code !== 'undecoded') jit?.ran(chunk - remaining, record, this.#record(), code !== 'budget');
    return code;
  }

  #runOnce(count: number): Code {
    const { i32 } = this.#views;
    const space = i32[at.SPACE >> 2]!;
    i32[at.UNPRIVILEGED_TABLES >> 2] = space + i32[at.UNPRIVILEGED >> 2]! * at.REGIME_BYTES;
    i32[at.BRANCHED >> 2] = (count << 2) | this.state.btype;
    const code = CODES[this.#run(count, space + i32[at.REGIME >> 2]! * at.REGIME_BYTES)]!;
    const type = i32[at.BRANCHED >> 2]! ^ (i32[at.REMAINING >> 2]! << 2);
    this.state.btype = type >>> 0 <= 3 ? type : 0;
    return code;
  }

  /** The instruction at PC, whose record has a breakpoint. */
  #stepPlanted(): Exit {
    const record = this.#record();
    this.#code.uproot(record);
    this.#views.i32[at.REST >> 2] = 0;
    const code = this.#runOnce(1);
    this.#code.replant(record);
    return this.#exit(code);
  }

  #record(): number {
    return this.#views.i32[at.EXIT_RECORD >> 2]!;
  }

  #exit(code: Code): Exit {
    if (code === 'budget') return { kind: 'budget' };
    const { state } = this;
    if (code === 'fetch') {
      const [lo, hi] = [state.pcLow, state.pcHigh];
      if (lo & 3) return { kind: 'alignment', of: 'pc', lo, hi, access: 'fetch', bytes: 4, word: 0 };
      return { kind: 'miss', access: 'fetch', lo, hi, bytes: 4, regime: state.regime, word: 0 };
    }
    const word = this.#code.wordAt(this.#record());
    switch (code) {
      case 'readMiss':
        return this.#miss('read', word);
      case 'writeMiss':
        return this.#miss('write', word);
      case 'readAlignment':
        return { kind: 'alignment', of: 'data', access: 'read', ...this.#place(), word };
      case 'writeAlignment':
        return { kind: 'alignment', of: 'data', access: 'write', ...this.#place(), word };
      case 'spAlignment': {
        const { i32 } = this.#views;
        const [lo, hi] = [i32[at.SP >> 2]! >>> 0, i32[(at.SP >> 2) + 1]! >>> 0];
        return { kind: 'alignment', of: 'sp', lo, hi, access: 'read', bytes: 0, word };
      }
      case 'fp':
        return { kind: 'fp', word };
      case 'svc':
      case 'hvc':
      case 'smc':
      case 'brk':
      case 'hlt':
      case 'dcps1':
      case 'dcps2':
      case 'dcps3':
        return { kind: 'exception', cause: code, immediate: (word >>> 5) & 0xffff, word };
      case 'wfi':
      case 'wfe':
        return { kind: 'wait', for: code, word };
      case 'system':
        return { kind: 'system', word };
      case 'undefined':
        return { kind: 'undefined', word };
      default:
        throw new Error(`the interpreter answered ${code}`);
    }
  }

  #miss(access: Access, word: number): Exit {
    const regime = (this.#views.i32[at.EXIT_TABLES >> 2]! % at.SPACE_BYTES) / at.REGIME_BYTES;
    const { lo, hi, bytes } = this.#place();
    return { kind: 'miss', access, lo, hi, bytes, regime, word };
  }

  #place(): { lo: number; hi: number; bytes: number } {
    const { i32 } = this.#views;
    const [lo, hi] = [i32[at.EXIT_VA >> 2]! >>> 0, i32[(at.EXIT_VA >> 2) + 1]! >>> 0];
    return { lo, hi, bytes: i32[at.EXIT_BYTES >> 2]! };
  }
}

function isRun(value: unknown): value is (count: number, tables: number) => number {
  return isFunction(value);
}
function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === 'function';
}
