/** Instructions that make exceptions: SVC, HVC, SMC, BRK, HLT; WFI and WFE where they are trapped. */
import type { ExceptionExit, WaitExit } from '../engine/engine.ts';
import { HCR, MDCR, type El2Registers } from './el2.ts';
import { EC, esr, waitIss } from './esr.ts';
import { exception, undefinedInstruction, type Exception } from './exceptions.ts';
import type { CpuParts } from './parts.ts';
import { SCTLR } from './sysregs.ts';

export function generatedException({ cause, immediate }: ExceptionExit, level: number, el2: El2Registers): Exception {
  const hcr = el2.HCR_EL2;
  switch (cause) {
    case 'svc':
      return { ...exception(1, esr(EC.SVC64, immediate)), after: true };
    case 'hvc':
      if (level === 0 || (hcr & HCR.HCD) !== 0n) return undefinedInstruction();
      return { ...exception(2, esr(EC.HVC64, immediate)), after: true };
    case 'smc':
      // No EL3: UNDEFINED unless EL2 traps it.
      if (level === 0 || (hcr & HCR.TSC) === 0n) return undefinedInstruction();
      return exception(2, esr(EC.SMC64, immediate));
    case 'brk':
      return exception((el2.MDCR_EL2 & MDCR.TDE) !== 0n ? 2 : 1, esr(EC.BRK64, immediate));
    default:
      // HLT, DCPSn: halting debug is not allowed.
      return undefinedInstruction();
  }
}

/** WFI, WFE and their kin: who traps them; null: nobody. */
export function trappedWait(
  kind: WaitExit['for'],
  level: number,
  { el2, sctlr }: Pick<CpuParts, 'el2' | 'sctlr'>,
): Exception | null {
  const forEvent = isForEvent(kind);
  const iss = waitIss(kind);
  if (level === 0 && !sctlr(forEvent ? SCTLR.nTWE : SCTLR.nTWI)) return exception(1, esr(EC.WFX, iss));
  return (el2.HCR_EL2 & (forEvent ? HCR.TWE : HCR.TWI)) !== 0n ? exception(2, esr(EC.WFX, iss)) : null;
}

export const isForEvent = (kind: WaitExit['for']) => kind === 'wfe' || kind === 'wfet';
