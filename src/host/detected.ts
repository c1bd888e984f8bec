/** What the kernel finds of its CPU as it boots (arm64_features and arm64_errata), in the words and the order of its log. */
import type { KvmModule } from '../kvm/module.ts';

export interface Detection {
  readonly text: string;
  readonly because: string;
}

interface FieldRow {
  readonly text: string;
  readonly register: string;
  readonly field: string;
  readonly lo: number;
  readonly least: number;
}

const row = (text: string, register: string, field: string, lo: number, least = 1): FieldRow => ({
  text,
  register,
  field,
  lo,
  least,
});

const FIELDS: readonly FieldRow[] = [
  row('Branch Target Identification', 'ID_AA64PFR1_EL1', 'BT', 0),
  row('32-bit EL0 Support', 'ID_AA64PFR0_EL1', 'EL0', 0, 2),
  row('32-bit EL1 Support', 'ID_AA64PFR0_EL1', 'EL1', 4, 2),
  row('ARMv8.4 Translation Table Level', 'ID_AA64MMFR2_EL1', 'TTL', 48),
  row('Data cache clean to the PoU not required for I/D coherence', 'CTR_EL0', 'IDC', 28),
  row('Common not Private translations', 'ID_AA64MMFR2_EL1', 'CnP', 0),
  row('CRC32 instructions', 'ID_AA64ISAR0_EL1', 'CRC32', 16),
  row('Data cache clean to Point of Deep Persistence', 'ID_AA64ISAR1_EL1', 'DPB', 0, 2),
  row('Data cache clean to Point of Persistence', 'ID_AA64ISAR1_EL1', 'DPB', 0),
  row('Data independent timing control (DIT)', 'ID_AA64PFR0_EL1', 'DIT', 48),
  row('E0PD', 'ID_AA64MMFR2_EL1', 'E0PD', 60),
  row('Address authentication (architected QARMA5 algorithm)', 'ID_AA64ISAR1_EL1', 'APA', 4),
  row('Generic authentication (architected QARMA5 algorithm)', 'ID_AA64ISAR1_EL1', 'GPA', 24),
  row('RCpc load-acquire (LDAPR)', 'ID_AA64ISAR1_EL1', 'LRCPC', 20),
  row('LSE atomic instructions', 'ID_AA64ISAR0_EL1', 'Atomic', 20, 2),
  row('Privileged Access Never', 'ID_AA64MMFR1_EL1', 'PAN', 20),
  row('RAS Extension Support', 'ID_AA64PFR0_EL1', 'RAS', 28),
  row('Random Number Generator', 'ID_AA64ISAR0_EL1', 'RNDR', 60),
  row('Speculation barrier (SB)', 'ID_AA64ISAR1_EL1', 'SB', 36),
  row('TLB range maintenance instructions', 'ID_AA64ISAR0_EL1', 'TLB', 56, 2),
  row('Speculative Store Bypassing Safe (SSBS)', 'ID_AA64PFR1_EL1', 'SSBS', 4),
  row('HCRX_EL2 register', 'ID_AA64MMFR1_EL1', 'HCX', 40),
];

const CORTEX_A53 = 0xd03;
export const CORTEX_A57 = 0xd07;
const CORTEX_A72 = 0xd08;
const NEOVERSE_N1 = 0xd0c;
const PARTS: Readonly<Record<number, string>> = {
  [CORTEX_A53]: 'Cortex-A53',
  [CORTEX_A57]: 'Cortex-A57',
  [CORTEX_A72]: 'Cortex-A72',
  [NEOVERSE_N1]: 'Neoverse N1',
};

/** Errata by part; `newest`: the last revision that has one, as MIDR_EL1 has variant and revision. */
const ERRATA: readonly { readonly text: string; readonly parts: readonly number[]; readonly newest?: number }[] = [
  { text: 'ARM erratum 832075', parts: [CORTEX_A57], newest: 0x12 },
  { text: 'ARM erratum 834220', parts: [CORTEX_A57], newest: 0x12 },
  { text: 'ARM erratum 843419', parts: [CORTEX_A53], newest: 0x04 },
  { text: 'ARM erratum 845719', parts: [CORTEX_A53], newest: 0x04 },
  { text: 'Broken broadcast TLBI completion', parts: [NEOVERSE_N1] },
  { text: 'ARM errata 1165522, 1319367, or 1530923', parts: [CORTEX_A57, CORTEX_A72] },
  { text: 'ARM erratum 1742098', parts: [CORTEX_A57, CORTEX_A72] },
  { text: 'SSBS not fully self-synchronizing', parts: [NEOVERSE_N1] },
];

/** MIDR_EL1.PartNum of a CPU by Arm; null: another's. */
export const armPart = (midr: bigint): number | null => (midr >> 24n === 0x41n ? Number((midr >> 4n) & 0xfffn) : null);

const HARDWARE_DIRTY = 2n;

/** Lines after `CPU features: detected: `, each with the fact of the hardware behind it. */
export function detections({ host, features }: KvmModule): readonly Detection[] {
  const { id } = host.model;
  const found: Detection[] = [];
  for (const { text, register, field, lo, least } of FIELDS) {
    const value = ((id[register] ?? 0n) >> BigInt(lo)) & (register === 'CTR_EL0' ? 1n : 0xfn);
    if (value >= BigInt(least)) found.push({ text, because: `${register}.${field} is ${value}.` });
  }
  const dirty = (id.ID_AA64MMFR1_EL1 ?? 0n) & 0xfn;
  if (dirty >= HARDWARE_DIRTY) {
    const text = `Hardware dirty bit management on CPU0-${host.cpus - 1}`;
    found.push({ text, because: `ID_AA64MMFR1_EL1.HAFDBS is ${dirty}.` });
  }
  const midr = id.MIDR_EL1 ?? 0n;
  const part = armPart(midr);
  const revision = Number(((midr >> 16n) & 0xf0n) | (midr & 0xfn));
  for (const { text, parts, newest = Infinity } of ERRATA) {
    if (part === null || !parts.includes(part) || revision > newest) continue;
    found.push({ text, because: `MIDR_EL1: every ${PARTS[part] ?? 'such CPU'} of this revision has it.` });
  }
  for (const text of features.mitigation.affectedBy) {
    found.push({ text, because: 'MIDR_EL1 and ID_AA64PFR0_EL1.CSV2 tell of no CPU that is known to be safe from it.' });
  }
  return found;
}
