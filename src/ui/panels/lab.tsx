import { useMemo } from 'react';
import type { ReactNode } from 'react';
import { LABS } from '../../labs/index.ts';
import type { Lab } from '../../labs/index.ts';
import { combinationText } from '../../labs/matrix/axes.ts';
import { textOf } from '../../labs/matrix/text.ts';
import { load } from '../control.ts';
import { parseLabText } from '../lab-text.ts';
import type { Span } from '../lab-text.ts';
import { labActions } from '../lab-actions.ts';
import { Keys } from '../parts.tsx';
import { combinationOfSlot, enterSlot, labOfSlot, slotOfLab } from '../slots.ts';
import { useSandbox } from '../store.ts';
import { isEdited, startOver, takeBack, useWorkspace } from '../workspace.ts';
import './lab.css';

/** A word of the text that does what it names. */
function Name({ text }: { text: string }) {
  const action = labActions().get(text.toLowerCase());
  if (!action) return <strong>{text}</strong>;
  return (
    <button type="button" className="link name" title={action.title} onClick={action.run}>
      {text}
    </button>
  );
}

function Spans({ spans }: { spans: readonly Span[] }): ReactNode {
  return spans.map((span, index) => {
    if (span.kind === 'code') return <code key={index}>{span.text}</code>;
    if (span.kind === 'name') return <Name key={index} text={span.text} />;
    return span.text;
  });
}

function LabText({ text }: { text: string }) {
  const blocks = useMemo(() => parseLabText(text), [text]);
  return blocks.map((block, index) =>
    block.kind === 'steps' ? (
      <ol key={index} className="lab-steps">
        {block.steps.map((spans, step) => (
          <li key={step}>
            <Spans spans={spans} />
          </li>
        ))}
      </ol>
    ) : (
      <p key={index}>
        <Spans spans={block.spans} />
      </p>
    ),
  );
}

/** What a person can do about their text here. */
function DraftNote() {
  const edited = useWorkspace(isEdited);
  const putAway = useWorkspace((workspace) => workspace.putAway !== null);
  if (!edited && !putAway) return null;
  return (
    <p className="lab-note">
      {edited ? 'You have edited this; your text is kept. ' : 'Your earlier text was put away. '}
      {edited ? (
        <button
          type="button"
          className="link"
          onClick={() => {
            startOver();
            load();
          }}
        >
          Start over
        </button>
      ) : null}
      {edited && putAway ? ' · ' : null}
      {putAway ? (
        <button
          type="button"
          className="link"
          onClick={() => {
            takeBack();
            load();
          }}
        >
          Take back my text
        </button>
      ) : null}
    </p>
  );
}

function LabList({ current, slot }: { current: Lab | null; slot: string }) {
  return (
    <nav className="lab-list" aria-label="Labs">
      <h3>{current ? 'Other labs' : 'Labs'}</h3>
      <ul>
        {LABS.filter((lab) => lab !== current).map((lab) => (
          <li key={lab.name}>
            <button type="button" className="lab-card" onClick={() => enterSlot(slotOfLab(lab))}>
              <strong>{lab.title}</strong>
              <span>{lab.summary}</span>
            </button>
          </li>
        ))}
        {slot !== 'own' ? (
          <li>
            <button type="button" className="lab-card" onClick={() => enterSlot('own')}>
              <strong>My sandbox</strong>
              <span>A VMM and a guest of your own.</span>
            </button>
          </li>
        ) : null}
      </ul>
    </nav>
  );
}

/** The lab that is worked on: what to do and what to look at. */
export function LabPanel() {
  const slot = useWorkspace((workspace) => workspace.slot);
  const ready = useSandbox((state) => state.worker === 'ready');
  const lab = labOfSlot(slot);
  const combination = useMemo(() => combinationOfSlot(slot), [slot]);
  const text = lab?.text ?? (combination ? textOf(combination) : null);
  return (
    <article className="scroll lab" tabIndex={0} aria-label="Lab" data-autofocus>
      <h2>{lab?.title ?? (combination ? combinationText(combination) : 'My sandbox')}</h2>
      {lab || combination ? (
        <p className="muted">{lab ? lab.summary : 'A combination of the boot matrix.'}</p>
      ) : (
        <p>
          Write a VMM and a guest. <Keys keys="F5" /> runs them, <Keys keys="F10" /> goes from ioctl to ioctl,{' '}
          <Keys keys="F11" /> from one guest instruction to the next. All that you type is kept in this browser.
        </p>
      )}
      <p className="lab-actions">
        <button type="button" className="button primary" disabled={!ready} onClick={load}>
          {lab ? 'Load this lab' : 'Load'}
        </button>
      </p>
      <DraftNote />
      {text === null ? null : <LabText text={text} />}
      <LabList current={lab} slot={slot} />
    </article>
  );
}
