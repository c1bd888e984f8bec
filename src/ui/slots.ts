import { LABS } from '../labs/index.ts';
import type { Lab } from '../labs/index.ts';
import { load } from './control.ts';
import { STARTER } from './starter.ts';
import { sandboxStore } from './store.ts';
import { goTo, workspaceStore } from './workspace.ts';
import type { Slot } from './workspace.ts';

const LAB = 'lab:';

/** Every place to work in: the labs, and a sandbox of the person's own. */
export function slots(): readonly Slot[] {
  const labs = LABS.map((lab) => ({ id: LAB + lab.name, title: lab.title, original: lab.sandbox }));
  return [...labs, { id: 'own', title: 'My sandbox', original: STARTER }];
}

export function slotOfLab(lab: Lab): string {
  return LAB + lab.name;
}

/** The lab that is worked on in a place; null in the person's own sandbox. */
export function labOfSlot(slot: string): Lab | null {
  return LABS.find((lab) => slotOfLab(lab) === slot) ?? null;
}

/** The place that a link's fragment names (`#lab=hello`), or null. */
export function slotFromHash(hash: string): string | null {
  const name = new URLSearchParams(hash.replace(/^#/, '')).get('lab');
  return name === null ? null : LAB + name;
}

/** Goes to another place and boots its host. */
export function enterSlot(id: string): void {
  goTo(id);
  if (workspaceStore.getState().slot !== id) return;
  const lab = labOfSlot(id);
  const hash = lab ? `#lab=${encodeURIComponent(lab.name)}` : '';
  history.replaceState(null, '', hash || location.pathname + location.search);
  if (sandboxStore.getState().worker === 'ready') load();
}
