/** The bytes of sections while they grow, and where they come to lie. */

export class Section {
  readonly name: string;
  readonly isCode: boolean;
  /** Where it starts, as far as the passes before know. */
  base: bigint;
  /** The largest alignment asked for. */
  alignment = 8;
  private bytes = new Uint8Array(256);
  size = 0;

  constructor(name: string, base: bigint) {
    this.name = name;
    this.isCode = name === '.text' || name.startsWith('.text.') || name === '.init';
    this.base = base;
  }

  get here(): bigint {
    return this.base + BigInt(this.size);
  }

  get content(): Uint8Array {
    return this.bytes.subarray(0, this.size);
  }

  /** Makes room for `count` bytes, each `fill`, and gives their offset. */
  grow(count: number, fill = 0): number {
    const at = this.size;
    const size = at + count;
    if (size > this.bytes.length) {
      const larger = new Uint8Array(Math.max(size, 2 * this.bytes.length));
      larger.set(this.content);
      this.bytes = larger;
    }
    this.bytes.fill(fill, at, size);
    this.size = size;
    return at;
  }

  append(bytes: Iterable<number> & { readonly length: number }): void {
    const at = this.grow(bytes.length);
    this.bytes.set([...bytes], at);
  }

  /** The low `count` bytes of `value`, little endian; those above the eighth are 0. */
  appendValue(value: bigint, count: number): void {
    const at = this.grow(count);
    const halves = [Number(value & 0xffffffffn), count > 4 ? Number((value >> 32n) & 0xffffffffn) : 0];
    for (let index = 0; index < Math.min(count, 8); index++) {
      this.bytes[at + index] = halves[index >> 2]! >>> (8 * (index & 3));
    }
  }
}
