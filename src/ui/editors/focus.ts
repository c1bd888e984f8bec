export type EditorName = 'script' | 'guest';

/** What others may ask of an editor while it stands; the editor itself is loaded late. */
export interface EditorHandle {
  readonly line: () => number;
  readonly reveal: (line: number, column?: number) => void;
}

const handles = new Map<EditorName, EditorHandle>();
/** A reveal that came before the editor stood. */
const pending = new Map<EditorName, { line: number; column: number | undefined }>();

export function registerEditor(name: EditorName, handle: EditorHandle): () => void {
  handles.set(name, handle);
  const wanted = pending.get(name);
  if (wanted) handle.reveal(wanted.line, wanted.column);
  pending.delete(name);
  return () => {
    if (handles.get(name) === handle) handles.delete(name);
  };
}

/** The line the cursor is on, from 1; null while the editor does not stand. */
export function currentEditorLine(name: EditorName): number | null {
  return handles.get(name)?.line() ?? null;
}

/** Puts the cursor on a line of an editor, as soon as it stands. */
export function revealInEditor(name: EditorName, line: number, column?: number): void {
  const handle = handles.get(name);
  if (handle) handle.reveal(line, column);
  else pending.set(name, { line, column });
}
