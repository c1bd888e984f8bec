/**
 * Self-hosted debug: breakpoints, watchpoints, software step (Arm ARM D2). What the registers say is taken apart once for
 * each change; whether it holds is asked where an address matches.
 */
import { HCR, MDCR, type El2Registers } from './el2.ts';
import { PSTATE } from './exceptions.ts';
import { BREAKPOINTS, CONTEXT_BREAKPOINTS, WATCHPOINTS, type StoredRegister } from './sysregs.ts';

/** Control and value: DBGBCRn_EL1 and DBGBVRn_EL1, or DBGWCRn_EL1 and DBGWVRn_EL1. */
export interface Comparator {
  readonly control: bigint;
  readonly value: bigint;
}

/** What is compared: the guest's registers, or those of EL2's making while it debugs the guest. */
export interface DebugRegisters {
  readonly MDSCR_EL1: bigint;
  /** As many as there are, or fewer. */
  readonly breakpoints: readonly Comparator[];
  readonly watchpoints: readonly Comparator[];
}

export const MDSCR = { SS: 1n << 0n, KDE: 1n << 13n, MDE: 1n << 15n } as const;
/** OSLSR_EL1.OSLK. */
export const OSLK = 1n << 1n;

/** What the architecture's comparisons look at beside their own registers. */
interface Surroundings {
  readonly state: { readonly level: number; readonly pstate: number };
  readonly el2: El2Registers;
  read(name: StoredRegister): bigint;
}

const field = (value: bigint, hi: number, lo: number) =>
  Number((value >> BigInt(lo)) & ((1n << BigInt(hi - lo + 1)) - 1n));
/** Bits 52:0 are compared; those above repeat the last, or are a tag. */
const TOP = 53;
const addressOf = (va: bigint) => BigInt.asUintN(TOP, va);

/** DBGWCRn_EL1.LSC. */
const LSC = { load: 1, store: 2 } as const;

interface Watched {
  readonly control: bigint;
  /** Bytes as bits 52:0 have them. */
  readonly first: bigint;
  readonly last: bigint;
  /** DBGWCRn_EL1.BAS, of a byte from `first` to `last`. */
  readonly selects: (byte: bigint) => boolean;
}

/** The registers of the guest itself. */
export function guestRegisters(read: (name: StoredRegister) => bigint): DebugRegisters {
  const comparators = (kind: 'B' | 'W', count: number) =>
    Array.from({ length: count }, (_, n) => ({
      control: read(`DBG${kind}CR${n}_EL1`),
      value: read(`DBG${kind}VR${n}_EL1`),
    }));
  return {
    MDSCR_EL1: read('MDSCR_EL1'),
    breakpoints: comparators('B', BREAKPOINTS),
    watchpoints: comparators('W', WATCHPOINTS),
  };
}

/** The OS lock, or the OS double lock (DoubleLockStatus()). */
export function isLocked(read: (name: StoredRegister) => bigint): boolean {
  return (read('OSLSR_EL1') & OSLK) !== 0n || (read('OSDLR_EL1') === 1n && read('DBGPRCR_EL1') === 0n);
}

/** The comparators of a CPU. */
export class DebugUnit {
  readonly #around: Surroundings;
  #registers: DebugRegisters = { MDSCR_EL1: 0n, breakpoints: [], watchpoints: [] };
  #watched: readonly Watched[] = [];
  /** MDSCR_EL1.SS. */
  #steps = false;
  /** Addresses of enabled breakpoints: `breakpointAt` says whether they hold. */
  addresses: readonly bigint[] = [];
  /** A breakpoint compares contexts alone, so any instruction may meet it. */
  anywhere = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Takes the registers apart; `locked`: OSLSR_EL1.OSLK, with which there are no debug exceptions but BRK's. */
  use(registers: DebugRegisters, locked: boolean): void {
    this.#registers = locked ? { MDSCR_EL1: 0n, breakpoints: [], watchpoints: [] } : registers;
    this.#steps = (this.#registers.MDSCR_EL1 & MDSCR.SS) !== 0n;
    const monitor = (this.#registers.MDSCR_EL1 & MDSCR.MDE) !== 0n;
    const breakpoints = monitor ? this.#registers.breakpoints.filter(({ control }) => (control & 1n) !== 0n) : [];
    this.addresses = breakpoints
      .filter(({ control }) => comparesAddress(control))
      .map(({ value }) => BigInt.asUintN(64, BigInt.asIntN(TOP, value & ~3n)));
    this.anywhere = breakpoints.some(
      ({ control }) => !comparesAddress(control) && !isLinked(control) && !isReserved(control),
    );
    this.#watched = monitor ? this.#registers.watchpoints.flatMap((one) => watchedBytes(one) ?? []) : [];
  }

  /** Pages with bytes that are watched are to have no TLB entries. */
  get watches(): boolean {
    return this.#watched.length > 0;
  }
  /** Some byte from `va` on is watched, whoever accesses it. */
  isWatched(va: bigint, bytes: number): boolean {
    const from = addressOf(va);
    return this.#watched.some(({ first, last }) => first < from + BigInt(bytes) && last >= from);
  }

  /** AArch64.BreakpointMatch() of any breakpoint, where its exception is enabled. */
  breakpointAt(pc: bigint): boolean {
    if (!this.enabledFrom(this.#around.state.level, this.#around.state.pstate)) return false;
    return this.#registers.breakpoints.some(({ control }, n) => {
      const address = comparesAddress(control);
      const linked = isLinked(control);
      if (linked && !address) return false;
      const state = this.#stateMatches(control, true, linked ? field(control, 19, 16) : null);
      return state && this.#valueMatches(n, pc, false);
    });
  }

  /**
   * The first watched byte of an access, or null: AArch64.WatchpointMatch(). `privileged` is false for LDTR and STTR.
   */
  watchpointAt(va: bigint, bytes: number, write: boolean, privileged: boolean): bigint | null {
    if (!this.enabledFrom(this.#around.state.level, this.#around.state.pstate)) return null;
    const from = addressOf(va);
    for (const { control, first, last, selects } of this.#watched) {
      if ((field(control, 4, 3) & (write ? LSC.store : LSC.load)) === 0) continue;
      const linked = field(control, 20, 20) === 1 ? field(control, 19, 16) : null;
      if (!this.#stateMatches(control, privileged, linked)) continue;
      for (let byte = from > first ? from : first; byte <= last && byte < from + BigInt(bytes); byte++) {
        if (selects(byte)) return BigInt.asUintN(64, va + (byte - from));
      }
    }
    return null;
  }

  /** Software step is active: every instruction is stepped, or its exception is pending. */
  get stepping(): boolean {
    return this.#steps && this.enabledFrom(this.#around.state.level, this.#around.state.pstate);
  }

  /** DebugExceptionReturnSS(): PSTATE.SS after a return with this SPSR; `enabledHere` is of where it returns from. */
  returnsStepping(spsr: number, enabledHere: boolean): boolean {
    if ((spsr & PSTATE.SS) === 0 || !this.#steps || enabledHere) return false;
    return this.enabledFrom((spsr >> 2) & 3, spsr);
  }

  /** The level that debug exceptions are taken to. */
  get target(): 1 | 2 {
    const { MDCR_EL2, HCR_EL2 } = this.#around.el2;
    return (MDCR_EL2 & MDCR.TDE) !== 0n || (HCR_EL2 & HCR.TGE) !== 0n ? 2 : 1;
  }

  /** AArch64.GenerateDebugExceptionsFrom(): `pstate` has the D mask. */
  enabledFrom(level: number, pstate: number): boolean {
    if (level !== this.target) return level < this.target;
    return (this.#registers.MDSCR_EL1 & MDSCR.KDE) !== 0n && (pstate & PSTATE.D) === 0;
  }

  /** AArch64.StateMatch() in Non-secure state: PMC or PAC, HMC, SSC, and the linked breakpoint. */
  #stateMatches(control: bigint, privileged: boolean, linked: number | null): boolean {
    const level = privileged ? this.#around.state.level : 0;
    if ((field(control, 2, 1) & (level === 0 ? 2 : 1)) === 0) return false;
    const SECURE = 2;
    const security = field(control, 15, 14);
    if (security === SECURE || (security === 3 && field(control, 13, 13) === 0)) return false;
    return linked === null || this.#valueMatches(linked, 0n, true);
  }

  /** AArch64.BreakpointValueMatch(). */
  #valueMatches(n: number, pc: bigint, linkedTo: boolean): boolean {
    const { control, value } = this.#registers.breakpoints[n] ?? { control: 0n, value: 0n };
    if ((control & 1n) === 0n) return false;
    if (comparesAddress(control)) {
      const A64_INSTRUCTION = 1;
      return !linkedTo && (field(control, 8, 5) & A64_INSTRUCTION) !== 0 && addressOf(pc ^ value) >> 2n === 0n;
    }
    const type = field(control, 23, 20);
    if (n < BREAKPOINTS - CONTEXT_BREAKPOINTS || linkedTo !== isLinked(control) || isReserved(control)) return false;
    const { el2 } = this.#around;
    const context = (type & 2) === 0 || this.#around.read('CONTEXTIDR_EL1') === BigInt.asUintN(32, value);
    const vmid = (type & 0xc) !== 8 || field(el2.VTTBR_EL2, 63, 48) === field(value, 47, 32);
    const CONTEXTIDR_EL2 = 0n;
    const host = (type & 0xc) !== 0xc || value >> 32n === CONTEXTIDR_EL2;
    return context && vmid && host;
  }
}

/** DBGBCRn_EL1.BT: 0000 and 0001 compare the address. */
const comparesAddress = (control: bigint) => field(control, 23, 21) === 0;
const isLinked = (control: bigint) => field(control, 20, 20) === 1;
/** Address mismatch is AArch32's. */
const isReserved = (control: bigint) => field(control, 23, 21) === 2;

/** What AArch64.WatchpointByteMatch() looks at; null: no byte can match. */
function watchedBytes({ control, value }: Comparator): Watched | null {
  const select = field(control, 12, 5);
  if ((control & 1n) === 0n) return null;
  const mask = field(control, 28, 24);
  const SMALLEST_MASK = 3;
  const size = mask >= SMALLEST_MASK ? mask : (value & 4n) !== 0n ? 2 : 3;
  const start = (addressOf(value) >> BigInt(size)) << BigInt(size);
  const bytes = 1n << BigInt(size);
  if (mask >= SMALLEST_MASK) return { control, first: start, last: start + bytes - 1n, selects: () => true };
  const selects = (byte: bigint) => ((select >> Number(byte - start)) & 1) === 1;
  const selected = Array.from({ length: Number(bytes) }, (_, byte) => start + BigInt(byte)).filter(selects);
  return selected.length === 0 ? null : { control, first: selected[0]!, last: selected.at(-1)!, selects };
}
