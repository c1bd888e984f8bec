/** Runs a case on the engine. */
import { Engine, ENGINE_BYTES, type Exit } from '../engine.ts';
import type { Case } from './cases.ts';
import * as at from './place.ts';

const PAGE = 4096;
const HLT = 0xd4400000;
/** Pages of RAM, in an order other than theirs in the address space. */
const PAGES: ReadonlyMap<number, number> = new Map([
  [at.CODE_PAGES, 3],
  [at.CODE_PAGES + PAGE, 0],
  [at.DATA_PAGES, 5],
  [at.DATA_PAGES + PAGE, 2],
]);
const RAM_BYTES = 0x10000;
const MAX_EXITS = 40;

export class CaseRunner {
  readonly #engine: Engine;
  readonly #view: DataView;

  constructor() {
    const memory = new WebAssembly.Memory({ initial: (ENGINE_BYTES + RAM_BYTES) / 0x10000 });
    this.#engine = new Engine(memory, undefined, undefined, { jit: false });
    this.#view = new DataView(memory.buffer);
    for (let slot = 0; slot < at.SLOT_COUNT; slot++) this.#putSlot(slot, end(slot));
  }

  /** The state after the case; throws where it ends otherwise than in one of the slots. */
  run({ words, state }: Case): BigUint64Array {
    const engine = this.#engine;
    for (let i = 0; i < at.WINDOW_BYTES / 8; i++) {
      this.#view.setBigUint64(offsetOf(at.WINDOW + 8 * i), state[at.MEMORY + i]!, true);
    }
    for (let i = 0; i < 31; i++) engine.state.setX(i, state[i]!);
    engine.state.setSp(engine.state.level, state[at.SP]!);
    engine.state.nzcv = Number(state[at.NZCV]);
    for (let i = 0; i < 64; i++) engine.state.setV(i >> 1, i & 1 ? 1 : 0, state[at.V + i]!);
    engine.state.fpcr = state[at.FPCR]!;
    engine.state.fpsr = state[at.FPSR]!;
    engine.state.clearExclusive();
    engine.state.pc = BigInt(at.SLOTS + 4 * at.ENTRY);

    const ended = this.#toEnd(words);
    const after = new BigUint64Array(at.STATE_WORDS);
    for (let i = 0; i < 31; i++) after[i] = engine.state.x(i);
    after[at.SP] = engine.state.currentSp;
    after[at.NZCV] = BigInt(engine.state.nzcv);
    after[at.END] = BigInt(ended);
    after[at.FPCR] = engine.state.fpcr;
    after[at.FPSR] = engine.state.fpsr;
    for (let i = 0; i < 64; i++) after[at.V + i] = engine.state.v(i >> 1, i & 1 ? 1 : 0);
    for (let i = 0; i < at.WINDOW_BYTES / 8; i++) {
      after[at.MEMORY + i] = this.#view.getBigUint64(offsetOf(at.WINDOW + 8 * i), true);
    }
    return after;
  }

  #putSlot(slot: number, word: number): void {
    const offset = offsetOf(at.SLOTS + 4 * slot);
    this.#view.setUint32(offset, word, true);
    this.#engine.written(offset, 4);
  }

  #toEnd(words: readonly number[]): number {
    words.forEach((word, i) => this.#putSlot(at.ENTRY + i, word));
    try {
      return this.#runToEnd();
    } finally {
      words.forEach((_, i) => this.#putSlot(at.ENTRY + i, end(at.ENTRY + i)));
    }
  }

  #runToEnd(): number {
    let exit: Exit = { kind: 'budget' };
    for (let exits = 0; exits < MAX_EXITS; exits++) {
      exit = this.#engine.run(at.SLOT_COUNT);
      if (exit.kind === 'exception' && exit.cause === 'hlt') return exit.immediate;
      if (exit.kind !== 'miss' || exit.hi !== 0) break;
      const page = exit.lo - (exit.lo % PAGE);
      if (!PAGES.has(page)) break;
      this.#engine.tlb.fill(exit.access, exit.lo, exit.hi, offsetOf(page), exit.regime);
    }
    throw new Error(`ended with ${JSON.stringify(exit)} at ${this.#engine.state.pc.toString(16)}`);
  }
}

/** What stands in a slot that ends the case. */
const end = (slot: number) => (HLT | (slot << 5)) >>> 0;

function offsetOf(address: number): number {
  const page = address - (address % PAGE);
  return ENGINE_BYTES + PAGES.get(page)! * PAGE + (address % PAGE);
}
