import { ByteWriter } from './bytes.ts';
import { OP, VOID, type BlockType } from './opcodes.ts';

/** An open block, for branches to it. */
export interface Label {
  readonly level: number;
}

interface Outward {
  readonly at: number;
  readonly level: number;
  readonly target: string;
}

/**
 * The instructions of a function, or a fragment of one. Branches to blocks of its own go by label; a fragment's branches
 * outward go by name and are resolved where it is appended.
 */
export class Code {
  readonly #out = new ByteWriter();
  readonly #outward: Outward[] = [];
  readonly #unlikely: number[] = [];
  #level = 0;

  get length(): number {
    return this.#out.length;
  }

  op(...opcodes: readonly number[]): void {
    for (const opcode of opcodes) {
      if (opcode > 0xff) {
        const number = opcode > 0xffff ? 16 : 8;
        this.#out.byte(opcode >>> number);
        this.#out.unsigned(opcode & (2 ** number - 1));
      } else this.#out.byte(opcode);
    }
  }
  /** An operation that a lane's number or sixteen bytes follow, or nothing. */
  followed(opcode: number, bytes: readonly number[]): void {
    this.op(opcode);
    this.#out.all(bytes);
  }
  i32(value: number): void {
    this.op(OP.i32Const);
    this.#out.signed32(value | 0);
  }
  i64(value: bigint): void {
    this.op(OP.i64Const);
    const signed = BigInt.asIntN(64, value);
    if (signed === BigInt.asIntN(32, signed)) this.#out.signed32(Number(signed));
    else this.#out.signed(signed);
  }
  get(local: number): void {
    this.#indexed(OP.localGet, local);
  }
  set(local: number): void {
    this.#indexed(OP.localSet, local);
  }
  tee(local: number): void {
    this.#indexed(OP.localTee, local);
  }
  call(index: number): void {
    this.#indexed(OP.call, index);
  }
  /** Of the function in the module's table whose number is on the stack; `type` is its number in the module. */
  callIndirect(type: number): void {
    this.#indexed(OP.callIndirect, type);
    this.#out.byte(0);
  }
  /** The same in place of the rest of this function: a tail call. */
  returnCallIndirect(type: number): void {
    this.#indexed(OP.returnCallIndirect, type);
    this.#out.byte(0);
  }
  memoryCopy(): void {
    this.followed(OP.memoryCopy, [0, 0]);
  }
  /** A load or store; the address is on the stack, `offset` is added to it without wrapping. */
  memory(opcode: number, offset: number): void {
    this.op(opcode, 0);
    this.#out.unsigned(offset);
  }

  open(opcode: typeof OP.block | typeof OP.loop | typeof OP.if, type: BlockType = VOID): Label {
    this.op(opcode, type);
    return { level: ++this.#level };
  }
  end(): void {
    this.#level--;
    this.op(OP.end);
  }
  br(label: Label): void {
    this.#indexed(OP.br, this.#level - label.level);
  }
  brIf(label: Label): void {
    this.#indexed(OP.brIf, this.#level - label.level);
  }
  /** A jump to the i-th of `labels`, or to the last, as the value on the stack says. */
  brTable(labels: readonly Label[]): void {
    this.op(OP.brTable);
    this.#out.unsigned(labels.length - 1);
    for (const label of labels) this.#out.unsigned(this.#level - label.level);
  }
  /** The `if` or `br_if` that comes next is hardly ever taken. */
  unlikely(): void {
    this.#unlikely.push(this.#out.length);
  }
  /** Where such instructions are. */
  get unlikelyAt(): readonly number[] {
    return this.#unlikely;
  }
  /** A branch to what `target` will be where this fragment is appended. */
  brOut(opcode: typeof OP.br | typeof OP.brIf, target: string): void {
    this.op(opcode);
    this.#outward.push({ at: this.#out.length, level: this.#level, target });
    this.#out.patchable(0);
  }

  /** Appends a fragment here; `labels` are its outward targets. */
  append(fragment: Code, labels: Readonly<Record<string, Label>>): void {
    const start = this.#copy(fragment);
    for (const { at, level, target } of fragment.#outward) {
      const label = labels[target];
      if (!label) throw new Error(`no label "${target}" here`);
      this.#out.patch(start + at, level + this.#level - label.level);
    }
  }

  /** Appends a fragment whose branches outward stay so. */
  include(fragment: Code): void {
    const start = this.#copy(fragment);
    for (const { at, level, target } of fragment.#outward) {
      this.#outward.push({ at: start + at, level: level + this.#level, target });
    }
  }

  /** Of equal code it is equal (FNV-1a). */
  hash(): number {
    let hash = 0x811c9dc5;
    for (const byte of this.#out.bytes()) hash = Math.imul(hash ^ byte, 0x01000193);
    return hash >>> 0;
  }

  equals(other: Code): boolean {
    const [mine, others] = [this.#out.bytes(), other.#out.bytes()];
    return (
      mine.length === others.length &&
      mine.every((byte, index) => byte === others[index]) &&
      this.#outward.length === other.#outward.length &&
      this.#outward.every(({ at, target }, index) => {
        const its = other.#outward[index]!;
        return at === its.at && target === its.target;
      })
    );
  }

  bytes(): Uint8Array {
    return this.#out.bytes();
  }

  #copy(fragment: Code): number {
    const start = this.#out.length;
    this.#out.append(fragment.#out);
    for (const at of fragment.#unlikely) this.#unlikely.push(start + at);
    return start;
  }

  #indexed(opcode: number, index: number): void {
    this.op(opcode);
    this.#out.unsigned(index);
  }
}
