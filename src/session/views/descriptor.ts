import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Vm } from '../../kvm/vm.ts';
import { decodeDescriptor, type MeaningContext } from '../../machine/translation/descriptor.ts';
import { maintenanceOf } from '../../machine/translation/break-before-make.ts';
import { contiguousRun } from '../../machine/translation/contiguous.ts';
import {
  entryAddress,
  entryKind,
  levelShift,
  power,
  tableFormat,
  type TableFormat,
} from '../../machine/translation/format.ts';
import type { DescriptorView, OtherFormat, Query } from '../messages.ts';
import { encode, GRANULE_NAMES, mappingOf, type Mapping, type Surroundings } from './equivalent.ts';
import type { Inspected, Nothing } from './inspected.ts';
import { nothing } from './inspected.ts';
import { hex } from './text.ts';
import { entriesAt, readTable, treesOf, type Tree } from './trees.ts';

type Asked = Extract<Query, { readonly view: 'descriptor' }>;

/** What a value says as a descriptor of the owner's format, and its mapping in the other formats. */
export function descriptorView(inspected: Inspected, owner: Vm | Vcpu, asked: Asked): DescriptorView | Nothing {
  const { level, value, input, before } = asked;
  const trees = treesOf(inspected, owner);
  const tree = (input === undefined ? undefined : trees.find((each) => translates(each, input))) ?? trees[0];
  if (!tree) return nothing('there are no tables that a walk could begin with');
  const { format } = tree.tables;
  // Each stage's fields depend on registers of its own: those of the vCPU and of its VM, or of the VM's first.
  const vcpu = owner.kind === 'vm' ? [...owner.vcpus][0] : owner;
  const vm = owner.kind === 'vm' ? owner : owner.vm;
  const context: MeaningContext = {
    ...(vcpu ? { mair: vcpu.context.read('MAIR_EL1') } : {}),
    forcedWriteBack: vm.kvm.features.stage2ForceWriteBack,
    executeByEl: vm.kvm.host.model.features.stage2ExecuteByEl,
  };
  const around: Surroundings = { ...context, shareability: tree.shareability };
  const own = { ...context, ...tree.context };
  const decoded = decodeDescriptor(format, level, value, own);
  const run = input === undefined ? null : runOf(tree, level, value, input);
  const fields = run
    ? decoded.fields.map((field) => (field.name === 'Contiguous' ? { ...field, meaning: run } : field))
    : decoded.fields;
  const { kind } = decoded;
  const mapping = mappingOf(format, level, value, around);
  const change = before === undefined || before === value ? null : maintenanceOf(format, level, before, value, own);
  return { view: 'descriptor', value, kind, fields, others: mapping ? others(format, mapping, around) : [], change };
}

const translates = ({ base, tables }: Tree, input: bigint) =>
  input >= base && input - base < 1n << BigInt(tables.inputBits);

/** What the contiguous bit of the descriptor that translates an input makes of its neighbours; null: there is no such table, or it is 0. */
function runOf(tree: Tree, level: number, value: bigint, input: bigint): string | null {
  const { format, root, startLevel } = tree.tables;
  const within = Number(input - tree.base);
  const indexAt = (each: number) =>
    Math.floor(within / power(levelShift(format.granule, each))) % entriesAt(tree.tables, each);
  let table = root;
  for (let above = startLevel; above < level; above++) {
    const words = readTable(tree, table, above);
    const [low, high] = [words?.[2 * indexAt(above)] ?? 0, words?.[2 * indexAt(above) + 1] ?? 0];
    if (entryKind(format, above, low) !== 'table') return null;
    table = entryAddress(format, above, low, high, 'table');
  }
  const words = readTable(tree, table, level);
  if (!words) return null;
  const index = indexAt(level);
  words[2 * index] = Number(value & 0xffff_ffffn);
  words[2 * index + 1] = Number(value >> 32n);
  const run = contiguousRun(format, level, words, index);
  if (!run) return null;
  const { first, count, size, missing, wrong } = run;
  if (wrong !== null) return `${MISPROGRAMMED}: ${wrong}. ${EACH_BY_ITSELF}`;
  const start = tree.base + BigInt(within - (within % size));
  const range = `${hex(start)} to ${hex(start + BigInt(size) - 1n)}`;
  const without = missing > 0 ? `, of which ${missing} map nothing` : '';
  return `entry ${index - first} of ${count} that map ${range} as one${without}: a TLB may hold them in one entry`;
}

const MISPROGRAMMED = 'misprogrammed';
/** CONSTRAINED UNPREDICTABLE (D8.7.1): the choice of this machine. */
const EACH_BY_ITSELF =
  'It is CONSTRAINED UNPREDICTABLE which entry counts; here each counts for itself, as if the bit were 0';

function others(own: TableFormat, mapping: Mapping, around: Surroundings): OtherFormat[] {
  // The stage of the descriptor first.
  const stages = own.stage === 1 ? ([1, 2] as const) : ([2, 1] as const);
  return stages.flatMap((stage) =>
    GRANULE_NAMES.flatMap((granule) =>
      ([48, 52] as const).flatMap((bits) => {
        const format = tableFormat(stage, granule, bits);
        return format === own ? [] : [inFormat(format, mapping, around)];
      }),
    ),
  );
}

function inFormat(format: TableFormat, mapping: Mapping, around: Surroundings): OtherFormat {
  const encoded = encode(format, mapping, around);
  if (!encoded.ok) return { ok: false, format: format.name, why: encoded.why };
  const { level, value, notes } = encoded;
  return {
    ok: true,
    format: format.name,
    level,
    size: 1n << BigInt(levelShift(format.granule, level)),
    value,
    fields: decodeDescriptor(format, level, value, around).fields,
    notes,
  };
}
