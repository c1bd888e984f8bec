import { load } from './control.ts';
import { STARTER } from './starter.ts';
import { sandboxStore } from './store.ts';
import { goTo, workspaceStore } from './workspace.ts';
import type { Slot } from './workspace.ts';

export function slots(): readonly Slot[] {
  return [{ id: 'own', title: 'My sandbox', original: STARTER }];
}

/** The place that a link's fragment names (`#lab=hello`), or null. */
export function slotFromHash(hash: string): string | null {
  const name = new URLSearchParams(hash.replace(/^#/, '')).get('lab');
  return name === null ? null : `lab:${name}`;
}

/** Goes to another place and boots its host. */
export function enterSlot(id: string): void {
  goTo(id);
  if (workspaceStore.getState().slot !== id) return;
  const hash = id.startsWith('lab:') ? `#lab=${encodeURIComponent(id.slice(4))}` : '';
  history.replaceState(null, '', hash || location.pathname + location.search);
  if (sandboxStore.getState().worker === 'ready') load();
}
