import { useState } from 'react';
import {
  brokenRule,
  combinationKey,
  combinations,
  combinationText,
  SETS,
  type Combination,
  type GuestKernel,
  type MatrixSet,
} from '../../labs/matrix/axes.ts';
import { enterCombination } from '../slots.ts';
import { openPanel } from '../workbench.ts';
import { Choice, Frame } from '../views/frame.tsx';
import { runMatrix, stopMatrix, useMatrix } from './matrix-run.ts';
import { COLUMN_GROUPS, gridOf, ROW_GROUPS } from './grid.ts';
import './matrix.css';

const guestName = ({ pageSize, paBits, vaBits }: GuestKernel): string => `${pageSize / 1024}K/${paBits}/${vaBits}`;

export function MatrixPanel() {
  const [setName, setSetName] = useState(SETS[0]!.name);
  const [guestOf, setGuestOf] = useState<Readonly<Record<string, string>>>({});
  const set = SETS.find(({ name }) => name === setName)!;
  const guests = set.guests.filter((guest) =>
    combinations({ ...set, guests: [guest] }).some((c) => !brokenRule(set, c)),
  );
  const guest = guests.find((one) => guestName(one) === guestOf[setName]) ?? guests.at(-1)!;
  const shown = combinations({ ...set, guests: [guest] });
  const valid = shown.filter((combination) => !brokenRule(set, combination));
  const [selected, setSelected] = useState<string | null>(null);
  const chosen = shown.find((combination) => combinationKey(combination) === selected) ?? null;
  return (
    <Frame
      name="matrix"
      bar={
        <>
          <Choice
            label="Set"
            value={setName}
            options={SETS.map(({ name, title }) => ({
              value: name,
              text: name === 'series' ? 'LPA2 series' : 'Since 6.8',
              title,
            }))}
            onChange={setSetName}
          />
          {guests.length > 1 && (
            <select
              className="view-select"
              aria-label="Guest kernel: page size, physical and virtual address bits"
              value={guestName(guest)}
              onChange={({ target }) => setGuestOf({ ...guestOf, [setName]: target.value })}
            >
              {guests.map((one) => (
                <option key={guestName(one)}>{guestName(one)}</option>
              ))}
            </select>
          )}
          <RunButton valid={valid} />
          <Progress />
        </>
      }
    >
      <Grid set={set} shown={shown} selected={selected} onSelect={setSelected} />
      <CellDetail set={set} combination={chosen} guest={guestName(guest)} valid={valid.length} total={shown.length} />
    </Frame>
  );
}

function RunButton({ valid }: { valid: readonly Combination[] }) {
  const running = useMatrix((run) => run.running);
  return (
    <button
      type="button"
      className="view-button"
      data-autofocus
      onClick={() => (running ? stopMatrix() : runMatrix(valid))}
    >
      {running ? 'Stop' : `Boot all ${valid.length}`}
    </button>
  );
}

function Progress() {
  const { total, done, running, seconds } = useMatrix((run) => run);
  if (total === 0) return null;
  return (
    <span className="matrix-progress" role="status">
      <progress value={done} max={total} aria-label="Combinations that have run" /> {done} of {total}
      {!running && `, ${seconds.toFixed(1)} s`}
    </span>
  );
}

interface GridProps {
  readonly set: MatrixSet;
  readonly shown: readonly Combination[];
  readonly selected: string | null;
  readonly onSelect: (key: string) => void;
}

function Grid({ set, shown, selected, onSelect }: GridProps) {
  const rows = gridOf(shown);
  const move = (by: { row?: number; column?: number }): void => {
    const row = rows.findIndex((cells) => cells.some((one) => combinationKey(one) === selected));
    const column = row < 0 ? -1 : rows[row]!.findIndex((one) => combinationKey(one) === selected);
    const clamp = (value: number, most: number) => Math.min(most, Math.max(0, value));
    const to = clamp(row + (by.row ?? 0), rows.length - 1);
    const cell = rows[to]![clamp(column + (by.column ?? 0), rows[to]!.length - 1)]!;
    onSelect(combinationKey(cell));
    document.getElementById(`matrix-${combinationKey(cell)}`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  };
  return (
    <div className="matrix-scroll">
      <table
        className="matrix-grid"
        role="grid"
        aria-label="Boot matrix"
        tabIndex={0}
        aria-activedescendant={selected === null ? undefined : `matrix-${selected}`}
        onKeyDown={(event) => {
          const step = STEPS[event.key];
          if (!step) return;
          move(step);
          event.preventDefault();
        }}
      >
        <thead>
          {COLUMN_GROUPS.map(({ title, headers }) => (
            <tr key={title}>
              <th scope="row" colSpan={ROW_GROUPS.length} className="matrix-axis">
                {title}
              </th>
              {headers.map(({ text, span, full }, index) => (
                <th key={index} scope="col" colSpan={span} title={full}>
                  {text}
                </th>
              ))}
            </tr>
          ))}
          <tr>
            {ROW_GROUPS.map(({ title, full }) => (
              <th key={title} scope="col" className="matrix-axis" title={full}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {ROW_GROUPS.map(({ title, span, text }) =>
                row % span === 0 ? (
                  <th key={title} scope="row" rowSpan={span}>
                    {text(cells[0]!)}
                  </th>
                ) : null,
              )}
              {cells.map((combination) => (
                <Cell
                  key={combinationKey(combination)}
                  combination={combination}
                  invalid={brokenRule(set, combination)?.because ?? null}
                  selected={combinationKey(combination) === selected}
                  onSelect={onSelect}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const STEPS: Readonly<Record<string, { row?: number; column?: number }>> = {
  ArrowUp: { row: -1 },
  ArrowDown: { row: 1 },
  ArrowLeft: { column: -1 },
  ArrowRight: { column: 1 },
};

const MARKS = { invalid: '', idle: '', running: '…', passed: '✓', failed: '✕' } as const;
const STATES = {
  invalid: 'can’t be',
  idle: 'not booted yet',
  running: 'boots now',
  passed: 'booted, wrote, read and stopped',
  failed: 'did not do as it must',
} as const;

interface CellProps {
  readonly combination: Combination;
  readonly invalid: string | null;
  readonly selected: boolean;
  readonly onSelect: (key: string) => void;
}

function Cell({ combination, invalid, selected, onSelect }: CellProps) {
  const key = combinationKey(combination);
  const outcome = useMatrix((run) => run.outcomes.get(key)?.state);
  const state = invalid !== null ? 'invalid' : (outcome ?? 'idle');
  return (
    <td
      id={`matrix-${key}`}
      role="gridcell"
      aria-selected={selected}
      aria-label={`${combinationText(combination)}: ${STATES[state]}`}
      data-state={state}
      title={`${combinationText(combination)}\n${invalid ?? STATES[state]}`}
      onClick={() => onSelect(key)}
      onDoubleClick={() => invalid === null && open(combination)}
    >
      {MARKS[state]}
    </td>
  );
}

function open(combination: Combination): void {
  enterCombination(combination);
  openPanel('guest');
}

interface DetailProps {
  readonly set: MatrixSet;
  readonly combination: Combination | null;
  readonly guest: string;
  readonly valid: number;
  readonly total: number;
}

function CellDetail({ set, combination, guest, valid, total }: DetailProps) {
  const outcome = useMatrix((run) => (combination ? run.outcomes.get(combinationKey(combination)) : undefined));
  if (!combination) {
    return (
      <div className="view-foot matrix-detail">
        <span>
          {set.title}. With the guest {guest}, {valid} of {total} combinations can be; each boots a host, then a guest
          that builds its tables, turns its MMU on, writes and reads at both ends of both halves of its address space.
          Select a cell for more.
        </span>
      </div>
    );
  }
  const rule = brokenRule(set, combination);
  return (
    <div className="view-foot matrix-detail">
      <span className="matrix-words">
        <b>{combinationText(combination)}</b>
        <br />
        {rule ? (
          <>
            Can’t be: {rule.because} <span className="view-muted">({rule.name})</span>.
          </>
        ) : outcome?.state === 'failed' ? (
          <span className="matrix-failure">{outcome.failure}</span>
        ) : outcome?.state === 'passed' ? (
          `Booted, wrote, read and stopped as it must, in ${outcome.milliseconds.toFixed(0)} ms.`
        ) : (
          `${STATES[outcome?.state ?? 'idle']}.`
        )}
      </span>
      {!rule && (
        <button type="button" className="view-button" onClick={() => open(combination)}>
          Open this host and guest
        </button>
      )}
    </div>
  );
}
