/** Random tables and addresses for both stages, from a seed: the same for this machine and for the one it is compared with. */
import type { TranslationFeatures } from '../features.ts';
import { cpuModel } from '../presets.ts';
import { Random } from './random.ts';
import {
  encodeAddress,
  entryKind,
  entryAddress,
  LAST_LEVEL,
  levelShift,
  stage1StartLevel,
  stage2StartLevel,
  tableFormat,
  type GranuleName,
} from '../translation/format.ts';
import type { Tables } from '../translation/walk.ts';

/** Where tables may lie; reads outside it are not compared. */
export const POOL = { base: 0x4800_0000, size: 4 << 20 } as const;

/** Operations of AT by their number in probe.c, which has PSTATE.PAN set. */
export const OPERATIONS = [
  { name: 's1e1r', access: 'read', el: 1, stages: 1, pan: false },
  { name: 's1e1w', access: 'write', el: 1, stages: 1, pan: false },
  { name: 's1e0r', access: 'read', el: 0, stages: 1, pan: false },
  { name: 's1e0w', access: 'write', el: 0, stages: 1, pan: false },
  { name: 's12e1r', access: 'read', el: 1, stages: 2, pan: false },
  { name: 's12e1w', access: 'write', el: 1, stages: 2, pan: false },
  { name: 's12e0r', access: 'read', el: 0, stages: 2, pan: false },
  { name: 's12e0w', access: 'write', el: 0, stages: 2, pan: false },
  { name: 's1e1rp', access: 'read', el: 1, stages: 1, pan: true },
  { name: 's1e1wp', access: 'write', el: 1, stages: 1, pan: true },
] as const;

export interface Case {
  readonly TCR_EL1: bigint;
  readonly TTBR0_EL1: bigint;
  readonly TTBR1_EL1: bigint;
  readonly MAIR_EL1: bigint;
  readonly SCTLR_EL1: bigint;
  readonly HCR_EL2: bigint;
  readonly VTCR_EL2: bigint;
  readonly VTTBR_EL2: bigint;
  readonly writes: ReadonlyMap<number, bigint>;
  readonly probes: readonly { readonly va: bigint; readonly operation: number }[];
}

const chance = (random: Random, percent: number) => random.below(100) < percent;
const bitsOf = (random: Random, count: number) => random.u64() & ((1n << BigInt(count)) - 1n);

const TG0 = { '4K': 0n, '64K': 1n, '16K': 2n } as const;
const TG1 = { '16K': 1n, '4K': 2n, '64K': 3n } as const;
/** Encodings that are no granule's, which are taken for the first granule of the CPU: 4K. */
const NO_GRANULE = { TG0: 3n, TG1: 0n } as const;
const SL0: Record<GranuleName, Record<number, bigint>> = {
  '4K': { [-1]: 0n, 0: 2n, 1: 1n, 2: 0n, 3: 3n },
  '16K': { 0: 3n, 1: 2n, 2: 1n, 3: 0n },
  '64K': { 1: 2n, 2: 1n, 3: 0n },
};
const AF = 1n << 10n;
const FLIPPED = Array.from({ length: 64 }, (_, n) => n).filter((n) => n !== 1);
const PA_SIZES = [32, 36, 40, 42, 44, 48, 52];

/** Attribute bits of a stage 1 or stage 2 leaf: address, SH of LPA2 and the reserved bits aside. */
const LEAF_LOW = { 1: 0xcfcn, 2: 0xcfcn } as const;
const LEAF_HIGH = { 1: 0x7efen << 48n, 2: 0x07f8n << 48n } as const;

class Builder {
  readonly random: Random;
  readonly writes = new Map<number, bigint>();
  /** Bits that are 0, and that are 1, in all leaves of stage 2. */
  clear = 0n;
  set = 0n;
  #next: number = POOL.base;

  constructor(random: Random) {
    this.random = random;
  }

  allocate(bytes: number): number | null {
    const at = Math.ceil(this.#next / bytes) * bytes;
    if (at + bytes > POOL.base + POOL.size) return null;
    this.#next = at + bytes;
    return at;
  }

  read(address: number): bigint {
    return this.writes.get(address) ?? 0n;
  }

  /** An entry's bits for an address, as the format has it. */
  #entry(tables: Tables, address: number, attributes: bigint): bigint {
    const { low, high } = encodeAddress(tables.format, address);
    return (BigInt(high) << 32n) | BigInt(low) | attributes;
  }

  /** Maps around `input`, mostly soundly; stops at what is there already. */
  map(tables: Tables, input: number, output: number, sound: boolean): void {
    const { random } = this;
    const { format } = tables;
    const { granule } = format;
    let table = tables.root;
    for (let level = tables.startLevel; ; level++) {
      const shift = levelShift(granule, level);
      const size = level === tables.startLevel ? 2 ** (tables.inputBits - shift) : 2 ** granule.bitsPerLevel;
      const at = table + (Math.floor(input / 2 ** shift) % size) * 8;
      const here = this.read(at);
      const low = Number(here & 0xffff_ffffn);
      const kind = entryKind(format, level, low);
      if (kind === 'table') {
        table = entryAddress(format, level, low, Number(here >> 32n), kind);
        if (table < POOL.base || table >= POOL.base + POOL.size) return;
        continue;
      }
      if (kind !== 'invalid' || here !== 0n) return;
      const blocks = granule.blockLevels[format.addressBits].includes(level);
      if (level === LAST_LEVEL || (blocks && chance(random, 25))) {
        const aligned = output - (output % 2 ** shift);
        const stage = format.stage;
        let attributes = bitsOf(random, 64) & (LEAF_LOW[stage] | LEAF_HIGH[stage]);
        if (format.sharedInControl) attributes &= ~0x300n;
        if (sound) attributes = stage === 2 ? 0x7fcn & ~(format.sharedInControl ? 0x300n : 0n) : attributes | AF;
        else if (chance(random, 85)) attributes |= AF;
        if (stage === 2) attributes = (attributes & ~this.clear) | this.set;
        this.writes.set(at, this.#entry(tables, aligned, attributes | (level === LAST_LEVEL ? 3n : 1n)));
        return;
      }
      const next = this.allocate(2 ** granule.shift);
      if (next === null) return;
      const limits = format.stage === 1 && !sound && chance(random, 20) ? bitsOf(random, 5) << 59n : 0n;
      this.writes.set(at, this.#entry(tables, next, limits | 3n));
      table = next;
    }
  }
}

/**
 * The root of tables of this shape, aligned to its own size, or to a page: with bases of 52 bits to 64 bytes at least. (QEMU 7.2
 * takes bits 5:4 of such a base for two things.)
 */
function root(builder: Builder, shape: Omit<Tables, 'root'>): Tables | null {
  const { granule, addressBits } = shape.format;
  const bytes = 8 * 2 ** (shape.inputBits - levelShift(granule, shape.startLevel));
  const small = chance(builder.random, 50);
  const least = small ? (addressBits === 52 ? 64 : 1) : 2 ** granule.shift;
  const address = builder.allocate(Math.max(bytes, least));
  return address === null ? null : { ...shape, root: address };
}

/** A table's base as TTBR or VTTBR have it. Bits below its alignment are ignored. */
function baseRegister(random: Random, { root: address, format, inputBits, startLevel }: Tables): bigint {
  const bytes = 8 * 2 ** (inputBits - levelShift(format.granule, startLevel));
  const ignored = chance(random, 20) ? bitsOf(random, 16) & BigInt(bytes - 1) : 0n;
  if (format.addressBits === 48) return BigInt(address) | ignored;
  return BigInt(address) | (ignored & ~0x3en);
}

/**
 * MAIR_EL1 of any Device memory, and Normal memory with any cacheability and hints of both halves. Without the values that are
 * UNPREDICTABLE unless a CPU has FEAT_XS or FEAT_MTE2: a half of Normal memory that is 0, bits 1:0 of Device memory.
 */
function memoryAttributes(random: Random): bigint {
  const half = () => BigInt(1 + random.below(15));
  let mair = 0n;
  for (let index = 0n; index < 8n; index++) {
    const outer = half();
    const normal = (outer << 4n) | (chance(random, 30) ? outer : half());
    mair |= (chance(random, 20) ? BigInt(random.below(4) << 2) : normal) << (8n * index);
  }
  return mair;
}

/** Case `number` of a seed for a CPU. `outputs`: where the last stage leads, mostly; by default to any address. */
export function makeCase(
  seed: number,
  number: number,
  outputs?: (random: Random) => number,
  features: TranslationFeatures = cpuModel('max').features,
): Case {
  const random = new Random(Math.imul(seed, 0x10001) ^ Math.imul(number + 1, 0x9e3779b1));
  const builder = new Builder(random);
  const { paBits } = features;
  const forcedWriteBack = chance(random, 25);
  const protectedWalk = chance(random, 5);
  if (forcedWriteBack) {
    // Bit 5 is reserved with HCR_EL2.FWB. (QEMU 7.2 has all memory with it as Device.)
    builder.clear = 1n << 5n;
    // As is MemAttr 4. (QEMU 7.2 has it as Device memory, but not for HCR_EL2.PTW.)
    if (protectedWalk) builder.set = 1n << 3n;
  }
  const granule = random.pick(features.stage1Granules);
  const ds = features.lpa2Stage1.includes(granule) && chance(random, 25);
  const wide1 = ds || (granule === '64K' && paBits === 52);
  const long1 = ds || (granule === '64K' && features.largeVa);
  const shortest = 64 - (features.smallTables ? (granule === '64K' ? 47 : 48) : 39);
  const inputBits = long1 && chance(random, 20) ? 49 + random.below(4) : shortest + random.below(49 - shortest);
  const format1 = tableFormat(1, granule, wide1 ? 52 : 48);
  const shape1 = { format: format1, startLevel: stage1StartLevel(format1.granule, inputBits), inputBits };
  const lower = root(builder, shape1)!;
  const upper = root(builder, shape1)!;

  const stage2 = chance(random, 75);
  // A stage 2 permission or Access flag fault on a descriptor of level -1 ends QEMU 7.2 (arm_fi_to_lfsc).
  const careful = stage2 && shape1.startLevel < 0;
  const granule2 = random.pick(features.stage2Granules);
  const ds2 = features.lpa2Stage2.includes(granule2) && chance(random, 25);
  const wide2 = ds2 || (granule2 === '64K' && paBits === 52);
  const shortest2 = Math.max(25, 64 - (features.smallTables ? (granule2 === '64K' ? 47 : 48) : 39));
  const bits2 =
    wide2 && chance(random, 20)
      ? 49 + random.below(granule2 === '16K' ? 3 : 4)
      : shortest2 + random.below(Math.min(paBits, 48) + 1 - shortest2);
  const format2 = tableFormat(2, granule2, wide2 ? 52 : 48);
  // As few levels as concatenation allows, or any number up to that without. QEMU 7.2 has no stage 2 from level 0 with 16K.
  const [lowest, highest] = [
    Math.max(
      stage1StartLevel(format2.granule, bits2),
      granule2 === '4K' && bits2 === 52 ? -1 : granule2 === '4K' ? 0 : 1,
    ),
    Math.min(stage2StartLevel(format2.granule, bits2), granule2 === '4K' && !features.smallTables ? 2 : 3),
  ];
  const start2 = chance(random, 60) ? highest : Math.min(highest, lowest + random.below(highest - lowest + 1));
  const shape2 = {
    format: format2,
    startLevel: start2,
    inputBits: Math.min(bits2, levelShift(format2.granule, start2) + format2.granule.bitsPerLevel + 4),
  };
  const tables2 = root(builder, shape2)!;

  const probes: { va: bigint; operation: number }[] = [];
  const targets: number[] = [];
  for (let n = 0; n < 6; n++) {
    const input = Number(bitsOf(random, inputBits));
    const half = random.below(2);
    const tables = half === 0 ? lower : upper;
    const outputBits = chance(random, 80) ? Math.min(shape2.inputBits, 48) : 52;
    const output = stage2
      ? Number(bitsOf(random, outputBits))
      : (outputs?.(random) ?? Number(bitsOf(random, chance(random, 80) ? 44 : 52)));
    builder.map(tables, input, output, chance(random, 50));
    targets.push(output);
    const base = half === 0 ? 0n : (1n << 64n) - (1n << BigInt(inputBits));
    const va = base + BigInt(input);
    for (let probe = 0; probe < 6; probe++) {
      let address = va ^ (chance(random, 20) ? 1n << BigInt(random.below(inputBits)) : 0n);
      if (chance(random, 8)) address ^= 1n << BigInt(random.below(64));
      if (chance(random, 8)) address ^= bitsOf(random, 8) << 56n;
      probes.push({ va: address, operation: random.below(OPERATIONS.length) });
    }
  }
  if (stage2) {
    // Stage 1's tables are identity mapped, mostly; then where the leaves lead.
    for (const address of [...builder.writes.keys()]) {
      if (address < tables2.root || address >= tables2.root + 2 ** 20)
        builder.map(tables2, address, address, careful || chance(random, 93));
    }
    for (const target of targets)
      builder.map(
        tables2,
        target % 2 ** shape2.inputBits,
        outputs?.(random) ?? Number(bitsOf(random, chance(random, 85) ? 44 : 52)),
        chance(random, 50),
      );
  }
  if (!careful && chance(random, 35)) {
    // One bit of some entry otherwise: its address, its attributes, valid or not. (QEMU 7.2 takes blocks at every level.)
    const [address, value] = random.pick([...builder.writes]);
    const fixed = builder.clear | builder.set;
    const flipped = FLIPPED.filter((bit) => ((fixed >> BigInt(bit)) & 1n) === 0n);
    builder.writes.set(address, value ^ (1n << BigInt(random.pick(flipped))));
  }

  const size1 = BigInt(64 - inputBits);
  /** Now and then an input size that isn't allowed. (Tables made for another size may have blocks that end QEMU 7.2.) */
  const sizeField = (size: bigint) => (chance(random, 3) ? BigInt((49 + random.below(27)) % 64) : size);
  // QEMU 7.2 takes bits 51:48 (51:50) of a 52-bit descriptor for address bits only with a 52-bit output size.
  const ips = BigInt(wide1 ? 6 : chance(random, 85) ? 5 : random.below(8));
  // Start levels that other sizes have, or that are reserved, among them. QEMU 7.2 has level -1 for 52 bits alone.
  const right = { sl0: SL0[granule2][start2] ?? 0n, sl2: granule2 === '4K' && ds2 && start2 === -1 ? 1n : 0n };
  const any = { sl0: bitsOf(random, 2), sl2: bitsOf(random, 1) };
  const unlike = ds2 && (granule2 === '16K' ? any.sl0 === 3n : any.sl0 === 0n && any.sl2 === 1n);
  const { sl0, sl2 } = unlike || chance(random, 85) ? right : any;
  // An input size above the output size is CONSTRAINED UNPREDICTABLE. QEMU 7.2 asks PS, not PARange, for what SL0 2 needs.
  const enough = Math.max(shape2.inputBits, sl0 === 2n ? 44 : 0);
  const least = PA_SIZES.findIndex((size) => size >= enough);
  const ps = BigInt(wide2 ? 6 : chance(random, 85) ? 5 : least + random.below(8 - least));
  const flag = (percent: number, bit: bigint) => (chance(random, percent) ? 1n << bit : 0n);
  const granuleField = (field: 'TG0' | 'TG1', name: GranuleName) =>
    name === '4K' && chance(random, 4) ? NO_GRANULE[field] : (field === 'TG0' ? TG0 : TG1)[name];
  const tcr =
    sizeField(size1) |
    (sizeField(size1) << 16n) |
    (granuleField('TG0', granule) << 14n) |
    (granuleField('TG1', granule) << 30n) |
    (ips << 32n) |
    (bitsOf(random, 2) << 12n) |
    (bitsOf(random, 2) << 28n) |
    flag(4, 7n) |
    flag(4, 23n) |
    flag(40, 37n) |
    flag(40, 38n) |
    // QEMU 7.2 has HPD without FEAT_HPDS too.
    (features.hierarchicalDisable ? flag(30, 41n) | flag(30, 42n) : 0n) |
    flag(5, 55n) |
    flag(5, 56n) |
    flag(25, 39n) |
    flag(25, 40n) |
    (ds ? 1n << 59n : granule === '64K' ? flag(10, 59n) : 0n);
  const anySize = 64 - random.below(64);
  const possible = anySize <= Math.min(paBits, PA_SIZES[Number(ps)] ?? 52) || anySize > paBits;
  const vtcr =
    BigInt(64 - (possible && chance(random, 5) ? anySize : shape2.inputBits)) |
    (sl0 << 6n) |
    (granuleField('TG0', granule2) << 14n) |
    (ps << 16n) |
    (bitsOf(random, 2) << 12n) |
    (1n << 31n) |
    flag(25, 21n) |
    flag(25, 22n) |
    (ds2 ? 1n << 32n : granule2 === '64K' ? flag(10, 32n) : 0n) |
    (sl2 << 33n);
  /** Now and then a base that is above the output size, or not in memory. */
  const far = (wide: boolean) => (!wide && chance(random, 4) ? 1n << BigInt(40 + random.below(8)) : 0n);
  return {
    TCR_EL1: tcr,
    TTBR0_EL1: baseRegister(random, lower) | far(wide1),
    TTBR1_EL1: baseRegister(random, upper) | far(wide1),
    MAIR_EL1: memoryAttributes(random),
    SCTLR_EL1: 0x30d0_0980n | flag(94, 0n) | flag(90, 2n) | flag(80, 12n) | flag(20, 19n),
    HCR_EL2:
      (1n << 31n) |
      (stage2 ? 1n | (protectedWalk ? 1n << 2n : 0n) | flag(4, 12n) | (forcedWriteBack ? 1n << 46n : 0n) : 0n),
    VTCR_EL2: vtcr,
    VTTBR_EL2: baseRegister(random, tables2) | far(wide2),
    writes: builder.writes,
    probes,
  };
}

/** The cases as the probe program (probe.c) reads them. */
export function encodeCases(cases: readonly Case[]): Uint8Array {
  const words: bigint[] = [BigInt(cases.length)];
  for (const one of cases) {
    words.push(
      one.TCR_EL1,
      one.TTBR0_EL1,
      one.TTBR1_EL1,
      one.MAIR_EL1,
      one.SCTLR_EL1,
      one.HCR_EL2,
      one.VTCR_EL2,
      one.VTTBR_EL2,
    );
    words.push(BigInt(POOL.size), BigInt(one.writes.size));
    for (const [address, value] of one.writes) words.push(BigInt(address), value);
    words.push(BigInt(one.probes.length));
    for (const { va, operation } of one.probes) words.push(va, BigInt(operation));
  }
  return new Uint8Array(BigUint64Array.from(words).buffer);
}
