/** Where indirect branches may go in guarded pages (FEAT_BTI; Arm ARM D8.4.6). */

const BTI = { mask: 0xffffff3f, value: 0xd503241f } as const;
/** By bits 7:6 of the instruction, the BTYPEs of branches that may go there: none, `c`, `j`, `jc`. */
const PADS: readonly (readonly number[])[] = [[], [1, 2], [1, 3], [1, 2, 3]];
const PACIXSP = { mask: 0xffffffbf, value: 0xd503233f } as const;
const BRK = { mask: 0xffe0001f, value: 0xd4200000 } as const;
const HLT = { mask: 0xffe0001f, value: 0xd4400000 } as const;

/** Whether a branch that left this PSTATE.BTYPE may go to the instruction; `strict` is SCTLR_EL1.BT0 or BT1, of its level. */
export function isLandingPad(word: number, btype: number, strict: boolean): boolean {
  const is = ({ mask, value }: { readonly mask: number; readonly value: number }) => (word & mask) >>> 0 === value;
  if (is(BTI)) return PADS[(word >>> 6) & 3]!.includes(btype);
  if (is(PACIXSP)) return btype !== 3 || !strict;
  return is(BRK) || is(HLT);
}
