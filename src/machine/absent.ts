/** What the real CPUs have and this machine has not: it reads as absent, so that no guest relies on it. */
import { A64 } from '../isa/a64/table.ts';
import { requiredFeatures } from '../isa/row.ts';
import type { IdRegister } from './features.ts';

/** A field that may say no more than `most`; fields count up with what they have. */
interface Limit {
  readonly register: IdRegister;
  readonly lo: number;
  readonly most: number;
  readonly why: string;
}

export const LIMITS: readonly Limit[] = [
  { register: 'ID_AA64PFR0_EL1', lo: 0, most: 1, why: 'EL0 is AArch64 only' },
  { register: 'ID_AA64PFR0_EL1', lo: 4, most: 1, why: 'EL1 is AArch64 only' },
  { register: 'ID_AA64PFR0_EL1', lo: 8, most: 1, why: 'EL2 is AArch64 only' },
  { register: 'ID_AA64PFR0_EL1', lo: 12, most: 0, why: 'no EL3' },
  { register: 'ID_AA64PFR0_EL1', lo: 32, most: 0, why: 'no SVE' },
  { register: 'ID_AA64PFR0_EL1', lo: 44, most: 0, why: 'no activity monitors' },
  { register: 'ID_AA64PFR1_EL1', lo: 8, most: 0, why: 'no memory tagging' },
  { register: 'ID_AA64PFR1_EL1', lo: 24, most: 0, why: 'no SME' },
  { register: 'ID_AA64DFR0_EL1', lo: 4, most: 0, why: 'no trace unit' },
  { register: 'ID_AA64DFR0_EL1', lo: 32, most: 0, why: 'no statistical profiling' },
  { register: 'ID_AA64ISAR0_EL1', lo: 60, most: 0, why: 'a random number is no deterministic instruction' },
];

/** A field that says which instructions there are: its value n needs the first n of `needs`. */
interface InstructionField {
  readonly register: IdRegister;
  readonly lo: number;
  /** Feature of rows of the instruction table, or the name of one row. */
  readonly needs: readonly string[];
}

export const INSTRUCTION_FIELDS: readonly InstructionField[] = [
  { register: 'ID_AA64ISAR0_EL1', lo: 4, needs: ['FEAT_AES', 'FEAT_PMULL'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 8, needs: ['FEAT_SHA1'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 12, needs: ['FEAT_SHA256', 'FEAT_SHA512'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 16, needs: ['FEAT_CRC32'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 20, needs: ['FEAT_LSE', 'FEAT_LSE'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 28, needs: ['FEAT_RDM'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 32, needs: ['FEAT_SHA3'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 36, needs: ['FEAT_SM3'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 40, needs: ['FEAT_SM4'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 44, needs: ['FEAT_DotProd'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 48, needs: ['FEAT_FHM'] },
  { register: 'ID_AA64ISAR0_EL1', lo: 52, needs: ['FEAT_FlagM', 'FEAT_FlagM2'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 4, needs: ['FEAT_PAuth'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 8, needs: ['FEAT_PAuth'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 12, needs: ['FEAT_JSCVT'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 16, needs: ['FEAT_FCMA'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 20, needs: ['FEAT_LRCPC', 'FEAT_LRCPC2'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 24, needs: ['FEAT_PAuth'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 28, needs: ['FEAT_PAuth'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 32, needs: ['FEAT_FRINTTS'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 36, needs: ['FEAT_SB'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 44, needs: ['FEAT_BF16'] },
  { register: 'ID_AA64ISAR1_EL1', lo: 52, needs: ['FEAT_I8MM'] },
  { register: 'ID_AA64MMFR1_EL1', lo: 16, needs: ['FEAT_LOR'] },
  { register: 'ID_AA64PFR0_EL1', lo: 28, needs: ['FEAT_RAS', 'FEAT_RAS'] },
  { register: 'ID_AA64PFR1_EL1', lo: 0, needs: ['FEAT_BTI'] },
];

/** FP and AdvSIMD: 0 is there, 1 with half precision, 15 is not. */
const FP_FIELDS = [
  { register: 'ID_AA64PFR0_EL1', lo: 16, base: 'FADD (scalar)' },
  { register: 'ID_AA64PFR0_EL1', lo: 20, base: 'ADD (vector)' },
] as const;
const HALF_PRECISION = 'FEAT_FP16';
const HALF_IS_THERE = 1;
const NO_FP = 15n;

/** Names of rows that execute, and features all of whose rows do. */
const EXECUTED: ReadonlySet<string> = new Set([
  ...A64.rows.filter(({ row }) => row.execute).map(({ row }) => row.name),
  ...executedFeatures(),
]);

function executedFeatures(): string[] {
  const missing = new Set(A64.rows.flatMap(({ row }) => (row.execute ? [] : requiredFeatures(row))));
  return A64.rows.flatMap(({ row }) => requiredFeatures(row)).filter((feature) => !missing.has(feature));
}

export function getField(value: bigint, lo: number): number {
  return Number((value >> BigInt(lo)) & 0xfn);
}

export function setField(value: bigint, lo: number, to: number | bigint): bigint {
  return (value & ~(0xfn << BigInt(lo))) | (BigInt(to) << BigInt(lo));
}

/** ID registers with every field cut to what this machine does. */
export function withoutAbsent(id: Readonly<Partial<Record<IdRegister, bigint>>>): Partial<Record<IdRegister, bigint>> {
  const result: Partial<Record<IdRegister, bigint>> = { ...id };
  const limit = (register: IdRegister, lo: number, most: number) => {
    const value = result[register] ?? 0n;
    if (getField(value, lo) > most) result[register] = setField(value, lo, most);
  };
  for (const { register, lo, most } of LIMITS) limit(register, lo, most);
  for (const { register, lo, needs } of INSTRUCTION_FIELDS) {
    const missing = needs.findIndex((need) => !EXECUTED.has(need));
    limit(register, lo, missing < 0 ? needs.length : missing);
  }
  for (const { register, lo, base } of FP_FIELDS) {
    if (!EXECUTED.has(base)) result[register] = setField(result[register] ?? 0n, lo, NO_FP);
    else if (!EXECUTED.has(HALF_PRECISION)) limit(register, lo, 0);
  }
  return result;
}

/** Features whose instructions these ID registers say are not there. */
export function absentFeatures(id: Readonly<Partial<Record<IdRegister, bigint>>>): ReadonlySet<string> {
  const present = new Set<string>();
  for (const { register, lo, needs } of INSTRUCTION_FIELDS) {
    for (const need of needs.slice(0, getField(id[register] ?? 0n, lo))) present.add(need);
  }
  const [{ register, lo }] = FP_FIELDS;
  if (getField(id[register] ?? 0n, lo) === HALF_IS_THERE) present.add(HALF_PRECISION);
  const known = [...INSTRUCTION_FIELDS.flatMap(({ needs }) => needs), HALF_PRECISION];
  return new Set(known.filter((need) => !present.has(need)));
}
