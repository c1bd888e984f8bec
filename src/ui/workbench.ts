import type { DockviewApi } from 'dockview-react';

export type PanelId =
  | 'labs'
  | 'host'
  | 'script'
  | 'matrix'
  | 'guest'
  | 'registers'
  | 'disassembly'
  | 'instruction'
  | 'tables'
  | 'walk'
  | 'calculator'
  | 'memory-map'
  | 'stage2-events'
  | 'memory'
  | 'ioctls'
  | 'console'
  | 'output'
  | 'problems'
  | 'bootlog';

type Opener = (dock: DockviewApi, id: PanelId) => void;

let dock: DockviewApi | null = null;
let open: Opener | null = null;

/** The layout, once it stands; `opener` knows where a panel that was closed belongs. */
export function setDock(api: DockviewApi, opener: Opener): void {
  dock = api;
  open = opener;
}

export function currentDock(): DockviewApi | null {
  return dock;
}

/** Whether showing a panel takes another one out of sight. */
export function wouldCover(id: PanelId, other: PanelId): boolean {
  const covered = dock?.getPanel(other);
  return covered !== undefined && covered.api.isVisible && covered.group === dock?.getPanel(id)?.group;
}

/** Shows a panel, adding it where it belongs if it was closed. */
export function openPanel(id: PanelId): void {
  if (dock && open) open(dock, id);
}

/** Shows a panel and puts the keyboard into it. */
export function focusPanel(id: PanelId): void {
  openPanel(id);
  // The panel's content is in the document only after the layout has drawn it.
  requestAnimationFrame(() => {
    const panel = document.querySelector<HTMLElement>(`[data-panel="${id}"]`);
    const target = panel?.querySelector<HTMLElement>('[data-autofocus], textarea, .native-edit-context') ?? panel;
    // An editor's input lies where its cursor is: scrolling it into sight would shift the editor's lines.
    target?.focus({ preventScroll: true });
  });
}
