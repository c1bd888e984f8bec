import { decode } from '../isa/a64/table.ts';
import { SLOT } from '../isa/a64/operands.ts';

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
