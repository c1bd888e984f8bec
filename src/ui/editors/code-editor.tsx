import { useEffect, useRef, useState } from 'react';
import { notify } from '../store.ts';
import { edit, useWorkspace } from '../workspace.ts';
import type { EditorName } from './focus.ts';
import './editors.css';

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
        // Who is in the plain field already stays in the text.
        const inside = element.current.parentElement?.contains(document.activeElement) ?? false;
        unmount = mountEditor(element.current, name, inside);
        setLoading('there');
      },
      (error: unknown) => {
        if (ended) return;
        setLoading('failed');
        notify(`A plain field stands in for the editor, which could not be loaded: ${String(error)}`, 'error');
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
