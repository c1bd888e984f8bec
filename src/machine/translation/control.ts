/** Control registers as what a walk needs of them (Arm ARM D8.2; AArch64.S1TTBaseAddress and its kin). */
import { GRANULES, levelShift, stage1StartLevel, tableFormat, type GranuleName } from './format.ts';
import type { TranslationFeatures } from '../features.ts';
import {
  addressSizeBits,
  effectiveGranule,
  encodedStartLevel,
  sizeMisfit,
  stage1Sizes,
  stage2Sizes,
  startLevelMisfit,
  TG0,
  TG1,
  widthOf,
  type SizeRange,
} from './limits.ts';
import { tcrEl1, vtcrEl2 } from './registers.ts';
import type { Tables } from './walk.ts';

/** The fields of TCR_EL1 that each half has of its own. */
const HALVES = [
  { TSZ: 'T0SZ', EPD: 'EPD0', SH: 'SH0', TG: 'TG0', TBI: 'TBI0', HPD: 'HPD0', E0PD: 'E0PD0' },
  { TSZ: 'T1SZ', EPD: 'EPD1', SH: 'SH1', TG: 'TG1', TBI: 'TBI1', HPD: 'HPD1', E0PD: 'E0PD1' },
] as const;

/** Tables that a register describes, or why no walk of them can begin. */
export interface Regime {
  readonly tables: Tables;
  /** Bits 5:2 of the base register are address bits 51:48. */
  readonly wideBase: boolean;
  /** Output addresses at or above 2^outputBits are address size faults. */
  readonly outputBits: number;
  /** SH of every leaf where the descriptor has none (FEAT_LPA2). */
  readonly shareability: number;
  /** The register's value allows no walk: every address faults with this, at level 0. */
  readonly broken: { readonly fault: 'translation' | 'addressSize'; readonly why: string } | null;
}

export interface Stage1Regime extends Regime {
  readonly topByteIgnored: boolean;
  /** TCR_EL1.EPDn: a miss does not walk. */
  readonly disabled: boolean;
  readonly hierarchical: boolean;
  /** TCR_EL1.E0PDn. */
  readonly el0Faults: boolean;
  readonly hardwareAccessFlag: boolean;
  readonly hardwareDirty: boolean;
}

export interface Stage2Regime extends Regime {
  readonly hardwareAccessFlag: boolean;
  readonly hardwareDirty: boolean;
}

const low48 = (value: bigint) => Number(value & 0xffff_ffff_ffffn);

/**
 * The base address in TTBRn_ELx or VTTBR_EL2: bits 47:1, and where `wide` 51:48 from bits 5:2; the start level's table or
 * tables of `bytes` are aligned to their size, with 52 bits to 64 at least.
 */
function baseAddress(register: bigint, wide: boolean, bytes: number): number {
  let address = low48(register);
  if (wide) address = address - (address % 64) + Number((register >> 2n) & 0xfn) * 2 ** 48;
  return address - (address % (wide ? Math.max(64, bytes) : bytes));
}

/** Whether table bases have bits 51:48: with DS, and with 64K where 52 bits are asked for, by the reserved size too. */
const wideBase = (granule: GranuleName, lpa2: boolean, wide: boolean, sizeField: number) =>
  lpa2 || (granule === '64K' && wide && addressSizeBits(sizeField) === 52);

/** Bytes of the start level's table or tables. */
const rootBytes = (granule: GranuleName, inputBits: number, startLevel: number) =>
  8 * 2 ** (inputBits - levelShift(GRANULES[granule], startLevel));

const clamped = (size: number, { smallest, largest }: SizeRange) => Math.min(Math.max(size, smallest), largest);

const withinSize = (address: number, outputBits: number): Regime['broken'] =>
  address >= 2 ** outputBits ? { fault: 'addressSize', why: `the table's base is above ${outputBits} bits` } : null;

/** One half of the EL1&0 stage 1: `half` 0 is TTBR0_EL1's, 1 TTBR1_EL1's. */
export function stage1Regime(tcr: bigint, ttbr: bigint, half: 0 | 1, features: TranslationFeatures): Stage1Regime {
  const control = tcrEl1(tcr);
  const field = (name: keyof (typeof HALVES)[0]) => control.get(HALVES[half][name]);
  const granule = effectiveGranule((half === 0 ? TG0 : TG1)[field('TG')], features.stage1Granules);
  const { lpa2, wide } = widthOf(granule, control.get('DS') === 1, features.lpa2Stage1, features);
  const sizes = stage1Sizes(granule, { lpa2, wide }, features);
  const wrongSize = sizeMisfit(`T${half}SZ`, field('TSZ'), sizes);
  const inputBits = 64 - clamped(field('TSZ'), sizes);
  const startLevel = stage1StartLevel(GRANULES[granule], inputBits);
  const ips = control.get('IPS');
  const outputBits = Math.min(addressSizeBits(ips), features.paBits, wide ? 52 : 48);
  const baseIsWide = wideBase(granule, lpa2, wide, ips);
  const root = baseAddress(ttbr, baseIsWide, rootBytes(granule, inputBits, startLevel));
  return {
    tables: { format: tableFormat(1, granule, wide ? 52 : 48), root, startLevel, inputBits },
    wideBase: baseIsWide,
    outputBits,
    broken: wrongSize ? { fault: 'translation', why: wrongSize } : withinSize(root, outputBits),
    shareability: field('SH'),
    topByteIgnored: field('TBI') === 1,
    disabled: field('EPD') === 1,
    hierarchical: !(features.hierarchicalDisable && field('HPD') === 1),
    el0Faults: features.e0pd && field('E0PD') === 1,
    hardwareAccessFlag: features.hardwareAccessFlag && control.get('HA') === 1,
    hardwareDirty: features.hardwareDirty && control.get('HA') === 1 && control.get('HD') === 1,
  };
}

/** The same with tables at another base. */
export function withBase(regime: Stage1Regime, ttbr: bigint): Stage1Regime {
  const { tables, outputBits, broken } = regime;
  const { format, inputBits, startLevel } = tables;
  const root = baseAddress(ttbr, regime.wideBase, rootBytes(format.granule.name, inputBits, startLevel));
  if (root === tables.root) return regime;
  const wrongSize = broken?.fault === 'translation';
  return { ...regime, tables: { ...tables, root }, broken: wrongSize ? broken : withinSize(root, outputBits) };
}

/** The EL1&0 stage 2 of VTCR_EL2 and VTTBR_EL2. */
export function stage2Regime(vtcr: bigint, vttbr: bigint, features: TranslationFeatures): Stage2Regime {
  const control = vtcrEl2(vtcr);
  const granule = effectiveGranule(TG0[control.get('TG0')], features.stage2Granules);
  const { lpa2, wide } = widthOf(granule, control.get('DS') === 1, features.lpa2Stage2, features);
  const sizes = stage2Sizes(granule, { lpa2, wide }, features);
  const inputBits = 64 - clamped(control.get('T0SZ'), sizes);
  const encoded = { sl0: control.get('SL0'), sl2: control.get('SL2') };
  const { level, reserved } = encodedStartLevel(granule, encoded, lpa2, features);
  const wrong =
    sizeMisfit('T0SZ', control.get('T0SZ'), sizes) ??
    reserved ??
    (level === null ? null : startLevelMisfit(granule, level, inputBits));
  // Where no walk begins, the tables are those of a sound start level: a view can still show them.
  const startLevel = wrong === null && level !== null ? level : stage1StartLevel(GRANULES[granule], inputBits);
  const ps = control.get('PS');
  const outputBits = Math.min(addressSizeBits(ps), features.paBits, wide ? 52 : 48);
  const baseIsWide = wideBase(granule, lpa2, wide, ps);
  const root = baseAddress(vttbr, baseIsWide, rootBytes(granule, inputBits, startLevel));
  return {
    tables: { format: tableFormat(2, granule, wide ? 52 : 48), root, startLevel, inputBits },
    wideBase: baseIsWide,
    outputBits,
    broken: wrong === null ? withinSize(root, outputBits) : { fault: 'translation', why: wrong },
    shareability: control.get('SH0'),
    hardwareAccessFlag: features.hardwareAccessFlag && control.get('HA') === 1,
    hardwareDirty: features.hardwareDirty && control.get('HA') === 1 && control.get('HD') === 1,
  };
}
