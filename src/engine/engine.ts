import type { Exit } from './exit.ts';
import { ENGINE_BYTES } from './layout.ts';
import { CpuState } from './state.ts';
import { SoftTlb } from './tlb.ts';
import { Views } from './views.ts';

export type * from './exit.ts';
export { ENGINE_BYTES, REGIMES, STATE_BYTES } from './layout.ts';
export { CpuState } from './state.ts';
export { SoftTlb } from './tlb.ts';

/** Runs guest code in the memory given, whose first `ENGINE_BYTES` are the engine's own. */
export class Engine {
  readonly state: CpuState;
  readonly tlb: SoftTlb;
  /** Instructions completed in the last `run`. */
  executed = 0;

  constructor(memory: WebAssembly.Memory) {
    if (memory.buffer.byteLength < ENGINE_BYTES) throw new RangeError(`the engine needs ${ENGINE_BYTES} bytes`);
    const views = new Views(memory);
    this.state = new CpuState(views);
    this.tlb = new SoftTlb(views);
  }

  /** Runs at most `budget` instructions from PC on. */
  run(budget: number): Exit {
    void budget;
    return { kind: 'budget' };
  }

  /** Lets the instruction now at PC run once although it has a breakpoint: forgotten when PC is found elsewhere. */
  stepOff(): void {}

  /** Virtual addresses where `run` stops before the instruction. */
  setBreakpoints(addresses: Iterable<bigint>): void {
    void addresses;
  }

  /** Guest memory was written by other than guest code: forgets instructions predecoded from it. Offsets in the memory. */
  written(offset: number, bytes: number): void {
    void offset;
    void bytes;
  }
}
