import { memo, useCallback, useState, type ReactNode } from 'react';
import type {
  RowRef,
  Since,
  TableEntry,
  TableNode,
  TableRow,
  TableView,
  TablesOwner,
  TablesView,
} from '../../session/messages.ts';
import { hex } from '../format.ts';
import { inspectStore, showMemory, useInspection, useTargetVcpu, useTargetVm, type Inspection } from '../inspect.ts';
import { Empty } from '../parts.tsx';
import { send, useView } from '../sandbox-client.ts';
import { DescriptorBits } from './descriptor-bits.tsx';
import { Descriptor } from './descriptor.tsx';
import { plural, sentence } from './format.ts';
import { Choice, Detail, Frame, Toggle, Waiting } from './frame.tsx';
import { TableCells } from './table-cells.tsx';
import { TableDump } from './table-dump.tsx';
import { contiguousText, entryText, rowName, tableText } from './table-text.ts';
import { TableTree } from './table-tree.tsx';
import { TargetPicker } from './target-picker.tsx';
import { rowsToAsk, sameRef, type PlacedRow, type Toggled } from './tree-rows.ts';
import { useSettled } from './use-settled.ts';
import './tables.css';

/** A selection stays where it has stood for so many milliseconds: longer than a held key takes to repeat. */
const SETTLED_MS = 60;

/** Tables and runs that can be opened or closed by hand. */
const BY_HAND = 1024;

const STAGES = [
  { value: 2, text: 'Stage 2', title: 'IPA → PA, one per VM, written by KVM' },
  { value: 1, text: 'Stage 1', title: 'VA → IPA, written by the guest' },
] as const;

const SHAPES = [
  { value: 'tree', text: 'Tree', title: 'Tables within tables' },
  { value: 'cells', text: 'Cells', title: 'One table, every entry a cell' },
  { value: 'text', text: 'Text', title: 'Ranges as lines, as debugfs stage2_page_tables has them' },
] as const;
type Shape = (typeof SHAPES)[number]['value'];

export function TablesPanel() {
  const stage = useInspection((inspection) => inspection.tables);
  const [shape, setShape] = useState<Shape>('tree');
  const [since, setSince] = useState<Since>('stop');
  const [rowsShown, setRowsShown] = useState<RowsShown>({ openAll: false, merge: true, onlyChanged: false });
  const vm = useTargetVm();
  const vcpu = useTargetVcpu();
  const target = stage === 2 ? vm : vcpu;
  const controls = (
    <>
      <Choice label="Stage" value={stage} options={STAGES} onChange={(tables) => inspectStore.setState({ tables })} />
      <Choice label="Shape" value={shape} options={SHAPES} onChange={setShape} />
      <TargetPicker />
    </>
  );
  if (target === null) {
    return (
      <Frame name="tables" bar={controls}>
        <NoTables stage={stage} why={stage === 2 ? 'There is no VM yet.' : 'There is no vCPU yet.'} />
      </Frame>
    );
  }
  const owner: TablesOwner = stage === 2 ? { stage, vm: target } : { stage, vcpu: target };
  const key = `${stage} ${target}`;
  if (shape === 'cells') return <Cells key={key} owner={owner} controls={controls} since={since} onSince={setSince} />;
  if (shape === 'text') return <TableDump key={key} owner={owner} controls={controls} none={NoTables} />;
  const treeProps = { owner, controls, since, onSince: setSince, rowsShown, onRowsShown: setRowsShown };
  return <Tables key={key} {...treeProps} />;
}

interface PartProps {
  readonly owner: TablesOwner;
  readonly controls: ReactNode;
  readonly since: Since;
  readonly onSince: (since: Since) => void;
}

/** Which rows there are of any tables. */
interface RowsShown {
  readonly openAll: boolean;
  readonly merge: boolean;
  readonly onlyChanged: boolean;
}

interface TreeProps extends PartProps {
  readonly rowsShown: RowsShown;
  readonly onRowsShown: (rowsShown: RowsShown) => void;
}

/** Tables opened (true) or closed by hand; all others follow what the bar says. */
type ByHand = ReadonlyMap<bigint, boolean>;

const addressesOf = (byHand: ByHand, open: boolean): bigint[] =>
  [...byHand].flatMap(([table, isOpen]) => (isOpen === open ? [table] : []));

function Tables({ owner, controls, since, onSince, rowsShown, onRowsShown }: TreeProps) {
  const { openAll, merge, onlyChanged } = rowsShown;
  const [byHand, setByHand] = useState<ByHand>(new Map());
  const [runs, setRuns] = useState<ReadonlySet<bigint>>(new Set());
  const [seen, setSeen] = useState(rowsToAsk(0, 0));
  const asked = useInspection((inspection) => inspection.entry);
  const aim = owner.stage === 2 ? asked : null;
  // What was aimed at is selected until the person selects something, or nothing.
  const [choice, setChoice] = useState<{ aim: Inspection['entry']; ref: RowRef | null }>({ aim: null, ref: null });
  if (choice.aim !== aim) setChoice({ aim, ref: aim });
  const { ref } = choice;
  // A row is marked at once, and told of where the selection stays: a key that is held passes many.
  const settled = useSettled(ref, SETTLED_MS);
  const wanted = ref && 'index' in ref ? ref : settled;
  const view = useView({
    view: 'tables',
    ...owner,
    ...seen,
    openAll,
    opened: addressesOf(byHand, true),
    closed: addressesOf(byHand, false),
    ...(aim ? { toward: aim.input } : {}),
    ...(wanted ? { ref: wanted } : {}),
    merge,
    runs: [...runs],
    onlyChanged,
    since,
  });
  const tables = view?.view === 'tables' ? view : null;
  const kept = tables?.kept ?? null;
  const selected = ref && tables ? placeOf(tables, ref) : null;
  if (ref && 'index' in ref && selected?.row) setChoice({ aim, ref: { id: selected.row.id } });
  const told = settled && tables ? (placeOf(tables, settled)?.row ?? null) : null;
  const select = useCallback((to: RowRef | null) => setChoice({ aim, ref: to }), [aim]);
  const toggle = ({ kind, address, open }: Toggled) => {
    if (kind === 'run') setRuns(flipped(runs, address));
    else if (byHand.has(address) || byHand.size < BY_HAND) setByHand(new Map(byHand).set(address, !open));
  };
  const onSeen = (first: number, visible: number) => {
    const now = rowsToAsk(first, visible);
    if (now.from !== seen.from || now.count !== seen.count) setSeen(now);
  };
  return (
    <Frame
      name="tables"
      bar={
        <>
          {controls}
          <Toggle
            pressed={openAll}
            title="Open every table"
            onChange={(pressed) => {
              onRowsShown({ ...rowsShown, openAll: pressed });
              setByHand(new Map());
            }}
          >
            Open all
          </Toggle>
          <Toggle
            pressed={merge}
            title="Neighbours that map to neighbours with the same attributes are one row, which opens"
            onChange={(pressed) => onRowsShown({ ...rowsShown, merge: pressed })}
          >
            Merge
          </Toggle>
          <Toggle
            pressed={onlyChanged}
            title="Only entries that changed"
            onChange={(pressed) => onRowsShown({ ...rowsShown, onlyChanged: pressed })}
          >
            Changed only
          </Toggle>
          <KeptMoment kept={kept} since={since} onSince={onSince} />
        </>
      }
    >
      {view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <NoTables stage={owner.stage} why={sentence(view.why)} />
      ) : (
        <TablesOf
          view={view}
          owner={owner}
          selected={selected}
          told={told ?? selected?.row ?? null}
          onSelect={select}
          onToggle={toggle}
          onSeen={onSeen}
          onlyChanged={onlyChanged}
          since={since}
          onMemory={(address) => showMemory(owner.stage === 2 ? 'pa' : 'ipa', address)}
        />
      )}
    </Frame>
  );
}

/** A moment to compare with: kept, chosen, given up. */
function KeptMoment({ kept, since, onSince }: { kept: bigint | null; since: Since; onSince: (since: Since) => void }) {
  if (kept === null) {
    return (
      <button
        type="button"
        className="view-button"
        title="Remember the tables as they are now; changes are then shown against this moment"
        onClick={() => {
          send({ type: 'keepTables', keep: true });
          onSince('kept');
        }}
      >
        Keep moment
      </button>
    );
  }
  return (
    <>
      <Choice
        label="Changes since"
        value={since}
        options={[
          { value: 'stop', text: 'Since stop', title: 'Changes since the stop before' },
          { value: 'kept', text: 'Since kept', title: `Changes since the kept moment, after ${kept} instructions` },
        ]}
        onChange={onSince}
      />
      <button
        type="button"
        className="view-button"
        title="Forget the kept moment"
        onClick={() => {
          send({ type: 'keepTables', keep: false });
          onSince('stop');
        }}
      >
        Forget
      </button>
    </>
  );
}

/** What changes are against; while no moment is kept: the stop. */
const momentText = (since: Since, kept: bigint | null): string =>
  since === 'kept' && kept !== null ? 'the kept moment' : 'the stop before';

function flipped(set: ReadonlySet<bigint>, one: bigint): ReadonlySet<bigint> {
  const next = new Set(set);
  if (!next.delete(one) && next.size < BY_HAND) next.add(one);
  return next;
}

/** Where a row is as far as the answer says; null: there is no such row, or it was not asked for yet. */
function placeOf({ from, rows, found }: TablesView, ref: RowRef): PlacedRow | null {
  const at = 'index' in ref ? ref.index - from : 'id' in ref ? rows.findIndex(({ id }) => id === ref.id) : -1;
  const row = rows[at];
  if (row) return { index: from + at, row };
  if (found && sameRef(found.ref, ref)) return found;
  return 'index' in ref ? { index: ref.index, row: null } : null;
}

export function NoTables({ stage, why }: { stage: 1 | 2; why: string }) {
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
  readonly owner: TablesOwner;
  readonly selected: PlacedRow | null;
  /** The row that is told of in full. */
  readonly told: TableRow | null;
  readonly onSelect: (row: RowRef | null) => void;
  readonly onToggle: (toggled: Toggled) => void;
  readonly onSeen: (first: number, visible: number) => void;
  readonly onlyChanged?: boolean;
  readonly since?: Since;
  readonly onMemory: (address: bigint) => void;
}

export function TablesOf(props: TablesOfProps) {
  const { view, owner, selected, told, onSelect, onToggle, onSeen, onlyChanged, since, onMemory } = props;
  const close = useCallback(() => onSelect(null), [onSelect]);
  const changed = view.roots.reduce((sum, root) => sum + root.changed, 0);
  const moment = momentText(since ?? 'stop', view.kept);
  return (
    <>
      <Control title={view.title} control={view.control} />
      {onlyChanged && changed === 0 ? (
        <Empty title={view.comparable ? `Nothing changed since ${moment}.` : 'There is no moment to compare with yet.'}>
          {view.comparable
            ? 'Run or step on: entries that the guest or KVM writes appear here, with the tables above them.'
            : 'These tables are remembered from now on: after the next stop what changed until then appears here.'}
        </Empty>
      ) : (
        <div className="tables-split">
          <TableTree
            label={`Stage ${view.stage} tables`}
            total={view.total}
            from={view.from}
            rows={view.rows}
            highest={view.highest}
            selected={selected}
            onSelect={onSelect}
            onToggle={onToggle}
            onSeen={onSeen}
          />
          {view.cut > 0 && (
            <p className="view-foot view-muted">{plural(view.cut, 'more row')}: close some tables to see them.</p>
          )}
          <RowDetail row={told} owner={owner} since={moment} changed={changed} onMemory={onMemory} onClose={close} />
        </div>
      )}
    </>
  );
}

/** The registers that say which format the tables have; their bits are drawn once they are asked for. */
function Control({ title, control }: Pick<TablesView, 'title' | 'control'>) {
  const [open, setOpen] = useState(false);
  return (
    <details className="tables-control" open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{title}</summary>
      {open &&
        control.map(({ name, value, fields }) => (
          <section key={name} aria-label={name}>
            <h4>
              {name} <code>{hex(value, 16)}</code>
            </h4>
            <DescriptorBits value={value} fields={fields} />
          </section>
        ))}
    </details>
  );
}

interface RowDetailProps {
  readonly row: TableRow | null;
  readonly owner: TablesOwner;
  readonly since: string;
  readonly changed: number;
  readonly onMemory: (address: bigint) => void;
  readonly onClose: () => void;
}

/** What the selected row of the tree says in full. */
const RowDetail = memo(function RowDetail({ row, owner, since, changed, onMemory, onClose }: RowDetailProps) {
  if (!row || (row.entry === null && row.table === null)) {
    return (
      <p className="view-foot view-muted">
        {changed > 0
          ? `${plural(changed, 'entry', 'entries')} changed since ${since}.`
          : 'Select an entry to read its descriptor bit by bit, and to change it.'}
      </p>
    );
  }
  const { entry, table } = row;
  const at = entry ? entry.address : table!.address;
  return (
    <Detail
      name="Selected entry"
      title={
        <>
          {rowName(row)} <span className="view-muted">at {owner.stage === 2 ? 'PA' : 'IPA'}</span>{' '}
          <code>{hex(at)}</code>
        </>
      }
      onMemory={() => onMemory(at)}
      onClose={onClose}
    >
      {entry ? (
        <EntryDetail entry={entry} table={table} level={row.level} owner={owner} since={since} />
      ) : (
        <p>{table && tableText(table)}</p>
      )}
    </Detail>
  );
});

function EntryDetail({
  entry,
  table,
  level,
  owner,
  since,
}: {
  entry: TableEntry;
  table: TableNode | null;
  level: number;
  owner: TablesOwner;
  since: string;
}) {
  return (
    <>
      <p>{entryText(entry, table)}</p>
      {entry.contiguous && (
        <p data-wrong={entry.contiguous.wrong !== null}>{contiguousText(entry, entry.contiguous)}</p>
      )}
      <Before value={entry.before} moment={since} />
      <Descriptor
        owner={owner}
        level={level}
        address={entry.address}
        input={entry.inputBase}
        value={entry.value}
        before={entry.before}
      />
    </>
  );
}

/** What an entry was at the moment compared with; null: the same. */
function Before({ value, moment }: { value: bigint | null; moment: string }) {
  if (value === null) return null;
  return (
    <p className="tables-before">
      Was <code>{hex(value, 16)}</code> at {moment}.
    </p>
  );
}

const beforeOf = ({ changed, before }: TableView, index: number): bigint | null =>
  changed[index] ? (before[index] ?? null) : null;

/** A table as cells, and the entry that was chosen in it. */
function Cells({ owner, controls, since, onSince }: PartProps) {
  const [table, setTable] = useState(0n);
  const [index, setIndex] = useState<number | null>(null);
  const view = useView({ view: 'table', ...owner, address: table, since });
  const go = (address: bigint, at: number | null = null) => {
    setTable(address);
    setIndex(at);
  };
  const kept = view?.view === 'table' ? view.kept : null;
  const moment = momentText(since, kept);
  return (
    <Frame
      name="tables"
      bar={
        <>
          {controls}
          <KeptMoment kept={kept} since={since} onSince={onSince} />
        </>
      }
    >
      {view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <NoTables stage={owner.stage} why={sentence(view.why)} />
      ) : (
        <div className="tables-split">
          <TableCells view={view} since={moment} selected={index} onSelect={setIndex} onTable={go} />
          {index === null || view.values[index] === undefined ? (
            <p className="view-foot view-muted">Select a cell to read its descriptor and to change it.</p>
          ) : (
            <Detail
              name="Selected entry"
              title={
                <>
                  L{view.level}[{index}] <span className="view-muted">at {owner.stage === 2 ? 'PA' : 'IPA'}</span>{' '}
                  <code>{hex(view.address + BigInt(index) * 8n)}</code>
                </>
              }
              onMemory={() => showMemory(owner.stage === 2 ? 'pa' : 'ipa', view.address + BigInt(index) * 8n)}
              onClose={() => setIndex(null)}
            >
              <Before value={beforeOf(view, index)} moment={moment} />
              <Descriptor
                owner={owner}
                level={view.level}
                address={view.address + BigInt(index) * 8n}
                input={view.inputBase + BigInt(index) * view.entrySize}
                value={view.values[index]}
                before={beforeOf(view, index)}
              />
            </Detail>
          )}
        </div>
      )}
    </Frame>
  );
}
