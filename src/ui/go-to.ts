import { revealInEditor } from './editors/focus.ts';
import type { EditorName } from './editors/focus.ts';
import { notify } from './store.ts';
import { openPanel } from './workbench.ts';
import { draftLine, workspaceStore } from './workspace.ts';

/** Puts the cursor on a line of the text in the editor. */
export function goToLine(name: EditorName, line: number, column?: number): void {
  openPanel(name);
  requestAnimationFrame(() => revealInEditor(name, line, column));
}

/** The same for a line of the text that is loaded, which may have been edited since. */
export function goToLoadedLine(name: EditorName, line: number): void {
  const now = draftLine(workspaceStore.getState(), name, line);
  if (now === null) notify(`Line ${line} was edited since the program was loaded.`);
  else goToLine(name, now);
}
