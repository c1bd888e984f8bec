/** What a load or store accesses, told by its instruction. */
import { SLOT } from '../isa/a64/operands.ts';
import { dataAbortIss } from '../isa/a64/syndrome.ts';
import { decode } from '../isa/a64/table.ts';
import type { Fields } from '../isa/row.ts';

interface Registers {
  readonly pc: bigint;
  readonly currentSp: bigint;
  x(index: number): bigint;
}

/** The lowest address that a load or store accesses, before anything of it is done; null: it is none. */
export function accessAddress(word: number, registers: Registers): bigint | null {
  const decoded = decode(word);
  const transfer = decoded?.row.transfer;
  if (!transfer) return null;
  const { row, fields } = decoded;
  const { rn, rx, imm } = row.operands;
  const value = (slot: number) =>
    slot === SLOT.SP ? registers.currentSp : slot === SLOT.ZERO ? 0n : registers.x(slot);
  const base = rn ? value(rn(fields)) : registers.pc;
  const postIndexed = transfer.writeback && /\], /.test(row.syntax);
  if (postIndexed) return base;
  const immediate = imm?.(fields) ?? 0n;
  if (!rx) return BigInt.asUintN(64, base + immediate);
  const index = value(rx(fields));
  const UXTW = 2;
  const SXTW = 6;
  const extended =
    fields.option === UXTW ? BigInt.asUintN(32, index) : fields.option === SXTW ? BigInt.asIntN(32, index) : index;
  return BigInt.asUintN(64, base + (extended << immediate));
}

/** Halves of a virtual address as the engine and the MMU take them: u32. */
export const lowOf = (va: bigint) => Number(va & 0xffff_ffffn);
export const highOf = (va: bigint) => Number((va >> 32n) & 0xffff_ffffn);

const address = new BigUint64Array(1);
const halves = new Uint32Array(address.buffer);
/** The address of two halves. */
export function addressOf(low: number, high: number): bigint {
  halves[0] = low;
  halves[1] = high;
  return address[0]!;
}

/** Whether a load or store has to be aligned whatever the memory is. */
export function isOrdered(word: number): boolean {
  const transfer = decode(word)?.row.transfer;
  if (!transfer) return false;
  return transfer.exclusive || transfer.acquire || transfer.release || transfer.access === 'loadStore';
}

/** What a load or store is aligned to, a power of two: the bytes of one register, or of its elements. */
export const elementBytes = ofLastWord((word) => {
  const decoded = decode(word);
  const transfer = decoded?.row.transfer;
  if (!transfer) return 1;
  const fields: Fields = decoded.fields;
  return transfer.element === undefined ? transfer.bytes : 2 ** fields[transfer.element]!;
});

/** ISV, SAS, SSE, SRT, SF and AR of a stage 2 data abort, where the instruction gives them. */
export const registerIss = ofLastWord((word) => {
  const { isv, sas, sse, srt, sf, ar } = dataAbortIss(word);
  return isv === 1 ? (1 << 24) | (sas << 22) | (sse << 21) | (srt << 16) | (sf << 15) | (ar << 14) : 0;
});

/** What faults again and again is mostly one instruction: it is decoded once. */
function ofLastWord(of: (word: number) => number): (word: number) => number {
  let last = NaN;
  let known = 0;
  return (word) => {
    if (word !== last) {
      known = of(word);
      last = word;
    }
    return known;
  };
}
