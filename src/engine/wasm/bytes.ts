/** A growing run of bytes with the integer encodings of WebAssembly's binary format. */
export class ByteWriter {
  #bytes = new Uint8Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  all(bytes: ArrayLike<number>): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  append(other: ByteWriter): void {
    this.all(other.bytes());
  }

  /** Unsigned LEB128, below 2^32. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a value that fits an i32. */
  signed32(value: number): void {
    let rest = value;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  /** Signed LEB128 of a value that fits an i64. */
  signed(value: bigint): void {
    if (value === BigInt.asIntN(32, value)) {
      this.signed32(Number(value));
      return;
    }
    let rest = value;
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  /** Unsigned LEB128 in two bytes whatever the value, so that it can be patched: below 2^14. */
  patchable(value: number): void {
    this.byte((value & 0x7f) | 0x80);
    this.byte(value >>> 7);
  }

  patch(at: number, value: number): void {
    if (value >= 1 << 14) throw new RangeError(`${value} does not fit two bytes of LEB128`);
    this.#bytes[at] = (value & 0x7f) | 0x80;
    this.#bytes[at + 1] = value >>> 7;
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.unsigned(bytes.length);
    this.all(bytes);
  }

  /** What was written so far; a view, good until the next write. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    let size = this.#bytes.length;
    if (this.#length + count <= size) return;
    while (this.#length + count > size) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
