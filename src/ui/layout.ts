import type { DockviewApi, SerializedDockview } from 'dockview-react';
import { PANEL_ORDER, PANELS } from './panels.ts';
import type { Place } from './panels.ts';
import { forget, isRecord, load, save } from './storage.ts';
import { currentDock, focusPanel } from './workbench.ts';
import type { PanelId } from './workbench.ts';

const KEY = 'layout';

function isPanelId(id: string): id is PanelId {
  return id in PANELS;
}

function add(dock: DockviewApi, id: PanelId, position?: Parameters<DockviewApi['addPanel']>[0]['position']): void {
  const base = { id, component: id, title: PANELS[id].title, inactive: true };
  dock.addPanel(position ? { ...base, position } : base);
}

/** How each group of the default layout is split off from one that stands already. */
const SPLITS: readonly { place: Place; from: Place; direction: 'left' | 'right' | 'below' }[] = [
  { place: 'right-top', from: 'centre', direction: 'right' },
  { place: 'bottom', from: 'centre', direction: 'below' },
  { place: 'left', from: 'centre', direction: 'left' },
  { place: 'right-bottom', from: 'right-top', direction: 'below' },
];

/** The share of the page that groups take, in the order in which they are given it. */
const SHARES: readonly { place: Place; width?: number; height?: number }[] = [
  { place: 'right-top', width: 0.37 },
  { place: 'bottom', height: 0.38 },
  { place: 'left', width: 0.22 },
  { place: 'right-top', height: 0.48 },
];

function panelsAt(place: Place): readonly PanelId[] {
  return PANEL_ORDER.filter((id) => PANELS[id].place === place);
}

function addGroup(
  dock: DockviewApi,
  place: Place,
  split?: { from: Place; direction: 'left' | 'right' | 'below' },
): void {
  const [first, ...others] = panelsAt(place);
  if (!first) return;
  const referencePanel = split && panelsAt(split.from)[0];
  add(dock, first, referencePanel && { referencePanel, direction: split.direction });
  for (const id of others) add(dock, id, { referencePanel: first, direction: 'within' });
  dock.getPanel(first)?.api.setActive();
}

function buildDefault(dock: DockviewApi): void {
  dock.clear();
  addGroup(dock, 'centre');
  for (const { place, from, direction } of SPLITS) addGroup(dock, place, { from, direction });
  for (const { place, width, height } of SHARES) {
    const group = dock.getPanel(panelsAt(place)[0]!)?.group;
    if (width !== undefined) group?.api.setSize({ width: dock.width * width });
    if (height !== undefined) group?.api.setSize({ height: dock.height * height });
  }
  dock.getPanel('script')?.api.setActive();
}

/** Shows a panel; one that was closed comes back beside the others of its place. */
export function showPanel(dock: DockviewApi, id: PanelId): void {
  if (!dock.getPanel(id)) {
    const neighbour = panelsAt(PANELS[id].place).find((other) => dock.getPanel(other));
    const referencePanel = neighbour && dock.getPanel(neighbour);
    add(dock, id, referencePanel ? { referencePanel, direction: 'within' } : undefined);
  }
  // One that is in sight stays as it is: drawn anew it would lose the keyboard.
  const panel = dock.getPanel(id);
  if (panel && !panel.api.isVisible) panel.api.setActive();
}

/** A stored layout is used only if every panel in it is one of ours. */
function isLayout(value: unknown): value is SerializedDockview {
  return (
    isRecord(value) &&
    isRecord(value['grid']) &&
    isRecord(value['panels']) &&
    Object.keys(value['panels']).length > 0 &&
    Object.keys(value['panels']).every(isPanelId)
  );
}

/** Puts the panels where the person left them, or where they belong; keeps what is changed afterwards. */
export function restoreLayout(dock: DockviewApi): void {
  const stored = load(KEY);
  try {
    if (isLayout(stored)) dock.fromJSON(stored);
    else buildDefault(dock);
  } catch {
    buildDefault(dock);
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  dock.onDidLayoutChange(() => {
    clearTimeout(timer);
    timer = setTimeout(() => save(KEY, dock.toJSON()), 300);
  });
}

export function resetLayout(): void {
  forget(KEY);
  const dock = currentDock();
  if (dock) buildDefault(dock);
}

/** Puts the keyboard into the next group of panels, or the previous one. */
export function stepGroup(by: 1 | -1): void {
  const dock = currentDock();
  if (!dock) return;
  const groups = [...dock.groups].sort((a, b) => {
    const first = a.element.getBoundingClientRect();
    const second = b.element.getBoundingClientRect();
    return first.left - second.left || first.top - second.top;
  });
  const holding = groups.findIndex((group) => group.element.contains(document.activeElement));
  const at = holding >= 0 ? holding : groups.findIndex((group) => group.id === dock.activeGroup?.id);
  const next = groups[(at + by + groups.length) % groups.length]?.activePanel?.id;
  if (next !== undefined && isPanelId(next)) focusPanel(next);
}

/** Shows the next panel of the group with the keyboard, or the previous one. */
export function stepTab(by: 1 | -1): void {
  const group = currentDock()?.activeGroup;
  if (!group) return;
  const at = group.panels.findIndex((panel) => panel.id === group.activePanel?.id);
  const next = group.panels[(at + by + group.panels.length) % group.panels.length]?.id;
  if (next !== undefined && isPanelId(next)) focusPanel(next);
}
