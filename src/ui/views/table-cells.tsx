import { useCallback, useEffect, useEffectEvent, useId, useRef, useState } from 'react';
import { TABLE_KINDS, type TableView } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { cellAt, cellMove, cellsLayout } from './cells.ts';
import { rangeText, shortSize } from './format.ts';
import { useRows } from './use-rows.ts';
import './table-cells.css';

interface TableCellsProps {
  readonly view: TableView;
  /** The moment that changes are against, in words. */
  readonly since: string;
  readonly selected: number | null;
  readonly onSelect: (index: number | null) => void;
  /** Shows another table, with one of its entries selected. */
  readonly onTable: (address: bigint, index?: number | null) => void;
}

/** What an entry is and maps, in a line. */
function cellText({ level, inputBase, entrySize, values, kinds, outputs, changed }: TableView, index: number): string {
  const kind = TABLE_KINDS[kinds[index] ?? 0] ?? 'invalid';
  const range = rangeText(inputBase + BigInt(index) * entrySize, entrySize);
  const leads = kind === 'table' || kind === 'block' || kind === 'page';
  const to = leads ? ` → ${hex(outputs[index] ?? 0n)}` : '';
  return `L${level}[${index}] ${kind}${to}, ${range}, ${hex(values[index] ?? 0n, 16)}${changed[index] ? ', changed' : ''}`;
}

/** All entries of a table as cells, drawn as far as they are in sight. */
export function TableCells({ view, since, selected, onSelect, onTable }: TableCellsProps) {
  const id = useId();
  const total = view.values.length;
  const heightFor = useCallback((width: number) => cellsLayout(total, width).cell, [total]);
  const { attach, element, first, visible, rowHeight, width, height, reveal } = useRows(heightFor);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const legend = useRef<HTMLUListElement>(null);
  const layout = cellsLayout(total, width);
  const shown = hovered ?? selected;
  const draw = useEffectEvent(() => {
    if (!canvas.current || !legend.current) return;
    paint(canvas.current, height, view, layout, first, selected, coloursOf(legend.current));
  });
  useEffect(() => draw(), [view, first, rowHeight, selected, width, height]);
  useEffect(() => {
    // Another theme has other colours.
    const observer = new MutationObserver(() => draw());
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => observer.disconnect();
  }, []);
  const open = (index: number) => {
    if (TABLE_KINDS[view.kinds[index] ?? 0] === 'table') onTable(view.outputs[index] ?? 0n);
  };
  const indexOf = (event: { clientX: number; clientY: number }) => {
    if (!element) return null;
    const box = element.getBoundingClientRect();
    return cellAt(layout, total, event.clientX - box.left, event.clientY - box.top + element.scrollTop);
  };
  const select = (index: number) => {
    onSelect(index);
    reveal(Math.floor(index / layout.columns));
  };
  const count = TABLE_KINDS.map((_, kind) => view.kinds.reduce((sum, each) => sum + (each === kind ? 1 : 0), 0));
  const changed = view.changed.reduce((sum, each) => sum + each, 0);
  return (
    <div className="cells-part">
      <nav className="cells-path" aria-label="Tables on the way">
        {view.path.map(({ address, level, index }) => (
          <span key={level}>
            <button type="button" className="view-link" onClick={() => onTable(address, index)}>
              L{level}[{index}]
            </button>{' '}
            ›{' '}
          </span>
        ))}
        <b>L{view.level} table</b> <code>{hex(view.address)}</code>{' '}
        <span className="view-muted">
          {total} entries of {shortSize(view.entrySize)}
          {view.concatenated > 1 && `, ${view.concatenated} tables side by side`}
        </span>
      </nav>
      <div
        ref={attach}
        className="cells"
        role="listbox"
        aria-label={`Entries of the level ${view.level} table at ${hex(view.address)}`}
        aria-activedescendant={selected === null ? undefined : `${id}cell`}
        tabIndex={0}
        data-autofocus
        onPointerMove={(event) => setHovered(indexOf(event))}
        onPointerLeave={() => setHovered(null)}
        onClick={(event) => {
          const index = indexOf(event);
          if (index !== null) select(index);
        }}
        onDoubleClick={(event) => {
          const index = indexOf(event);
          if (index !== null) open(index);
        }}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return;
          // The line below is the keyboard's until the pointer moves again.
          setHovered(null);
          const up = view.path.at(-1);
          if (event.key === 'Escape') onSelect(null);
          else if (event.key === 'Enter' && selected !== null) open(selected);
          else if (event.key === 'Backspace' && up) onTable(up.address, up.index);
          else {
            const to = cellMove(selected, event.key, total, layout.columns, Math.max(1, visible - 1));
            if (to === null) return;
            select(to);
          }
          event.preventDefault();
        }}
      >
        <div className="cells-paper" style={{ blockSize: layout.rows * layout.cell }}>
          <canvas ref={canvas} aria-hidden="true" />
          {selected !== null && (
            <div
              id={`${id}cell`}
              role="option"
              aria-selected="true"
              aria-posinset={selected + 1}
              aria-setsize={total}
              className="view-hidden"
            >
              {cellText(view, selected)}
            </div>
          )}
        </div>
      </div>
      <p className="cells-said">
        {shown !== null && shown < total
          ? cellText(view, shown)
          : 'Point at a cell; Enter opens a table, Backspace goes up.'}
      </p>
      <ul ref={legend} className="cells-legend" aria-label="Legend">
        {TABLE_KINDS.map((kind, index) => (
          // What the table has none of is not explained; its colour is still asked for.
          <li key={kind} hidden={count[index] === 0}>
            <span data-kind={kind} aria-hidden="true" /> {count[index]} {kind}
          </li>
        ))}
        <li hidden={changed === 0}>
          <span data-kind="changed" aria-hidden="true" /> {changed} changed since {since}
        </li>
      </ul>
    </div>
  );
}

interface Colours {
  readonly kinds: readonly string[];
  readonly changed: string;
  readonly text: string;
}

/** The colours as they are now, from the legend: a canvas takes no variables. */
function coloursOf(legend: HTMLElement): Colours {
  const swatch = (kind: string) => {
    const found = legend.querySelector(`[data-kind="${kind}"]`);
    return found ? getComputedStyle(found).backgroundColor : '';
  };
  return { kinds: TABLE_KINDS.map(swatch), changed: swatch('changed'), text: getComputedStyle(legend).color };
}

function paint(
  canvas: HTMLCanvasElement,
  height: number,
  { kinds, changed }: TableView,
  { columns, cell, rows }: ReturnType<typeof cellsLayout>,
  first: number,
  selected: number | null,
  colours: Colours,
): void {
  const scale = globalThis.devicePixelRatio || 1;
  const width = columns * cell;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round((height + cell) * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height + cell}px`;
  canvas.style.transform = `translateY(${first * cell}px)`;
  const context = canvas.getContext('2d');
  if (!context) return;
  context.scale(scale, scale);
  const gap = cell >= 6 ? 1 : 0;
  const last = Math.min(rows, first + Math.ceil(height / cell) + 1);
  for (let row = first; row < last; row++) {
    for (let column = 0; column < columns; column++) {
      const index = row * columns + column;
      if (index >= kinds.length) break;
      const [x, y] = [column * cell, (row - first) * cell];
      context.fillStyle = colours.kinds[kinds[index] ?? 0] ?? '';
      context.fillRect(x, y, cell - gap, cell - gap);
      if (changed[index]) {
        context.fillStyle = colours.changed;
        const dot = Math.max(2, Math.floor(cell / 2));
        context.fillRect(x, y, dot, dot);
      }
      if (index === selected) {
        context.strokeStyle = colours.text;
        context.lineWidth = 2;
        context.strokeRect(x + 1, y + 1, cell - gap - 2, cell - gap - 2);
      }
    }
  }
}
