/** Cases for the differential test: an instruction of a row with random fields, in a state in which it can be executed. */
import type { TableRow } from '../../isa/decoder.ts';
import { insertFields, type Fields } from '../../isa/row.ts';
import { SLOT } from '../../isa/a64/operands.ts';
import { A64, type A64Decoded } from '../../isa/a64/table.ts';
import * as at from './place.ts';
import { Random } from './random.ts';

export interface Case {
  readonly words: readonly number[];
  /** STATE_WORDS of it. */
  readonly state: BigUint64Array;
}

const NOP = 0xd503201f;
const TRIES = 400;
type A64TableRow = TableRow<keyof A64Decoded['fields'] & string>;

/** Rows that one instruction of user code can show: no exceptions, no system registers. */
export function testableRows(): readonly A64TableRow[] {
  return A64.rows.filter(({ row }) => {
    if (!row.execute || row.flow === 'exception' || row.flow === 'exceptionReturn') return false;
    return !/^(MSR|MRS|SYS|SYSL|WFE|WFI|HINT)/.test(row.name);
  });
}

/** A case's state begins as what its word gives as a seed: so a record need not have it. */
export function randomState(random: Random): BigUint64Array {
  const state = new BigUint64Array(at.STATE_WORDS);
  for (let i = 0; i < at.STATE_WORDS; i++) state[i] = random.interesting();
  state[at.SP] = random.u64() & ~15n;
  state[at.NZCV] = BigInt(random.below(16)) << 28n;
  state[at.END] = 0n;
  return state;
}

/** null: no instruction was found that the manual says one thing of. */
export function randomCase(row: A64TableRow, random: Random): Case | null {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const values: Record<string, number> = {};
    for (const { name, width } of row.diagram.fields) values[name] = random.below(2 ** width);
    constrainBranch(row, values, random);
    const found = prepare(row, values, random);
    if (found) return found;
  }
  return null;
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
  const address = BigInt(at.SLOTS + 4 * (at.ENTRY + before.length));
  if (transfer && transfer.access !== 'prefetch' && !operands.rn) {
    values['imm19'] = (at.WINDOW + 4 * random.below(at.WINDOW_BYTES / 4 - 4) - Number(address)) / 4;
  }
  const word = insertFields(row.diagram, values);
  const decoded = A64.decode(word);
  if (!decoded || decoded.index !== row.index) return null;
  const { fields } = decoded;
  const state = randomState(new Random(word));
  const words = [...before, word];

  if (flow === 'indirect' || flow === 'indirectCall' || flow === 'return') {
    const slot = operands.rn!(fields);
    if (slot === SLOT.ZERO) return null;
    state[slot] = BigInt(
      at.SLOTS + 4 * random.pick([random.below(at.ENTRY), at.SLOT_COUNT - 1 - random.below(at.ENTRY)]),
    );
  }
  if (!transfer || transfer.access === 'prefetch' || !operands.rn) return { words, state };

  if (!isPredictable(decoded)) return null;
  const bytes = transfer.bytes * transfer.registers;
  const ordered = transfer.exclusive || transfer.acquire || transfer.release || transfer.access === 'loadStore';
  let place = 16 + random.below(at.WINDOW_BYTES - 64);
  if (ordered) place &= ~(bytes - 1);
  const base = operands.rn(fields);
  state[base] = BigInt.asUintN(64, BigInt(at.WINDOW + place) - offsetOf(decoded, state));
  if (row.row.name.startsWith('CAS') && random.below(2)) expectMemory(decoded, state, place);
  if (transfer.exclusive && transfer.access === 'store' && random.below(4)) {
    const load = exclusiveLoad(decoded, random);
    return { words: [...before, load, word], state };
  }
  return { words, state };
}

/** What is CONSTRAINED UNPREDICTABLE is not asked: registers of a transfer differ, but for XZR. */
function isPredictable({ row, fields }: A64Decoded): boolean {
  const names = (['Rn', 'Rt', 'Rt2', 'Rs', 'Rm'] as const).filter((name) => name in fields);
  const { transfer } = row;
  const numbers = names
    .filter((name) => transfer?.width !== 'v' || (name !== 'Rt' && name !== 'Rt2'))
    .map((name) => fields[name]);
  if (transfer?.width === 'v' && 'Rt2' in fields && fields.Rt === fields.Rt2) return false;
  if (row.name.startsWith('CASP') && new Set(numbers.map((number) => number & ~1)).size < 3) return false;
  return new Set(numbers).size === numbers.length;
}

/** What the instruction adds to its base before the access. */
function offsetOf({ row, fields }: A64Decoded, state: BigUint64Array): bigint {
  const { imm, rx } = row.operands;
  const immediate = imm ? imm(fields) : 0n;
  if (rx) {
    const register = state[rx(fields)] ?? 0n;
    const index = rx(fields) === SLOT.ZERO ? 0n : register;
    const extended = { 2: BigInt.asUintN(32, index), 6: BigInt.asIntN(32, index) }[fields.option] ?? index;
    return extended << immediate;
  }
  return row.syntax.includes('], <imm') ? 0n : immediate;
}

/** Lets a compare-and-swap find what it expects. */
function expectMemory({ row, fields }: A64Decoded, state: BigUint64Array, place: number): void {
  const { bytes } = row.transfer!;
  const memory = new DataView(state.buffer, at.MEMORY * 8);
  [row.operands.ra, row.operands.ra2].forEach((operand, index) => {
    if (!operand || operand(fields) === SLOT.ZERO) return;
    let value = 0n;
    for (let i = 0; i < bytes; i++) value |= BigInt(memory.getUint8(place + index * bytes + i)) << BigInt(8 * i);
    state[operand(fields)] = value;
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
