import { refuse, type Refusal } from '../refusal.ts';
import { hex } from '../usercopy.ts';
import type { Vcpu } from '../vcpu.ts';
import type { SysregRow } from './rows.ts';

/** What userspace may do with single registers. */

const OSLK = 1n << 1n;
const OSLM_IMPLEMENTED = 1n << 3n;

/** OSLSR_EL1: the lock alone may change (set_oslsr_el1). */
export function setOsLock(vcpu: Vcpu, row: SysregRow, value: bigint): Refusal | null {
  if (((value ^ OSLM_IMPLEMENTED) & ~OSLK) !== 0n) {
    return refuse('EINVAL', 'sysreg.oslsr', `OSLSR_EL1: ${hex(value)} changes more than OSLK`, 'set_oslsr_el1');
  }
  vcpu.writeSysreg(row.name, value);
  return null;
}

/** CTR_EL0 of the host. */
function hostCtr(vcpu: Vcpu): bigint {
  return vcpu.vm.kvm.host.model.id.CTR_EL0 ?? 0n;
}
const CTR_IDC = 1n << 28n;
const CTR_DIC = 1n << 29n;

/** CLIDR_EL1's fields. */
const TYPE_INSTRUCTION = 1n;
const TYPE_DATA = 2n;
const TYPE_UNIFIED = 4n;
const LOUIS_SHIFT = 21n;
const LOC_SHIFT = 24n;
const LOUU_SHIFT = 27n;
const CLIDR_RES0 = ~((1n << 47n) - 1n) & 0xffff_ffff_ffff_ffffn;

/** A CLIDR_EL1 with no more caches than the guest must maintain (reset_clidr). */
export function cacheLevels(vcpu: Vcpu): bigint {
  const ctr = hostCtr(vcpu);
  const dic = (ctr & CTR_DIC) !== 0n;
  const type = (level: bigint, kind: bigint): bigint => kind << (3n * (level - 1n));
  let coherency = 1n;
  let value: bigint;
  if ((ctr & CTR_IDC) !== 0n) {
    coherency = dic ? 1n : 2n;
    value = type(coherency, TYPE_UNIFIED);
  } else {
    value = (1n << LOUU_SHIFT) | (1n << LOUIS_SHIFT) | type(1n, TYPE_DATA);
  }
  if (!dic) value |= type(1n, TYPE_INSTRUCTION);
  return value | (coherency << LOC_SHIFT);
}

/** set_clidr. */
export function setCacheLevels(vcpu: Vcpu, row: SysregRow, value: bigint): Refusal | null {
  const field = (shift: bigint): bigint => (value >> shift) & 7n;
  const needsNoClean = field(LOC_SHIFT) === 0n || (field(LOUIS_SHIFT) === 0n && field(LOUU_SHIFT) === 0n);
  if ((value & CLIDR_RES0) !== 0n || ((hostCtr(vcpu) & CTR_IDC) === 0n && needsNoClean)) {
    return refuse(
      'EINVAL',
      'sysreg.clidr',
      `CLIDR_EL1: ${hex(value)} has RES0 bits or hides maintenance the host needs`,
      'set_clidr',
    );
  }
  vcpu.writeSysreg(row.name, value);
  return null;
}

/** Values of CSSELR_EL1 that have a CCSIDR_EL1 (CSSELR_MAX). */
export const CACHE_SELECTIONS = 14;

/** log2 of the shortest cache line, in bytes (get_min_cache_line_size). */
function shortestLine(vcpu: Vcpu, instruction: boolean): number {
  return Number((hostCtr(vcpu) >> (instruction ? 0n : 16n)) & 0xfn) + 2;
}

/** CCSIDR_EL1 of a selected cache: one set and way unless userspace said otherwise (get_ccsidr). */
export function cacheGeometry(vcpu: Vcpu, selection: number): bigint {
  if (selection >= CACHE_SELECTIONS) return 0n;
  return BigInt(vcpu.cacheSizes?.[selection] ?? shortestLine(vcpu, (selection & 1) !== 0) - 4);
}

/** set_ccsidr. */
export function setCacheGeometry(vcpu: Vcpu, selection: number, value: number): Refusal | null {
  const line = (value & 7) + 4;
  if (line < shortestLine(vcpu, (selection & 1) !== 0)) {
    return refuse('EINVAL', 'sysreg.ccsidr', `CCSIDR_EL1 ${hex(value)}: a line shorter than the host's`, 'set_ccsidr');
  }
  if (!vcpu.cacheSizes) {
    if (BigInt(value) === cacheGeometry(vcpu, selection)) return null;
    vcpu.cacheSizes = Array.from({ length: CACHE_SELECTIONS }, (_, at) => Number(cacheGeometry(vcpu, at)));
  }
  vcpu.cacheSizes[selection] = value;
  return null;
}
