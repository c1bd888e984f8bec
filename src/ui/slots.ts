import type { Sandbox } from '../session/messages.ts';
import { load } from './control.ts';
import { sandboxStore } from './store.ts';
import { goTo, workspaceStore } from './workspace.ts';
import type { Slot } from './workspace.ts';

/** The sandbox of a person's own: what it begins with. */
const OWN: Sandbox = {
  host: { cpu: 'max', pageSize: 4096, mode: 'nvhe', ram: [{ base: 0x4000_0000n, size: 0x1000_0000n }] },
  script: '',
  guest: '',
};

export function slots(): readonly Slot[] {
  return [{ id: 'own', title: 'My sandbox', original: OWN }];
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
