import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Vm } from '../../kvm/vm.ts';
import { stage2Regime, tcrEl1, vtcrEl2, type Regime } from '../../machine/translation/control.ts';
import { decodeDescriptor, type MeaningContext } from '../../machine/translation/descriptor.ts';
import { LAST_LEVEL, levelShift } from '../../machine/translation/format.ts';
import type { Tables } from '../../machine/translation/walk.ts';
import type { TableEntry, TableNode, TablesView } from '../messages.ts';
import type { Inspected, Nothing } from './inspected.ts';
import { nothing } from './inspected.ts';
import { descriptorLocator, stage1Half, stage1On } from './locate.ts';

/** One tree as it is shown: where its tables lie, and what a descriptor was before. */
interface Tree {
  readonly inspected: Inspected;
  readonly owner: Vm | Vcpu;
  readonly tables: Tables;
  /** First input address: the upper half's begins far up. */
  readonly base: bigint;
  readonly locate: (address: number) => number;
  readonly context: MeaningContext;
  readonly expanded: ReadonlySet<bigint>;
}

function node(tree: Tree, address: number, level: number, inputBase: bigint, trail: readonly number[]): TableNode {
  const { tables, inspected } = tree;
  const { format } = tables;
  const shift = levelShift(format.granule, level);
  const atStart = level === tables.startLevel;
  const total = atStart ? Math.max(1, 2 ** (tables.inputBits - shift)) : 2 ** format.granule.bitsPerLevel;
  const pa = tree.locate(address);
  const bytes = pa < 0 ? null : inspected.memory.readBytes(pa, total * 8);
  const view = bytes && new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = 1n << BigInt(shift);
  let valid = 0;
  if (view) for (let index = 0; index < total; index++) valid += view.getUint8(index * 8) & 1;
  const entries: TableEntry[] = [];
  if (view && tree.expanded.has(BigInt(address))) {
    for (let index = 0; index < total; index++) {
      const value = view.getBigUint64(index * 8, true);
      entries.push(entry(tree, address, level, index, value, inputBase + BigInt(index) * size, size, trail));
    }
  }
  return {
    address: BigInt(address),
    level,
    inputBase,
    inputSize: BigInt(total) * size,
    valid,
    total,
    entries: view && tree.expanded.has(BigInt(address)) ? merged(entries) : null,
  };
}

function entry(
  tree: Tree,
  table: number,
  level: number,
  index: number,
  value: bigint,
  inputBase: bigint,
  inputSize: bigint,
  trail: readonly number[],
): TableEntry {
  const decoded = decodeDescriptor(tree.tables.format, level, value, tree.context);
  const before = tree.inspected.changes.descriptor(tree.owner, table, index);
  // A guest's tables may form a circle: a table is not shown again below itself.
  const below =
    decoded.kind === 'table' && decoded.output !== null && level < LAST_LEVEL && !trail.includes(decoded.output)
      ? node(tree, decoded.output, level + 1, inputBase, [...trail, decoded.output])
      : null;
  return {
    index,
    count: 1,
    inputBase,
    inputSize,
    address: BigInt(table + index * 8),
    value,
    kind: decoded.kind,
    output: decoded.output === null ? null : BigInt(decoded.output),
    fields: decoded.fields,
    child: below,
    changed: before !== null && before !== value,
  };
}

/** Runs of equal invalid entries become one row. */
function merged(entries: readonly TableEntry[]): TableEntry[] {
  const rows: TableEntry[] = [];
  for (const entry of entries) {
    const last = rows.at(-1);
    const same =
      last?.kind === 'invalid' &&
      entry.kind === 'invalid' &&
      last.value === entry.value &&
      last.changed === entry.changed;
    if (last && same) {
      rows[rows.length - 1] = { ...last, count: last.count + 1, inputSize: last.inputSize + entry.inputSize };
    } else rows.push(entry);
  }
  return rows;
}

const root = (tree: Tree): TableNode =>
  node(tree, tree.tables.root, tree.tables.startLevel, tree.base, [tree.tables.root]);

function titleOf({ tables }: Regime | { tables: Tables }, input: string): string {
  const { format, startLevel, inputBits } = tables;
  const beyond = inputBits - levelShift(format.granule, startLevel) - format.granule.bitsPerLevel;
  const concatenated = beyond > 0 ? `, ${2 ** beyond} concatenated tables` : '';
  return `${input} ${inputBits} bits, ${format.granule.name} granule, start level ${startLevel}${concatenated}`;
}

export function stage2View(inspected: Inspected, vm: Vm, expanded: readonly bigint[]): TablesView {
  const { features } = vm.kvm.host.model;
  const { vtcr, vttbr } = vm.stage2;
  // As the hardware walks them: from the registers.
  const { tables } = stage2Regime(vtcr, vttbr, features);
  const context = { forcedWriteBack: vm.kvm.features.stage2ForceWriteBack, executeByEl: features.stage2ExecuteByEl };
  const tree: Tree = {
    inspected,
    owner: vm,
    tables,
    base: 0n,
    locate: (address) => address,
    context,
    expanded: new Set(expanded),
  };
  return {
    view: 'tables',
    stage: 2,
    title: titleOf({ tables }, 'IPA'),
    control: [
      { name: 'VTCR_EL2', value: vtcr, meaning: '' },
      ...vtcrEl2(vtcr).describe(),
      { name: 'VTTBR_EL2', value: vttbr, meaning: `VMID ${vttbr >> 48n}` },
    ],
    roots: [root(tree)],
  };
}

export function stage1View(inspected: Inspected, vcpu: Vcpu, expanded: readonly bigint[]): TablesView | Nothing {
  if (!stage1On(vcpu))
    return nothing('the MMU is off (SCTLR_EL1.M is 0): virtual addresses are intermediate physical ones');
  const { context } = vcpu;
  const halves = ([0, 1] as const).map((half) => ({ half, regime: stage1Half(vcpu, half) }));
  const usable = halves.filter(({ regime }) => !regime.disabled && !regime.broken);
  const roots = usable.map(({ half, regime }) =>
    root({
      inspected,
      owner: vcpu,
      tables: regime.tables,
      base: half === 0 ? 0n : (1n << 64n) - (1n << BigInt(regime.tables.inputBits)),
      locate: descriptorLocator(vcpu.vm, inspected.process),
      context: { mair: context.read('MAIR_EL1') },
      expanded: new Set(expanded),
    }),
  );
  const titles = halves.map(({ half, regime }) => {
    if (regime.disabled) return `TTBR${half}: off`;
    return regime.broken ? `TTBR${half}: ${regime.broken.why}` : titleOf(regime, `TTBR${half}: VA`);
  });
  const tcr = context.read('TCR_EL1');
  return {
    view: 'tables',
    stage: 1,
    title: titles.join('; '),
    control: [
      { name: 'TCR_EL1', value: tcr, meaning: '' },
      ...tcrEl1(tcr).describe(),
      { name: 'TTBR0_EL1', value: context.read('TTBR0_EL1'), meaning: '' },
      { name: 'TTBR1_EL1', value: context.read('TTBR1_EL1'), meaning: '' },
    ],
    roots,
  };
}
