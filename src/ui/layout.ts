import type { DockviewApi, SerializedDockview } from 'dockview-react';
import { PANEL_ORDER, PANELS } from './panels.ts';
import type { Place } from './panels.ts';
import { forget, isRecord, load, save } from './storage.ts';
import { currentDock, focusPanel } from './workbench.ts';
import type { PanelId } from './workbench.ts';

function isPanelId(id: string): id is PanelId {
  return id in PANELS;
}

function add(dock: DockviewApi, id: PanelId, position?: Parameters<DockviewApi['addPanel']>[0]['position']): void {
  const base = { id, component: id, title: PANELS[id].title, inactive: true };
  dock.addPanel(position ? { ...base, position } : base);
}

interface Split {
  readonly place: Place;
  readonly from: Place;
  readonly direction: 'left' | 'right' | 'below';
}

/** A default layout for pages of some width; each keeps what the person changes in it. */
interface Form {
  /** Its name in storage. */
  readonly key: string;
  /** The least width that it is for, in pixels. */
  readonly from: number;
  /** Groups that are one here. */
  readonly merged: Readonly<Partial<Record<Place, Place>>>;
  /** How each group is split off from one that stands already. */
  readonly splits: readonly Split[];
  /** The share of the page that groups take, in the order in which they are given it. */
  readonly shares: readonly { readonly place: Place; readonly width?: number; readonly height?: number }[];
  /** The panel that is worked in to begin with. */
  readonly first: PanelId;
}

const FORMS: readonly Form[] = [
  {
    key: 'layout',
    from: 1000,
    merged: {},
    splits: [
      { place: 'right-top', from: 'centre', direction: 'right' },
      { place: 'bottom', from: 'centre', direction: 'below' },
      { place: 'left', from: 'centre', direction: 'left' },
      { place: 'right-bottom', from: 'right-top', direction: 'below' },
    ],
    shares: [
      { place: 'right-top', width: 0.37 },
      { place: 'bottom', height: 0.38 },
      { place: 'left', width: 0.22 },
      { place: 'right-top', height: 0.48 },
    ],
    first: 'script',
  },
  {
    key: 'layout-medium',
    from: 600,
    merged: { left: 'centre', 'right-bottom': 'right-top' },
    splits: [
      { place: 'right-top', from: 'centre', direction: 'right' },
      { place: 'bottom', from: 'centre', direction: 'below' },
    ],
    shares: [
      { place: 'right-top', width: 0.5 },
      { place: 'bottom', height: 0.4 },
    ],
    first: 'labs',
  },
  {
    key: 'layout-narrow',
    from: 0,
    merged: { left: 'centre', 'right-top': 'bottom', 'right-bottom': 'bottom' },
    splits: [{ place: 'bottom', from: 'centre', direction: 'below' }],
    shares: [{ place: 'bottom', height: 0.5 }],
    first: 'labs',
  },
];

const currentForm = (): Form => FORMS.find(({ from }) => innerWidth >= from) ?? FORMS[0]!;

function panelsAt({ merged }: Form, place: Place): readonly PanelId[] {
  return PANEL_ORDER.filter((id) => (merged[PANELS[id].place] ?? PANELS[id].place) === place);
}

function addGroup(dock: DockviewApi, form: Form, place: Place, split?: Split): void {
  const [first, ...others] = panelsAt(form, place);
  if (!first) return;
  const referencePanel = split && panelsAt(form, split.from)[0];
  add(dock, first, referencePanel && { referencePanel, direction: split.direction });
  for (const id of others) add(dock, id, { referencePanel: first, direction: 'within' });
  dock.getPanel(first)?.api.setActive();
}

function buildDefault(dock: DockviewApi, form: Form): void {
  dock.clear();
  addGroup(dock, form, 'centre');
  for (const split of form.splits) addGroup(dock, form, split.place, split);
  for (const { place, width, height } of form.shares) {
    const group = dock.getPanel(panelsAt(form, place)[0]!)?.group;
    if (width !== undefined) group?.api.setSize({ width: dock.width * width });
    if (height !== undefined) group?.api.setSize({ height: dock.height * height });
  }
  dock.getPanel(form.first)?.api.setActive();
}

/** Shows a panel; one that was closed comes back beside the others of its place. */
export function showPanel(dock: DockviewApi, id: PanelId): void {
  if (!dock.getPanel(id)) {
    const { merged } = currentForm();
    const place = merged[PANELS[id].place] ?? PANELS[id].place;
    const neighbour = panelsAt(currentForm(), place).find((other) => dock.getPanel(other));
    const referencePanel = neighbour && dock.getPanel(neighbour);
    add(dock, id, referencePanel ? { referencePanel, direction: 'within' } : undefined);
  }
  // One that is in sight stays as it is: drawn anew it would lose the keyboard.
  const panel = dock.getPanel(id);
  if (!panel || panel.api.isVisible) return;
  if (dock.hasMaximizedGroup() && !panel.api.isMaximized()) dock.exitMaximizedGroup();
  if (!panel.api.isVisible) panel.api.setActive();
}

/** Gives a group of panels, or the one with the keyboard, the whole page; or back its place. */
export function toggleMaximized(group = currentDock()?.activeGroup): void {
  const dock = currentDock();
  if (dock?.hasMaximizedGroup()) dock.exitMaximizedGroup();
  else group?.api.maximize();
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

/** Puts the panels where the person left them in a page of this width, or where they belong. */
function arrange(dock: DockviewApi, form: Form): void {
  const stored = load(form.key);
  try {
    if (isLayout(stored)) dock.fromJSON(stored);
    else buildDefault(dock, form);
  } catch {
    buildDefault(dock, form);
  }
}

/** Arranges the panels, now and when the page's width asks for another form; keeps what is changed afterwards. */
export function restoreLayout(dock: DockviewApi): void {
  let form: Form | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const follow = () => {
    // In an iframe that is not shown yet there is no width to choose a form by, nor any to share out.
    if (innerWidth === 0 || innerHeight === 0 || form === currentForm()) return;
    clearTimeout(timer);
    form = currentForm();
    // What is worked in stays in front.
    const active = dock.activePanel?.id;
    arrange(dock, form);
    if (active !== undefined) dock.getPanel(active)?.api.setActive();
  };
  follow();
  dock.onDidLayoutChange(() => {
    clearTimeout(timer);
    if (!form) return;
    const { key } = form;
    timer = setTimeout(() => save(key, dock.toJSON()), 300);
  });
  // dockview takes a new size with the frame after it was observed.
  new ResizeObserver(() => requestAnimationFrame(follow)).observe(document.documentElement);
}

export function resetLayout(): void {
  const form = currentForm();
  forget(form.key);
  const dock = currentDock();
  if (dock) buildDefault(dock, form);
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
