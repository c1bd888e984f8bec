import { memo, useEffect, useId, useMemo, useState } from 'react';
import type { IoctlEntry } from '../../session/messages.ts';
import { count } from '../format.ts';
import { goToLoadedLine } from '../go-to.ts';
import { Empty, Keys } from '../parts.tsx';
import { missingIoctls, useSandbox } from '../store.ts';
import { OVERSCAN, useRows } from '../views/use-rows.ts';
import { IoctlDetails } from './ioctl-details.tsx';
import { argumentText, callName, filtered, isRefused, latest, resultText } from './ioctl-text.ts';
import './log.css';

const ROW = 22;
const rowHeight = () => ROW;

/** Every ioctl of the run; the chosen one in full beside it. */
export function IoctlPanel() {
  const entries = useSandbox((state) => state.ioctls);
  const missing = useSandbox(missingIoctls);
  const [filter, setFilter] = useState('');
  const [refusedOnly, setRefusedOnly] = useState(false);
  const [chosen, setChosen] = useState<number | null>(null);
  const shown = useMemo(() => filtered(entries, filter, refusedOnly), [entries, filter, refusedOnly]);
  const exited = useSandbox(({ status }) => (status.reason === 'kvm-exit' ? (status.vcpu?.vcpu ?? null) : null));
  const selected = chosen === null ? latest(shown, exited) : shown.find((entry) => entry.seq === chosen);

  if (entries.length === 0) {
    return (
      <Empty title="No ioctl yet">
        Every call of the script will be here: its arguments, its answer, and why the kernel refused.{' '}
        <Keys keys="F10" /> runs to the next one.
      </Empty>
    );
  }
  return (
    <div className="log">
      <div className="bar">
        <input
          type="search"
          className="field"
          placeholder="Filter: name, errno, fd…"
          aria-label="Filter ioctls"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <label className="tick">
          <input type="checkbox" checked={refusedOnly} onChange={(event) => setRefusedOnly(event.target.checked)} />
          Refused only
        </label>
        <span className="bar-note">
          {shown.length === entries.length
            ? count(entries.length)
            : `${count(shown.length)} of ${count(entries.length)}`}
          {missing > 0 ? `, ${count(missing)} more not kept` : ''}
        </span>
        {chosen !== null ? (
          <button type="button" className="button small" onClick={() => setChosen(null)}>
            Follow the latest
          </button>
        ) : null}
      </div>
      <div className="log-split">
        <CallList shown={shown} selected={selected} choose={setChosen} following={chosen === null} />
        <IoctlDetails entry={selected ?? null} />
      </div>
    </div>
  );
}

function CallList({
  shown,
  selected,
  choose,
  following,
}: {
  shown: readonly IoctlEntry[];
  selected: IoctlEntry | undefined;
  choose: (seq: number | null) => void;
  following: boolean;
}) {
  const { attach, first: scrolled, visible, reveal } = useRows(rowHeight);
  const [atTail, setAtTail] = useState(true);
  const id = useId();
  const last = shown.length - 1;
  const showsTail = atTail && following;
  const first = showsTail ? Math.max(0, shown.length - visible) : scrolled;

  // A tail that is in sight stays in sight; who scrolled away is left where they are.
  useEffect(() => {
    if (showsTail) reveal(last);
  }, [showsTail, last, visible, reveal]);

  const move = (to: number) => {
    const row = Math.max(0, Math.min(last, to));
    const entry = shown[row];
    if (!entry) return;
    choose(entry.seq);
    reveal(row);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const at = selected ? shown.indexOf(selected) : last;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + visible, PageUp: at - visible, Home: 0, End: last }[
      event.key
    ];
    if (to !== undefined) move(to);
    else if (event.key === 'Enter' && selected?.scriptLine) goToLoadedLine('script', selected.scriptLine);
    else return;
    event.preventDefault();
  };
  const from = Math.max(0, first - OVERSCAN);
  const rows = shown.slice(from, first + visible + OVERSCAN);
  return (
    <div
      className="log-list"
      ref={attach}
      role="grid"
      aria-label="Ioctls"
      aria-rowcount={shown.length}
      aria-activedescendant={selected && rows.includes(selected) ? `${id}-${selected.seq}` : undefined}
      tabIndex={0}
      data-autofocus
      onKeyDown={onKeyDown}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        setAtTail(scrollTop + clientHeight >= scrollHeight - ROW);
      }}
    >
      <div className="log-height" role="presentation" style={{ height: shown.length * ROW }}>
        {rows.map((entry, index) => (
          <CallRow
            key={(from + index) % rows.length}
            id={`${id}-${entry.seq}`}
            entry={entry}
            row={from + index}
            selected={entry === selected}
            choose={choose}
          />
        ))}
      </div>
    </div>
  );
}

const CallRow = memo(function CallRow({
  id,
  entry,
  row,
  selected,
  choose,
}: {
  id: string;
  entry: IoctlEntry;
  row: number;
  selected: boolean;
  choose: (seq: number) => void;
}) {
  const refused = isRefused(entry);
  const exit = entry.result?.exitText;
  return (
    <div
      id={id}
      role="row"
      aria-rowindex={row + 1}
      aria-selected={selected}
      className={refused ? 'call refused' : 'call'}
      style={{ insetBlockStart: row * ROW }}
      onClick={() => choose(entry.seq)}
      onDoubleClick={() => entry.scriptLine && goToLoadedLine('script', entry.scriptLine)}
    >
      <span role="gridcell" className="call-seq">
        {entry.seq}
      </span>
      <span role="gridcell" className="call-fd" title={`descriptor ${entry.fd}: ${entry.fdKind}`}>
        <b>{entry.fd}</b> {entry.fdKind}
      </span>
      <span role="gridcell" className="call-name">
        {callName(entry)}
      </span>
      <span role="gridcell" className="call-arg" title={exit ?? argumentText(entry)}>
        {exit ?? argumentText(entry)}
      </span>
      <span role="gridcell" className="call-result">
        {entry.result && !refused ? '= ' : ''}
        {resultText(entry)}
      </span>
    </div>
  );
});
