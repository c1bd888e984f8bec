/** What software owes to TLBs when it changes an entry in use: nothing, a TLBI, or break-before-make (Arm ARM, "Using break-before-make when updating translation table entries", R WHZWS). */
import { decodeDescriptor, fieldValue, STAGE1, STAGE2, type DecodedField, type MeaningContext } from './descriptor.ts';
import type { EntryKind, TableFormat } from './format.ts';

export interface Maintenance {
  readonly needed: 'nothing' | 'invalidate' | 'break';
  readonly why: string;
}

/** How a change of a field weighs; fields that are not here are permissions and the like: a TLB may hold what they were. */
const WEIGHT: Readonly<Record<string, 'address' | 'memory' | 'size' | 'nothing'>> = {
  OutputAddress: 'address',
  NextTable: 'address',
  AttrIndx: 'memory',
  MemAttr: 'memory',
  SH: 'memory',
  Contiguous: 'size',
  Software: 'nothing',
  PBHA: 'nothing',
  Ignored: 'nothing',
  NS: 'nothing',
  NSTable: 'nothing',
  RES0: 'nothing',
};

const isLeaf = (kind: EntryKind) => kind === 'block' || kind === 'page';
const nothing = (why: string): Maintenance => ({ needed: 'nothing', why });
const invalidate = (why: string): Maintenance => ({ needed: 'invalidate', why });

/** Of an entry of a table of `level` that held `before` and holds `after`; `context` as for what its fields mean. */
export function maintenanceOf(
  format: TableFormat,
  level: number,
  before: bigint,
  after: bigint,
  context: MeaningContext = {},
): Maintenance {
  const [old, now] = [before, after].map((value) => decodeDescriptor(format, level, value, context));
  if (!old || !now || old.output === null) return nothing('an invalid entry is in no TLB');
  if (now.output === null) return invalidate('a TLB may hold what was there');
  const fields = format.stage === 1 ? STAGE1 : STAGE2;
  const of = (value: bigint, field: (typeof fields)['AF']) =>
    fieldValue(field, Number(value & 0xffff_ffffn), Number(value >> 32n));
  if (isLeaf(old.kind) && of(before, fields.AF) === 0) return nothing('an entry whose AF is 0 is in no TLB');

  const reasons: string[] = [];
  // FEAT_BBML2: a TLB copes with both sizes until it is told.
  const bySize: string[] = [];
  if (old.kind !== now.kind) bySize.push(`the size of what it maps changes: a ${old.kind} becomes a ${now.kind}`);
  const differs = (field: DecodedField) =>
    valueIn(old.fields, field) !== field.value && !namesTheSame(field, old.fields, context);
  const changed = old.kind === now.kind ? now.fields.filter(differs) : [];
  const weighing = (weight: string) => changed.filter(({ name }) => WEIGHT[name] === weight).map(({ name }) => name);
  for (const name of weighing('memory'))
    reasons.push(`the memory’s type, cacheability or shareability changes (${name})`);
  for (const name of weighing('size')) bySize.push(`what it maps together with others changes (${name})`);
  if (weighing('address').length > 0)
    reasons.push(isLeaf(now.kind) ? addressChange([before, after]) : 'another table is below it');
  if (format.stage === 1 && isLeaf(now.kind) && of(before, STAGE1.nG) === 1 && of(after, STAGE1.nG) === 0)
    reasons.push('it becomes global, and entries of an ASID may be in a TLB');
  const copes = (context.bbmLevel ?? 0) >= 2;
  if (!copes) reasons.unshift(...bySize);
  if (reasons.length > 0) return { needed: 'break', why: reasons.join('; ') };
  if (bySize.length > 0)
    return invalidate(`${bySize.join('; ')}, which FEAT_BBML2 allows in one step if nothing else changes`);
  const held = changed.filter(({ name }) => WEIGHT[name] === undefined).map(({ name }) => name);
  return held.length > 0
    ? invalidate(`a TLB may hold what ${held.join(', ')} was`)
    : nothing('hardware does not look at what has changed');

  function addressChange(values: readonly bigint[]): string {
    const writable = values.some((value) => {
      const dirty = (context.hardwareDirty ?? false) && of(value, fields.DBM) === 1;
      return dirty || (format.stage === 1 ? (of(value, STAGE1.AP) & 2) === 0 : (of(value, STAGE2.S2AP) & 2) !== 0);
    });
    return writable
      ? 'the output address changes, and one of both can be written'
      : 'the output address changes, unless both have the same contents';
  }
}

const valueIn = (fields: readonly DecodedField[], { name }: DecodedField) =>
  fields.find((field) => field.name === name)?.value ?? 0n;

/** Two AttrIndx may stand for one attribute. */
function namesTheSame(field: DecodedField, old: readonly DecodedField[], { mair }: MeaningContext): boolean {
  if (field.name !== 'AttrIndx' || mair === undefined) return false;
  const attribute = (index: bigint) => (mair >> (8n * index)) & 0xffn;
  return attribute(field.value) === attribute(valueIn(old, field));
}
