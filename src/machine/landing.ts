/** Where indirect branches may go in guarded pages (FEAT_BTI; Arm ARM D8.4.6). */
import { highOf, lowOf } from './access.ts';
import { EC, esr } from './esr.ts';
import { exception, type Exception } from './exceptions.ts';
import type { CpuParts } from './parts.ts';
import { SCTLR } from './sysregs.ts';

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

/** PSTATE.BTYPE between the engine, which knows no guarded pages but in its TLB, and the MMU. */
export class BranchTargets {
  readonly #parts: CpuParts;
  /** PSTATE.BTYPE of an instruction that the engine runs without: it has been checked. */
  #landed = 0;

  constructor(parts: CpuParts) {
    this.#parts = parts;
  }

  /** Control goes elsewhere than to the instruction that was checked. */
  forget(): void {
    this.#landed = 0;
  }

  /** What the engine's BTYPE means, after a run. */
  settle(): void {
    const { engine, mmu, features, kindHere } = this.#parts;
    const { state } = engine;
    if (engine.executed === 0) {
      if (this.#landed !== 0) state.btype = this.#landed;
    } else if (state.btype !== 0) {
      if (!features.branchTargets) state.btype = 0;
      else if (state.btype === 3) {
        const from = state.branchedFrom;
        const page = mmu.translate(lowOf(from), highOf(from), { ...kindHere('fetch'), peek: true });
        if (!(page.ok && page.guarded)) state.btype = 1;
      }
    }
    this.#landed = 0;
  }

  /** AArch64.CheckBranchTarget() of an instruction in a guarded page; what the engine can't allow, it is told to pass. */
  check(pa: number): Exception | null {
    const { engine, memory, sctlr } = this.#parts;
    const { state } = engine;
    const { btype } = state;
    if (btype === 0) return null;
    const strict = sctlr(state.level === 0 ? SCTLR.BT0 : SCTLR.BT1);
    if (!isLandingPad(memory.read32(pa), btype, strict)) return exception(1, esr(EC.BRANCH_TARGET, btype));
    this.#landed = btype;
    state.btype = 0;
    return null;
  }
}
