/** What a fault comes of: the fields of descriptors and of registers, each of which forbids the access by itself (Arm ARM D8.4). */
import type { TranslationFeatures } from '../features.ts';
import { isDeviceAttribute } from './attributes.ts';
import type { Configuration } from './configuration.ts';
import type { Regime, Stage1Regime, Stage2Regime } from './control.ts';
import { fieldValue, STAGE1, STAGE2, type DescriptorField, type MeaningContext } from './descriptor.ts';
import type { Fault } from './fault.ts';
import { entryAddress, type EntryKind, type Stage, type TableFormat } from './format.ts';
import { stage2Permits, type Access, type Accessor } from './permissions.ts';

export interface Cause {
  /** `AP`, `UXNTable`, `SCTLR_EL1.WXN`. */
  readonly field: string;
  /** Index of the read whose descriptor has the field; null: a register has it. */
  readonly read: number | null;
  /** `AP 2 of the level 3 page: EL1 read-only, EL0 none`. */
  readonly text: string;
}

/** A descriptor that the walk read. */
interface Read {
  readonly stage: Stage;
  readonly level: number;
  /** The address that its walk translates. */
  readonly forAddress: bigint;
  readonly value: bigint;
  readonly kind: EntryKind;
  readonly format: TableFormat;
}

/** A walk that ended in a fault, in the half of TTBR0_EL1 or TTBR1_EL1. */
export interface Ended {
  readonly fault: Fault;
  readonly reads: readonly Read[];
  readonly accessor: Accessor;
  readonly half: 0 | 1;
  readonly configuration: Configuration;
  readonly features: TranslationFeatures;
}

/** The causes of a fault that a descriptor brought about, those of the tables above it last; none of other faults. */
export function causesOf(ended: Ended): Cause[] {
  const { fault, reads, accessor, configuration, features } = ended;
  // A stage 1 descriptor that can't be written back was found by a walk before the last one.
  const at = reads.findLastIndex(
    ({ stage, level, forAddress }) =>
      stage === fault.stage && level === fault.level && (stage === 1 || forAddress === BigInt(fault.ipa)),
  );
  if (at < 0) return [];
  const read = new Descriptor(reads, at);
  if (fault.stage === 1) {
    const regime = configuration.stage1?.[ended.half];
    if (!regime) return [];
    if (fault.type !== 'permission') return beforePermission(fault, read, regime, features);
    const above = regime.hierarchical
      ? reads.flatMap(({ stage }, index) => (stage === 1 && index < at ? [index] : []))
      : [];
    return stage1Causes(
      read,
      above.map((index) => new Descriptor(reads, index)),
      accessor,
      regime,
      configuration.writeExecuteNever,
    );
  }
  const regime = configuration.stage2;
  if (!regime) return [];
  if (fault.type !== 'permission') return beforePermission(fault, read, regime, features);
  return fault.s1ptw
    ? walkCauses(fault.s1ptw, read, regime, configuration)
    : stage2Causes(read, accessor, regime, features.stage2ExecuteByEl);
}

class Descriptor {
  readonly read: Read;
  readonly #index: number;
  readonly low: number;
  readonly high: number;

  constructor(reads: readonly Read[], index: number) {
    this.read = reads[index]!;
    this.#index = index;
    this.low = Number(this.read.value & 0xffff_ffffn);
    this.high = Number(this.read.value >> 32n);
  }

  get(field: DescriptorField): number {
    return fieldValue(field, this.low, this.high);
  }
  get name(): string {
    return `the level ${this.read.level} ${this.read.kind}`;
  }

  cause(field: string, text: string): Cause {
    return { field, read: this.#index, text };
  }

  /** A field by what it says, and what comes of that. */
  forbids(field: DescriptorField, consequence = '', context: MeaningContext = {}): Cause {
    const value = this.get(field);
    return this.cause(
      field.name,
      `${field.name} ${value} of ${this.name}: ${field.meaning(value, context, (other) => this.get(other))}${consequence}`,
    );
  }
}

const inRegister = (field: string, text: string): Cause => ({ field, read: null, text });

const CONTROL = { 1: { name: 'TCR_EL1', size: 'IPS' }, 2: { name: 'VTCR_EL2', size: 'PS' } } as const;

function beforePermission(
  fault: Fault,
  at: Descriptor,
  { outputBits }: Regime,
  features: TranslationFeatures,
): Cause[] {
  const { stage, level, kind, format } = at.read;
  const control = CONTROL[stage];
  switch (fault.type) {
    case 'translation':
      return kind === 'invalid'
        ? [at.cause('Valid', `the level ${level} descriptor is invalid`)]
        : [at.cause('Type', `bits 1:0 of the level ${level} descriptor are ${at.low & 3}, which is reserved there`)];
    case 'addressSize': {
      const output = entryAddress(format, level, at.low, at.high, kind);
      const limit = `${outputBits} bits (${control.name}.${control.size}, and what the CPU has)`;
      return [at.cause('OutputAddress', `the address 0x${output.toString(16)} in ${at.name} is above ${limit}`)];
    }
    case 'accessFlag': {
      const why = features.hardwareAccessFlag ? `${control.name}.HA is 0` : 'the CPU has no FEAT_HAFDBS';
      return [at.cause('AF', `AF 0 of ${at.name}: not accessed, and hardware does not set it (${why})`)];
    }
    default:
      return [];
  }
}

/** Bit 0 of APTable. */
const NO_EL0 = 1;
/** Bit 1 of AP and APTable. */
const READ_ONLY = 2;

function stage1Causes(
  leaf: Descriptor,
  above: readonly Descriptor[],
  { access, el, pan }: Accessor,
  { hardwareDirty }: Stage1Regime,
  writeExecuteNever: boolean,
): Cause[] {
  const ap = leaf.get(STAGE1.AP);
  const limited = (bit: number) => above.filter((table) => (table.get(STAGE1.APTable) & bit) !== 0);
  const set = (field: DescriptorField) => above.filter((table) => table.get(field) === 1);
  const el0 = (ap & 1) === 1 && limited(NO_EL0).length === 0;
  const byHardware = leaf.get(STAGE1.DBM) === 1;
  const written = (ap & READ_ONLY) === 0 || (byHardware && hardwareDirty);
  const writable = written && limited(READ_ONLY).length === 0;
  const causes: Cause[] = [];
  if (access === 'fetch') {
    const [never, neverBelow] = el === 0 ? [STAGE1.UXN, STAGE1.UXNTable] : [STAGE1.PXN, STAGE1.PXNTable];
    if (leaf.get(never) === 1) causes.push(leaf.forbids(never));
    if (el === 1 && el0 && writable) causes.push(leaf.forbids(STAGE1.AP, '; EL1 never executes what EL0 may write'));
    if (writeExecuteNever && writable && (el === 1 || el0))
      causes.push(inRegister('SCTLR_EL1.WXN', `SCTLR_EL1.WXN 1: EL${el} executes nothing that it may write`));
    return [...causes, ...set(neverBelow).map((table) => table.forbids(neverBelow))];
  }
  const needed = (access === 'write' ? READ_ONLY : 0) | (el === 0 ? NO_EL0 : 0);
  if ((el === 0 && (ap & 1) === 0) || (access === 'write' && !written)) {
    const dirty = access === 'write' && byHardware && !hardwareDirty ? DIRTY_OFF : '';
    causes.push(leaf.forbids(STAGE1.AP, dirty));
  }
  if (el === 1 && pan && el0) {
    const may = (ap & READ_ONLY) === 0 ? 'may read and write' : 'may read';
    causes.push(inRegister('PSTATE.PAN', `PSTATE.PAN 1: EL1 has no access to data that EL0 ${may}`));
  }
  return [...causes, ...limited(needed).map((table) => table.forbids(STAGE1.APTable))];
}

const DIRTY_OFF = '; DBM 1 would have it made writable, but hardware keeps no dirty state (HA and HD)';

function stage2Causes(leaf: Descriptor, accessor: Accessor, { hardwareDirty }: Stage2Regime, byEl: boolean): Cause[] {
  const never = leaf.get(STAGE2.XN);
  if (accessor.access === 'fetch') {
    const open = { readable: true, writable: true, never };
    return stage2Permits(open, accessor, byEl) ? [] : [leaf.forbids(STAGE2.XN, '', { executeByEl: byEl })];
  }
  return dataCauses(leaf, accessor.access, hardwareDirty);
}

function dataCauses(leaf: Descriptor, access: Exclude<Access, 'fetch'>, hardwareDirty: boolean): Cause[] {
  const byHardware = leaf.get(STAGE2.DBM) === 1;
  const s2ap = leaf.get(STAGE2.S2AP);
  const allowed = access === 'read' ? (s2ap & 1) !== 0 : (s2ap & 2) !== 0 || (byHardware && hardwareDirty);
  if (allowed) return [];
  return [leaf.forbids(STAGE2.S2AP, access === 'write' && byHardware ? DIRTY_OFF : '')];
}

function walkCauses(
  walk: 'read' | 'update',
  leaf: Descriptor,
  { hardwareDirty }: Stage2Regime,
  { protectedWalk, forcedWriteBack }: Configuration,
): Cause[] {
  if (walk === 'update')
    return dataCauses(leaf, 'write', hardwareDirty).map((cause) => ({
      ...cause,
      text: `hardware has to write the stage 1 descriptor, its Access flag or dirty state; ${cause.text}`,
    }));
  const causes = dataCauses(leaf, 'read', hardwareDirty);
  if (protectedWalk && isDeviceAttribute(leaf.get(STAGE2.MemAttr), forcedWriteBack))
    causes.push(inRegister('HCR_EL2.PTW', 'HCR_EL2.PTW 1: no stage 1 tables in memory that stage 2 has as Device'));
  return causes;
}
