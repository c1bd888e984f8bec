import { memo, useEffect, useEffectEvent, useId } from 'react';
import type { MouseEvent } from 'react';
import type { ContiguousEntries, RowRef, TableRow } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { addressDigits, plural, shortSize } from './format.ts';
import { rowName, validText } from './table-text.ts';
import { sameRow, toggledBy, treeMove } from './tree-rows.ts';
import type { PlacedRow, Toggled } from './tree-rows.ts';
import { OVERSCAN, useRows } from './use-rows.ts';
import './table-tree.css';

/** Below this width a row takes two lines. */
const NARROW = 500;
const ROW_HEIGHT = { wide: 22, narrow: 38 } as const;
const heightFor = (width: number) => (width < NARROW ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide);

interface TableTreeProps {
  readonly label: string;
  /** Rows that there are, and those of them that have come, the first of which is row `from`. */
  readonly total: number;
  readonly from: number;
  readonly rows: readonly TableRow[];
  /** Input address of the last row. */
  readonly highest: bigint;
  readonly selected: PlacedRow | null;
  readonly onSelect: (row: RowRef | null) => void;
  readonly onToggle: (toggled: Toggled) => void;
  /** Which rows are in sight. */
  readonly onSeen: (first: number, visible: number) => void;
}

/** Tables as a tree, by the WAI-ARIA tree pattern; the rows out of sight are not in the document. */
export function TableTree(props: TableTreeProps) {
  const { label, total, from: start, rows, highest, selected, onSelect, onToggle, onSeen } = props;
  const id = useId();
  const { attach, first, visible, rowHeight, height, reveal } = useRows(heightFor);
  const top = Math.max(0, first - OVERSCAN - start);
  const drawn = rows.slice(top, Math.max(0, first + visible + OVERSCAN - start));
  const slots = visible + 2 * OVERSCAN;
  const digits = addressDigits(highest);
  /** Rows take no handlers of their own: drawn anew only where they say something else. */
  const rowOf = ({ target }: MouseEvent) => {
    const index = target instanceof Element ? target.closest('[data-row]')?.getAttribute('data-row') : null;
    return index ? rows[Number(index) - start] : undefined;
  };
  const toggle = (row: TableRow | undefined) => {
    const toggled = row && toggledBy(row);
    if (toggled) onToggle(toggled);
  };
  const seen = useEffectEvent(onSeen);
  useEffect(() => {
    if (visible > 0) seen(first, visible);
  }, [first, visible]);
  // The detail that opens for a selected row takes some of the tree's height.
  const revealSelected = useEffectEvent(() => {
    if (selected) reveal(selected.index);
  });
  const selectedId = selected && (selected.row?.id ?? selected.index);
  useEffect(() => revealSelected(), [selectedId, height, rowHeight]);
  return (
    <div
      ref={attach}
      className="tree"
      role="tree"
      aria-label={label}
      aria-activedescendant={
        selected?.row && drawn.some((row) => row.id === selected.row?.id) ? `${id}${selected.row.id}` : undefined
      }
      tabIndex={0}
      data-autofocus
      data-shape={rowHeight === ROW_HEIGHT.narrow ? 'narrow' : 'wide'}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === 'Escape') onSelect(null);
        const move = treeMove(selected, total, event.key, Math.max(1, visible - 2));
        if (move === null) return;
        event.preventDefault();
        if ('toggle' in move) return onToggle(move.toggle);
        const row = rows[move.to - start];
        onSelect(row ? { id: row.id } : { index: move.to });
      }}
    >
      <div
        role="presentation"
        className="tree-paper"
        style={{ height: total * rowHeight }}
        onClick={(event) => {
          const row = rowOf(event);
          if (row) onSelect({ id: row.id });
          if (event.target instanceof Element && event.target.closest('.tree-twisty')) toggle(row);
        }}
        onDoubleClick={(event) => toggle(rowOf(event))}
      >
        {drawn.map((row, at) => (
          <Row
            key={(start + top + at) % slots}
            id={`${id}${row.id}`}
            row={row}
            index={start + top + at}
            height={rowHeight}
            digits={digits}
            selected={row.id === selected?.row?.id}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  readonly id: string;
  readonly row: TableRow;
  readonly index: number;
  readonly height: number;
  readonly digits: number;
  readonly selected: boolean;
}

function isSame(a: RowProps, b: RowProps): boolean {
  return (
    a.id === b.id &&
    a.index === b.index &&
    a.height === b.height &&
    a.digits === b.digits &&
    a.selected === b.selected &&
    sameRow(a.row, b.row)
  );
}

/** Characters of a row's columns: the name with what stands before it, the size, the kind and where it leads. */
const COLUMNS = { name: 20, size: 9, kind: 9, output: 15 } as const;

/** One line of text, or two: a box for each column would be most of what scrolling makes a browser lay out. */
const Row = memo(function Row({ id, row, index, height, digits, selected }: RowProps) {
  const { entry, table, opens } = row;
  const kind = entry?.kind ?? 'root';
  const range = entry ?? table;
  const output = entry ? entry.output : (table?.address ?? null);
  // A closed table says that something below it changed; an open one shows it.
  const below = table && !row.open ? table.changed : 0;
  const changed = (entry?.changed ?? false) || below > 0;
  const name = range === null ? 'No memory there, or too many tables are open to read this one' : rowName(row);
  const before = row.depth + 3;
  const place = range && [
    `${hex(range.inputBase, digits)} `,
    <span key="size" className="tree-size">
      {shortSize(range.inputSize).padStart(COLUMNS.size)}
    </span>,
    '  ',
  ];
  const leads = range && [
    <span key="kind" className="tree-kind">
      {kindText(row).padEnd(COLUMNS.kind)}
    </span>,
    ` ${output === null ? '' : `→ ${hex(output)}`.padEnd(COLUMNS.output)} `,
  ];
  return (
    <div
      id={id}
      role="treeitem"
      className="tree-row"
      style={{ height, insetBlockStart: index * height }}
      data-row={index}
      aria-level={row.depth}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      aria-selected={selected}
      aria-expanded={opens ? row.open : undefined}
      data-kind={kind}
      data-changed={changed}
    >
      {' '.repeat(row.depth - 1)}
      {opens ? (
        <span className="tree-twisty" aria-hidden="true">
          {row.open ? '▾' : '▸'}
        </span>
      ) : (
        '  '
      )}
      {changed ? <Changed /> : '  '}
      <span className="tree-name">{name}</span>
      {' '.repeat(Math.max(1, COLUMNS.name - before - name.length))}
      {height === ROW_HEIGHT.wide ? [place, leads] : [leads, '\n    ', place]}
      <span className="tree-attributes">
        {entry?.contiguous && <Contiguous {...entry.contiguous} />}
        {table ? validText(table) : entry?.attributes}
        {below > 0 && ` · ${below} changed`}
      </span>
    </div>
  );
}, isSame);

/** A change against the last stop, as wide as two characters. */
function Changed() {
  return (
    <span className="tree-changed">
      <span aria-hidden="true">●</span>
      <span className="view-hidden">changed</span>
    </span>
  );
}

/** `16 as one`: what the contiguous bit makes of the row. */
function Contiguous({ runs, count, size: bytes, wrong }: ContiguousEntries) {
  if (wrong !== null)
    return (
      <span
        className="tree-contiguous"
        data-wrong="true"
        title={`Contiguous, but ${wrong}: each entry counts for itself`}
      >
        contiguous: misprogrammed
      </span>
    );
  const each = runs > 1 ? `${runs} runs of ${count}` : `${count} as one`;
  return (
    <span className="tree-contiguous" title={`A TLB may hold ${count} entries as one of ${shortSize(bytes)}`}>
      contiguous: {each}, {shortSize(bytes)}
    </span>
  );
}

/** `page`; `512 pages` for merged ones. */
function kindText({ entry }: TableRow): string {
  if (!entry) return 'root';
  return entry.count > 1 && entry.output !== null ? plural(entry.count, entry.kind) : entry.kind;
}
