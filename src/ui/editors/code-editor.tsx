import { useEffect, useRef, useState } from 'react';
import { edit, useWorkspace } from '../workspace.ts';
import type { EditorName } from './focus.ts';

type Loading = 'loading' | 'there' | 'failed';

/** One text of the workspace in Monaco; a plain field while Monaco is on its way, and if it never comes. */
export function CodeEditor({ name, label }: { name: EditorName; label: string }) {
  const element = useRef<HTMLDivElement>(null);
  const [loading, setLoading] = useState<Loading>('loading');
  useEffect(() => {
    let ended = false;
    let unmount: (() => void) | null = null;
    import('./mount.ts').then(
      ({ mountEditor }) => {
        if (ended || !element.current) return;
        unmount = mountEditor(element.current, name);
        setLoading('there');
      },
      () => {
        if (!ended) setLoading('failed');
      },
    );
    return () => {
      ended = true;
      unmount?.();
    };
  }, [name]);
  return (
    <div className="editor">
      <div className="editor-monaco" ref={element} />
      {loading === 'there' ? null : <PlainEditor name={name} label={label} loading={loading} />}
    </div>
  );
}

function PlainEditor({ name, label, loading }: { name: EditorName; label: string; loading: Loading }) {
  const text = useWorkspace((workspace) => workspace.draft[name]);
  return (
    <textarea
      className="editor-plain"
      aria-label={label}
      aria-busy={loading === 'loading'}
      readOnly={loading === 'loading'}
      spellCheck={false}
      value={text}
      onChange={(event) => edit({ [name]: event.target.value })}
    />
  );
}
