/** Cases for the differential test: an instruction of a row with random fields, in a state in which it can be executed. */
import type { TableRow } from '../../isa/decoder.ts';
import { insertFields, requiredFeatures, type Fields } from '../../isa/row.ts';
import { SLOT } from '../../isa/a64/operands.ts';
import { A64, type A64Decoded } from '../../isa/a64/table.ts';
import { isJudgedOtherwise } from './differences.ts';
import * as at from './place.ts';
import type { Random } from './random.ts';
import { seedFor, stateOf, type LaneBits } from './values.ts';

export interface Case {
  readonly words: readonly number[];
  /** What the state was made from, before it was made to fit the instruction. */
  readonly seed: number;
  /** STATE_WORDS of it. */
  readonly state: BigUint64Array;
}

const NOP = 0xd503201f;
const TRIES = 400;
export type A64TableRow = TableRow<keyof A64Decoded['fields'] & string>;
type Row = A64Decoded['row'];
const REGISTER_FIELD = /^R[a-z]\d?$/;

/** Rows that one instruction of user code can show: no exceptions, no system registers, nothing that QEMU can't judge. */
export function testableRows(): readonly A64TableRow[] {
  return A64.rows.filter(({ row }) => {
    if (!row.execute || isJudgedOtherwise(row)) return false;
    return row.flow !== 'exception' && row.flow !== 'exceptionReturn' && row.flow !== 'system';
  });
}

/** null: no instruction was found that the manual says one thing of. */
export function randomCase(row: A64TableRow, random: Random): Case | null {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const values: Record<string, number> = {};
    for (const { name, width } of row.diagram.fields) values[name] = random.below(2 ** width);
    shareRegisters(values, random);
    constrainBranch(row, values, random);
    const found = prepare(row, values, random);
    if (found) return found;
  }
  return null;
}

/** Lets operands be the same register more often than chance has it. */
function shareRegisters(values: Record<string, number>, random: Random): void {
  const names = Object.keys(values).filter((name) => REGISTER_FIELD.test(name));
  for (const name of names) if (random.once(8)) values[name] = values[random.pick(names)]!;
}

/** Branches go to one of the slots; which field says so is in the row's encoding. */
function constrainBranch({ row }: A64TableRow, values: Record<string, number>, random: Random): void {
  if (row.flow !== 'branch' && row.flow !== 'call' && row.flow !== 'conditional') return;
  /* Not back to the instruction itself, or the one before it. */
  const slots = random.below(2) ? 1 + random.below(at.SLOT_COUNT - at.ENTRY - 2) : -2 - random.below(at.ENTRY - 2);
  for (const name of ['imm26', 'imm19', 'imm14']) if (name in values) values[name] = slots;
}

function prepare(row: A64TableRow, values: Record<string, number>, random: Random): Case | null {
  const { transfer, flow, operands } = row.row;
  const before = random.below(2) ? [NOP] : [];
  const address = at.SLOTS + 4 * (at.ENTRY + before.length);
  if (transfer && transfer.access !== 'prefetch' && !operands.rn) {
    values['imm19'] = (at.WINDOW + 4 * random.below(at.WINDOW_BYTES / 4 - 4) - address) / 4;
  }
  const word = insertFields(row.diagram, values);
  const decoded = A64.decode(word);
  if (!decoded || decoded.index !== row.index) return null;
  const { fields } = decoded;
  const bits = random.once(4) ? undefined : elementBits(decoded);
  const seed = bits === undefined ? random.u32() : seedFor(bits, random);
  const state = stateOf(seed);
  const words = [...before, word];

  if (flow === 'indirect' || flow === 'indirectCall' || flow === 'return') {
    const slot = operands.rn!(fields);
    if (slot === SLOT.ZERO) return null;
    state[slot] = BigInt(
      at.SLOTS + 4 * random.pick([random.below(at.ENTRY), at.SLOT_COUNT - 1 - random.below(at.ENTRY)]),
    );
  }
  if (!transfer || transfer.access === 'prefetch' || !operands.rn) return { words, seed, state };

  if (!isPredictable(decoded)) return null;
  const base = operands.rn(fields);
  if (isBeforeBracket(row.row) && operands.rx?.(fields) === base) return null;
  const bytes = transfer.bytes * transfer.registers;
  const ordered = transfer.exclusive || transfer.acquire || transfer.release || transfer.access === 'loadStore';
  let place = random.below(at.WINDOW_BYTES - bytes + 1);
  if (ordered) place &= ~(bytes - 1);
  state[base] = BigInt.asUintN(64, BigInt(at.WINDOW + place) - offsetOf(decoded, state));
  if (transfer.access === 'loadStore' && random.below(2)) expectMemory(decoded, state, place);
  if (transfer.exclusive && transfer.access === 'store' && random.below(4)) {
    const load = exclusiveLoad(decoded, random);
    return { words: [...before, load, word], seed, state };
  }
  return { words, seed, state };
}

/** The size of elements that most instructions with such fields work on. */
function elementBits({ row, fields }: A64Decoded): LaneBits | undefined {
  if (requiredFeatures(row).includes('FEAT_FP16')) return 16;
  const { sz, size }: Partial<A64Decoded['fields']> = fields;
  if (sz !== undefined) return sz ? 64 : 32;
  return size === undefined ? undefined : ([8, 16, 32, 64] as const)[size];
}

/** What is CONSTRAINED UNPREDICTABLE is not asked: DDI 0487 K1.2, "Load/store instructions". */
function isPredictable({ row, fields }: A64Decoded): boolean {
  const { operands, transfer } = row;
  const number = (slot: number) => (slot === SLOT.DISCARD ? SLOT.ZERO : slot);
  const slots = (...names: readonly (keyof typeof operands & `r${string}`)[]) =>
    names.flatMap((name) => {
      const of = operands[name];
      return of ? [number(of(fields))] : [];
    });
  const [base] = slots('rn');
  const stored = slots('rm', 'rm2', 'rm3', 'rm4');
  const loaded = slots('rd', 'rd2', 'rd3', 'rd4');
  if (new Set(loaded).size < loaded.length) return false;
  if (operands.wb && [...stored, ...loaded].includes(base!)) return false;
  /* A store-exclusive's status is none of its other registers. */
  if (transfer?.exclusive && transfer.access === 'store')
    return !loaded.some((slot) => [...stored, base].includes(slot));
  return true;
}

/** The offset counts for the access, and not for writing back alone. */
const isBeforeBracket = ({ syntax }: Row) => !syntax.includes('],');

/** What the instruction adds to its base before the access. */
function offsetOf({ row, fields }: A64Decoded, state: BigUint64Array): bigint {
  if (!isBeforeBracket(row)) return 0n;
  const { imm, rx } = row.operands;
  const immediate = imm ? imm(fields) : 0n;
  if (!rx) return immediate;
  const index = rx(fields) === SLOT.ZERO ? 0n : state[rx(fields)]!;
  const extended = { 2: BigInt.asUintN(32, index), 6: BigInt.asIntN(32, index) }[fields.option] ?? index;
  return extended << immediate;
}

/** Lets a compare-and-swap find what it expects. */
function expectMemory({ row, fields }: A64Decoded, state: BigUint64Array, place: number): void {
  const { bytes } = row.transfer!;
  const memory = new DataView(state.buffer, at.MEMORY * 8);
  [row.operands.ra, row.operands.ra2].forEach((operand, index) => {
    const slot = operand?.(fields);
    if (slot === undefined || slot === SLOT.ZERO || slot === row.operands.rn?.(fields)) return;
    let value = 0n;
    for (let i = 0; i < bytes; i++) value |= BigInt(memory.getUint8(place + index * bytes + i)) << BigInt(8 * i);
    state[slot] = value;
  });
}

/** The load-exclusive that a store-exclusive goes with, into registers that the store doesn't use. */
function exclusiveLoad({ row, fields }: A64Decoded, random: Random): number {
  const wanted = row.transfer!;
  const candidates = A64.rows.filter(({ row: { transfer } }) => {
    if (!transfer?.exclusive || transfer.access !== 'load') return false;
    return transfer.bytes === wanted.bytes && transfer.registers === wanted.registers;
  });
  const load = random.pick(candidates);
  const used = new Set([fields.Rn, fields.Rt, fields.Rt2, fields.Rs]);
  const free = Array.from({ length: 31 }, (_, i) => i).filter((i) => !used.has(i));
  const values: Fields = { Rn: fields.Rn, Rt: free[0]!, Rt2: free[1]! };
  return insertFields(load.diagram, values);
}
