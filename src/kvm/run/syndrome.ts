import { ipa, type Ipa } from '../../abi/address.ts';
import { EC } from '../../machine/esr.ts';
import type { TrapStop } from '../../machine/stop.ts';

/** Parts of ESR_EL2 and HPFAR_EL2 as KVM reads them (kvm_emulate.h). */

export const exceptionClass = (trap: TrapStop): number => trap.esr >>> 26;
export const immediate16 = (trap: TrapStop): number => trap.esr & 0xffff;

const IL = 1 << 25;
export const isInstruction32 = (trap: TrapStop): boolean => (trap.esr & IL) !== 0;

/** Bits of the ISS of aborts. */
const ISV = 1 << 24;
const SSE = 1 << 21;
const SF = 1 << 15;
const CM = 1 << 8;
const S1PTW = 1 << 7;
const WNR = 1 << 6;
const FSC = 0x3f;

export const isInstructionAbort = (trap: TrapStop): boolean => exceptionClass(trap) === EC.IABT_LOWER;
/** The exception has set FAR_EL2 (kvm_hyp_handle_memory_fault and its kin). */
export function hasFaultAddress(trap: TrapStop): boolean {
  const ec = exceptionClass(trap);
  return trap.vector === 'sync' && (ec === EC.IABT_LOWER || ec === EC.DABT_LOWER || ec === EC.WATCHPOINT_LOWER);
}

export const isStage1Walk = (trap: TrapStop): boolean => (trap.esr & S1PTW) !== 0;
export const isCacheMaintenance = (trap: TrapStop): boolean => (trap.esr & CM) !== 0;
export const hasRegister = (trap: TrapStop): boolean => (trap.esr & ISV) !== 0;
export const isDataWrite = (trap: TrapStop): boolean => (trap.esr & WNR) !== 0;
export const signExtends = (trap: TrapStop): boolean => (trap.esr & SSE) !== 0;
export const is64Bit = (trap: TrapStop): boolean => (trap.esr & SF) !== 0;
export const accessBytes = (trap: TrapStop): number => 1 << ((trap.esr >>> 22) & 3);
export const accessRegister = (trap: TrapStop): number => (trap.esr >>> 16) & 31;
/** What KVM_EXIT_ARM_NISV tells of the syndrome (kvm_vcpu_dabt_iss_nisv_sanitized). */
export const syndromeWithoutRegister = (trap: TrapStop): number => trap.esr & (CM | WNR | FSC);

export type FaultKind = 'translation' | 'access' | 'permission' | 'external' | 'other';

/** The fault status code's kind; level -1 has codes of its own (Arm ARM D24.2.40). */
export function faultKind(trap: TrapStop): FaultKind {
  const status = trap.esr & FSC;
  if (status === 0x2b || (status & 0x3c) === 0x04) return 'translation';
  if ((status & 0x3c) === 0x08) return 'access';
  if ((status & 0x3c) === 0x0c) return 'permission';
  return status === 0x10 || (status & 0x3c) === 0x14 || status === 0x13 ? 'external' : 'other';
}

export const faultLevel = (trap: TrapStop): number => trap.esr & 3;

/** kvm_is_write_fault. */
export function isWriteFault(trap: TrapStop): boolean {
  if (isStage1Walk(trap)) return faultKind(trap) === 'permission';
  return !isInstructionAbort(trap) && isDataWrite(trap);
}

export const isExecuteFault = (trap: TrapStop): boolean => isInstructionAbort(trap) && !isStage1Walk(trap);

/** HPFAR_EL2.FIPA begins at bit 4, and there is nothing below. */
const FIPA = 1 << 4;
/** The faulting IPA's page: HPFAR_EL2.FIPA, always in units of 4K. */
export const faultPage = (trap: TrapStop): Ipa => ipa((Number(trap.hpfar) / FIPA) * 4096);

/** With the low bits of the faulting address: 12 of them whatever the page size. */
export const faultAddress = (trap: TrapStop): Ipa => ipa(faultPage(trap) + Number(BigInt.asUintN(12, trap.far)));
