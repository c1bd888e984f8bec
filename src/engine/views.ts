/** Typed arrays over a WebAssembly memory, made again when it has grown. */
export class Views {
  readonly memory: WebAssembly.Memory;
  #u8: Uint8Array;
  #i32: Int32Array;
  #u64: BigUint64Array;
  #view: DataView;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    const { buffer } = memory;
    this.#u8 = new Uint8Array(buffer);
    this.#i32 = new Int32Array(buffer);
    this.#u64 = new BigUint64Array(buffer);
    this.#view = new DataView(buffer);
  }

  get u8(): Uint8Array {
    if (this.#u8.length === 0) this.#renew();
    return this.#u8;
  }
  get i32(): Int32Array {
    if (this.#i32.length === 0) this.#renew();
    return this.#i32;
  }
  get u64(): BigUint64Array {
    if (this.#u64.length === 0) this.#renew();
    return this.#u64;
  }
  get view(): DataView {
    if (this.#u8.length === 0) this.#renew();
    return this.#view;
  }

  #renew(): void {
    const { buffer } = this.memory;
    this.#u8 = new Uint8Array(buffer);
    this.#i32 = new Int32Array(buffer);
    this.#u64 = new BigUint64Array(buffer);
    this.#view = new DataView(buffer);
  }
}
