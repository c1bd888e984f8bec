import { useId } from 'react';
import { hex, size } from '../format.ts';
import { addressDigits } from './format.ts';
import { ChangedMark } from './frame.tsx';
import { attributesText, rowName, validText } from './table-text.ts';
import { treeMove } from './tree-rows.ts';
import type { TreeRow } from './tree-rows.ts';
import { OVERSCAN, revealRow, useRows } from './use-rows.ts';
import './table-tree.css';

/** Below this width a row takes two lines. */
const NARROW = 560;
const ROW_HEIGHT = { wide: 22, narrow: 38 } as const;

interface TableTreeProps {
  readonly label: string;
  readonly rows: readonly TreeRow[];
  readonly selected: string | null;
  readonly onSelect: (row: string) => void;
  readonly onToggle: (table: bigint) => void;
}

/** Tables as a tree, by the WAI-ARIA tree pattern; the rows out of sight are not in the document. */
export function TableTree({ label, rows, selected, onSelect, onToggle }: TableTreeProps) {
  const id = useId();
  const { attach: attachWidth, width } = useRows(ROW_HEIGHT.wide);
  const shape = width > 0 && width < NARROW ? 'narrow' : 'wide';
  const rowHeight = ROW_HEIGHT[shape];
  const { attach, element, first, visible } = useRows(rowHeight);
  const from = Math.max(0, first - OVERSCAN);
  const drawn = rows.slice(from, first + visible + OVERSCAN);
  const current = rows.findIndex((row) => row.id === selected);
  const highest = rows.reduce((sum, { entry, table }) => {
    const base = entry?.inputBase ?? table?.inputBase ?? 0n;
    return base > sum ? base : sum;
  }, 0n);
  const digits = addressDigits(highest);
  const select = (index: number) => {
    const row = rows[index];
    if (!row || !element) return;
    onSelect(row.id);
    revealRow(element, index, rowHeight);
  };
  return (
    <div
      ref={(scroller) => {
        attach(scroller);
        attachWidth(scroller);
      }}
      className="tree"
      role="tree"
      aria-label={label}
      aria-activedescendant={drawn.some((row) => row.id === selected) ? `${id}${selected}` : undefined}
      tabIndex={0}
      data-autofocus
      data-shape={shape}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const move = treeMove(rows, current, event.key, Math.max(1, visible - 2));
        if (move === null) return;
        event.preventDefault();
        if ('to' in move) select(move.to);
        else onToggle(move.toggle);
      }}
    >
      <div role="presentation" className="tree-paper" style={{ height: rows.length * rowHeight }}>
        <div role="presentation" style={{ transform: `translateY(${from * rowHeight}px)` }}>
          {drawn.map((row, index) => (
            <Row
              key={row.id}
              id={`${id}${row.id}`}
              row={row}
              height={rowHeight}
              digits={digits}
              selected={row.id === selected}
              onSelect={() => select(from + index)}
              onToggle={onToggle}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  readonly id: string;
  readonly row: TreeRow;
  readonly height: number;
  readonly digits: number;
  readonly selected: boolean;
  readonly onSelect: () => void;
  readonly onToggle: (table: bigint) => void;
}

function Row({ id, row, height, digits, selected, onSelect, onToggle }: RowProps) {
  const { entry, table } = row;
  const kind = entry?.kind ?? (table ? 'root' : 'wait');
  const range = entry ?? table;
  return (
    <div
      id={id}
      role="treeitem"
      className="tree-row"
      style={{ height, paddingInlineStart: (row.depth - 1) * 12 }}
      aria-level={row.depth}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      aria-selected={selected}
      aria-expanded={table ? row.open : undefined}
      data-kind={kind}
      data-changed={entry?.changed ?? false}
      onClick={onSelect}
      onDoubleClick={() => table && onToggle(table.address)}
    >
      <span className="tree-twisty" aria-hidden="true" onClick={() => table && onToggle(table.address)}>
        {table && (row.open ? '▾' : '▸')}
      </span>
      <ChangedMark changed={entry?.changed ?? false} />
      {range === null ? (
        <span className="view-muted">Reading…</span>
      ) : (
        <>
          <span className="tree-name">{rowName(row)}</span>
          <span className="tree-base">{hex(range.inputBase, digits)}</span>
          <span className="tree-size">{size(range.inputSize)}</span>
          <span className="tree-kind">{entry?.kind ?? ''}</span>
          <span className="tree-output">
            {entry ? entry.output !== null && `→ ${hex(entry.output)}` : `at ${hex(table!.address)}`}
          </span>
          <span className="tree-attributes">{table ? validText(table) : entry && attributesText(entry.fields)}</span>
        </>
      )}
    </div>
  );
}
