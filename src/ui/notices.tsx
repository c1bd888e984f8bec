import { useEffect } from 'react';
import { Icon } from './icons.tsx';
import { prose } from './prose.ts';
import { startWorker } from './sandbox-client.ts';
import { dismissNotice, useSandbox } from './store.ts';
import type { Notice } from './store.ts';
import { useWorkspace } from './workspace.ts';
import './notices.css';

const SHOWN_MS = { info: 8_000, error: 15_000 };

function NoticeBox({ notice }: { notice: Notice }) {
  useEffect(() => {
    const timer = setTimeout(() => dismissNotice(notice.id), SHOWN_MS[notice.tone]);
    return () => clearTimeout(timer);
  }, [notice]);
  return (
    <div className={`notice ${notice.tone}`}>
      <p>{prose(notice.text)}</p>
      <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dismissNotice(notice.id)}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** What the person should know and need not answer; the panels stay usable under it. */
export function Notices() {
  const notices = useSandbox((state) => state.notices);
  const dead = useSandbox((state) => (state.worker === 'dead' ? state.workerError : null));
  const silent = useSandbox((state) => state.silent);
  const unsaved = useWorkspace((workspace) => workspace.unsaved);
  return (
    <section className="notices" aria-label="Notices" aria-live="polite">
      {unsaved ? (
        <div className="notice error">
          <p>This browser refuses to store your text (storage full or forbidden). It lives in this tab only.</p>
        </div>
      ) : null}
      {silent ? (
        <div className="notice error" role="alert">
          <p>The sandbox does not answer. A restart ends what it does; your text is safe.</p>
          <button type="button" className="button primary" onClick={startWorker}>
            Restart the sandbox
          </button>
        </div>
      ) : null}
      {dead !== null ? (
        <div className="notice error" role="alert">
          <p>
            <strong>The sandbox stopped working:</strong> {dead}. Your text is safe.
          </p>
          <button type="button" className="button primary" onClick={startWorker}>
            Restart the sandbox
          </button>
        </div>
      ) : null}
      {notices.map((notice) => (
        <NoticeBox key={notice.id} notice={notice} />
      ))}
    </section>
  );
}
