/** For tests: a guest program on an engine, with a handful of pages. */
import { assemble } from '../isa/a64/assembler.ts';
import { Engine, ENGINE_BYTES, type Exit, type Refill } from './engine.ts';

export const PAGE = 4096;
export const CODE = 0x40000000;

export class Guest {
  readonly engine: Engine;
  readonly view: DataView;
  /** Misses that were filled, in order. */
  readonly filled: string[] = [];
  readonly #pages: Map<number, number>;

  /** `pages`: which page of RAM each page of the address space is; addresses below 2^32. */
  constructor(
    source: string,
    pages: Iterable<readonly [number, number]> = [[CODE, 0]],
    ramPages = 16,
    absent: readonly string[] = [],
    refill?: Refill,
  ) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil((ENGINE_BYTES + ramPages * PAGE) / 0x10000) });
    this.engine = new Engine(memory, new Set(absent), refill);
    this.view = new DataView(memory.buffer);
    this.#pages = new Map(pages);
    this.load(CODE, source);
    this.engine.state.pc = BigInt(CODE);
  }

  load(address: number, source: string): void {
    const { bytes, errors } = assemble(source, { origin: BigInt(address) });
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
    for (let i = 0; i < bytes.length; i++) this.view.setUint8(this.offset(address + i), bytes[i]!);
    this.engine.written(this.offset(address), bytes.length);
  }

  offset(address: number): number {
    const page = address - (address % PAGE);
    return ENGINE_BYTES + this.#pages.get(page)! * PAGE + (address % PAGE);
  }

  /** Runs, filling the TLB for the pages that there are, until something else happens. */
  run(budget = 10_000): { exit: Exit; executed: number } {
    let executed = 0;
    for (;;) {
      const exit = this.engine.run(budget - executed);
      executed += this.engine.executed;
      if (exit.kind !== 'miss' || !this.fill(exit.access, exit.lo, exit.hi, exit.regime)) return { exit, executed };
    }
  }

  fill(access: 'read' | 'write' | 'fetch', lo: number, hi: number, regime?: number): boolean {
    const page = lo - (lo % PAGE);
    if (hi !== 0 || !this.#pages.has(page)) return false;
    this.filled.push(`${access} ${lo.toString(16)}`);
    this.engine.tlb.fill(access, lo, hi, this.offset(page), regime);
    return true;
  }
}
