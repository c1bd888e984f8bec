import { useState } from 'react';
import { SETS, type MatrixSet } from '../../labs/matrix/axes.ts';
import { Choice, Frame } from '../views/frame.tsx';
import { sheetsOf, type MatrixCell, type Sheet } from './grid.ts';
import { Grid, openCell } from './matrix-grid.tsx';
import { runMatrix, stopMatrix, useMatrix, type Outcome } from './matrix-run.ts';
import { shownStore, stateOf, STATES, useShown, type CellState, type Filter } from './shown.ts';
import './matrix.css';

const SET_NAMES: Readonly<Record<string, string>> = { series: 'LPA2 series', extended: 'Since 6.8' };

export function MatrixPanel() {
  const setName = useShown(({ set }) => set);
  const set = SETS.find(({ name }) => name === setName)!;
  const sheets = sheetsOf(set);
  const guest = useShown(({ guests }) => guests[setName]);
  const sheet = sheets.find(({ name }) => name === guest) ?? sheets.at(-1)!;
  const [hovered, setHovered] = useState<MatrixCell | null>(null);
  const active = useShown((shown) => sheet.cells.find(({ key }) => key === shown.active)) ?? null;
  return (
    <Frame
      name="matrix"
      bar={
        <>
          <Choice
            label="Set"
            value={setName}
            options={SETS.map(({ name, title }) => ({ value: name, text: SET_NAMES[name] ?? name, title }))}
            onChange={(name) => shownStore.setState({ set: name, filter: 'all' })}
          />
          <RunButtons sheets={sheets} sheet={sheet} />
          {sheets.length > 1 && <Guests set={setName} sheets={sheets} chosen={sheet} />}
          <FilterChoice set={set} sheet={sheet} />
          <Progress />
        </>
      }
    >
      <Grid sheet={sheet} onHover={setHovered} />
      <CellDetail set={set} sheet={sheet} cell={hovered ?? active} />
    </Frame>
  );
}

const combinationsOf = (cells: readonly MatrixCell[]) => cells.map(({ combination }) => combination);

function RunButtons({ sheets, sheet }: { sheets: readonly Sheet[]; sheet: Sheet }) {
  const running = useMatrix((run) => run.running);
  // What is looked at comes first.
  const all = [sheet, ...sheets.filter((other) => other !== sheet)].flatMap(({ valid }) => valid);
  return (
    <>
      <button
        type="button"
        className="view-button matrix-run"
        data-autofocus
        onClick={() => (running ? stopMatrix() : runMatrix(combinationsOf(all)))}
      >
        {running ? 'Stop' : `Boot all ${all.length}`}
      </button>
      {sheets.length > 1 && (
        <button
          type="button"
          className="view-button"
          title={`Those with the guest ${sheet.name}`}
          disabled={running}
          onClick={() => runMatrix(combinationsOf(sheet.valid))}
        >{`Boot these ${sheet.valid.length}`}</button>
      )}
    </>
  );
}

const FILTERS: readonly { readonly filter: Filter; readonly text: string }[] = [
  { filter: 'all', text: 'All cells' },
  { filter: 'passed', text: 'Passed' },
  { filter: 'failed', text: 'Failed' },
  { filter: 'idle', text: 'Not booted yet' },
  { filter: 'invalid', text: 'Can’t be' },
];

function FilterChoice({ set, sheet }: { set: MatrixSet; sheet: Sheet }) {
  const filter = useShown((shown) => shown.filter);
  const rules = set.rules
    .map(({ name }) => ({ name, count: sheet.cells.filter(({ rule }) => rule?.name === name).length }))
    .filter(({ name, count }) => count > 0 || filter === `rule:${name}`);
  const choices = [
    ...FILTERS,
    ...rules.map(({ name }): { filter: Filter; text: string } => ({ filter: `rule:${name}`, text: name })),
  ];
  return (
    <select
      className="view-select matrix-filter"
      aria-label="Cells to show"
      value={filter}
      onChange={({ target }) => {
        const chosen = choices.find((one) => one.filter === target.value);
        if (chosen) shownStore.setState({ filter: chosen.filter });
      }}
    >
      {FILTERS.map((one) => (
        <option key={one.filter} value={one.filter}>
          {one.text}
        </option>
      ))}
      <optgroup label="Can’t be, by the rule">
        {rules.map(({ name, count }) => (
          <option key={name} value={`rule:${name}`}>
            {`${name} (${count})`}
          </option>
        ))}
      </optgroup>
    </select>
  );
}

function Progress() {
  const { total, done, failed, running, seconds, problem } = useMatrix((run) => run);
  // Its row is there from the start, or the grid would move under the pointer.
  if (total === 0) return <span className="matrix-progress view-muted">None has run yet.</span>;
  return (
    <span className="matrix-progress">
      <progress value={done} max={total} aria-label="Combinations that have run" />
      {/* Spoken at the end alone: while it runs, it changes many times a second. */}
      <span role="status" aria-live={running ? 'off' : 'polite'}>
        {`${done} of ${total}, ${seconds.toFixed(1)} s`}
        {failed > 0 && <b className="matrix-failure">{`, ✕ ${failed} failed`}</b>}
        {problem !== null && <b className="matrix-failure">{`; ${problem}`}</b>}
      </span>
    </span>
  );
}

interface GuestsProps {
  readonly set: string;
  readonly sheets: readonly Sheet[];
  readonly chosen: Sheet;
}

/** The guest kernels, one sheet for each, with what has come of it. */
function Guests({ set, sheets, chosen }: GuestsProps) {
  return (
    <select
      className="view-select"
      aria-label="Guest kernel: page size, physical and virtual address bits"
      value={chosen.name}
      onChange={({ target }) => shownStore.setState(({ guests }) => ({ guests: { ...guests, [set]: target.value } }))}
    >
      {sheets.map((sheet) => (
        <GuestOption key={sheet.name} sheet={sheet} />
      ))}
    </select>
  );
}

function GuestOption({ sheet: { name, valid } }: { sheet: Sheet }) {
  const passed = useMatrix(({ outcomes }) => countIn(outcomes, valid, 'passed'));
  const failed = useMatrix(({ outcomes }) => countIn(outcomes, valid, 'failed'));
  const all = passed === valid.length;
  const tally = failed > 0 ? `✕ ${failed} of ${valid.length}` : all ? `✓ ${passed}` : `${passed} of ${valid.length}`;
  return <option value={name}>{`${name}: ${tally}`}</option>;
}

const countIn = (
  outcomes: ReadonlyMap<string, Outcome>,
  cells: readonly MatrixCell[],
  state: Outcome['state'],
): number => cells.filter(({ key }) => outcomes.get(key)?.state === state).length;

/** A cell, as an example. */
function Swatch({ state }: { state: CellState }) {
  return (
    <i className="matrix-swatch" data-state={state} aria-hidden="true">
      {STATES[state].mark}
    </i>
  );
}

interface DetailProps {
  readonly set: MatrixSet;
  readonly sheet: Sheet;
  /** The cell under the pointer, else the one where the keyboard is. */
  readonly cell: MatrixCell | null;
}

function CellDetail({ set, sheet, cell }: DetailProps) {
  const outcome = useMatrix((run) => (cell ? run.outcomes.get(cell.key) : undefined));
  if (!cell) {
    return (
      <div className="view-foot matrix-detail">
        <span>
          {set.title}. {sheet.valid.length} of {sheet.cells.length} can be; the others, <Swatch state="invalid" />, say
          why not. Each boots host and guest, which writes and reads at both ends of both halves of its address space:{' '}
          <Swatch state="passed" /> or <Swatch state="failed" />. A click opens it.
        </span>
      </div>
    );
  }
  const state = stateOf(cell, outcome);
  return (
    <div className="view-foot matrix-detail">
      <span className="matrix-words">
        <b>{cell.text}</b>
        <br />
        {cell.rule ? (
          <>
            Can’t be: {cell.rule.because} <span className="view-muted">({cell.rule.name})</span>.
          </>
        ) : outcome?.state === 'failed' ? (
          <span className="matrix-failure">{outcome.failure}</span>
        ) : outcome?.state === 'passed' ? (
          `✓ ${STATES.passed.text}, in ${outcome.milliseconds.toFixed(0)} ms.`
        ) : (
          `${STATES[state].text}.`
        )}
      </span>
      {!cell.rule && (
        <button
          type="button"
          className="view-button"
          title="Opens this host and guest in the workbench"
          onClick={() => openCell(cell)}
        >
          Open
        </button>
      )}
    </div>
  );
}
