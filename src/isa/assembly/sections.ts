/** The bytes of sections while they grow, and where they come to lie. */

export class Section {
  readonly name: string;
  /** The number of a subsection: those of a section lie one behind the other. */
  readonly part: number;
  /** It is part of the image. */
  readonly loaded: boolean;
  readonly isCode: boolean;
  /** Where it starts, as far as the passes before know. */
  base: bigint;
  /** The largest alignment asked for. */
  alignment = 1;
  private bytes = new Uint8Array(256);
  size = 0;

  constructor(name: string, part: number, loaded: boolean, base: bigint) {
    this.name = name;
    this.part = part;
    this.loaded = loaded;
    this.isCode = name === '.text' || name.startsWith('.text.') || name === '.init';
    this.base = base;
  }

  /** Unique among sections and subsections. */
  get key(): string {
    return sectionKey(this.name, this.part);
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

  /** The low `count` bytes of `value`, little endian. */
  appendValue(value: bigint, count: number): void {
    const at = this.grow(count);
    for (let word = 0; word < count; word += 4) {
      const bits = Number((value >> BigInt(8 * word)) & 0xffffffffn);
      for (let index = word; index < Math.min(count, word + 4); index++) {
        this.bytes[at + index] = bits >>> (8 * (index - word));
      }
    }
  }
}

export const sectionKey = (name: string, part: number) => (part === 0 ? name : `${name} ${part}`);
