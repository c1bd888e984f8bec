import { useState } from 'react';
import type { TableNode, TablesView } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { inspectStore, showMemory, useInspection, useTargetVcpu, useTargetVm } from '../inspect.ts';
import { Empty } from '../parts.tsx';
import { useView } from '../sandbox-client.ts';
import { DescriptorBits } from './descriptor-bits.tsx';
import { sentence } from './format.ts';
import { Choice, Detail, Frame, Toggle, Waiting } from './frame.tsx';
import { entryText, rowName, tableText } from './table-text.ts';
import { TableTree } from './table-tree.tsx';
import { TargetPicker } from './target-picker.tsx';
import { allTables, treeRows } from './tree-rows.ts';
import type { TreeRow } from './tree-rows.ts';
import './tables.css';

/** As many tables are opened at once; a guest may have thousands. */
const OPEN_LIMIT = 64;

const STAGES = [
  { value: 2, text: 'Stage 2', title: 'IPA → PA, one per VM, written by KVM' },
  { value: 1, text: 'Stage 1', title: 'VA → IPA, written by the guest' },
] as const;

export function TablesPanel() {
  const stage = useInspection((inspection) => inspection.tables);
  const vm = useTargetVm();
  const vcpu = useTargetVcpu();
  const target = stage === 2 ? vm : vcpu;
  return (
    <Tables
      key={`${stage} ${target}`}
      stage={stage}
      target={target}
      onStage={(tables) => inspectStore.setState({ tables })}
    />
  );
}

/** Tables opened or closed by hand; all others follow `openAll`, roots being open to begin with. */
type ByHand = ReadonlyMap<bigint, boolean>;

function Tables({ stage, target, onStage }: { stage: 1 | 2; target: number | null; onStage: (stage: 1 | 2) => void }) {
  const [byHand, setByHand] = useState<ByHand>(new Map());
  const [openAll, setOpenAll] = useState(false);
  const [known, setKnown] = useState<readonly TableNode[]>([]);
  const isOpen = openTables(known, byHand, openAll);
  const expanded = [...isOpen];
  const view = useView(
    target === null
      ? null
      : stage === 2
        ? { view: 'tables', stage, vm: target, expanded }
        : { view: 'tables', stage, vcpu: target, expanded },
  );
  if (view?.view === 'tables' && view.roots !== known) setKnown(view.roots);
  return (
    <Frame
      name="tables"
      bar={
        <>
          <Choice label="Stage" value={stage} options={STAGES} onChange={onStage} />
          <TargetPicker />
          <Toggle
            pressed={openAll}
            title={`Open every table, up to ${OPEN_LIMIT}`}
            onChange={(pressed) => {
              setOpenAll(pressed);
              setByHand(new Map());
            }}
          >
            Open all
          </Toggle>
        </>
      }
    >
      {target === null ? (
        <NoTables stage={stage} why={stage === 2 ? 'There is no VM yet.' : 'There is no vCPU yet.'} />
      ) : view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <NoTables stage={stage} why={sentence(view.why)} />
      ) : (
        <TablesOf
          view={view}
          isOpen={(table) => isOpen.has(table)}
          onToggle={(table) => setByHand(new Map(byHand).set(table, !isOpen.has(table)))}
          onMemory={(address) => showMemory(stage === 2 ? 'pa' : 'ipa', address)}
        />
      )}
    </Frame>
  );
}

function openTables(roots: readonly TableNode[], byHand: ByHand, openAll: boolean): ReadonlySet<bigint> {
  const byDefault = openAll ? allTables(roots, OPEN_LIMIT) : roots.map((root) => root.address);
  const opened = [...byHand].filter(([, open]) => open).map(([table]) => table);
  return new Set([...byDefault, ...opened].filter((table) => byHand.get(table) !== false));
}

function NoTables({ stage, why }: { stage: 1 | 2; why: string }) {
  return (
    <Empty title={why}>
      {stage === 2
        ? 'The tables by which KVM gives a VM its memory appear here. KVM maps a page when the guest first touches it: create a VM and run the guest to see entries arrive.'
        : 'The guest’s own tables appear here once it has set TTBR0_EL1 and turned its MMU on in SCTLR_EL1. Until then a virtual address is an IPA; the stage 2 tables still apply.'}
    </Empty>
  );
}

interface TablesOfProps {
  readonly view: TablesView;
  readonly isOpen: (table: bigint) => boolean;
  readonly onToggle: (table: bigint) => void;
  readonly onMemory: (address: bigint) => void;
}

export function TablesOf({ view, isOpen, onToggle, onMemory }: TablesOfProps) {
  const [selected, setSelected] = useState<string | null>(null);
  const rows = treeRows(view.roots, isOpen);
  const row = rows.find((other) => other.id === selected);
  return (
    <>
      <details className="tables-control">
        <summary>{view.title}</summary>
        <dl>
          {view.control.map((register) => (
            <div key={register.name}>
              <dt>{register.name}</dt>
              <dd className="tables-value">{hex(register.value)}</dd>
              <dd>{register.meaning}</dd>
            </div>
          ))}
        </dl>
      </details>
      <div className="tables-split">
        <TableTree
          label={`Stage ${view.stage} tables`}
          rows={rows}
          selected={selected}
          onSelect={setSelected}
          onToggle={onToggle}
        />
        <RowDetail
          row={row}
          space={view.stage === 2 ? 'PA' : 'IPA'}
          onMemory={onMemory}
          onClose={() => setSelected(null)}
        />
      </div>
    </>
  );
}

interface RowDetailProps {
  readonly row: TreeRow | undefined;
  readonly space: 'PA' | 'IPA';
  readonly onMemory: (address: bigint) => void;
  readonly onClose: () => void;
}

/** What the selected row of the tree says in full. */
function RowDetail({ row, space, onMemory, onClose }: RowDetailProps) {
  if (!row || (row.entry === null && row.table === null)) {
    return <p className="view-foot view-muted">Select an entry to read its descriptor bit by bit.</p>;
  }
  const { entry, table } = row;
  const at = entry ? entry.address : table!.address;
  return (
    <Detail
      name="Selected entry"
      title={
        <>
          {rowName(row)} <span className="view-muted">at {space}</span> <code>{hex(at)}</code>
        </>
      }
      onMemory={() => onMemory(at)}
      onClose={onClose}
    >
      {entry ? (
        <>
          <p>
            <code>{hex(entry.value, 16)}</code> {entryText(entry, row.table)}
          </p>
          <DescriptorBits value={entry.value} fields={entry.fields} />
        </>
      ) : (
        <p>{table && tableText(table)}</p>
      )}
    </Detail>
  );
}
