import type { Access } from './exit.ts';
import * as at from './layout.ts';
import type { Views } from './views.ts';

/**
 * What translation found, page by page of 4 KiB: which offset in the WebAssembly memory an address has.
 * Read, write and fetch have tables of their own; no entry means that the access leaves the engine.
 */
export class SoftTlb {
  readonly #views: Views;

  constructor(views: Views) {
    this.#views = views;
    this.flush();
  }

  /**
   * Maps the page of the address (`lo`, `hi`: its u32 halves) to the page of RAM that `ramOffset` is in,
   * for accesses of `regime`, by default the current one.
   */
  fill(access: Access, lo: number, hi: number, ramOffset: number, regime?: number): void {
    void [access, lo, hi, ramOffset, regime];
  }

  /** Forgets everything, or all of one regime. */
  flush(regime?: number): void {
    void [regime, at.TLB, this.#views];
  }

  /** Forgets the page of the address in every regime, whatever its top byte was. */
  flushPage(lo: number, hi: number): void {
    void [lo, hi];
  }
}
