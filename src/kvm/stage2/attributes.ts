import type { Halves } from '../pagetable.ts';
import type { KernelFeatures } from '../features.ts';

/** Bits of a stage 2 leaf (Arm ARM D8.3.2), in its low half, and XN in its high half. */
const MEMATTR = 0xf << 2;
const MEMATTR_NORMAL = 0xf << 2;
/** With FEAT_S2FWB: Normal Write-Back, whatever stage 1 says. */
const MEMATTR_FORCED = 6 << 2;
export const S2AP_READ = 1 << 6;
export const S2AP_WRITE = 1 << 7;
const SH_INNER = 3 << 8;
export const ACCESS_FLAG = 1 << 10;
export const XN_HIGH = 1 << (54 - 32);

/** KVM_INVALID_PTE_LOCKED: an invalid entry that somebody is about to replace. */
export const LOCKED = 1 << 10;

export interface Stage2Permissions {
  readonly write: boolean;
  readonly execute: boolean;
}

type Features = Pick<KernelFeatures, 'stage2ForceWriteBack' | 'lpa2'>;

const memoryType = ({ stage2ForceWriteBack }: Features) => (stage2ForceWriteBack ? MEMATTR_FORCED : MEMATTR_NORMAL);

/** Attributes of RAM that can be read (stage2_set_prot_attr). */
function ofPermissions(features: Features, { write, execute }: Stage2Permissions): Halves {
  let low = ACCESS_FLAG | S2AP_READ | memoryType(features);
  if (write) low |= S2AP_WRITE;
  if (!features.lpa2) low |= SH_INNER;
  return { low, high: execute ? 0 : XN_HIGH };
}

/** The four there are on a host; by `write + 2 * execute`. */
export function leafAttributes(features: Features): (permissions: Stage2Permissions) => Halves {
  const all = [false, true].flatMap((execute) =>
    [false, true].map((write) => ofPermissions(features, { write, execute })),
  );
  return ({ write, execute }) => all[Number(write) + 2 * Number(execute)]!;
}

/** stage2_pte_cacheable, of a valid entry. */
export const isCacheable = (features: Features, low: number): boolean => (low & MEMATTR) === memoryType(features);

/** stage2_pte_executable, of a valid entry. */
export const isExecutable = (high: number): boolean => (high & XN_HIGH) === 0;

/** stage2_pte_needs_update, of two valid entries: permissions alone are for `relax`. */
export function differsBesidePermissions(old: Halves, low: number, high: number): boolean {
  return ((old.low ^ low) & ~(S2AP_READ | S2AP_WRITE)) !== 0 || ((old.high ^ high) & ~XN_HIGH) !== 0;
}
