/** Numbers by xorshift32: the same state gives the same numbers for ever. */
export class Xorshift {
  #state: number;

  /** `state`: u32; 0 is none of the sequence and stands for 1. */
  constructor(state: number) {
    this.#state = state >>> 0 || 1;
  }

  u32(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }
  /** 0 … count − 1. */
  below(count: number): number {
    return Math.floor((this.u32() / 2 ** 32) * count);
  }
  /** Once in `count` times. */
  once(count: number): boolean {
    return this.below(count) === 0;
  }
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

/** Seeds that are near one another begin far from one another. */
export class Random extends Xorshift {
  constructor(seed: number) {
    super(Math.imul(seed ^ (seed >>> 16), 0x9e3779b1));
    this.u32();
    this.u32();
  }
}
