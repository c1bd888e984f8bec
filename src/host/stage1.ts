import type { TableFormat } from '../machine/translation/format.ts';
import type { Protection } from './mm.ts';

const bit = (position: number): bigint => 1n << BigInt(position);

/** Stage 1 leaf of a user page as Linux writes it (PAGE_SHARED, PAGE_READONLY and their kin): Arm ARM D8.3.2. */
const AF = bit(10);
const NG = bit(11);
const INNER_SHAREABLE = 3n << 8n;
const AP_EL0 = bit(6);
const AP_READ_ONLY = bit(7);
const PXN = bit(53);
const UXN = bit(54);
/** Software's: the entry is writable when its owner says so (PTE_WRITE, which is DBM). */
const PTE_WRITE = bit(51);

export function hostLeafAttributes(format: TableFormat, protection: Protection): bigint {
  const { readable, writable, executable } = protection;
  let attributes = AF | NG | PXN;
  if (!format.sharedInControl) attributes |= INNER_SHAREABLE;
  if (readable || writable) attributes |= AP_EL0;
  attributes |= writable ? PTE_WRITE : AP_READ_ONLY;
  if (!executable) attributes |= UXN;
  return attributes;
}
