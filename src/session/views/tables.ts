import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Vm } from '../../kvm/vm.ts';
import { stage2Regime } from '../../machine/translation/control.ts';
import { concatenatedTables } from '../../machine/translation/format.ts';
import { describeBase, tcrEl1, vtcrEl2 } from '../../machine/translation/registers.ts';
import type { Tables } from '../../machine/translation/walk.ts';
import type { RowRef, TableRow, TablesShown, TablesView } from '../messages.ts';
import type { Inspected, Nothing } from './inspected.ts';
import { nothing } from './inspected.ts';
import { stage1Half, stage1On } from './locate.ts';
import { briefly } from './table-entry.ts';
import { TreeRows, type RowsShown } from './tree-rows.ts';
import { treesOf, type Tree } from './trees.ts';

/** Entries that are read for one answer: rows are counted, and what has changed. */
const MOST_READ = 1 << 22;
/** A browser draws no list of more pixels. */
const MOST_ROWS = 400_000;

function titleOf(tables: Tables, input: string): string {
  const { format, startLevel, inputBits } = tables;
  const many = concatenatedTables(format.granule, startLevel, inputBits);
  const beside = many > 1 ? `, ${many} concatenated tables` : '';
  return `${input} ${inputBits} bits, ${format.granule.name} granule, start level ${startLevel}${beside}`;
}

export const MMU_OFF = nothing('the MMU is off (SCTLR_EL1.M is 0): virtual addresses are intermediate physical ones');

export function tablesView(inspected: Inspected, owner: Vm | Vcpu, shown: TablesShown): TablesView | Nothing {
  if (owner.kind !== 'vm' && !stage1On(owner)) return MMU_OFF;
  const { changes } = inspected;
  const before = changes.tables(inspected, owner, shown.since ?? 'stop');
  const trees = treesOf(inspected, owner);
  const budget = { left: MOST_READ };
  const rowsShown = rowsShownOf(shown);
  let all = 0;
  const lists = trees.map((tree, index) => {
    const brief = briefly(tree.tables.format, tree.context);
    const list = new TreeRows(tree, String(index), before, rowsShown, brief, budget);
    const first = all;
    all += list.count;
    return { list, first };
  });
  const rowsIn = (from: number, to: number): TableRow[] => {
    const rows: TableRow[] = [];
    for (const { list, first } of lists) list.window(first, { from, to }, rows, lists.length);
    return rows;
  };
  const numberOf = (ref: RowRef): number | null => {
    if ('index' in ref) return ref.index;
    for (const { list, first } of lists) {
      const row = 'id' in ref ? list.rowOf(ref.id) : list.rowAt(ref.input);
      if (row !== null) return first + row;
    }
    return null;
  };
  const total = Math.min(all, MOST_ROWS);
  const from = Math.min(shown.from, Math.max(0, total - shown.count));
  const { ref } = shown;
  const index = ref ? numberOf(ref) : null;
  const [row] = index !== null && index < total ? rowsIn(index, index + 1) : [];
  const [last] = rowsIn(total - 1, total);
  return {
    view: 'tables',
    ...(owner.kind === 'vm' ? stage2Control(owner, trees) : stage1Control(owner)),
    roots: lists.map(({ list }) => list.root),
    comparable: before !== null,
    kept: changes.kept,
    total,
    cut: all - total,
    highest: (last?.entry ?? last?.table)?.inputBase ?? 0n,
    from,
    rows: rowsIn(from, Math.min(total, from + shown.count)),
    found: ref && row && index !== null ? { ref, index, row } : null,
  };
}

function rowsShownOf({ openAll, opened, closed, toward, merge, runs, onlyChanged }: TablesShown): RowsShown {
  return {
    openAll: openAll ?? false,
    opened: new Set(opened?.map(Number)),
    closed: new Set(closed?.map(Number)),
    toward: toward ?? null,
    merge: merge ?? false,
    runs: new Set(runs?.map(Number)),
    onlyChanged: onlyChanged ?? false,
  };
}

type Control = Pick<TablesView, 'stage' | 'title' | 'control'>;

function stage2Control(vm: Vm, trees: readonly Tree[]): Control {
  const { vtcr, vttbr } = vm.stage2;
  const { features } = vm.kvm.host.model;
  const { tables, wideBase, broken } = stage2Regime(vtcr, vttbr, features);
  const title = broken ? broken.why : trees.map((tree) => titleOf(tree.tables, tree.input)).join('; ');
  return {
    stage: 2,
    title,
    control: [
      { name: 'VTCR_EL2', value: vtcr, fields: vtcrEl2(vtcr).describe(features) },
      {
        name: 'VTTBR_EL2',
        value: vttbr,
        fields: describeBase(vttbr, {
          id: 'VMID',
          idBits: vtcrEl2(vtcr).get('VS') ? 16 : 8,
          wide: wideBase,
          root: tables.root,
        }),
      },
    ],
  };
}

function stage1Control(vcpu: Vcpu): Control {
  const { context } = vcpu;
  const tcr = context.read('TCR_EL1');
  const idBits = tcrEl1(tcr).get('AS') ? 16 : 8;
  const halves = ([0, 1] as const).map((half) => {
    const regime = stage1Half(vcpu, half);
    const { tables, wideBase, disabled, broken } = regime;
    const name = `TTBR${half}_EL1` as const;
    const value = context.read(name);
    return {
      title: disabled ? `TTBR${half}: off` : broken ? `TTBR${half}: ${broken.why}` : titleOf(tables, `TTBR${half}: VA`),
      register: { name, value, fields: describeBase(value, { id: 'ASID', idBits, wide: wideBase, root: tables.root }) },
    };
  });
  const { features } = vcpu.vm.kvm.host.model;
  return {
    stage: 1,
    title: halves.map(({ title }) => title).join('; '),
    control: [
      { name: 'TCR_EL1', value: tcr, fields: tcrEl1(tcr).describe(features) },
      ...halves.map(({ register }) => register),
    ],
  };
}
