import { sandboxStore } from './store.ts';
import type { StopReason } from '../session/messages.ts';
import { focusPanel, openPanel, wouldCover } from './workbench.ts';
import type { PanelId } from './workbench.ts';

/** Which editor a stop is about: where the guest stopped, its source; where the script did, the script. */
const EDITOR_OF: Readonly<Partial<Record<StopReason, PanelId>>> = {
  step: 'guest',
  breakpoint: 'guest',
  'kvm-exit': 'script',
  ioctl: 'script',
  failed: 'script',
};

/**
 * Shows the editor that a stop is about. It is as much to draw as all else of a stop, and has a frame of its own, after the one in
 * which the editors mark the line. Returns what ends it.
 */
export function followStops(): () => void {
  let frame = 0;
  const end = sandboxStore.subscribe(({ status }, before) => {
    if (status === before.status) return;
    cancelAnimationFrame(frame);
    if (status.state === 'running') return;
    const panel = status.reason && EDITOR_OF[status.reason];
    const line = panel === 'guest' ? status.guestLine : status.scriptLine;
    if (!panel || line === null) return;
    // In a narrow page both have one place: who follows a lab reads on.
    if (wouldCover(panel, 'labs')) return;
    frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => show(panel));
    });
  });
  return () => {
    end();
    cancelAnimationFrame(frame);
  };
}

function show(panel: PanelId): void {
  // Who is in the other editor, which goes out of sight, comes along.
  const held = document.activeElement?.closest<HTMLElement>('[data-panel]')?.dataset['panel'];
  if (held !== panel && (held === 'script' || held === 'guest')) focusPanel(panel);
  else openPanel(panel);
}
