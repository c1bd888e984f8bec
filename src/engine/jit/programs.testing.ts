/** For tests: random programs, run side by side by an engine that compiles and one that does not. */
import type { TableRow } from '../../isa/decoder.ts';
import { insertFields } from '../../isa/row.ts';
import { A64, type A64Decoded } from '../../isa/a64/table.ts';
import { Random } from '../difftest/random.ts';
import { Engine, ENGINE_BYTES, type Exit } from '../engine.ts';
import type { JitOptions } from './jit.ts';

type A64TableRow = TableRow<keyof A64Decoded['fields'] & string>;

const PAGE = 4096;
const CODE = 0x4000_0000;
const DATA = 0x5000_0000;
/** Pages of the address space: two of code, three of data of which the first two follow one another; the rest is not there. */
const PAGES = new Map([
  [CODE, 0],
  [CODE + PAGE, 4],
  [DATA, 1],
  [DATA + PAGE, 2],
  [DATA + 16 * PAGE, 3],
]);
const RAM_PAGES = 5;
const STATE = 0x400;
/** Registers that addresses are kept in: data, and the program itself. */
const BASES = [20, 21, 22, 23];
const TO_CODE = 24;
const JUMPS = 25;
const MOST_SCRATCH = 16;

const isPlain = ({ row }: A64TableRow) =>
  row.execute !== undefined && (row.flow ?? 'next') === 'next' && row.transfer === undefined;
const PLAIN = A64.rows.filter(isPlain);
const MEMORY = A64.rows.filter(({ row }) => row.execute !== undefined && row.transfer !== undefined);
const byName = (pattern: RegExp) => A64.rows.filter(({ row }) => pattern.test(row.name));
const COMPARES = byName(/^(SUBS|ADDS|ANDS|CCMP|CCMN|CSEL|CSINC|ADC|SBC)/);
const CONDITIONAL = byName(/^(B\.cond|CBZ|CBNZ|TBZ|TBNZ)$/);
const BRANCH = byName(/^B$/);
const CALL = byName(/^BL$/);
const INDIRECT = byName(/^(BR|BLR)$/);
const RETURN = byName(/^RET$/);
const STORE = MEMORY.filter(({ row: { transfer, operands } }) => {
  const { access, width, bytes } = transfer!;
  return access === 'store' && width !== 'v' && bytes === 4 && operands.imm && !operands.wb && !operands.rx;
});
const LEAVING = byName(/^(SVC|HINT|DMB|MRS|BRK|UDF)$/);

export class Side {
  readonly engine: Engine;
  readonly memory: WebAssembly.Memory;

  constructor(jit: false | JitOptions) {
    this.memory = new WebAssembly.Memory({ initial: Math.ceil((ENGINE_BYTES + RAM_PAGES * PAGE) / 0x10000) });
    this.engine = new Engine(this.memory, new Set(), undefined, { jit });
  }

  get ram(): Uint8Array {
    return new Uint8Array(this.memory.buffer, ENGINE_BYTES, RAM_PAGES * PAGE);
  }

  /** Fills what there is; false: there is none. */
  fill(exit: Exit): boolean {
    if (exit.kind !== 'miss' || exit.hi !== 0) return false;
    const page = PAGES.get(exit.lo - (exit.lo % PAGE));
    if (page === undefined) return false;
    this.engine.tlb.fill(exit.access, exit.lo, exit.hi, ENGINE_BYTES + page * PAGE, exit.regime);
    return true;
  }

  /** The state but for flags, which may have other forms of the same value. */
  get state(): Uint8Array {
    const state = new Uint8Array(STATE);
    this.engine.state.save(state);
    state.fill(0, 0x110, 0x130);
    /* A slot for what is written to XZR. */
    state.fill(0, 0x108, 0x110);
    return state;
  }
}

/** A word of the row with random fields but for those given; null where none was found. */
export function wordOf(random: Random, row: A64TableRow, fixed: Readonly<Record<string, number>>): number | null {
  for (let tries = 0; tries < 50; tries++) {
    const values: Record<string, number> = {};
    for (const { name, width } of row.diagram.fields) {
      values[name] = /^R[a-z]2?$/.test(name)
        ? random.once(12)
          ? 31
          : random.below(MOST_SCRATCH)
        : random.below(2 ** Math.min(width, 30));
    }
    Object.assign(values, fixed);
    const word = insertFields(row.diagram, values);
    if (A64.decode(word)?.index === row.index) return word;
  }
  return null;
}

function nextWord(random: Random, at: number, count: number): number | null {
  const to = (limit: number) => {
    const near = at + random.below(24) - 8;
    const target = random.once(6) ? random.below(count) : near;
    return Math.max(0, Math.min(limit - 1, target)) - at;
  };
  const kind = random.below(100);
  if (kind < 40) return wordOf(random, random.pick(PLAIN), {});
  if (kind < 55) return wordOf(random, random.pick(COMPARES), {});
  if (kind < 78) {
    const offsets = { imm9: random.below(64), imm7: random.below(8), imm12: random.below(16), imm19: random.below(64) };
    return wordOf(random, random.pick(MEMORY), { Rn: random.once(4) ? 31 : random.pick(BASES), ...offsets });
  }
  if (kind < 79) return wordOf(random, random.pick(STORE), { Rn: TO_CODE });
  if (kind < 91) {
    const distance = to(count);
    return wordOf(random, random.pick(CONDITIONAL), { imm19: distance, imm14: distance });
  }
  if (kind < 93) return wordOf(random, random.pick(BRANCH), { imm26: to(count) });
  if (kind < 95) return wordOf(random, random.pick(CALL), { imm26: to(count) });
  if (kind < 97) return wordOf(random, random.pick(INDIRECT), { Rn: JUMPS });
  if (kind < 99) return wordOf(random, random.pick(RETURN), { Rn: 30 });
  return wordOf(random, random.pick(LEAVING), {});
}

/** Offset of the first word that differs, or -1. */
function firstDifference(one: Uint8Array, other: Uint8Array): number {
  const words = ({ buffer, byteOffset, byteLength }: Uint8Array) => new Uint32Array(buffer, byteOffset, byteLength / 4);
  const [a, b] = [words(one), words(other)];
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return 4 * i;
  return -1;
}

/** A program and the way it is run, from a number. */
export class Program {
  readonly words: number[] = [];
  readonly #random: Random;
  /** Where the first instruction is: near the end of a page, so that programs lie in two. */
  readonly start: number;

  constructor(seed: number) {
    const random = new Random(seed);
    this.#random = random;
    const count = 20 + random.below(120);
    while (this.words.length < count) {
      const word = nextWord(random, this.words.length, count);
      if (word !== null) this.words.push(word);
    }
    this.start = random.once(2) ? CODE + PAGE - 4 * random.below(count) : CODE + 4 * random.below(PAGE / 4 - count);
  }

  /** The first difference, or null. */
  compare(compiling: Side, other: Side, instructions: number): string | null {
    const random = this.#random;
    const sides = [compiling, other];
    this.#load(sides);
    let executed = 0;
    for (let stop = 0; executed < instructions && stop < instructions; stop++) {
      const budget = random.once(3) ? random.below(12) : random.below(400);
      if (random.once(20)) this.#disturb(sides);
      const exits = sides.map((side) => {
        for (let left = budget; ;) {
          const exit = side.engine.run(left);
          left -= side.engine.executed;
          if (!side.fill(exit)) return { exit, left };
        }
      });
      executed += budget - exits[0]!.left;
      const difference = this.#difference(sides, exits);
      if (difference) return `stop ${stop} after ${executed} instructions: ${difference}`;
      this.#goOn(sides, exits[0]!.exit);
    }
    return null;
  }

  #difference([one, other]: readonly Side[], exits: readonly unknown[]): string | null {
    const [first, second] = exits.map((exit) => JSON.stringify(exit));
    if (first !== second) return `${first} instead of ${second}`;
    const at = firstDifference(one!.state, other!.state);
    const pc = other!.engine.state.pc.toString(16);
    if (at >= 0) return `state at 0x${at.toString(16)}, PC ${pc}`;
    const [flags, theirs] = [one!.engine.state.nzcv >>> 28, other!.engine.state.nzcv >>> 28];
    if (flags !== theirs) return `NZCV ${flags} instead of ${theirs}, PC ${pc}`;
    const place = firstDifference(one!.ram, other!.ram);
    return place >= 0 ? `memory at 0x${place.toString(16)}, PC ${pc}` : null;
  }

  #load(sides: readonly Side[]): void {
    const random = this.#random;
    const data = Uint32Array.from({ length: (RAM_PAGES * PAGE) / 4 }, () => random.u32());
    const values = Array.from({ length: 31 + 64 }, () => (BigInt(random.u32()) << 32n) | BigInt(random.u32()));
    const small = values.map((value) => (random.once(2) ? value & 0xffn : value));
    const bases = [...BASES, 31].map(() =>
      BigInt(random.pick([DATA, DATA + PAGE, DATA + 16 * PAGE]) + 16 * random.below(PAGE / 16)),
    );
    const jump = BigInt(this.start + 4 * random.below(this.words.length));
    const nzcv = random.u32();
    for (const { engine, ram } of sides) {
      const { state } = engine;
      ram.set(new Uint8Array(data.buffer));
      const view = new DataView(ram.buffer, ram.byteOffset);
      this.words.forEach((word, index) => {
        const address = this.start + 4 * index;
        view.setUint32(PAGES.get(address - (address % PAGE))! * PAGE + (address % PAGE), word, true);
      });
      engine.written(ENGINE_BYTES, RAM_PAGES * PAGE);
      engine.setBreakpoints([]);
      for (let n = 0; n < 31; n++) state.setX(n, small[n]!);
      for (let n = 0; n < 64; n++) state.setV(n >> 1, n % 2 === 0 ? 0 : 1, values[31 + n]!);
      BASES.forEach((register, index) => state.setX(register, bases[index]!));
      state.setSp(state.level, bases.at(-1)!);
      state.setX(TO_CODE, BigInt(this.start));
      state.setX(JUMPS, jump);
      state.setX(30, jump);
      state.nzcv = nzcv;
      state.fpcr = 0n;
      state.fpsr = 0n;
      state.checksSp = false;
      state.clearExclusive();
      state.pc = BigInt(this.start);
    }
  }

  /** What a machine does between two runs. */
  #disturb(sides: readonly Side[]): void {
    const random = this.#random;
    const address = this.start + 4 * random.below(this.words.length);
    const bit = random.once(2);
    const kind = random.below(6);
    for (const { engine } of sides) {
      if (kind === 0) engine.tlb.flush();
      if (kind === 1) engine.tlb.flushPage(address, 0);
      if (kind === 2) engine.setBreakpoints([BigInt(address)]);
      if (kind === 3) engine.setBreakpoints([]);
      if (kind === 4) engine.state.checksSp = bit;
      if (kind === 5) engine.state.fpTrapped = bit;
    }
  }

  /** Past what a machine would have handled. */
  #goOn(sides: readonly Side[], exit: Exit): void {
    const random = this.#random;
    const address = BigInt(this.start + 4 * random.below(this.words.length));
    const base = BigInt(random.pick([DATA, DATA + PAGE, DATA + 16 * PAGE]) + 16 * random.below(PAGE / 16));
    for (const { engine } of sides) {
      const { state } = engine;
      if (exit.kind === 'budget') continue;
      if (exit.kind === 'breakpoint') engine.stepOff();
      else if (exit.kind === 'fp') state.fpTrapped = false;
      else if (exit.kind === 'miss' && exit.access === 'fetch') state.pc = address;
      else if (exit.kind === 'alignment' && exit.of === 'pc') state.pc = address;
      else {
        state.advance();
        BASES.forEach((register) => state.setX(register, base));
        state.setSp(state.level, base);
      }
    }
  }
}
