/** What the EL1&0 regime's control registers make of the upper bits of pointers: codes (FEAT_PAuth), ignored top bytes. */
import type { Engine } from '../engine/engine.ts';
import { authenticate, authenticationError, POINTERS } from '../isa/a64/semantics/pauth.ts';
import type { ControlWord } from '../isa/library.ts';
import type { CpuFeatures } from './features.ts';
import { HCR } from './el2.ts';
import { SCTLR, type StoredRegister } from './sysregs.ts';
import { tcrEl1 } from './translation/registers.ts';

interface PointerRegisters {
  readonly SCTLR_EL1: bigint;
  readonly TCR_EL1: bigint;
  readonly HCR_EL2: bigint;
}

const ENABLES = { IA: SCTLR.EnIA, IB: SCTLR.EnIB, DA: SCTLR.EnDA, DB: SCTLR.EnDB } as const;
const KEYS = ['IA', 'IB', 'DA', 'DB'] as const;
const HALVES = [
  { TSZ: 'T0SZ', TG: 'TG0', large: 1, TBI: 'TBI0', TBID: 'TBID0' },
  { TSZ: 'T1SZ', TG: 'TG1', large: 3, TBI: 'TBI1', TBID: 'TBID1' },
] as const;

/** The engine's control words that have keys, and the registers they come from. */
export const KEY_REGISTERS: readonly (readonly [ControlWord, StoredRegister])[] = (
  ['APIA', 'APIB', 'APDA', 'APDB', 'APGA'] as const
).flatMap((key) => (['Lo', 'Hi'] as const).map((half) => [`${key}Key${half}`, `${key}Key${half}_EL1`] as const));

/** The engine's control word `pointers`. */
export function pointersWord(registers: PointerRegisters, features: CpuFeatures): bigint {
  const tcr = tcrEl1(registers.TCR_EL1);
  let word = 0;
  for (const half of [0, 1] as const) {
    const { TSZ, TG, large, TBI, TBID } = HALVES[half];
    const is64K = tcr.get(TG) === large;
    const largest = features.smallTables ? (is64K ? 47 : 48) : 39;
    const wide = is64K ? features.largeVa : tcr.get('DS') === 1 && features.lpa2Stage1.length > 0;
    const size = Math.max(Math.min(tcr.get(TSZ), largest), wide ? 12 : 16);
    word |= (64 - size) << POINTERS.bottom[half];
    if (tcr.get(TBI) === 0) continue;
    word |= 1 << POINTERS.ignored.data[half];
    const dataAlone = features.pointerAuthentication && tcr.get(TBID) === 1;
    if (!dataAlone) word |= 1 << POINTERS.ignored.instruction[half];
  }
  for (const key of KEYS) {
    if (((registers.SCTLR_EL1 >> BigInt(ENABLES[key])) & 1n) !== 0n) word |= 1 << POINTERS.enabled[key];
  }
  if ((registers.HCR_EL2 & HCR.API) === 0n) word |= 1 << POINTERS.trapped;
  return BigInt(word);
}

/** AArch64.BranchAddr(): where a branch to `address` goes, without a top byte that is ignored. */
export function branchAddress(address: bigint, word: bigint): bigint {
  const half = (address >> 55n) & 1n;
  const ignored = (word >> (BigInt(POINTERS.ignored.instruction[0]) + half)) & 1n;
  return ignored === 0n ? address : BigInt.asUintN(64, BigInt.asIntN(56, address));
}

/** A word that leaves the engine for HCR_EL2.API: it is none of the system space, or a hint. */
export function usesPointerKey(word: number): boolean {
  return word >>> 24 !== 0xd5 || (word & 0xfffff01f) >>> 0 === 0xd503201f;
}

/** ERETAA and ERETAB: ELR_EL1 authenticated with SP; null: EL2 has it. */
export function authenticatedReturn(
  { state, library }: Pick<Engine, 'state' | 'library'>,
  target: bigint,
  key: 'IA' | 'IB',
): bigint | null {
  const word = state.control('pointers');
  const bit = (at: number) => ((word >> BigInt(at)) & 1n) !== 0n;
  if (!bit(POINTERS.enabled[key])) return target;
  if (bit(POINTERS.trapped)) return null;
  const [low, high] = [state.control(`AP${key}KeyLo`), state.control(`AP${key}KeyHi`)];
  const ignoredAt = POINTERS.ignored.instruction[0];
  return library.compute(authenticate, target, state.currentSp, low, high, ignoredAt, authenticationError(key));
}
