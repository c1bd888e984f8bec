import { memo, useEffect, useEffectEvent, useId, useMemo } from 'react';
import type { MouseEvent } from 'react';
import type { ContiguousEntries } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { addressDigits, plural, shortSize } from './format.ts';
import { ChangedMark } from './frame.tsx';
import { rowName, validText } from './table-text.ts';
import { treeMove } from './tree-rows.ts';
import type { Toggled, TreeRow } from './tree-rows.ts';
import { OVERSCAN, useRows } from './use-rows.ts';
import './table-tree.css';

/** Below this width a row takes two lines. */
const NARROW = 520;
/** Pixels per level. */
const INDENT = 10;
const ROW_HEIGHT = { wide: 22, narrow: 38 } as const;
const heightFor = (width: number) => (width < NARROW ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide);

interface TableTreeProps {
  readonly label: string;
  readonly rows: readonly TreeRow[];
  readonly selected: string | null;
  readonly onSelect: (row: string | null) => void;
  readonly onToggle: (toggled: Toggled) => void;
}

/** Tables as a tree, by the WAI-ARIA tree pattern; the rows out of sight are not in the document. */
export function TableTree({ label, rows, selected, onSelect, onToggle }: TableTreeProps) {
  const id = useId();
  const { attach, first, visible, rowHeight, height, reveal } = useRows(heightFor);
  const from = Math.max(0, first - OVERSCAN);
  const drawn = rows.slice(from, first + visible + OVERSCAN);
  const current = rows.findIndex((row) => row.id === selected);
  const digits = useMemo(() => addressDigits(highestBase(rows)), [rows]);
  const select = (index: number) => {
    const row = rows[index];
    if (row) onSelect(row.id);
  };
  /** Rows take no handlers of their own: drawn anew only where they say something else. */
  const rowOf = ({ target }: MouseEvent) => {
    const index = target instanceof Element ? target.closest('[data-row]')?.getAttribute('data-row') : null;
    return index ? rows[Number(index)] : undefined;
  };
  const toggle = (row: TreeRow | undefined) => {
    if (row?.opens) onToggle(row.opens);
  };
  // The detail that opens for a selected row takes some of the tree's height.
  const revealCurrent = useEffectEvent(() => {
    if (current >= 0) reveal(current);
  });
  useEffect(() => revealCurrent(), [selected, height, rowHeight]);
  return (
    <div
      ref={attach}
      className="tree"
      role="tree"
      aria-label={label}
      aria-activedescendant={drawn.some((row) => row.id === selected) ? `${id}${selected}` : undefined}
      tabIndex={0}
      data-autofocus
      data-shape={rowHeight === ROW_HEIGHT.narrow ? 'narrow' : 'wide'}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === 'Escape') onSelect(null);
        const move = treeMove(rows, current, event.key, Math.max(1, visible - 2));
        if (move === null) return;
        event.preventDefault();
        if ('to' in move) select(move.to);
        else onToggle(move.toggle);
      }}
    >
      <div
        role="presentation"
        className="tree-paper"
        style={{ height: rows.length * rowHeight }}
        onClick={(event) => {
          const row = rowOf(event);
          if (row) onSelect(row.id);
          if (event.target instanceof Element && event.target.closest('.tree-twisty')) toggle(row);
        }}
        onDoubleClick={(event) => toggle(rowOf(event))}
      >
        {drawn.map((row, index) => (
          <Row
            key={(from + index) % drawn.length}
            id={`${id}${row.id}`}
            row={row}
            index={from + index}
            height={rowHeight}
            digits={digits}
            selected={row.id === selected}
          />
        ))}
      </div>
    </div>
  );
}

/** Rows stand in the order of the addresses that they translate. */
function highestBase(rows: readonly TreeRow[]): bigint {
  const last = rows.findLast(({ entry, table }) => (entry ?? table) !== null);
  return (last?.entry ?? last?.table)?.inputBase ?? 0n;
}

interface RowProps {
  readonly id: string;
  readonly row: TreeRow;
  readonly index: number;
  readonly height: number;
  readonly digits: number;
  readonly selected: boolean;
}

/** `opens` follows from the entry, and is made anew with every answer. */
function isSame(before: RowProps, now: RowProps): boolean {
  const { row: rowBefore, ...propsBefore } = before;
  const { row: rowNow, ...props } = now;
  return sameParts(propsBefore, props) && sameParts({ ...rowBefore, opens: null }, { ...rowNow, opens: null });
}

const sameParts = <T extends object>(a: T, b: T): boolean =>
  (Object.keys(a) as (keyof T)[]).every((key) => a[key] === b[key]);

const Row = memo(function Row({ id, row, index, height, digits, selected }: RowProps) {
  const { entry, table, opens } = row;
  const kind = entry?.kind ?? 'root';
  const range = entry ?? table;
  const output = entry ? entry.output : (table?.address ?? null);
  // A closed table says that something below it changed; an open one shows it.
  const below = table && !row.open ? table.changed : 0;
  const changed = (entry?.changed ?? false) || below > 0;
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
      <span className="tree-lead" style={{ paddingInlineStart: (row.depth - 1) * INDENT }}>
        <span className="tree-twisty" aria-hidden="true">
          {opens && (row.open ? '▾' : '▸')}
        </span>
        <ChangedMark changed={changed} />
        <span className="tree-name">
          {range !== null
            ? rowName(row)
            : row.cut > 0
              ? `${row.cut} more: close other tables to see them`
              : 'No entries to show'}
        </span>
      </span>
      {range !== null && (
        <>
          <span className="tree-base">{hex(range.inputBase, digits)}</span>
          <span className="tree-size">{shortSize(range.inputSize)}</span>
          <span className="tree-kind">{kindText(row)}</span>
          <span className="tree-output">{output !== null && `→ ${hex(output)}`}</span>
          <span className="tree-attributes">
            {entry?.contiguous && <Contiguous {...entry.contiguous} />}
            {table ? validText(table) : entry?.attributes}
            {below > 0 && ` · ${below} changed`}
          </span>
        </>
      )}
    </div>
  );
}, isSame);

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
function kindText({ entry }: TreeRow): string {
  if (!entry) return 'root';
  return entry.count > 1 && entry.output !== null ? plural(entry.count, entry.kind) : entry.kind;
}
