/** Finds hot code and compiles it. */
import type { Decoded } from '../../isa/decoder.ts';
import { recordAt, slotOfRecord, type CodeCache } from '../code-cache.ts';
import { SPECIAL } from '../interpreter/handlers.ts';
import * as at from '../layout.ts';
import type { Library } from '../library.ts';
import type { Views } from '../views.ts';
import { findBlocks, type Offset } from './blocks.ts';
import { compileRegion } from './function.ts';
import { leavesAlways } from './leaves.ts';
import { Regions, type Extent } from './regions.ts';
import { makeRuntime } from './runtime.ts';

export interface JitOptions {
  /** Interpreted instructions from one look at where control is to the next. */
  readonly interval?: number;
  /** How often regions come to where there is none before a look at where that is. */
  readonly exits?: number;
  /** Instructions that are followed one by one to see where indirect branches go. */
  readonly lesson?: number;
  /** How often a place has to be met in these looks to be compiled. */
  readonly threshold?: number;
  /** All regions' WebAssembly: where it would be more, all are given up. */
  readonly mostBytes?: number;
  /**
   * Modules that may import one table: it keeps all of them, also those whose regions have ended. Where there would be more, all
   * regions are given up with their table.
   */
  readonly mostModules?: number;
  /** Milliseconds, for the statistics. */
  readonly clock?: () => number;
  /** False: instructions are counted by loops and calls alone, so that `executed` is too few: to measure what exactness costs. */
  readonly counting?: boolean;
}

export interface JitStatistics {
  /** Regions there are now, and their WebAssembly's bytes. */
  readonly regions: number;
  readonly bytes: number;
  /** What their table keeps alive: theirs, and those of regions that have ended. */
  readonly modules: number;
  /** Since the engine was made. */
  readonly compiled: { readonly regions: number; readonly instructions: number; readonly bytes: number };
  readonly milliseconds: number;
  readonly invalidated: number;
  /** How often everything was given up because there was too much. */
  readonly cleared: number;
  /** Regions that WebAssembly did not take, which are interpreted: always 0, or this compiler is wrong. */
  readonly refused: number;
}

/** Places that are counted at a time. */
const MOST_PLACES = 4096;
/** Instructions that are followed one by one to where a loop or a function begins. */
const MOST_STEPS = 64;
/** How often that is done for a branch. */
const MOST_LESSONS = 4;
/** A page whose code was changed so often since it was last forgotten is left to the interpreter. */
const MOST_INVALIDATIONS = 8;
/** Looks after which half of what was counted is forgotten. */
const AGE = 1024;

/** What is given up as a whole. */
interface World {
  readonly imports: WebAssembly.Imports;
  readonly regions: Regions;
  modules: number;
}

export class Jit {
  readonly #views: Views;
  readonly #code: CodeCache;
  readonly #library: Library;
  readonly #install: (enter: WebAssembly.Import) => void;
  #world: World;
  readonly #interval: number;
  readonly #threshold: number;
  readonly #exits: number;
  readonly #lesson: number;
  readonly #mostBytes: number;
  readonly #mostModules: number;
  readonly #clock: () => number;
  readonly #counting: boolean;
  readonly #heat = new Map<number, number>();
  /** By slot. */
  readonly #invalidations = new Map<number, number>();
  #untilSample: number;
  #samples = 0;
  /** Steps left while control is followed. */
  #steps = 0;
  #fallback = 0;
  /** Where indirect branches, by their records, have been seen to go within their pages. */
  readonly #targets = new Map<number, Set<number>>();
  readonly #lessons = new Map<number, number>();
  /** The branch for whose sake control is followed, or 0. */
  #learning = 0;
  #compiled = { regions: 0, instructions: 0, bytes: 0 };
  #milliseconds = 0;
  #invalidated = 0;
  #cleared = 0;
  #refused = 0;

  /** `install` makes the interpreter enter regions by this function. */
  constructor(
    views: Views,
    code: CodeCache,
    library: Library,
    install: (enter: WebAssembly.Import) => void,
    options: JitOptions,
  ) {
    this.#views = views;
    this.#code = code;
    this.#library = library;
    this.#interval = options.interval ?? 20_000;
    this.#threshold = options.threshold ?? 3;
    this.#clock = options.clock ?? (() => 0);
    this.#counting = options.counting ?? true;
    this.#untilSample = this.#interval;
    this.#exits = options.exits ?? 1024;
    this.#mostBytes = options.mostBytes ?? 24 << 20;
    this.#mostModules = options.mostModules ?? 3072;
    this.#lesson = options.lesson ?? 4096;
    views.i32[at.EXITS >> 2] = this.#exits;
    this.#install = install;
    this.#world = this.#newWorld();
    code.changes = (slot, first, last) => this.#changed(slot, first, last);
  }

  get statistics(): JitStatistics {
    return {
      regions: this.#regions.count,
      bytes: this.#regions.bytes,
      modules: this.#world.modules,
      compiled: { ...this.#compiled },
      milliseconds: this.#milliseconds,
      invalidated: this.#invalidated,
      cleared: this.#cleared,
      refused: this.#refused,
    };
  }

  /** Instructions are to be run one by one. */
  get following(): boolean {
    return this.#steps > 0;
  }

  /** Of so many instructions left: how many are interpreted until `ran` wants to know. */
  chunk(left: number): number {
    return Math.min(left, this.#steps > 0 ? 1 : this.#untilSample);
  }

  /** So many were interpreted, from `before` to `record`; `stopped` where control is not simply between two instructions. */
  ran(interpreted: number, before: number, record: number, stopped: boolean): void {
    if (this.#steps > 0) {
      if (this.#learning !== 0) this.#learn(before, record, stopped);
      else if (interpreted > 0 && !stopped) this.#follow(before, record);
      else if (stopped) this.#steps = 0;
      return;
    }
    this.#untilSample -= interpreted;
    if (this.#untilSample > 0) return;
    this.#untilSample = this.#interval;
    if (++this.#samples % AGE === 0) for (const counts of [this.#heat, this.#invalidations]) halve(counts);
    this.#steps = MOST_STEPS;
    this.#fallback = 0;
  }

  /** A store of the guest has changed instructions of regions: see MODIFIED and PIECES. */
  modified(): void {
    const { i32 } = this.#views;
    i32[at.MODIFIED >> 2] = 0;
    for (const piece of [at.PIECES, at.PIECES + at.PIECE_BYTES]) {
      const [place, bytes, slot] = [i32[piece >> 2]!, i32[(piece >> 2) + 1]!, i32[(piece >> 2) + 2]!];
      if (bytes === 0 || slot === 0) continue;
      const first = place & (at.PAGE_BYTES - 1);
      this.#changed(slot, first >> 2, (first + bytes - 1) >> 2);
    }
  }

  /** A region has come to PC, where there is none: see EXITS. */
  left(byBranch: boolean): void {
    const { i32 } = this.#views;
    i32[at.EXITS >> 2] = this.#exits;
    const lo = i32[at.PC >> 2]!;
    const entry = at.TLB + i32[at.SPACE >> 2]! + i32[at.REGIME >> 2]! * at.REGIME_BYTES + at.FETCH_TABLE;
    const tag = (entry + ((lo >>> 8) & ((at.TLB_ENTRIES - 1) * at.TLB_ENTRY_BYTES))) >> 2;
    if (((i32[tag]! ^ lo) & (-at.PAGE_BYTES | 3)) !== 0 || i32[tag + 1] !== i32[(at.PC >> 2) + 1]) return;
    const record = recordAt(i32[tag + 2]!, lo & (at.PAGE_BYTES - 1));
    if (!byBranch || !this.#hasToLearn(i32[at.LAST_BRANCH_RECORD >> 2]!, record)) this.#warm(record);
  }

  /** The branch is one within a page that regions have left by often enough: control is followed to see where it goes. */
  #hasToLearn(branch: number, target: number): boolean {
    if (slotOfRecord(branch) !== slotOfRecord(target) || this.#targets.get(branch)?.has(target)) return false;
    const lessons = this.#lessons.get(branch) ?? 0;
    if (lessons >= MOST_LESSONS) return false;
    if (this.#lessons.size >= MOST_PLACES) this.#lessons.clear();
    if (this.#targets.size >= MOST_PLACES) this.#targets.clear();
    this.#lessons.set(branch, lessons + 1);
    this.#learning = branch;
    this.#steps = this.#lesson;
    return true;
  }

  #learn(before: number, record: number, stopped: boolean): void {
    this.#steps--;
    if (!stopped && record !== before + at.RECORD_BYTES && slotOfRecord(record) === slotOfRecord(before)) {
      if (this.#code.instructionAt(before)?.row.flow === 'indirect') {
        this.#targets.set(before, (this.#targets.get(before) ?? new Set()).add(record));
      }
    }
    if (this.#steps > 0) return;
    const branch = this.#learning;
    this.#learning = 0;
    const slot = slotOfRecord(branch);
    const word = (branch - slot) / at.RECORD_BYTES;
    const [oldest] = this.#regions.entriesAround(slot, word);
    this.#regions.forget(slot, word, word);
    if (oldest !== undefined) this.#compile(oldest);
  }

  #changed(slot: number, first: number, last: number): void {
    this.#forgetBranches(slot, first, last);
    const count = this.#regions.forget(slot, first, last);
    if (count === 0) return;
    this.#invalidated += count;
    this.#invalidations.set(slot, (this.#invalidations.get(slot) ?? 0) + 1);
  }

  #forgetBranches(slot: number, first: number, last: number): void {
    for (const branches of [this.#targets, this.#lessons]) {
      for (const branch of branches.keys()) {
        const word = (branch - slot) / at.RECORD_BYTES;
        if (word >= first && word <= last) branches.delete(branch);
      }
    }
  }

  /** One instruction on: control at a place that a region may begin at is what is looked for. */
  #follow(before: number, record: number): void {
    this.#steps--;
    if (record !== before + at.RECORD_BYTES) {
      const { flow } = this.#code.instructionAt(before)?.row ?? {};
      const back = record <= before || slotOfRecord(record) !== slotOfRecord(before);
      if (flow === 'return') this.#fallback = record;
      else if (flow === 'call' || flow === 'indirectCall' || flow === 'indirect' || back) {
        this.#steps = 0;
        this.#warm(record);
        return;
      }
    }
    if (this.#steps === 0 && this.#fallback !== 0) this.#warm(this.#fallback);
  }

  #warm(record: number): void {
    if (this.#views.view.getUint16(record, true) >= at.FIRST_REGION) return;
    if (this.#heat.size >= MOST_PLACES) this.#heat.clear();
    const heat = (this.#heat.get(record) ?? 0) + 1;
    this.#heat.set(record, heat);
    const invalidations = this.#invalidations.get(slotOfRecord(record)) ?? 0;
    const threshold = this.#regions.covers(record) ? 4 * this.#threshold : this.#threshold;
    if (invalidations >= MOST_INVALIDATIONS || heat < threshold << invalidations) return;
    this.#heat.delete(record);
    this.#compile(record);
  }

  #compile(record: number): void {
    const start = this.#clock();
    const slot = slotOfRecord(record);
    const entry = ((record - slot) / at.RECORD_BYTES) * 4;
    const recordOf = (where: Offset) => (where >= 0 && where < at.PAGE_BYTES ? recordAt(slot, where) : 0);
    const instruction = (where: Offset): Decoded | null => {
      const found = recordOf(where);
      return found === 0 ? null : this.#code.instructionAt(found);
    };
    /* Others don't: jit.test.ts. */
    const leaves = (decoded: Decoded) => (decoded.row.flow ?? 'next') !== 'next' && leavesAlways(decoded);
    const targets = (where: Offset) => {
      const seen = [...(this.#targets.get(recordOf(where)) ?? [])].filter((target) => slotOfRecord(target) === slot);
      return seen.map((target) => ((target - slot) / at.RECORD_BYTES) * 4);
    };
    const blocks = findBlocks({ instruction, leaves, targets }, entry);
    if (!blocks) return;
    if (this.#views.view.getUint16(record, true) === SPECIAL.undecoded) this.#code.predecode(record);
    const { bytes, library } = compileRegion(blocks, entry, recordOf, this.#counting);
    const { regions, modules } = this.#world;
    if (modules >= this.#mostModules || regions.full || regions.bytes + bytes.length > this.#mostBytes) this.#clear();
    this.#world.modules++;
    const module = moduleOf(bytes);
    if (!module) {
      this.#refused++;
      return;
    }
    const imports = { ...this.#library.importsOf(library), ...this.#world.imports };
    const { region } = new WebAssembly.Instance(module, imports).exports;
    const words = new Set([...blocks.values()].flatMap(({ instructions }) => instructions.map((one) => one.at / 4)));
    const extents: Extent[] = [{ slot, words: [...words] }];
    this.#regions.add(record, extents, region, bytes.length);
    this.#compiled.regions++;
    this.#compiled.instructions += words.size;
    this.#compiled.bytes += bytes.length;
    this.#milliseconds += this.#clock() - start;
  }

  get #regions(): Regions {
    return this.#world.regions;
  }

  #newWorld(): World {
    const { memory } = this.#views;
    const { table, nzcvOf, enter } = makeRuntime(memory);
    this.#install(enter);
    return { imports: { engine: { memory, table, nzcvOf } }, regions: new Regions(this.#views, table), modules: 0 };
  }

  #clear(): void {
    this.#regions.clear();
    this.#world = this.#newWorld();
    for (const counts of [this.#heat, this.#targets, this.#lessons]) counts.clear();
    this.#cleared++;
  }
}

function halve(counts: Map<number, number>): void {
  for (const [key, count] of counts) {
    if (count > 1) counts.set(key, count >> 1);
    else counts.delete(key);
  }
}

/** null: WebAssembly refuses it. The host must not end because of a guest. */
function moduleOf(bytes: Uint8Array): WebAssembly.Module | null {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return null;
    throw error;
  }
}
