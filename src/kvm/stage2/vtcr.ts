import { stage2StartLevel, type Granule } from '../../machine/translation/format.ts';
import type { KernelFeatures } from '../features.ts';
import { usablePaRange, type KernelBits } from '../module.ts';

/** VTCR_EL2 fields as KVM sets them; Arm ARM D24.2.193 and kvm_get_vtcr. */
const RES1 = 1n << 31n;
const SH0_INNER = 3n << 12n;
const ORGN0_WBWA = 1n << 10n;
const IRGN0_WBWA = 1n << 8n;
const HA = 1n << 21n;
const VS_16BIT = 1n << 19n;
const DS = 1n << 32n;
const TG0 = { '4K': 0n, '64K': 1n, '16K': 2n } as const;
/** SL0 of a walk that starts at level 0 for the granule (VTCR_EL2_TGRAN_SL0_BASE). */
const SL0_BASE = { '4K': 2, '16K': 3, '64K': 3 } as const;
const FEWEST_LEVELS = 2;

/** The level a stage 2 walk starts at: as few levels as concatenation allows, but two, so that blocks stay possible. */
export function startLevel(granule: Granule, ipaBits: number): number {
  return Math.min(4 - FEWEST_LEVELS, stage2StartLevel(granule, ipaBits));
}

/** What of the host VTCR_EL2 depends on. */
export interface Stage2Host {
  readonly features: Pick<KernelFeatures, 'paRange' | 'lpa2' | 'vmidBits'>;
  readonly granule: Granule;
  readonly host: { readonly kernel: KernelBits };
}

export function vtcrEl2({ features, granule, host }: Stage2Host, ipaBits: number): bigint {
  let value = RES1 | SH0_INNER | ORGN0_WBWA | IRGN0_WBWA | HA;
  value |= TG0[granule.name] << 14n;
  value |= BigInt(usablePaRange(features, granule, host.kernel)) << 16n;
  value |= BigInt(64 - ipaBits);
  value |= BigInt(SL0_BASE[granule.name] - startLevel(granule, ipaBits)) << 6n;
  if (features.vmidBits === 16) value |= VS_16BIT;
  if (features.lpa2) value |= DS;
  return value;
}
