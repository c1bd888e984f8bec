/** TLBI, DC and AT, for the rows of sysops.ts. */
import { translationAbort, externalAbort } from './aborts.ts';
import { highOf, lowOf } from './access.ts';
import type { Debugging } from './debugging.ts';
import { ABORT } from './esr.ts';
import { PSTATE, type Exception } from './exceptions.ts';
import type { CpuParts } from './parts.ts';
import { faultStatus, type Fault } from './translation/fault.ts';
import type { Access } from './translation/mmu.ts';
import type { AddressSpaces } from './translation/spaces.ts';

const PAGE = 4096;
const BLOCK_BYTES = 64;
const TCR_DS = 59n;
/** Pages that a TLBI of a range forgets one by one. */
const MOST_PAGES = 64n;
const PAR_RES1 = 1n << 11n;
const PAR_NS = 1n << 9n;
const PAR_F = 1n;

export class Maintenance {
  readonly #parts: CpuParts;
  readonly #spaces: AddressSpaces;
  readonly #debug: Debugging;

  constructor(parts: CpuParts, spaces: AddressSpaces, debug: Debugging) {
    this.#parts = parts;
    this.#spaces = spaces;
    this.#debug = debug;
  }

  /** TLBI by EL1, with its operand. Pages are forgotten whatever their ASID. */
  invalidate(scope: 'all' | 'asid' | 'page' | 'range', operand: bigint): void {
    const { engine, read } = this.#parts;
    if (scope === 'all') this.#spaces.flush(null);
    else if (scope === 'asid') this.#spaces.flush(Number(operand >> 48n));
    else {
      const wide = ((read('TCR_EL1') >> TCR_DS) & 1n) !== 0n;
      const pages = scope === 'page' ? [BigInt.asIntN(56, operand << 12n)] : rangePages(operand, wide);
      if (pages === null) this.#spaces.flush(null);
      else for (const page of pages) engine.tlb.flushPage(lowOf(page), highOf(page));
    }
  }

  /** Cache maintenance by address: nothing to do but to fault where an access would, PSTATE.PAN aside (AArch64.S1DirectBasePermissions). */
  maintain(va: bigint, access: 'read' | 'write'): Exception | null {
    const { mmu, kindHere } = this.#parts;
    const result = mmu.translate(lowOf(va), highOf(va), { ...kindHere(access), pan: false, peek: true });
    return result.ok ? null : this.#abort(result, va, ABORT.CM | ABORT.WNR);
  }

  /** DC ZVA: the naturally aligned block around the address. */
  zeroBlock(va: bigint): Exception | null {
    const { mmu, memory, engine, el2, kindHere } = this.#parts;
    const { level } = engine.state;
    const result = mmu.translate(lowOf(va), highOf(va), { ...kindHere('write'), unaligned: true });
    if (!result.ok) return this.#abort(result, va, ABORT.WNR);
    const watched = this.#debug.watchpoint(va & ~BigInt(BLOCK_BYTES - 1), BLOCK_BYTES, true, level > 0);
    if (watched) return watched;
    const start = result.pa - (result.pa % BLOCK_BYTES);
    return memory.fill(start, BLOCK_BYTES, 0) ? null : externalAbort('write', va, level, el2.HCR_EL2);
  }

  /** AT: stage 1 of the address into PAR_EL1 (Arm ARM, PAR_EL1); faults of stage 2 and external aborts on the walk are exceptions. */
  translateInto(
    va: bigint,
    what: { readonly access: Access; readonly el: 0 | 1; readonly pan: boolean },
  ): Exception | null {
    const { mmu, engine, write } = this.#parts;
    const pan = what.pan && (engine.state.pstate & PSTATE.PAN) !== 0;
    const result = mmu.translateStage1(lowOf(va), highOf(va), { ...what, pan, peek: true });
    if (result.ok) {
      const { mair, shareability } = result.attributes;
      const page = BigInt(result.ipa - (result.ipa % PAGE));
      write('PAR_EL1', (BigInt(mair) << 56n) | page | PAR_RES1 | PAR_NS | (BigInt(shareability) << 7n));
      return null;
    }
    if (result.stage === 2 || result.type === 'externalAbortOnWalk')
      return this.#abort(result, va, ABORT.CM | ABORT.WNR);
    write('PAR_EL1', PAR_RES1 | (BigInt(faultStatus(result.type, result.level)) << 1n) | PAR_F);
    return null;
  }

  #abort(fault: Fault, va: bigint, iss: number): Exception {
    const { engine, el2 } = this.#parts;
    return translationAbort(fault, { access: 'read', va, word: 0, iss }, engine.state.level, el2.HCR_EL2);
  }
}

/** The pages that the operand of TLBI RVAE1 and its kin names (Arm ARM C5.5, TLBIRange); null: too many, or a reserved granule. */
function rangePages(operand: bigint, wide: boolean): bigint[] | null {
  const shift = [null, 12n, 14n, 16n][Number((operand >> 46n) & 3n)] ?? null;
  const scale = (operand >> 44n) & 3n;
  const count = (((operand >> 39n) & 0x1fn) + 1n) << (5n * scale + 1n);
  if (shift === null || count > MOST_PAGES) return null;
  const base = BigInt.asIntN(37, operand) << (wide ? 16n : shift);
  return Array.from({ length: Number(count) }, (_, page) => base + (BigInt(page) << shift));
}
