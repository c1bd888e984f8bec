/** A configuration of the EL1&0 regime as data in the engine's memory, for the walk in WebAssembly (refill.ts). */
import { ACCESSES, REFILL, REFILL_BYTES, REGIMES, SPACE_NOTES } from '../../engine/layout.ts';
import type { TranslationFeatures } from '../features.ts';
import type { Bank } from '../memory.ts';
import { combine, flatAttributes, isDeviceAttribute, stage1Attributes, type MemoryAttributes } from './attributes.ts';
import type { Configuration } from './configuration.ts';
import type { Regime, Stage1Regime } from './control.ts';
import { LAST_LEVEL, levelShift } from './format.ts';
import { stage1Permits, stage2Permits, type Accessor } from './permissions.ts';

/** The engine's regimes: sets of TLBs, since permissions differ by level and, at EL1, by PSTATE.PAN. */
export const REGIME = { EL0: 0, EL1: 1, EL1_PAN: 2 } as const;
/** Whose accesses they are, by their number. */
export const ACCESSORS: readonly Omit<Accessor, 'access'>[] = [
  { el: 0, pan: false },
  { el: 1, pan: false },
  { el: 1, pan: true },
];

/** The tables of one translation. Heights count levels from the last one, which is 0. */
export const WALK = {
  root: 0,
  /** Bits of an output address that have to be 0, and of the input. */
  outputLimit: 8,
  inputBits: 16,
  height: 20,
  startShift: 24,
  bitsPerLevel: 28,
  /** A bit for each height that allows blocks. */
  blocks: 32,
  flags: 36,
  /** The address is (descriptor & address) | (descriptor & moved) << movedBy. */
  address: 40,
  moved: 48,
  movedBy: 56,
  /** What the walk found: its leaf, all table descriptors ORed, log2 of what the leaf maps. */
  size: 60,
  leaf: 64,
  tables: 72,
} as const;
export const WALK_BYTES = 80;

export const WALK_FLAG = { refused: 1, topByteIgnored: 2, el0Faults: 4, hierarchical: 8, dirty: 16 } as const;

/** What one space has, from SPACE_NOTES + REFILL on. */
export const BLOCK = {
  half0: 0,
  half1: WALK_BYTES,
  stage2: 2 * WALK_BYTES,
  flags: 3 * WALK_BYTES,
  /** Physical address bits, the limit of addresses where stage 1 is off. */
  flatBits: 3 * WALK_BYTES + 4,
  /** A u16 for each regime and access, a bit for each combination of rights (RIGHT). */
  permits1: 3 * WALK_BYTES + 8,
  /** The same for stage 2, a bit for each S2AP + 4 × XN; then that of the read of a stage 1 descriptor. */
  permits2: 3 * WALK_BYTES + 8 + 2 * REGIMES * ACCESSES.length,
  /** A bit for each MemAttr of stage 2 that may not have stage 1's tables. */
  noTables: 3 * WALK_BYTES + 8 + 4 * REGIMES * ACCESSES.length + 2,
  /** A u32 for each AttrIndx, then for data and fetches without stage 1: bits for each MemAttr, and NO_STAGE2, that make Device memory. */
  device: 3 * WALK_BYTES + 8 + 4 * REGIMES * ACCESSES.length + 4,
} as const;
export const BLOCK_FLAG = {
  stage1: 1,
  stage2: 2,
  aligned: 4,
  topByte0Ignored: 8,
  topByte1Ignored: 16,
  guarded: 32,
} as const;
export const FLAT_DATA = 8;
const FLAT_FETCH = 9;
export const NO_STAGE2 = 16;
export const RIGHT = { el0: 1, writable: 2, privilegedNever: 4, unprivilegedNever: 8 } as const;

/** The banks of RAM, after one another: first address, bytes, offset in the memory (u64, u64, u32); ends with one of 0 bytes. */
export const BANK = { base: 0, size: 8, offset: 16 } as const;
export const BANK_BYTES = 24;

export const BLOCK_AT = SPACE_NOTES + REFILL;
export const BLOCK_BYTES = BLOCK.device + 4 * (FLAT_FETCH + 1);
if (BLOCK_BYTES > REFILL_BYTES) throw new Error('the configuration does not fit its block');

const SIXTEEN = Array.from({ length: 16 }, (_, n) => n);
const maskOf = (test: (n: number) => boolean) => SIXTEEN.reduce((mask, n) => mask | (test(n) ? 1 << n : 0), 0);

/** Writes the banks at `at`, the largest first: it is asked for most. */
export function writeBanks(view: DataView, at: number, banks: readonly Bank[]): void {
  const sorted = [...banks].sort((a, b) => b.size - a.size);
  [...sorted, { base: 0, size: 0, offset: 0 }].forEach(({ base, size, offset }, index) => {
    const bank = at + index * BANK_BYTES;
    view.setBigUint64(bank + BANK.base, BigInt(base), true);
    view.setBigUint64(bank + BANK.size, BigInt(size), true);
    view.setUint32(bank + BANK.offset, offset, true);
  });
}

/** Writes what of the configuration TTBR0_EL1 and TTBR1_EL1 decide. */
export function writeTables(view: DataView, at: number, { stage1 }: Configuration): void {
  stage1?.forEach((half, index) =>
    writeWalk(view, at + (index === 0 ? BLOCK.half0 : BLOCK.half1), half, flagsOfHalf(half)),
  );
}

/** Writes the configuration into the block at `at`. */
export function writeConfiguration(
  view: DataView,
  at: number,
  configuration: Configuration,
  features: TranslationFeatures,
): void {
  const { stage1, stage2, topByteIgnored, writeExecuteNever, forcedWriteBack, mair } = configuration;
  writeTables(view, at, configuration);
  if (stage2) writeWalk(view, at + BLOCK.stage2, stage2, stage2.broken ? WALK_FLAG.refused : 0);
  const flags = {
    stage1: stage1 !== null,
    stage2: stage2 !== null,
    aligned: configuration.aligned,
    topByte0Ignored: topByteIgnored[0],
    topByte1Ignored: topByteIgnored[1],
    guarded: features.branchTargets,
  };
  view.setUint32(at + BLOCK.flags, flagsOf(BLOCK_FLAG, flags), true);
  view.setUint32(at + BLOCK.flatBits, features.paBits, true);

  const allows1 = (accessor: Accessor) => (n: number) =>
    stage1Permits(
      {
        el0: (n & RIGHT.el0) !== 0,
        writable: (n & RIGHT.writable) !== 0,
        privilegedNever: (n & RIGHT.privilegedNever) !== 0,
        unprivilegedNever: (n & RIGHT.unprivilegedNever) !== 0,
      },
      accessor,
      writeExecuteNever,
    );
  const allows2 = (accessor: Accessor) => (n: number) =>
    stage2Permits(
      { readable: (n & 1) !== 0, writable: (n & 2) !== 0, never: n >>> 2 },
      accessor,
      features.stage2ExecuteByEl,
    );
  ACCESSORS.forEach(({ el, pan }, regime) =>
    ACCESSES.forEach((access, index) => {
      const number = 2 * (regime * ACCESSES.length + index);
      view.setUint16(at + BLOCK.permits1 + number, maskOf(allows1({ access, el, pan })), true);
      view.setUint16(at + BLOCK.permits2 + number, maskOf(allows2({ access, el, pan })), true);
    }),
  );
  const walks = maskOf(allows2({ access: 'read', el: 1, pan: false }));
  view.setUint16(at + BLOCK.permits2 + 2 * REGIMES * ACCESSES.length, walks, true);
  const noTables = maskOf((memAttr) => configuration.protectedWalk && isDeviceAttribute(memAttr, forcedWriteBack));
  view.setUint16(at + BLOCK.noTables, noTables, true);

  const flat = (fetch: boolean) => flatAttributes(fetch, configuration.cachedFetch, configuration.defaultCacheable);
  const indexed = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => stage1Attributes(mair, index, 0));
  [...indexed, flat(false), flat(true)].forEach((found, index) => {
    const together = maskOf((memAttr) => isDevice(combine(found, memAttr, 0, forcedWriteBack)));
    view.setUint32(at + BLOCK.device + 4 * index, together | (isDevice(found) ? 1 << NO_STAGE2 : 0), true);
  });
}

const isDevice = ({ type }: MemoryAttributes) => type === 'device';

function flagsOfHalf(half: Stage1Regime): number {
  const { topByteIgnored, el0Faults, hierarchical } = half;
  const refused = half.disabled || half.broken !== null;
  return flagsOf(WALK_FLAG, { refused, topByteIgnored, el0Faults, hierarchical, dirty: half.hardwareDirty });
}

function writeWalk(view: DataView, at: number, { tables, outputBits }: Regime, flags: number): void {
  const { format, root, startLevel, inputBits } = tables;
  const { granule } = format;
  const [straight, moved] = format.address;
  if (!straight || straight.to !== straight.lo)
    throw new Error(`${format.name}: the first part of an address is not at its place`);
  const mask = ({ hi, lo }: { readonly hi: number; readonly lo: number }) =>
    ((1n << BigInt(hi - lo + 1)) - 1n) << BigInt(lo);
  const blocks = granule.blockLevels[format.addressBits].reduce((bits, level) => bits | (1 << (LAST_LEVEL - level)), 0);
  view.setBigUint64(at + WALK.root, BigInt(root), true);
  view.setBigInt64(at + WALK.outputLimit, -(1n << BigInt(outputBits)), true);
  view.setUint32(at + WALK.inputBits, inputBits, true);
  view.setUint32(at + WALK.height, LAST_LEVEL - startLevel, true);
  view.setUint32(at + WALK.startShift, levelShift(granule, startLevel), true);
  view.setUint32(at + WALK.bitsPerLevel, granule.bitsPerLevel, true);
  view.setUint32(at + WALK.blocks, blocks, true);
  view.setUint32(at + WALK.flags, flags, true);
  view.setBigUint64(at + WALK.address, mask(straight), true);
  view.setBigUint64(at + WALK.moved, moved ? mask(moved) : 0n, true);
  view.setUint32(at + WALK.movedBy, moved ? moved.to - moved.lo : 0, true);
}

function flagsOf<K extends string>(bits: Readonly<Record<K, number>>, values: Readonly<Record<K, boolean>>): number {
  let flags = 0;
  for (const name in bits) if (values[name]) flags |= bits[name];
  return flags;
}
