import type { PhysicalMemory } from '../memory.ts';
import type { TranslationFeatures } from '../features.ts';
import {
  combine,
  effective,
  flatAttributes,
  isDeviceAttribute,
  stage1Attributes,
  uncached,
  type MemoryAttributes,
} from './attributes.ts';
import { configurationOf, type Configuration, type TranslationRegisters } from './configuration.ts';
import type { Regime, Stage1Regime, Stage2Regime } from './control.ts';
import { causesOf, type Cause } from './causes.ts';
import { fieldValue, STAGE1, STAGE2, type DescriptorField } from './descriptor.ts';
import { faultText, type Fault, type FaultType } from './fault.ts';
import { power, type EntryKind, type TableFormat } from './format.ts';
import { FAULTED, Stage1Walk, Stage2Walk } from './leaf.ts';
import { stage1Permits, stage2Permits, type Accessor } from './permissions.ts';
import { UNREADABLE, walk, type Step, type Tables } from './walk.ts';

export type { Access } from './permissions.ts';
export { TRANSLATION_REGISTERS, type TranslationRegisters } from './configuration.ts';

export interface AccessKind extends Accessor {
  /** Not aligned to its size: faults where the memory is Device. */
  readonly unaligned?: boolean;
  /** Leaves descriptors as they are where hardware would set the Access flag or dirty state: for AT and for views. */
  readonly peek?: boolean;
}

export interface Translation {
  readonly ok: true;
  readonly pa: number;
  readonly ipa: number;
  readonly attributes: MemoryAttributes;
  /** Bytes that the stage 1 block or page maps; 4096 where stage 1 is off. */
  readonly size: number;
  /** GP of stage 1: indirect branches need a landing pad here (FEAT_BTI). */
  readonly guarded: boolean;
}

/** One descriptor read of a walk. */
export interface WalkRecord {
  readonly stage: 1 | 2;
  readonly level: number;
  /** The address that this walk translates; for stage 2 under stage 1 that of a stage 1 descriptor. */
  readonly forAddress: bigint;
  readonly index: number;
  /** Stage 1: the descriptor's intermediate address. */
  readonly descriptorIpa: number | null;
  readonly descriptorPa: number;
  readonly value: bigint;
  readonly kind: EntryKind;
  readonly format: TableFormat;
}

export interface WalkTrace {
  readonly steps: readonly WalkRecord[];
  readonly result: Translation | Fault;
  /** Why it ended in a fault, in a sentence; '' where it did not. */
  readonly why: string;
  /** What of the descriptors that were read, and of registers, the fault comes of; none where no walk could begin. */
  readonly causes: readonly Cause[];
}

const MMU_OFF: TranslationRegisters = {
  SCTLR_EL1: 0n,
  TCR_EL1: 0n,
  TTBR0_EL1: 0n,
  TTBR1_EL1: 0n,
  MAIR_EL1: 0n,
  HCR_EL2: 0n,
  VTCR_EL2: 0n,
  VTTBR_EL2: 0n,
};

/** The read of a stage 1 descriptor, and its update by hardware, as stage 2 has them; peeked at for a trace. */
const WALK: AccessKind = { access: 'read', el: 1, pan: false };
const LOOK: AccessKind = { ...WALK, peek: true };
const UPDATE: AccessKind = { ...WALK, access: 'write' };
const PROBE: AccessKind = { ...UPDATE, peek: true };

const HIGHEST_VA_BIT = 55;
const SMALLEST_PAGE = 4096;

/** What stage 2 found; the IPA is the caller's. */
interface Stage2Result {
  readonly ok: true;
  readonly pa: number;
  readonly leaf: { readonly low: number; readonly high: number } | null;
}
interface Stage1Result {
  readonly ok: true;
  readonly ipa: number;
  readonly attributes: MemoryAttributes;
  readonly size: number;
  readonly guarded: boolean;
}

/**
 * The EL1&0 translation regime: stage 1 by the guest's tables, stage 2 by the hypervisor's (Arm ARM D8.1,
 * AArch64.FullTranslate). It reads descriptors where they lie and remembers nothing of them.
 */
export class Mmu {
  readonly #memory: PhysicalMemory;
  readonly #features: TranslationFeatures;
  #now: Configuration;
  readonly #walk1: Stage1Walk;
  readonly #walk2: Stage2Walk;
  #trace: WalkRecord[] | null = null;
  #why = '';

  constructor(memory: PhysicalMemory, features: TranslationFeatures) {
    this.#memory = memory;
    this.#features = features;
    this.#now = configurationOf(MMU_OFF, features);
    this.#walk2 = new Stage2Walk();
    this.#walk1 = new Stage1Walk((address) => {
      const result = this.#translate2(address, this.#trace ? LOOK : WALK, true);
      return result.ok ? result.pa : result;
    });
  }

  /** Takes the registers apart; to be called whenever one of them has changed. */
  configure(registers: TranslationRegisters): void {
    this.use(configurationOf(registers, this.#features));
  }
  /** The same, where they have been taken apart. */
  use(configuration: Configuration): void {
    this.#now = configuration;
  }

  /** Stage 1 is on: SCTLR_EL1.M, and not HCR_EL2.DC. */
  get stage1On(): boolean {
    return this.#now.stage1 !== null;
  }
  /** The tables of stage 2; null where it is off. */
  get stage2(): Stage2Regime | null {
    return this.#now.stage2;
  }

  /** Both stages. `low` and `high` are the halves of the virtual address. */
  translate(low: number, high: number, kind: AccessKind): Translation | Fault {
    const first = this.#stage1Of(low, high, kind);
    if (!first.ok) return first;
    const second = this.#translate2(first.ipa, kind, false);
    if (!second.ok) return second;
    let { attributes } = first;
    if (second.leaf) {
      const memAttr = fieldValue(STAGE2.MemAttr, second.leaf.low, second.leaf.high);
      attributes = combine(
        attributes,
        memAttr,
        shareabilityOf(this.#now.stage2!, STAGE2.SH, second.leaf.low, second.leaf.high),
        this.#now.forcedWriteBack,
      );
    }
    return {
      ok: true,
      pa: second.pa,
      ipa: first.ipa,
      attributes: effective(attributes),
      size: first.size,
      guarded: first.guarded,
    };
  }

  /** Stage 1 alone, as AT S1E1R and its kin do; its table walk goes through stage 2. */
  translateStage1(low: number, high: number, kind: AccessKind): Stage1Result | Fault {
    const result = this.#stage1Of(low, high, kind);
    return result.ok ? { ...result, attributes: effective(result.attributes) } : result;
  }

  #stage1Of(low: number, high: number, kind: AccessKind): Stage1Result | Fault {
    return this.#now.stage1 ? this.#translate1(low, high, kind, this.#now.stage1) : this.#flat(low, high, kind);
  }

  /** The same translation with every read written down; changes nothing in memory. */
  trace(va: bigint, kind: AccessKind): WalkTrace {
    const steps: WalkRecord[] = [];
    this.#trace = steps;
    this.#why = '';
    const result = this.translate(Number(va & 0xffff_ffffn), Number((va >> 32n) & 0xffff_ffffn), {
      ...kind,
      peek: true,
    });
    this.#trace = null;
    if (result.ok) return { steps, result, why: '', causes: [] };
    const half = ((va >> BigInt(HIGHEST_VA_BIT)) & 1n) === 0n ? 0 : 1;
    const ended = { fault: result, reads: steps, accessor: kind, half } as const;
    const causes = this.#why ? [] : causesOf({ ...ended, configuration: this.#now, features: this.#features });
    const why = this.#why || causes.map(({ text }) => text).join('. ') || withoutCause(result);
    return { steps, result, why, causes };
  }

  /** AArch64.S1DisabledOutput: the VA is the IPA, if it is in range. */
  #flat(low: number, full: number, kind: AccessKind): Stage1Result | Fault {
    const half = (full >>> (HIGHEST_VA_BIT - 32)) & 1;
    // A branch takes an ignored top byte off PC first, so a fetch has none.
    const ignored = kind.access !== 'fetch' && this.#now.topByteIgnored[half === 1 ? 1 : 0];
    const high = ignored ? full & 0xff_ffff : full;
    const limit = this.#features.paBits;
    if (high >>> (limit - 32) !== 0) return fault('addressSize', 1, 0, 0);
    const attributes = flatAttributes(kind.access === 'fetch', this.#now.cachedFetch, this.#now.defaultCacheable);
    if (kind.unaligned === true && kind.access !== 'fetch' && attributes.type === 'device')
      return fault('alignment', 1, 0, 0);
    return { ok: true, ipa: high * 0x1_0000_0000 + low, attributes, size: SMALLEST_PAGE, guarded: false };
  }

  #translate1(
    low: number,
    high: number,
    kind: AccessKind,
    halves: readonly [Stage1Regime, Stage1Regime],
  ): Stage1Result | Fault {
    const half = (high >>> (HIGHEST_VA_BIT - 32)) & 1;
    const regime = halves[half === 1 ? 1 : 0];
    const ignored = kind.access !== 'fetch' && regime.topByteIgnored;
    const input = inputAddress(low, high, half, regime.tables.inputBits, ignored);
    if (input < 0)
      return this.#refuse(
        'translation',
        `the address is not in the ${regime.tables.inputBits} bits of TTBR${half}_EL1`,
      );
    if (regime.disabled) return this.#refuse('translation', `TCR_EL1.EPD${half} forbids the walk`);
    if (regime.el0Faults && kind.el === 0) return this.#refuse('translation', `TCR_EL1.E0PD${half} forbids EL0`);
    if (regime.broken) return this.#refuse(regime.broken.fault, regime.broken.why);

    const visitor = this.#walk1;
    visitor.begin(regime, this.#recorder(1, regime.tables, low, high));
    const result = walk(this.#memory, regime.tables, input, input + 1, visitor);
    if (result === UNREADABLE) return visitor.located ?? fault('externalAbortOnWalk', 1, visitor.level, 0);
    if (result === FAULTED) return fault(visitor.fault, 1, visitor.level, 0);

    const { low: leafLow, high: leafHigh } = visitor;
    const hardwareFlag = regime.hardwareAccessFlag;
    const accessed = fieldValue(STAGE1.AF, leafLow, leafHigh) === 1;
    if (!accessed && !hardwareFlag) return fault('accessFlag', 1, visitor.level, 0);
    const found = stage1Attributes(
      this.#now.mair,
      fieldValue(STAGE1.AttrIndx, leafLow, leafHigh),
      shareabilityOf(regime, STAGE1.SH, leafLow, leafHigh),
    );
    const cached = kind.access === 'fetch' ? this.#now.cachedFetch : this.#now.cachedData;
    const attributes = cached ? found : uncached(found);
    if (kind.unaligned === true && kind.access !== 'fetch' && attributes.type === 'device')
      return fault('alignment', 1, visitor.level, 0);
    const dirtyable = regime.hardwareDirty && fieldValue(STAGE1.DBM, leafLow, leafHigh) === 1;
    if (!this.#permits1(visitor, kind, dirtyable)) return fault('permission', 1, visitor.level, 0);

    const ipa = visitor.output + (input - visitor.input);
    const clean = (leafLow & AP_READ_ONLY) !== 0 && dirtyable && kind.access === 'write';
    if ((!accessed || clean) && (kind.peek !== true || this.#trace)) {
      const refused = this.#updateRefused(visitor.address);
      if (refused) return refused;
      const updated = (leafLow | AF) & ~(clean ? AP_READ_ONLY : 0);
      if (kind.peek !== true) this.#memory.writeHalvesAt(visitor.offset, updated >>> 0, leafHigh);
    }
    const guarded = this.#features.branchTargets && fieldValue(STAGE1.GP, leafLow, leafHigh) === 1;
    return { ok: true, ipa, attributes, size: visitor.size, guarded };
  }

  /** The fault of a write to a stage 1 descriptor by hardware. Its walk of stage 2 is in no trace: those reads are there already. */
  #updateRefused(address: number): Fault | null {
    const trace = this.#trace;
    this.#trace = null;
    const result = this.#translate2(address, trace ? PROBE : UPDATE, true);
    this.#trace = trace;
    return result.ok ? null : result;
  }

  #permits1(leaf: Stage1Walk, kind: AccessKind, dirtyable: boolean): boolean {
    const { low, high } = leaf;
    const ap = fieldValue(STAGE1.AP, low, high);
    const rights = {
      el0: (ap & 1) === 1 && !leaf.noEl0,
      writable: ((ap & 2) === 0 || dirtyable) && !leaf.readOnly,
      privilegedNever: leaf.pxnTable || fieldValue(STAGE1.PXN, low, high) === 1,
      unprivilegedNever: leaf.uxnTable || fieldValue(STAGE1.UXN, low, high) === 1,
    };
    return stage1Permits(rights, kind, this.#now.writeExecuteNever);
  }

  /** `forWalk`: of a stage 1 descriptor, which is read, or written by hardware. */
  #translate2(ipa: number, kind: AccessKind, forWalk: boolean): Stage2Result | Fault {
    const s1ptw = forWalk && (kind.access === 'write' ? 'update' : 'read');
    const regime = this.#now.stage2;
    if (!regime) return { ok: true, pa: ipa, leaf: null };
    // A base out of range is the walk's first fault, after those of the address (AArch64.S2Translate).
    const outside = ipa >= power(regime.tables.inputBits);
    if (outside || regime.broken) {
      const { broken } = regime;
      const base = broken?.fault === 'addressSize' && !outside;
      this.#why =
        broken && (base || broken.fault === 'translation')
          ? broken.why
          : `the address is not in ${regime.tables.inputBits} bits of IPA`;
      return fault(base ? 'addressSize' : 'translation', 2, 0, ipa, s1ptw);
    }
    const visitor = this.#walk2;
    visitor.begin(regime, this.#recorder(2, regime.tables, ipa, 0));
    const result = walk(this.#memory, regime.tables, ipa, ipa + 1, visitor);
    if (result === UNREADABLE) return fault('externalAbortOnWalk', 2, visitor.level, ipa, s1ptw);
    if (result === FAULTED) return fault(visitor.fault, 2, visitor.level, ipa, s1ptw);

    const { low, high } = visitor;
    const accessed = fieldValue(STAGE2.AF, low, high) === 1;
    if (!accessed && !regime.hardwareAccessFlag) return fault('accessFlag', 2, visitor.level, ipa, s1ptw);
    // Of Device memory that stage 1 has as such it is a fault of stage 1.
    if (kind.unaligned === true && kind.access !== 'fetch' && this.#isDevice2(low, high))
      return fault('alignment', 2, 0, ipa);
    const dirtyable = regime.hardwareDirty && fieldValue(STAGE2.DBM, low, high) === 1;
    if (!this.#permits2(low, high, kind, dirtyable, forWalk)) return fault('permission', 2, visitor.level, ipa, s1ptw);

    const clean = dirtyable && kind.access === 'write' && (fieldValue(STAGE2.S2AP, low, high) & 2) === 0;
    if ((!accessed || clean) && kind.peek !== true) {
      this.#memory.writeHalvesAt(visitor.offset, (low | AF | (clean ? S2AP_WRITE : 0)) >>> 0, high);
    }
    return { ok: true, pa: visitor.output + (ipa - visitor.input), leaf: { low, high } };
  }

  #permits2(low: number, high: number, kind: AccessKind, dirtyable: boolean, forWalk: boolean): boolean {
    if (forWalk && this.#now.protectedWalk && this.#isDevice2(low, high)) return false;
    const s2ap = fieldValue(STAGE2.S2AP, low, high);
    const rights = {
      readable: (s2ap & 1) !== 0,
      writable: (s2ap & 2) !== 0 || dirtyable,
      never: fieldValue(STAGE2.XN, low, high),
    };
    return stage2Permits(rights, kind, this.#features.stage2ExecuteByEl);
  }

  #isDevice2(low: number, high: number): boolean {
    return isDeviceAttribute(fieldValue(STAGE2.MemAttr, low, high), this.#now.forcedWriteBack);
  }

  #refuse(type: FaultType, why: string): Fault {
    this.#why = why;
    return fault(type, 1, 0, 0);
  }

  /** `low` may have more than 32 bits. */
  #recorder(stage: 1 | 2, tables: Tables, low: number, high: number): ((step: Step) => void) | null {
    const trace = this.#trace;
    if (!trace) return null;
    const forAddress = (BigInt(high) << 32n) + BigInt(low);
    return (step) =>
      trace.push({
        stage,
        level: step.level,
        forAddress,
        index: step.index,
        descriptorIpa: stage === 1 ? step.address : null,
        descriptorPa: step.pa,
        value: (BigInt(step.high) << 32n) | BigInt(step.low),
        kind: step.kind,
        format: tables.format,
      });
  }
}

const AF = 1 << 10;
const AP_READ_ONLY = 1 << 7;
const S2AP_WRITE = 1 << 7;

function shareabilityOf(regime: Regime, field: DescriptorField, low: number, high: number): number {
  return regime.tables.format.sharedInControl ? regime.shareability : fieldValue(field, low, high);
}

function fault(type: FaultType, stage: 1 | 2, level: number, ipa: number, s1ptw: Fault['s1ptw'] = false): Fault {
  return { ok: false, type, stage, level, s1ptw, ipa };
}

function withoutCause(result: Fault): string {
  if (result.type !== 'externalAbortOnWalk') return faultText(result);
  return `there is no RAM where the level ${result.level} table of stage ${result.stage} lies`;
}

/** The address within its half's tables, or -1 where its upper bits are not those of the half. */
function inputAddress(low: number, high: number, half: number, bits: number, topByteIgnored: boolean): number {
  const sign = half === 1 ? -1 : 0;
  const top = topByteIgnored ? (high << 8) >> 8 : high | 0;
  if (bits >= 32) {
    const upper = bits - 32;
    if (top >> upper !== sign) return -1;
    return (high & (power(upper) - 1)) * 0x1_0000_0000 + low;
  }
  if (top !== sign || (low | 0) >> bits !== sign) return -1;
  return low & (power(bits) - 1);
}
