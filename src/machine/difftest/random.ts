/** A reproducible source of numbers (xorshift32): the same seed gives the same cases for ever. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
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
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
  /** Any value, and more often one near a border. */
  interesting(): bigint {
    const small = BigInt(this.below(5)) - 2n;
    const value = this.pick([
      () => this.u64(),
      () => BigInt(this.u32()),
      () => small,
      () => (1n << 63n) + small,
      () => (1n << 31n) + small,
      () => (1n << 32n) + small,
      () => (1n << BigInt(this.below(64))) + small,
      () => BigInt(this.below(256)),
    ])();
    return BigInt.asUintN(64, value);
  }
}
