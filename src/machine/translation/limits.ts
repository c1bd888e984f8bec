/** What the control registers may say on a CPU: granules, sizes and start levels, and what a reserved value is taken for. */
import type { TranslationFeatures } from '../features.ts';
import { GRANULES, levelShift, type GranuleName } from './format.ts';

const PA_SIZES = [32, 36, 40, 42, 44, 48, 52] as const;

/** Bits of a physical address size field: PARange, IPS, PS. Reserved values are as the largest. */
export function addressSizeBits(encoded: number): number {
  return PA_SIZES[encoded] ?? 52;
}
/** The encoding of an address size, or -1 where there is none of that many bits. */
export function addressSizeEncoding(bits: number): number {
  return (PA_SIZES as readonly number[]).indexOf(bits);
}

/** The granules of TCR_EL1.TG0 and VTCR_EL2.TG0, and of TCR_EL1.TG1; null: reserved. */
export const TG0: readonly (GranuleName | null)[] = ['4K', '64K', '16K', null];
export const TG1: readonly (GranuleName | null)[] = [null, '16K', '4K', '64K'];

/** A reserved granule, or one that is not there, is taken for another one that is (IMPLEMENTATION DEFINED). */
export function effectiveGranule(
  encoded: GranuleName | null | undefined,
  granules: readonly GranuleName[],
): GranuleName {
  return encoded && granules.includes(encoded) ? encoded : granules[0]!;
}

/** How a granule is used: 52-bit descriptors with 4K and 16K by DS, with 64K where the CPU has 52 bits (FEAT_LPA). */
export interface Width {
  readonly lpa2: boolean;
  readonly wide: boolean;
}

export function widthOf(
  granule: GranuleName,
  ds: boolean,
  lpa2Granules: readonly GranuleName[],
  { paBits }: TranslationFeatures,
): Width {
  const lpa2 = ds && granule !== '64K' && lpa2Granules.includes(granule);
  return { lpa2, wide: lpa2 || (granule === '64K' && paBits === 52) };
}

/** Values of TnSZ that give tables. Others are CONSTRAINED UNPREDICTABLE: here every access is a translation fault of level 0. */
export interface SizeRange {
  readonly smallest: number;
  readonly largest: number;
}

/** Why a value of TnSZ gives no tables; null: it does. */
export const sizeMisfit = (name: string, size: number, { smallest, largest }: SizeRange): string | null =>
  size < smallest || size > largest ? `${name} ${size} is not in ${smallest}..${largest}` : null;

const largestSize = (granule: GranuleName, { smallTables }: TranslationFeatures) =>
  smallTables ? (granule === '64K' ? 47 : 48) : 39;

/** AArch64.S1MinTxSZ, AArch64.MaxTxSZ. */
export function stage1Sizes(granule: GranuleName, { lpa2 }: Width, features: TranslationFeatures): SizeRange {
  const smallest = lpa2 || (granule === '64K' && features.largeVa) ? 12 : 16;
  return { smallest, largest: largestSize(granule, features) };
}

/** AArch64.S2MinTxSZ: no more bits than a physical address has. */
export function stage2Sizes(granule: GranuleName, { wide }: Width, features: TranslationFeatures): SizeRange {
  return { smallest: Math.max(wide ? 12 : 16, 64 - features.paBits), largest: largestSize(granule, features) };
}

interface Need {
  readonly text: string;
  readonly met: (features: TranslationFeatures, lpa2: boolean) => boolean;
}

/** A start level of VTCR_EL2.SL0, and what it needs beside its granule. */
interface StartLevel {
  readonly level: number;
  readonly needs: readonly Need[];
}

const paBits = (bits: number): Need => ({
  text: `${bits} bits of physical address`,
  met: (features: TranslationFeatures) => features.paBits >= bits,
});
const TTST: Need = { text: 'FEAT_TTST', met: ({ smallTables }: TranslationFeatures) => smallTables };
const DS: Need = { text: 'FEAT_LPA2 and DS', met: (_, lpa2) => lpa2 };

/** By SL0 (VTCR_EL2 in D24.2; AArch64.S2StartLevel, AArch64.S2InvalidSL); absent: reserved. */
const START_LEVELS: Readonly<Record<GranuleName, readonly StartLevel[]>> = {
  '4K': [
    { level: 2, needs: [] },
    { level: 1, needs: [] },
    { level: 0, needs: [paBits(44)] },
    { level: 3, needs: [TTST] },
  ],
  '16K': [
    { level: 3, needs: [] },
    { level: 2, needs: [] },
    { level: 1, needs: [paBits(42)] },
    { level: 0, needs: [DS, paBits(52)] },
  ],
  '64K': [
    { level: 3, needs: [] },
    { level: 2, needs: [] },
    { level: 1, needs: [paBits(44)] },
  ],
};
/** SL2 counts with 4K and DS alone, and SL0 is 0 beside it. */
const OF_SL2: StartLevel = { level: -1, needs: [paBits(52)] };

/** The start level of SL0 and SL2, null where they name none; `reserved`: why it is none here, and every access a translation fault of level 0. */
export interface EncodedStart {
  readonly level: number | null;
  readonly reserved: string | null;
}

export function encodedStartLevel(
  granule: GranuleName,
  { sl0, sl2 }: { readonly sl0: number; readonly sl2: number },
  lpa2: boolean,
  features: TranslationFeatures,
): EncodedStart {
  const bySl2 = granule === '4K' && lpa2 && sl2 === 1;
  if (bySl2 && sl0 !== 0) return { level: null, reserved: `SL0 ${sl0} beside SL2 1 is reserved` };
  const row = bySl2 ? OF_SL2 : START_LEVELS[granule][sl0];
  if (!row) return { level: null, reserved: `SL0 ${sl0} is reserved with ${granule} pages` };
  const { level, needs } = row;
  const missing = needs.find(({ met }) => !met(features, lpa2));
  if (!missing) return { level, reserved: null };
  const field = bySl2 ? 'SL2 1' : `SL0 ${sl0}`;
  return { level, reserved: `${field} is reserved: start level ${level} with ${granule} pages needs ${missing.text}` };
}

/** SL0 and SL2 of a start level; null: no value says it. */
export function startLevelFields(
  granule: GranuleName,
  level: number,
  lpa2: boolean,
): { readonly sl0: number; readonly sl2: number } | null {
  if (granule === '4K' && lpa2 && level === OF_SL2.level) return { sl0: 0, sl2: 1 };
  const sl0 = START_LEVELS[granule].findIndex((row) => row.level === level);
  return sl0 < 0 ? null : { sl0, sl2: 0 };
}

const MOST_CONCATENATED_BITS = 4;

/** Why tables of a start level can't have that many bits of input address; null: they can (AArch64.S2InconsistentSL). */
export function startLevelMisfit(granule: GranuleName, level: number, inputBits: number): string | null {
  const resolved = inputBits - levelShift(GRANULES[granule], level);
  if (resolved < 1) return `level ${level} is too many levels for ${inputBits} bits: its table would have one entry`;
  const beside = resolved - GRANULES[granule].bitsPerLevel;
  return beside > MOST_CONCATENATED_BITS
    ? `${inputBits} bits from level ${level} are ${2 ** beside} concatenated tables, more than ${2 ** MOST_CONCATENATED_BITS}`
    : null;
}
