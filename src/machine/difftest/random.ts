import { Xorshift } from '../../engine/difftest/random.ts';

/** What random tables, guests and registers are made of: the seed is the first state, as the recorded answers have it. */
export class Random extends Xorshift {
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
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
