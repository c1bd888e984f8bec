import { memo, useCallback } from 'react';
import { enterCombination } from '../slots.ts';
import { openPanel } from '../workbench.ts';
import {
  COLUMN_GROUPS,
  COLUMNS_ALIKE,
  headerStart,
  LOADS_TEXT,
  ROW_GROUPS,
  type MatrixCell,
  type Sheet,
} from './grid.ts';
import { useMatrix } from './matrix-run.ts';
import { isMeant, shownStore, stateOf, STATES, useShown, type Filter } from './shown.ts';

const STEPS: Readonly<Record<string, { readonly row: number; readonly column: number }>> = {
  ArrowUp: { row: -1, column: 0 },
  ArrowDown: { row: 1, column: 0 },
  ArrowLeft: { row: 0, column: -1 },
  ArrowRight: { row: 0, column: 1 },
  Home: { row: 0, column: -Infinity },
  End: { row: 0, column: Infinity },
  PageUp: { row: -Infinity, column: 0 },
  PageDown: { row: Infinity, column: 0 },
};

/** Whether a stronger line is drawn after so many columns, or below this row: other hardware, another page size. */
const isEdge = (columns: number): boolean => columns % COLUMNS_ALIKE === 0;
const isPageEdge = (row: number): boolean => (row + 1) % ROW_GROUPS[0]!.span === 0;

const idOf = (key: string): string => `matrix-${key}`;
const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, value));

/** Boots this host, with this guest, as the sandbox that is worked in. */
export function openCell({ rule, combination }: MatrixCell): void {
  if (rule) return;
  enterCombination(combination);
  openPanel('guest');
}

interface GridProps {
  readonly sheet: Sheet;
  /** The cell that the pointer is on; null: none. */
  readonly onHover: (cell: MatrixCell | null) => void;
}

export const Grid = memo(function Grid({ sheet, onHover }: GridProps) {
  const { rows, cells } = sheet;
  const filter = useShown((shown) => shown.filter);
  const active = useShown((shown) => shown.active);
  const activate = useCallback((key: string) => shownStore.setState({ active: key }), []);
  const moveTo = (row: number, column: number): void => {
    const line = rows[clamp(row, rows.length - 1)]!;
    const { key } = line[clamp(column, line.length - 1)]!;
    activate(key);
    document.getElementById(idOf(key))?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const row = Math.max(
      0,
      rows.findIndex((line) => line.some(({ key }) => key === active)),
    );
    const column = Math.max(
      0,
      rows[row]!.findIndex(({ key }) => key === active),
    );
    const step = STEPS[event.key];
    const cell = rows[row]![column]!;
    if (step) moveTo(row + step.row, column + step.column);
    else if ((event.key === 'Enter' || event.key === ' ') && cell.key === active) openCell(cell);
    else return;
    event.preventDefault();
  };
  const cellAt = (target: EventTarget): MatrixCell | null => {
    const id = target instanceof Element ? target.closest('td')?.id : undefined;
    return id === undefined ? null : (cells.find(({ key }) => idOf(key) === id) ?? null);
  };
  const here = cells.some(({ key }) => key === active) ? active : null;
  return (
    <div className="matrix-scroll">
      <table
        className="matrix-grid"
        role="grid"
        aria-label="Boot matrix"
        tabIndex={0}
        aria-activedescendant={here === null ? undefined : idOf(here)}
        onFocus={() => here === null && activate(cells[0]!.key)}
        onKeyDown={onKeyDown}
        onPointerOver={({ target }) => onHover(cellAt(target))}
        onPointerLeave={() => onHover(null)}
        onClick={({ target }) => {
          const cell = cellAt(target);
          if (!cell) return;
          activate(cell.key);
          openCell(cell);
        }}
      >
        <colgroup>
          {ROW_GROUPS.map(({ title, width }) => (
            <col key={title} style={{ inlineSize: width }} />
          ))}
          {rows[0]!.map(({ key }) => (
            <col key={key} />
          ))}
        </colgroup>
        <thead>
          {COLUMN_GROUPS.map(({ title, headers }) => (
            <tr key={title}>
              <th scope="row" colSpan={ROW_GROUPS.length} className="matrix-axis">
                {title}
              </th>
              {headers.map(({ text, span, full }, index) => (
                <th key={index} scope="col" colSpan={span} title={full} data-edge={isEdge((index + 1) * span)}>
                  {text}
                </th>
              ))}
            </tr>
          ))}
          <tr>
            {ROW_GROUPS.map(({ title, full }, group) => (
              <th
                key={title}
                scope="col"
                className="matrix-axis"
                title={full}
                style={{ insetInlineStart: headerStart(group) }}
              >
                {title}
              </th>
            ))}
            <th scope="colgroup" colSpan={rows[0]!.length} className="matrix-loads">
              {LOADS_TEXT}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((line, row) => (
            <tr key={row} data-edge={isPageEdge(row)}>
              {ROW_GROUPS.map(({ title, span, full, text }, group) =>
                row % span === 0 ? (
                  <th
                    key={title}
                    scope="row"
                    rowSpan={span}
                    title={full}
                    data-edge={isPageEdge(row + span - 1)}
                    style={{ insetInlineStart: headerStart(group) }}
                  >
                    {text(line[0]!.combination)}
                  </th>
                ) : null,
              )}
              {line.map((cell, column) => (
                <Cell
                  key={cell.key}
                  cell={cell}
                  filter={filter}
                  active={cell.key === active}
                  edge={isEdge(column + 1)}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
});

interface CellProps {
  readonly cell: MatrixCell;
  readonly filter: Filter;
  readonly active: boolean;
  readonly edge: boolean;
}

const Cell = memo(function Cell({ cell, filter, active, edge }: CellProps) {
  const { key, text, rule } = cell;
  const state = useMatrix(({ outcomes }) => stateOf(cell, outcomes.get(key)));
  const said = rule ? `${STATES[state].text}: ${rule.because}` : STATES[state].text;
  return (
    <td
      id={idOf(key)}
      role="gridcell"
      aria-selected={active}
      aria-label={`${text}: ${said}`}
      data-state={state}
      data-edge={edge}
      data-faint={isMeant(filter, cell, state) ? undefined : ''}
    >
      {STATES[state].mark}
    </td>
  );
});
