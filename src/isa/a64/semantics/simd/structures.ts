/** LD1–LD4, ST1–ST4: registers whose elements lie in memory by turns; one lane of each; one element for all lanes. */
import type { Builder, Place } from '../../../builder.ts';
import { add, constant, type Expr, type Vector } from '../../../expr.ts';
import type { Execute } from '../../../execute.ts';
import type { Transfer } from '../../../row.ts';
import { base, spec, transferOf } from '../memory.ts';
import { extract, insert } from './element.ts';
import { bitsOfQ, low, sizeOf } from './lanes.ts';
import * as vector from './vector.ts';
import type { Size } from './vector.ts';

const { countOf, range, shuffle, shuffleLanes } = vector;

const LOADED = ['rd', 'rd2', 'rd3', 'rd4'] as const;
const STORED = ['rm', 'rm2', 'rm3', 'rm4'] as const;
const KEPT = ['ra', 'ra2', 'ra3', 'ra4'] as const;

/** What is added to the base, if it is written back. */
export type After = (b: Builder, bytes: number) => Expr;
export const byBytes: After = (_b, bytes) => constant(64, bytes);
export const byRegister: After = (b) => b.get('rx', 64);

function transferring(after: After | undefined, transfer: (b: Builder, t: Transfer, place: Place) => void): Execute {
  return (b) => {
    b.checkFp();
    const t = transferOf(b);
    const unit = t.element === undefined ? t.bytes : 1 << b.field(t.element);
    const at = b.let(base(b));
    const place = b.access(at, { ...spec(t, t.access === 'load' ? 'read' : 'write'), unit });
    transfer(b, t, place);
    if (after) b.set('wb', add(at, after(b, t.bytes * t.registers)));
  };
}

/** Bytes of registers or memory, 16 to each vector, in another order. `from` counts them through all. */
function gathered(b: Builder, vectors: readonly Vector[], from: readonly number[]): Vector {
  const [first, second = first!, ...others] = vectors;
  let result = shuffle(
    first!,
    second,
    from.map((i) => (i < 32 ? i : 0)),
  );
  others.forEach((other, index) => {
    const start = 32 + 16 * index;
    const isThere = (i: number) => i >= start && i < start + 16;
    result = shuffle(
      b.let(result),
      other,
      from.map((i, at) => (isThere(i) ? i - start + 16 : at)),
    );
  });
  return b.let(result);
}

const evens = (size: Size) => range(countOf(size)).map((i) => 2 * i);
const odds = (size: Size) => evens(size).map((i) => i + 1);
const lowerPairs = (size: Size) => range(countOf(size)).map((i) => (i >> 1) + (i & 1) * countOf(size));
const upperPairs = (size: Size) => lowerPairs(size).map((i) => i + countOf(size) / 2);
type Pair = readonly [Vector, Vector];

/** Both halves of a pair of vectors taken apart or put together. */
const both =
  (one: (size: Size) => number[], other: (size: Size) => number[]) =>
  (b: Builder, size: Size, v: Vector, w: Vector): Pair => [
    b.let(shuffleLanes(size, v, w, one(size))),
    b.let(shuffleLanes(size, v, w, other(size))),
  ];
const apart = both(evens, odds);
const together = both(lowerPairs, upperPairs);

/** Whole registers by fours, in two steps of pairs. */
function fourApart(b: Builder, size: Size, v: readonly Vector[]): readonly Vector[] {
  const [even0, odd0] = apart(b, size, v[0]!, v[1]!);
  const [even1, odd1] = apart(b, size, v[2]!, v[3]!);
  const [first, third] = apart(b, size, even0, even1);
  const [second, fourth] = apart(b, size, odd0, odd1);
  return [first, second, third, fourth];
}
function fourTogether(b: Builder, size: Size, v: readonly Vector[]): readonly Vector[] {
  const [even0, even1] = together(b, size, v[0]!, v[2]!);
  const [odd0, odd1] = together(b, size, v[1]!, v[3]!);
  return [...together(b, size, even0, odd0), ...together(b, size, even1, odd1)];
}

/** Sixteen bytes at a time, the last eight twice where they are alone. */
const loadChunks = (b: Builder, place: Place, bytes: number): Vector[] =>
  range(Math.ceil(bytes / 16)).map((i) =>
    b.let(bytes - 16 * i >= 16 ? b.loadVector(place, 16 * i) : vector.splat(3, b.load(place, 16 * i, 8, false, 64))),
  );
function storeChunk(b: Builder, place: Place, bytes: number, i: number, value: Vector): void {
  if (bytes - 16 * i >= 16) b.storeVector(place, 16 * i, value);
  else b.store(place, 16 * i, 8, vector.lane(3, 0, value));
}

/** Where byte `i` of register `register` is in memory. */
const inMemory = (size: Size, elements: number, register: number, i: number) =>
  (((i >> size) * elements + register) << size) + (i & ((1 << size) - 1));
/** Register and byte, as `gathered` counts, of a byte of memory. */
function inRegisters(size: Size, elements: number, i: number): number {
  const element = i >> size;
  return 16 * (element % elements) + (Math.floor(element / elements) << size) + (i & ((1 << size) - 1));
}

function loadStructures(b: Builder, t: Transfer, place: Place): void {
  const { bytes, registers: count } = t;
  const size = sizeOf(b);
  const chunks = loadChunks(b, place, bytes * count);
  const loaded =
    count === 4 && bytes === 16
      ? fourApart(b, size, chunks)
      : range(count).map((register) => {
          const from = range(16).map((i) => (i < bytes ? inMemory(size, count, register, i) : 0));
          return gathered(b, chunks, from);
        });
  loaded.forEach((value, i) => b.setVector(LOADED[i]!, low(8 * bytes, value)));
}

function storeStructures(b: Builder, t: Transfer, place: Place): void {
  const { bytes, registers: count } = t;
  const size = sizeOf(b);
  const total = bytes * count;
  const registers = STORED.slice(0, count).map((name) => b.let(b.getVector(name)));
  const chunks =
    count === 4 && bytes === 16
      ? fourTogether(b, size, registers)
      : range(Math.ceil(total / 16)).map((chunk) => {
          const at = range(16).map((i) => 16 * chunk + i);
          return gathered(
            b,
            registers,
            at.map((i) => (i < total ? inRegisters(size, count, i) : 0)),
          );
        });
  chunks.forEach((value, i) => storeChunk(b, place, total, i, value));
}

/** LD1 and ST1: one register after the other. */
function loadRegisters(b: Builder, { bytes, registers }: Transfer, place: Place): void {
  LOADED.slice(0, registers).forEach((name, i) => {
    if (bytes === 16) b.setVector(name, b.loadVector(place, 16 * i));
    else b.setV(name, b.load(place, 8 * i, 8, false, 64), constant(64, 0));
  });
}
function storeRegisters(b: Builder, { bytes, registers }: Transfer, place: Place): void {
  STORED.slice(0, registers).forEach((name, i) => {
    if (bytes === 16) b.storeVector(place, 16 * i, b.getVector(name));
    else b.store(place, 8 * i, 8, b.getV(name, 0));
  });
}

const MULTIPLE = {
  load: { registers: loadRegisters, structures: loadStructures },
  store: { registers: storeRegisters, structures: storeStructures },
} as const;
type Access = keyof typeof MULTIPLE;

/** Structures of one element are registers in a row. */
export const multipleStructures = (access: Access, elements: number, after?: After): Execute =>
  transferring(after, MULTIPLE[access][elements === 1 ? 'registers' : 'structures']);

const loadElement = (b: Builder, place: Place, bytes: number, i: number) =>
  b.load(place, bytes * i, bytes, false, bytes === 8 ? 64 : 32);
const log2 = (bytes: number) => Math.log2(bytes) as Size;

function loadLane(b: Builder, { bytes, registers }: Transfer, place: Place): void {
  const index = b.let(b.immediate('imm2', 32));
  LOADED.slice(0, registers).forEach((name, i) => {
    b.setVector(name, insert(log2(bytes), b.getVector(KEPT[i]!), index, loadElement(b, place, bytes, i)));
  });
}
function storeLane(b: Builder, { bytes, registers }: Transfer, place: Place): void {
  const index = b.let(b.immediate('imm2', 32));
  STORED.slice(0, registers).forEach((name, i) => {
    b.store(place, bytes * i, bytes, extract(log2(bytes), b.getVector(name), index));
  });
}
/** One lane of each register. */
export const singleStructure = (access: Access, after?: After): Execute =>
  transferring(after, access === 'load' ? loadLane : storeLane);

/** One structure, each element of which goes to all lanes. */
export const replicatedStructure = (after?: After): Execute =>
  transferring(after, (b, { bytes, registers }, place) => {
    LOADED.slice(0, registers).forEach((name, i) => {
      b.setVector(name, low(bitsOfQ(b), vector.splat(log2(bytes), loadElement(b, place, bytes, i))));
    });
  });
