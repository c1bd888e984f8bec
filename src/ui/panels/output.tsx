import { useEffect, useRef } from 'react';
import { goToLoadedLine } from '../go-to.ts';
import { Empty } from '../parts.tsx';
import { prose } from '../prose.ts';
import { useSandbox } from '../store.ts';
import './output.css';

/** What failed, by where the first error is. */
const FAILURES = {
  script: 'The script failed',
  guest: 'The guest can’t be loaded',
  host: 'The host can’t boot',
} as const;

/** How the script ended, if it did: where it failed, a way to the line. */
function Ending() {
  const { state, reason, message, scriptLine } = useSandbox((whole) => whole.status);
  const source = useSandbox((whole) => whole.diagnostics.find(({ severity }) => severity === 'error')?.source);
  if (state === 'finished') return <p className="ending ok">The script came to its end.</p>;
  if (state !== 'failed') return null;
  if (reason === 'stopped') return <p className="ending">Ended on request.</p>;
  return (
    <div className="ending failed" role="group" aria-label="Failure">
      <p>
        <strong>
          {FAILURES[source ?? 'script']}
          {scriptLine !== null ? ` at line ${scriptLine}` : ''}.
        </strong>{' '}
        {scriptLine !== null ? (
          <button type="button" className="link" onClick={() => goToLoadedLine('script', scriptLine)}>
            Go to line {scriptLine}
          </button>
        ) : null}
      </p>
      <pre>{message === null ? null : prose(message)}</pre>
    </div>
  );
}

/** Pixels from the end that count as being there. */
const NEAR_END = 8;

/** What the script printed. */
export function OutputPanel() {
  const { text, dropped } = useSandbox((state) => state.script);
  const state = useSandbox((whole) => whole.status.state);
  const end = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  // An end that is in sight stays in sight; who scrolled away is left where they are, until a new run.
  useEffect(() => {
    if (text === '') atEnd.current = true;
    if (atEnd.current) end.current?.scrollIntoView({ block: 'nearest' });
  }, [text, state]);
  if (text === '' && dropped === 0 && state !== 'finished' && state !== 'failed') {
    return <Empty title="No output yet">What the script prints, how it ended, and where it failed will be here.</Empty>;
  }
  return (
    <div
      className="scroll output"
      tabIndex={0}
      role="log"
      aria-label="Output of the script"
      data-autofocus
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        atEnd.current = scrollTop + clientHeight >= scrollHeight - NEAR_END;
      }}
    >
      {dropped > 0 ? <p className="muted">Earlier output was dropped.</p> : null}
      {text ? <pre>{text}</pre> : null}
      <Ending />
      <div ref={end} />
    </div>
  );
}
