import type { Halves } from '../kvm/pagetable.ts';
import type { TableFormat } from '../machine/translation/format.ts';
import type { Protection } from './mm.ts';

/** Stage 1 leaf of a user page as Linux writes it (PAGE_SHARED, PAGE_READONLY and their kin): Arm ARM D8.3.2. */
const LOW = { AP_EL0: 1 << 6, AP_READ_ONLY: 1 << 7, INNER_SHAREABLE: 3 << 8, AF: 1 << 10, NG: 1 << 11 } as const;
/** From bit 32 on. PTE_WRITE is DBM, and software's: the entry is writable when its owner says so. */
const HIGH = { PTE_WRITE: 1 << (51 - 32), PXN: 1 << (53 - 32), UXN: 1 << (54 - 32) } as const;

export function hostLeafAttributes(format: TableFormat, protection: Protection): Halves {
  const { readable, writable, executable } = protection;
  let low = LOW.AF | LOW.NG;
  let high: number = HIGH.PXN;
  if (!format.sharedInControl) low |= LOW.INNER_SHAREABLE;
  if (readable || writable) low |= LOW.AP_EL0;
  if (writable) high |= HIGH.PTE_WRITE;
  else low |= LOW.AP_READ_ONLY;
  if (!executable) high |= HIGH.UXN;
  return { low, high };
}
