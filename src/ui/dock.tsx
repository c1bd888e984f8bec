import { DockviewReact } from 'dockview-react';
import type {
  DockviewReadyEvent,
  IDockviewHeaderActionsProps,
  IDockviewPanelHeaderProps,
  IDockviewPanelProps,
} from 'dockview-react';
import { useEffect, useState } from 'react';
import type { FunctionComponent } from 'react';
import { createPortal } from 'react-dom';
import { Icon } from './icons.tsx';
import { restoreLayout, showPanel, toggleMaximized } from './layout.ts';
import { PanelBoundary } from './panel-boundary.tsx';
import { usePanelPlace } from './panel-place.ts';
import { PanelVisible } from './panel-visible.ts';
import { PANEL_ORDER, PANELS } from './panels.ts';
import { useProblems } from './problems.ts';
import { useSandbox } from './store.ts';
import { setDock } from './workbench.ts';
import type { PanelId } from './workbench.ts';
import './dock.css';

function frame(id: PanelId): FunctionComponent<IDockviewPanelProps> {
  const { component: Content, laidOut = false } = PANELS[id];
  return function Frame({ api }) {
    const { place, visible } = usePanelPlace(api, laidOut);
    return createPortal(
      <PanelVisible value={visible}>
        <div className="panel" data-panel={id} tabIndex={-1}>
          <PanelBoundary>
            <Content />
          </PanelBoundary>
        </div>
      </PanelVisible>,
      place,
    );
  };
}

const COMPONENTS = Object.fromEntries(PANEL_ORDER.map((id) => [id, frame(id)]));

/** What a tab says besides its title: how many problems there are, and that the script failed. */
function Badge({ id }: { id: string }) {
  const problems = useProblems().length;
  const failed = useSandbox(({ status }) => status.state === 'failed' && status.reason === 'failed');
  if (id === 'problems' && problems > 0) return <span className="tab-badge">{problems}</span>;
  if (id === 'output' && failed) return <span className="tab-mark" role="img" aria-label="the script failed" />;
  return null;
}

function Tab({ api }: IDockviewPanelHeaderProps) {
  return (
    <span className="tab">
      {api.title}
      <Badge id={api.id} />
    </span>
  );
}

/** At the end of a group's tabs: the whole page for it, and back. */
function Maximize({ api, containerApi, activePanel, group }: IDockviewHeaderActionsProps) {
  const [maximized, setMaximized] = useState(api.isMaximized());
  useEffect(() => {
    const listener = containerApi.onDidMaximizedGroupChange(() => setMaximized(api.isMaximized()));
    return () => listener.dispose();
  }, [api, containerApi]);
  return (
    <button
      type="button"
      className="icon-button maximize"
      aria-label={`${maximized ? 'Restore' : 'Maximize'} ${activePanel?.title ?? 'panels'}`}
      title={maximized ? 'Give the other panels their place back' : 'Give these panels the whole page'}
      onClick={() => toggleMaximized(group)}
    >
      <Icon name={maximized ? 'restore' : 'maximize'} />
    </button>
  );
}

const THEME = { name: 'stage2', className: 'dockview-theme-stage2', gap: 0 };

function onReady({ api }: DockviewReadyEvent): void {
  setDock(api, showPanel);
  restoreLayout(api);
}

function Watermark() {
  return (
    <div className="empty">
      <p className="empty-title">All panels are closed</p>
      <p className="empty-hint">“Reset layout” in the View menu brings them back.</p>
    </div>
  );
}

/** All panels, in groups that can be split, dragged and resized. */
export function Dock() {
  return (
    <DockviewReact
      theme={THEME}
      components={COMPONENTS}
      defaultTabComponent={Tab}
      rightHeaderActionsComponent={Maximize}
      watermarkComponent={Watermark}
      onReady={onReady}
      disableFloatingGroups
      scrollbars="native"
    />
  );
}
