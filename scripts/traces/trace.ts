import { assemble } from '../../src/isa/a64/assembler.ts';
import { ioctlByName, ioctlNumber } from '../../src/abi/ioctls.ts';

/** Numbers from a seed (mulberry32): the same seed gives the same traces. */
export class Random {
  #state: number;

  constructor(seed: string) {
    this.#state = [...seed].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 0x0100_0193), 0x811c_9dc5);
  }

  /** Below 2^32. */
  word(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }
  below(end: number): number {
    return this.word() % end;
  }
  chance(share: number): boolean {
    return this.word() < share * 2 ** 32;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
  bits(count: number): bigint {
    return BigInt.asUintN(count, (BigInt(this.word()) << 32n) | BigInt(this.word()));
  }
}

export type Word = number | bigint | string;
type Field = readonly [bits: 8 | 16 | 32 | 64, value: Word];

const text = (word: Word): string => {
  if (typeof word === 'string') return word;
  const value = BigInt.asUintN(64, BigInt(word));
  return value < 10n ? `${value}` : `0x${value.toString(16)}`;
};

export const requestOf = (name: string): number => {
  const row = ioctlByName(name);
  if (!row) throw new RangeError(`no ioctl ${name}`);
  return ioctlNumber(row, 'arm64') >>> 0;
};

export const RAM = 0x4000_0000;
export const RAM_BYTES = 0x4_0000;
/** Where a vector table with handlers is put, from the start of RAM, and what they and guests write. */
export const VECTORS = 0x1_0000;
export const LOG = 0x2_0000;
export const VBAR_EL1 = 0x6030_0000_0013_c600n;
export const PC = 0x6030_0000_0010_0040n;
export const PSTATE = 0x6030_0000_0010_0042n;
export const core = (n: number): bigint => 0x6030_0000_0010_0000n + BigInt(2 * n);

/** A .kvmtrace being written. Structures are put at `a`, a buffer of 64 KiB. */
export class TraceWriter {
  readonly random: Random;
  readonly #lines: string[];

  constructor(name: string) {
    this.random = new Random(name);
    this.#lines = [`trace ${name}`, 'buf a 0x10000'];
  }

  text(): string {
    return `${this.#lines.join('\n')}\nend\n`;
  }

  op(...words: Word[]): this {
    this.#lines.push(words.map(text).join(' '));
    return this;
  }

  struct(at: string, ...fields: Field[]): this {
    const [buffer = '', offset = '0'] = at.split('+');
    let next = Number(offset);
    for (const [bits, value] of fields) {
      this.op(`w${bits}`, `${buffer}+${text(next)}`, value);
      next += bits / 8;
    }
    return this;
  }

  ioctl(fd: string, name: string, arg: Word = 0, result?: string): this {
    return this.op('ioctl', fd, requestOf(name), arg, ...(result ? ['->', result] : []));
  }

  vm(name = 'vm', type: Word = 0): this {
    if (!this.#lines.includes('open kvm /dev/kvm')) this.op('open', 'kvm', '/dev/kvm');
    return this.ioctl('kvm', 'KVM_CREATE_VM', type, name);
  }
  slot(fd: string, id: Word, flags: Word, base: Word, size: Word, hva: Word): this {
    this.struct('a+0x100', [32, id], [32, flags], [64, base], [64, size], [64, hva]);
    return this.ioctl(fd, 'KVM_SET_USER_MEMORY_REGION', '&a+0x100');
  }
  vcpu(fd: string, id: Word, name: string): this {
    return this.ioctl(fd, 'KVM_CREATE_VCPU', id, name);
  }
  init(vcpu: string, features: Word, target: Word = 5): this {
    this.struct('a+0x200', [32, target], [32, features]);
    return this.ioctl(vcpu, 'KVM_ARM_VCPU_INIT', '&a+0x200');
  }
  set(vcpu: string, id: bigint, value: Word): this {
    this.struct('a+0x300', [64, id], [64, '&a+0x340']).op('w64', 'a+0x340', value);
    return this.ioctl(vcpu, 'KVM_SET_ONE_REG', '&a+0x300');
  }
  get(vcpu: string, id: bigint, bytes = 8): this {
    this.struct('a+0x300', [64, id], [64, '&a+0x340']).op('fill', 'a+0x340', 16, 0xee);
    return this.ioctl(vcpu, 'KVM_GET_ONE_REG', '&a+0x300').op('dump', 'a+0x340', bytes);
  }
  attribute(
    call: 'SET' | 'GET' | 'HAS',
    fd: string,
    group: Word,
    attr: Word,
    address: Word = '&a+0x380',
    flags = 0,
  ): this {
    this.struct('a+0x180', [32, flags], [32, group], [64, attr], [64, address]);
    return this.ioctl(fd, `KVM_${call}_DEVICE_ATTR`, '&a+0x180');
  }
  cap(fd: string, cap: Word, args: readonly Word[] = [], flags: Word = 0): this {
    this.op('fill', 'a+0x400', 0x68, 0).struct(
      'a+0x400',
      [32, cap],
      [32, flags],
      ...args.map((arg) => [64, arg] as const),
    );
    return this.ioctl(fd, 'KVM_ENABLE_CAP', '&a+0x400');
  }

  code(at: number, source: string): this {
    const { bytes, errors } = assemble(source, { origin: BigInt(RAM + at) });
    if (errors.length > 0) throw new Error(`${JSON.stringify(errors[0])}\n${source}`);
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    for (let from = 0; from < hex.length; from += 16384) {
      this.op('hex', `ram+${text(at + from / 2)}`, hex.slice(from, from + 16384));
    }
    return this;
  }

  /** A VM with RAM, vectors that log and skip, and one vCPU with its kvm_run mapped; the guest starts at RAM. */
  machine({ features = 4, type = 0, flags = 0 }: { features?: number; type?: Word; flags?: number } = {}): this {
    this.op('buf', 'ram', RAM_BYTES, 0x1_0000).vm('vm', type).slot('vm', 0, flags, RAM, RAM_BYTES, '&ram');
    this.vcpu('vm', 0, 'v0').init('v0', features).op('mmap', 'run', 'v0', 0x1000, 0);
    return this.code(VECTORS, VECTOR_TABLE)
      .set('v0', PC, RAM)
      .set('v0', VBAR_EL1, RAM + VECTORS);
  }
  run(times: number, vcpu = 'v0', run = 'run'): this {
    for (let n = 0; n < times; n++) this.op('run', vcpu, run);
    return this;
  }
  log(bytes: number): this {
    return this.op('dump', `ram+${text(LOG)}`, bytes);
  }
}

export function movImmediate(register: string, value: Word): string {
  const bits = BigInt.asUintN(64, BigInt(value));
  const parts = [0n, 16n, 32n, 48n].filter((shift) => shift === 0n || ((bits >> shift) & 0xffffn) !== 0n);
  return parts
    .map((shift) => `mov${shift === 0n ? 'z' : 'k'} ${register}, #${(bits >> shift) & 0xffffn}, lsl #${shift}\n`)
    .join('');
}

export const RESULTS = LOG + 0x4000;
export const SCRATCH = 0x3_0000;
export const DEVICE = 0x900_0000;
export const hex = (value: number): string => `0x${value.toString(16)}`;

/** x26 results, x28 log of exceptions, x27 where the code ends. */
export const prologue = (end: string): string =>
  movImmediate('x26', RAM + RESULTS) + movImmediate('x28', RAM + LOG) + `adr x27, ${end}\n`;

/** PSCI SYSTEM_OFF, or where PSCI does not have it a store where no memory is; again at each KVM_RUN. */
export const OFF = `9: ${movImmediate('x0', 0x8400_0008n)}hvc #0\n${movImmediate('x0', 0x900_0f00)}str x0, [x0]\nb 9b\n`;

/**
 * Sixteen handlers: each puts its offset with the low half of ESR_EL1, then ESR, FAR, ELR, SPSR at x28 and goes on after the
 * instruction; what is caught where the code ends (ELR beyond x27) turns the VM off.
 */
const VECTOR_TABLE = Array.from(
  { length: 16 },
  (_, n) => `.org ${0x80 * n}
    mov x29, #${0x80 * n}
    str x29, [x28], #8
    mrs x29, esr_el1
    str x29, [x28], #8
    mrs x29, far_el1
    str x29, [x28], #8
    mrs x29, elr_el1
    str x29, [x28], #8
    mrs x30, spsr_el1
    str x30, [x28], #8
    add x29, x29, #4
    msr elr_el1, x29
    cmp x29, x27
    b.hs 1f
    eret
1:  mov x0, #8
    movk x0, #0x8400, lsl #16
    hvc #0
    b 1b
`,
).join('');
