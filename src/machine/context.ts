import { STORED_REGISTERS, SYSTEM_REGISTERS, type StoredRegister } from './sysregs.ts';

const X = 0;
const SP_EL0 = 31 * 8;
const PC = 32 * 8;
const PSTATE = 33 * 8;
const FPCR = 34 * 8;
const FPSR = 35 * 8;
const V = 36 * 8;
const SYSTEM = V + 32 * 16;

export const CONTEXT_BYTES = SYSTEM + STORED_REGISTERS.length * 8;

const INDEX: ReadonlyMap<string, number> = new Map(STORED_REGISTERS.map((name, index) => [name, index]));

/**
 * What a guest sees of its CPU, as one block of bytes, little-endian: X0–X30, SP_EL0, PC, PSTATE (in SPSR's format),
 * FPCR, FPSR, V0–V31, then the system registers in the order of STORED_REGISTERS. A hypervisor keeps one for each vCPU.
 */
export class CpuContext {
  /** To be read. */
  readonly bytes: Uint8Array;
  /** X0–X30. */
  readonly x: BigUint64Array;
  /** V0–V31 as pairs: the low half of Vn at 2n. */
  readonly v: BigUint64Array;
  /** Contexts with the same number have the same system registers, but for SP_EL1. */
  #edition = 0;
  /** By the index of `systemIndex`. */
  readonly #system: BigUint64Array;
  readonly #words: BigUint64Array;
  /** The whole as halves: what looks at bits, or compares, makes no bigint. */
  readonly #halves: Uint32Array;

  constructor() {
    const buffer = new ArrayBuffer(CONTEXT_BYTES);
    this.bytes = new Uint8Array(buffer);
    this.x = new BigUint64Array(buffer, X, 31);
    this.v = new BigUint64Array(buffer, V, 64);
    this.#system = new BigUint64Array(buffer, SYSTEM, STORED_REGISTERS.length);
    this.#words = new BigUint64Array(buffer);
    this.#halves = new Uint32Array(buffer);
  }

  get pc(): bigint {
    return this.#words[PC / 8]!;
  }
  set pc(value: bigint) {
    this.#words[PC / 8] = value;
  }
  /** NZCV, DAIF, EL, SPSel and the rest, where SPSR_ELx has them. */
  get pstate(): bigint {
    return this.#words[PSTATE / 8]!;
  }
  set pstate(value: bigint) {
    this.#words[PSTATE / 8] = value;
  }
  /** Its low half: there is nothing in the other. */
  get pstateBits(): number {
    return this.#halves[PSTATE / 4]!;
  }
  get spEl0(): bigint {
    return this.#words[SP_EL0 / 8]!;
  }
  set spEl0(value: bigint) {
    this.#words[SP_EL0 / 8] = value;
  }
  get fpcr(): bigint {
    return this.#words[FPCR / 8]!;
  }
  set fpcr(value: bigint) {
    this.#words[FPCR / 8] = value;
  }
  get fpsr(): bigint {
    return this.#words[FPSR / 8]!;
  }
  set fpsr(value: bigint) {
    this.#words[FPSR / 8] = value;
  }

  /** A system register that belongs to the guest (SP_EL1, ELR_EL1 and SPSR_EL1 among them). */
  read(name: StoredRegister): bigint {
    return this.#system[systemIndex(name)]!;
  }
  /** Sets it as it is given, RES0 bits too: masks are for whoever takes the value from outside. */
  write(name: StoredRegister, value: bigint): void {
    this.#system[systemIndex(name)] = value;
    this.#edition = ++editions;
  }
  /** SP_EL1, which the engine has while the context is loaded. */
  get spEl1(): bigint {
    return this.#system[SP_EL1]!;
  }
  set spEl1(value: bigint) {
    this.#system[SP_EL1] = value;
  }
  get edition(): number {
    return this.#edition;
  }

  /** A bit of a system register, which is told by its index. */
  bit(index: number, bit: number): boolean {
    return ((this.#halves[halfOf(index) + (bit >>> 5)]! >>> (bit & 31)) & 1) !== 0;
  }

  /** Whether the system registers of these indexes are as in another context. */
  agrees(other: CpuContext, indexes: readonly number[]): boolean {
    const [here, there] = [this.#halves, other.#halves];
    for (const index of indexes) {
      const half = halfOf(index);
      if (here[half] !== there[half] || here[half + 1] !== there[half + 1]) return false;
    }
    return true;
  }

  /** The system registers of another context; SP_EL1 may be left out. */
  copySystem(other: CpuContext): void {
    if (this.#edition === other.#edition) return;
    this.#system.set(other.#system);
    this.#edition = other.#edition;
  }
}

let editions = 0;

const halfOf = (index: number): number => SYSTEM / 4 + 2 * index;

/** The context has the register. */
export function isStored(name: string): name is StoredRegister {
  return INDEX.has(name);
}

/** The place of a register among STORED_REGISTERS. */
export function systemIndex(name: StoredRegister): number {
  return INDEX.get(name)!;
}
const SP_EL1 = systemIndex('SP_EL1');

/** A context as after a reset: EL1h, interrupts masked, MMU off. */
export function resetContext(): CpuContext {
  const context = new CpuContext();
  for (const name of STORED_REGISTERS) context.write(name, SYSTEM_REGISTERS.get(name)?.reset ?? 0n);
  context.pstate = 0x3c5n;
  return context;
}
