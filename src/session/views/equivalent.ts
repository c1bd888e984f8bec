/** One mapping in several formats: what a descriptor says is taken out of it by the table of fields, and put in again by another's. */
import {
  fieldValue,
  STAGE1,
  STAGE2,
  type DescriptorField,
  type MeaningContext,
} from '../../machine/translation/descriptor.ts';
import {
  encodeAddress,
  entryAddress,
  entryKind,
  GRANULES,
  LAST_LEVEL,
  levelShift,
  power,
  type TableFormat,
} from '../../machine/translation/format.ts';
import { hex } from './text.ts';
import { wide } from './table-entry.ts';

/** What a block or page says, whatever the format. */
export interface Mapping {
  readonly output: number;
  readonly size: number;
  readonly readable: boolean;
  readonly writable: boolean;
  /** Stage 1 alone says who may access; null at stage 2: whoever stage 1 lets. */
  readonly el0: boolean | null;
  readonly executeEl1: boolean;
  readonly executeEl0: boolean;
  /** As MAIR_ELx has it; null: stage 2 leaves it to stage 1. */
  readonly memory: number | null;
  readonly shareability: number;
  readonly accessed: boolean;
  readonly dirtyModifier: boolean;
  readonly contiguous: boolean;
  /** Bits 58:55, and at stage 1 bit 63 above them. */
  readonly software: number;
  /** Of one ASID, guarded for branches: stage 1 alone says so. */
  readonly notGlobal: boolean;
  readonly guarded: boolean;
}

/** What the descriptor's fields depend on beside it. */
export interface Surroundings extends MeaningContext {
  /** SH of the control register, where descriptors have none. */
  readonly shareability: number;
}

/** MAIR attributes of MemAttr's Device types and of Normal memory's halves, without FWB (D8.6.5). */
const HALVES = [null, 4, 0xb, 0xf];

function memoryOfStage2(value: number, forced: boolean): number | null {
  // 4 is reserved with FWB: Device-nGnRnE, as the walk takes it.
  if (forced) return value & 4 ? ([0, 0x44, 0xff, null][value & 3] ?? null) : (value & 3) << 2;
  if (value >>> 2 === 0) return (value & 3) << 2;
  return ((HALVES[value >>> 2] ?? 0xf) << 4) | (HALVES[value & 3] ?? 0xf);
}

/** MemAttr of a type; null: it has none. Write-Back and Write-Through differ in their hints, which stage 2 does not have. */
function stage2OfMemory(memory: number | null, forced: boolean): number | null {
  if (memory === null) return forced ? 7 : 0xf;
  if (memory >>> 4 === 0) return (memory >>> 2) & 3;
  const half = (nibble: number) => (nibble === 4 ? 1 : nibble & 4 ? 3 : 2);
  const together = (half(memory >>> 4) << 2) | half(memory & 0xf);
  return forced ? (FORCED[together] ?? null) : together;
}
/** MemAttr with FWB by what it is without. */
const FORCED: Readonly<Record<number, number>> = { 0b0101: 5, 0b1111: 6 };

/** Null for an entry that maps nothing. */
export function mappingOf(format: TableFormat, level: number, value: bigint, around: Surroundings): Mapping | null {
  const low = Number(value & 0xffff_ffffn);
  const high = Number(value >> 32n);
  const kind = entryKind(format, level, low);
  if (kind !== 'block' && kind !== 'page') return null;
  const get = (field: DescriptorField) => fieldValue(field, low, high);
  const fields = format.stage === 1 ? STAGE1 : STAGE2;
  const common = {
    output: entryAddress(format, level, low, high, kind),
    size: power(levelShift(format.granule, level)),
    shareability: format.sharedInControl ? around.shareability : get(fields.SH),
    accessed: get(fields.AF) === 1,
    dirtyModifier: get(fields.DBM) === 1,
    contiguous: get(fields.Contiguous) === 1 && format.granule.contiguous[level] !== undefined,
    software: get(fields.Software),
    notGlobal: false,
    guarded: false,
  };
  if (format.stage === 1) {
    const ap = get(STAGE1.AP);
    const attribute = ((around.mair ?? 0n) >> BigInt(8 * get(STAGE1.AttrIndx))) & 0xffn;
    return {
      ...common,
      readable: true,
      writable: (ap & 2) === 0,
      el0: (ap & 1) === 1,
      executeEl1: get(STAGE1.PXN) === 0,
      executeEl0: get(STAGE1.UXN) === 0,
      memory: Number(attribute),
      notGlobal: get(STAGE1.nG) === 1,
      guarded: get(STAGE1.GP) === 1,
    };
  }
  const s2ap = get(STAGE2.S2AP);
  const never = (around.executeByEl ?? true) ? get(STAGE2.XN) : get(STAGE2.XN) & 2;
  return {
    ...common,
    readable: (s2ap & 1) === 1,
    writable: (s2ap & 2) === 2,
    el0: null,
    executeEl1: never === 0 || never === 3,
    executeEl0: never === 0 || never === 1,
    memory: memoryOfStage2(get(STAGE2.MemAttr), around.forcedWriteBack ?? false),
  };
}

/** The field's bits, those of its last part from the value's lowest on. */
function place({ parts }: DescriptorField, value: number): bigint {
  let [bits, rest] = [0n, BigInt(value)];
  for (const { hi, lo } of parts.toReversed()) {
    const width = BigInt(hi - lo + 1);
    bits |= BigInt.asUintN(Number(width), rest) << BigInt(lo);
    rest >>= width;
  }
  return bits;
}

export type Encoded =
  | { readonly ok: true; readonly level: number; readonly value: bigint; readonly notes: readonly string[] }
  | { readonly ok: false; readonly why: string };

/** The descriptor of a mapping in another format: of the largest block that is not larger than it was, else of a page. */
export function encode(format: TableFormat, mapping: Mapping, around: Surroundings): Encoded {
  const { output, size } = mapping;
  const { granule, addressBits, stage } = format;
  if (output >= power(addressBits)) return { ok: false, why: `${hex(output)} has more than ${addressBits} bits` };
  const levels = [...granule.blockLevels[addressBits], LAST_LEVEL];
  const spans = levels.map((level) => ({ level, span: power(levelShift(granule, level)) }));
  const fit = spans.find(({ span }) => span <= size && output % span === 0) ?? spans.at(-1)!;
  const { level, span } = fit;
  if (output % span !== 0) return { ok: false, why: `${hex(output)} is not on a ${granule.name} page` };
  const notes: string[] = [];
  if (span < size) notes.push(`${size / span} of them map as much`);
  if (span > size) notes.push(`maps ${span / size} times as much`);
  const { low, high } = encodeAddress(format, output);
  let value = wide(low, high) | 1n | (level === LAST_LEVEL ? 2n : 0n);
  const fields = stage === 1 ? STAGE1 : STAGE2;
  value |= place(fields.AF, mapping.accessed ? 1 : 0);
  value |= place(fields.DBM, mapping.dirtyModifier ? 1 : 0);
  value |= place(fields.Software, mapping.software);
  if (stage === 2 && mapping.software >= 16) notes.push('bit 63 is not for software at stage 2');
  if (mapping.contiguous && span === size) {
    if (granule.contiguous[level] === undefined) notes.push(`no entries are joined at level ${level}`);
    else value |= place(fields.Contiguous, 1);
  }
  if (!format.sharedInControl) value |= place(fields.SH, mapping.shareability);
  else notes.push('shareability is in the control register');
  const attributes = stage === 1 ? stage1Bits(mapping, around, notes) : stage2Bits(mapping, around, notes);
  return { ok: true, level, value: value | attributes, notes };
}

function stage1Bits(mapping: Mapping, { mair }: Surroundings, notes: string[]): bigint {
  const { el0, readable, writable, executeEl1, executeEl0, memory } = mapping;
  if (!readable) notes.push('stage 1 has nothing that can’t be read');
  if (el0 === null) {
    notes.push('stage 1 says who: here EL1 and EL0');
    if (writable && executeEl1) notes.push('EL1 never executes what EL0 may write');
  }
  const wanted = memory ?? 0xff;
  const index = [0, 1, 2, 3, 4, 5, 6, 7].find(
    (each) => mair !== undefined && Number((mair >> BigInt(8 * each)) & 0xffn) === wanted,
  );
  if (index === undefined) notes.push(`MAIR_EL1 has no ${hex(wanted)}, which AttrIndx would name`);
  return (
    place(STAGE1.AP, (writable ? 0 : 2) | ((el0 ?? true) ? 1 : 0)) |
    place(STAGE1.PXN, executeEl1 ? 0 : 1) |
    place(STAGE1.UXN, executeEl0 ? 0 : 1) |
    place(STAGE1.nG, mapping.notGlobal ? 1 : 0) |
    place(STAGE1.GP, mapping.guarded ? 1 : 0) |
    place(STAGE1.AttrIndx, index ?? 0)
  );
}

function stage2Bits(mapping: Mapping, { forcedWriteBack, executeByEl }: Surroundings, notes: string[]): bigint {
  const { el0, readable, writable, executeEl0, memory } = mapping;
  // Of stage 1 EL1 never executes what EL0 may write, whatever PXN says.
  const executeEl1 = mapping.executeEl1 && !(el0 === true && writable);
  const never = executeEl1 ? (executeEl0 ? 0 : 3) : executeEl0 ? 1 : 2;
  const coarse = executeEl1 || executeEl0 ? 0 : 2;
  if (!(executeByEl ?? true) && coarse !== never) notes.push('without FEAT_XNX execution is for both levels or none');
  if (el0 === false) notes.push('stage 2 does not tell EL0’s accesses from EL1’s');
  if (mapping.guarded) notes.push('stage 2 has no guarded pages');
  const memAttr = stage2OfMemory(memory, forcedWriteBack ?? false);
  if (memAttr === null) notes.push(`MemAttr has no ${hex(memory ?? 0)} with HCR_EL2.FWB`);
  return (
    place(STAGE2.S2AP, (readable ? 1 : 0) | (writable ? 2 : 0)) |
    place(STAGE2.XN, (executeByEl ?? true) ? never : coarse) |
    place(STAGE2.MemAttr, memAttr ?? ((forcedWriteBack ?? false) ? 6 : 0xf))
  );
}

export const GRANULE_NAMES = Object.values(GRANULES).map(({ name }) => name);
