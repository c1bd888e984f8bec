/** Faults of accesses as exceptions, with what ESR, FAR and HPFAR have of them (AArch64.Abort, AArch64.FaultSyndrome). */
import { registerIss } from './access.ts';
import { HCR } from './el2.ts';
import { ABORT, EC, esr } from './esr.ts';
import { exception, type Exception } from './exceptions.ts';
import { faultStatus, type Fault } from './translation/fault.ts';
import type { Access } from './translation/mmu.ts';

const PAGE = 4096;
/** HPFAR_EL2.FIPA begins at bit 4. */
const FIPA = 1 << 4;

export interface FaultingAccess {
  readonly access: Access;
  readonly va: bigint;
  /** The load or store, which a stage 2 abort's ISS describes; 0: another instruction's access. */
  readonly word: number;
  /** Bits of the ISS that the access itself sets: ABORT. */
  readonly iss: number;
}

/** What a load, store or fetch has in its ISS. */
export const direction = (access: Access) => (access === 'write' ? ABORT.WNR : 0);

const exceptionClass = (access: Access, lower: boolean) =>
  access === 'fetch' ? (lower ? EC.IABT_LOWER : EC.IABT_SAME) : lower ? EC.DABT_LOWER : EC.DABT_SAME;

/** Where a synchronous External abort of EL1 and EL0 goes: HCR_EL2.TEA. */
const externalTarget = (hcr: bigint) => ((hcr & HCR.TEA) !== 0n ? 2 : 1);

/** A translation that failed: of stage 1 to EL1 but for external aborts, of stage 2 to EL2. `level`: the exception level that it was for. */
export function translationAbort(
  fault: Fault,
  { access, va, word, iss }: FaultingAccess,
  level: number,
  hcr: bigint,
): Exception {
  const status = faultStatus(fault.type, fault.level) | iss;
  if (fault.stage === 1) {
    const target = fault.type === 'externalAbortOnWalk' ? externalTarget(hcr) : 1;
    return exception(target, esr(exceptionClass(access, target === 2 || level === 0), status), va);
  }
  const described = access !== 'fetch' && !fault.s1ptw && word !== 0;
  const syndrome = esr(
    exceptionClass(access, true),
    walkIss(fault, access, status) | (described ? registerIss(word) : 0),
  );
  return exception(2, syndrome, va, BigInt(Math.floor(fault.ipa / PAGE) * FIPA));
}

/** With S1PTW; WnR of a Permission fault is what the walk may not do (AArch64.S2CheckPermissions), but for cache maintenance and AT. */
function walkIss({ type, s1ptw }: Fault, access: Access, iss: number): number {
  if (!s1ptw) return iss;
  const ofAccess = type !== 'permission' || access === 'fetch' || (iss & ABORT.CM) !== 0;
  if (ofAccess) return iss | ABORT.S1PTW;
  return (iss & ~ABORT.WNR) | ABORT.S1PTW | (s1ptw === 'update' ? ABORT.WNR : 0);
}

/** An access to a physical address where nothing answers. */
export function externalAbort(access: Access, va: bigint, level: number, hcr: bigint): Exception {
  const target = externalTarget(hcr);
  const iss = faultStatus('externalAbort', 0) | direction(access);
  return exception(target, esr(exceptionClass(access, target === 2 || level === 0), iss), va);
}

/** An unaligned access, where that is not allowed. */
export function alignmentAbort(access: Access, va: bigint, level: number): Exception {
  return exception(1, esr(exceptionClass(access, level === 0), faultStatus('alignment', 0) | direction(access)), va);
}
