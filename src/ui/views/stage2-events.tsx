import { useCallback, useEffect, useEffectEvent, useId, useState } from 'react';
import type { Stage2EventRow, Stage2EventsView } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { showEntry, useTargetVm } from '../inspect.ts';
import { Empty } from '../parts.tsx';
import { useView } from '../sandbox-client.ts';
import { AddressField } from './address-field.tsx';
import { DescriptorBits } from './descriptor-bits.tsx';
import { addressDigits, rangeText, sentence, shortSize } from './format.ts';
import { Frame, Waiting } from './frame.tsx';
import { changeText, countText, FILTERS, placeText, reasonText, termOf } from './stage2-events-text.ts';
import { TargetPicker } from './target-picker.tsx';
import { OVERSCAN, useRows } from './use-rows.ts';
import './stage2-events.css';

const ROW = 22;
const heightFor = () => ROW;
/** What is asked for before the list knows its height. */
const FIRST_ROWS = 40;
const MOST_ROWS = 500;

interface Filter {
  /** Index in FILTERS; null: all. */
  readonly kind: number | null;
  /** One page's, by an address in it; null: all. */
  readonly address: bigint | null;
}

export function Stage2EventsPanel() {
  const vm = useTargetVm();
  const [filter, setFilter] = useState<Filter>({ kind: null, address: null });
  const [from, setFrom] = useState<number | 'end'>('end');
  const [count, setCount] = useState(FIRST_ROWS);
  const [chosen, setChosen] = useState<Stage2EventRow | null>(null);
  const operations = filter.kind === null ? undefined : FILTERS[filter.kind]?.operations;
  const view = useView(
    vm === null
      ? null
      : {
          view: 'stage2Events',
          vm,
          from,
          count: Math.min(count, MOST_ROWS),
          ...(operations && { operations }),
          ...(filter.address !== null && { range: { start: filter.address, end: filter.address + 1n } }),
        },
  );
  const change = (part: Partial<Filter>) => {
    setFilter({ ...filter, ...part });
    setFrom('end');
    setChosen(null);
  };
  const shown = view?.view === 'stage2Events' ? view : null;
  return (
    <Frame
      name="stage2-events"
      bar={
        <>
          <select
            className="view-select"
            aria-label="Kind of event"
            value={filter.kind ?? 'all'}
            onChange={({ target }) => change({ kind: target.value === 'all' ? null : Number(target.value) })}
          >
            <option value="all">All events</option>
            {FILTERS.map(({ name }, index) => (
              <option key={name} value={index}>
                {name}
              </option>
            ))}
          </select>
          <AddressField
            label="IPA"
            text={filter.address === null ? '' : hex(filter.address)}
            bits={52}
            action="Filter"
            onGo={(address) => change({ address })}
          />
          {filter.address !== null && (
            <button type="button" className="view-button" onClick={() => change({ address: null })}>
              All IPAs
            </button>
          )}
          <TargetPicker />
          <span className="events-count">{shown && countText(shown.total, shown.recorded, shown.dropped)}</span>
        </>
      }
    >
      {vm === null ? (
        <NoEvents why="There is no VM yet." />
      ) : view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <NoEvents why={sentence(view.why)} />
      ) : view.recorded === 0 ? (
        <NoEvents why="KVM has not changed this VM’s stage 2 yet." />
      ) : view.total === 0 ? (
        <Empty title="No event is left by the filters.">
          {sentence(countText(0, view.recorded, view.dropped))} Choose another kind, or all IPAs.
        </Empty>
      ) : (
        <Stage2Events
          view={view}
          vm={vm}
          chosen={chosen}
          onChoose={setChosen}
          onWindow={(first, visible, atTail) => {
            setFrom(atTail ? 'end' : Math.max(0, first - OVERSCAN));
            setCount(visible + 2 * OVERSCAN);
          }}
        />
      )}
    </Frame>
  );
}

function NoEvents({ why }: { why: string }) {
  return (
    <Empty title={why}>
      Every change that KVM makes to the stage 2 tables appears here, with why it was made and the TLB maintenance that
      it took: run a guest that touches its memory, switch KVM_MEM_LOG_DIRTY_PAGES on, read or clear the log, delete a
      slot, or unmap the process’ memory.
    </Empty>
  );
}

interface Stage2EventsProps {
  readonly view: Stage2EventsView;
  readonly vm: number;
  readonly chosen: Stage2EventRow | null;
  readonly onChoose: (row: Stage2EventRow | null) => void;
  /** Which rows are to be seen: the first, how many, and whether the list is to stay at its end. */
  readonly onWindow: (first: number, visible: number, atTail: boolean) => void;
}

const keyOf = ({ seq, step }: Stage2EventRow) => `${seq}.${step}`;

export function Stage2Events({ view, vm, chosen, onChoose, onWindow }: Stage2EventsProps) {
  const { attach, first, visible, reveal } = useRows(heightFor);
  const [atTail, setAtTail] = useState(true);
  const id = useId();
  const { total, from, rows } = view;
  const digits = addressDigits(rows.reduce((most, { ipa, size }) => (ipa + size > most ? ipa + size : most), 0n));
  const selected = chosen === null ? -1 : rows.findIndex((row) => keyOf(row) === keyOf(chosen));

  // The list's first row is its head, which stays above the others.
  const revealBelowHead = useCallback(
    (row: number) => {
      reveal(row + 1);
      reveal(row);
    },
    [reveal],
  );
  const tell = useEffectEvent(onWindow);
  useEffect(() => tell(first, visible, atTail), [first, visible, atTail]);
  // A tail that is in sight stays in sight.
  useEffect(() => {
    if (atTail) revealBelowHead(total - 1);
  }, [atTail, total, visible, revealBelowHead]);

  const move = (to: number) => {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[index];
    if (!row) return;
    onChoose(row);
    revealBelowHead(from + index);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const at = selected < 0 ? rows.length - 1 : selected;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: visible, PageUp: -visible };
    const step = Object.entries(steps).find(([key]) => key === event.key)?.[1];
    if (step !== undefined) move(at + step);
    else if (event.key === 'Escape') onChoose(null);
    else return;
    event.preventDefault();
  };
  return (
    <div className="events-split">
      <div
        className="events-list"
        ref={attach}
        role="grid"
        aria-label="Stage 2 events"
        data-digits={digits}
        aria-rowcount={total + 1}
        aria-activedescendant={selected >= 0 ? `${id}${keyOf(rows[selected]!)}` : undefined}
        tabIndex={0}
        data-autofocus
        onKeyDown={onKeyDown}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
          setAtTail(scrollTop + clientHeight >= scrollHeight - ROW)
        }
      >
        <div className="events-row events-head" role="row" aria-rowindex={1}>
          <span role="columnheader" title="What was done to an entry">
            Operation
          </span>
          <span
            role="columnheader"
            title="First address that the entry translates; neighbours that are the same are one row"
          >
            IPA
          </span>
          <span role="columnheader" className="events-size">
            Size
          </span>
          <span role="columnheader" title="Level of the table that the entry is in">
            L
          </span>
          <span
            role="columnheader"
            title="What the entry allowed and allows: read, write, execute; old: its Access flag is 0; locked: invalid while it is changed"
          >
            Entry before → after
          </span>
          <span role="columnheader" className="events-time" title="Guest instructions before it">
            Time
          </span>
          <span role="columnheader" className="events-why" title="What KVM was doing">
            Why
          </span>
        </div>
        <div className="events-paper" role="presentation" style={{ blockSize: total * ROW }}>
          {rows.map((row, index) => (
            <Row
              key={keyOf(row)}
              id={`${id}${keyOf(row)}`}
              row={row}
              place={from + index}
              digits={digits}
              selected={index === selected}
              onChoose={() => onChoose(row)}
            />
          ))}
        </div>
      </div>
      {chosen ? (
        <EventDetail row={chosen} vm={vm} onClose={() => onChoose(null)} />
      ) : (
        <p className="view-foot view-muted">Select an event to see its steps, and its descriptor before and after.</p>
      )}
    </div>
  );
}

interface RowProps {
  readonly id: string;
  readonly row: Stage2EventRow;
  readonly place: number;
  readonly digits: number;
  readonly selected: boolean;
  readonly onChoose: () => void;
}

function Row({ id, row, place, digits, selected, onChoose }: RowProps) {
  const { name, about } = termOf(row);
  const { step, count, ipa, size, level, time } = row;
  return (
    <div
      id={id}
      role="row"
      className="events-row"
      aria-rowindex={place + 2}
      aria-selected={selected}
      data-step={step}
      data-operation={row.operation}
      style={{ insetBlockStart: place * ROW }}
      onClick={onChoose}
    >
      <span role="gridcell" className="events-operation" title={about}>
        {step > 0 && <span className="events-step">{step}</span>}
        {name}
        {count > 1 && <span className="view-muted"> × {count}</span>}
      </span>
      <span role="gridcell" title={rangeText(ipa, size)}>
        {hex(ipa, digits)}
      </span>
      <span role="gridcell" className="events-size">
        {shortSize(size)}
      </span>
      <span role="gridcell">{level ?? ''}</span>
      <span role="gridcell" className="events-change">
        {changeText(row)}
      </span>
      <span role="gridcell" className="events-time">
        {time.toString()}
      </span>
      <span role="gridcell" className="events-why" title={reasonText(row)}>
        {row.reason}
      </span>
    </div>
  );
}

function EventDetail({ row, vm, onClose }: { row: Stage2EventRow; vm: number; onClose: () => void }) {
  const { name, about } = termOf(row);
  const { before, after, level, ipa, size } = row;
  return (
    <section className="view-detail" aria-label="Selected event" tabIndex={0}>
      <header>
        <h3>
          {sentence(name).slice(0, -1)} <span className="view-muted">{rangeText(ipa, size)}</span>
        </h3>
        {level !== null && (
          <button
            type="button"
            className="view-button"
            title="The entry as it is now, among the tables"
            onClick={() => showEntry(ipa)}
          >
            Show in tables
          </button>
        )}
        <button type="button" className="view-button view-close" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      <p>{about}</p>
      <p className="view-muted">
        {sentence(reasonText(row))} {sentence(placeText(row))}
      </p>
      <ol className="events-steps">
        {row.steps.map(({ kind, text }, index) => (
          <li key={index} data-kind={kind}>
            <code>{text}</code>
          </li>
        ))}
      </ol>
      {before !== null && after !== null && level !== null && (
        <Change row={row} vm={vm} level={level} before={before} after={after} />
      )}
    </section>
  );
}

interface ChangeProps {
  readonly row: Stage2EventRow;
  readonly vm: number;
  readonly level: number;
  readonly before: bigint;
  readonly after: bigint;
}

/** The descriptor that there is more to say about: the new one, or of an entry that was taken out the old one. */
function Change({ row, vm, level, before, after }: ChangeProps) {
  const isValid = (value: bigint) => (value & 1n) !== 0n;
  const gone = isValid(before) && !isValid(after);
  const replaces = isValid(before) && isValid(after);
  const value = gone ? before : after;
  const view = useView({ view: 'descriptor', stage: 2, vm, level, value });
  const [first, second] = row.operation === 'fill' ? [null, after] : [before, after];
  return (
    <>
      <dl className="events-values">
        {first !== null && (
          <div>
            <dt>before</dt>
            <dd>
              <code>{hex(first, 16)}</code> {row.was}
            </dd>
          </div>
        )}
        <div>
          <dt>{first === null ? 'first entry' : 'after'}</dt>
          <dd>
            <code>{hex(second, 16)}</code> {row.is}
          </dd>
        </div>
      </dl>
      {view?.view === 'descriptor' && (
        <>
          <h4>
            {gone
              ? 'The descriptor that was there'
              : `The new descriptor${replaces ? '; changed bits are marked' : ''}`}
          </h4>
          <DescriptorBits value={value} fields={view.fields} before={replaces ? before : null} />
        </>
      )}
    </>
  );
}
