import { LABS } from '../labs/index.ts';
import type { Lab } from '../labs/index.ts';
import { combinationByKey, combinationKey, combinationText, type Combination } from '../labs/matrix/axes.ts';
import { sandboxOf } from '../labs/matrix/sandbox.ts';
import { load } from './control.ts';
import { STARTER } from './starter.ts';
import { sandboxStore } from './store.ts';
import { goTo, workspaceStore } from './workspace.ts';
import type { Slot } from './workspace.ts';

const LAB = 'lab:';
const MATRIX = 'matrix:';

/** Every place to work in: the labs, a sandbox of the person's own, and the combination of the matrix that `opened` names. */
export function slots(opened: readonly (string | null)[]): readonly Slot[] {
  const labs = LABS.map((lab) => ({ id: LAB + lab.name, title: lab.title, original: lab.sandbox }));
  const combination = opened.flatMap((id) => (id?.startsWith(MATRIX) ? [slotOfKey(id.slice(MATRIX.length))] : []))[0];
  return [...labs, { id: 'own', title: 'My sandbox', original: STARTER }, ...(combination ? [combination] : [])];
}

function slotOfKey(key: string): Slot | null {
  const combination = combinationByKey(key);
  return combination && slotOfCombination(combination);
}

function slotOfCombination(combination: Combination): Slot {
  const { sandbox } = sandboxOf(combination);
  return { id: MATRIX + combinationKey(combination), title: combinationText(combination), original: sandbox };
}

/** Opens a combination of the matrix as a place to work in, instead of the one that was open. */
export function enterCombination(combination: Combination): void {
  enterSlot(slotOfCombination(combination).id);
}

export function slotOfLab(lab: Lab): string {
  return LAB + lab.name;
}

/** Characters of a link that a message repeats. */
const MOST_SHOWN = 80;

/** The lab that is worked on in a place; null in the person's own sandbox. */
export function labOfSlot(slot: string): Lab | null {
  return LABS.find((lab) => slotOfLab(lab) === slot) ?? null;
}

/** The combination of the matrix that a place is; null: it is none. */
export function combinationOfSlot(slot: string): Combination | null {
  return slot.startsWith(MATRIX) ? combinationByKey(slot.slice(MATRIX.length)) : null;
}

/** The place that a link's fragment names (`#lab=hello`, `#matrix=lpa2-52-…`), or null. */
export function slotFromHash(hash: string): string | null {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const [lab, combination] = [given.get('lab'), given.get('matrix')];
  if (lab !== null) return LAB + lab;
  return combination === null ? null : MATRIX + combination;
}

/** Why a link's fragment opens nothing here; null: it does, or asks for nothing. */
export function refusedLink(hash: string): string | null {
  const slot = slotFromHash(hash);
  if (slot === null || labOfSlot(slot) || combinationOfSlot(slot)) return null;
  return `The link ${hash.slice(0, MOST_SHOWN)} names no ${slot.startsWith(LAB) ? 'lab' : 'combination of the boot matrix that can be'}`;
}

/** Goes to another place and boots its host. */
export function enterSlot(id: string): void {
  if (combinationOfSlot(id)) workspaceStore.setState({ slots: slots([id]) });
  goTo(id);
  if (workspaceStore.getState().slot !== id) return;
  showLink(id);
  if (sandboxStore.getState().worker === 'ready') load();
}

/** Has the address bar link to a place. */
export function showLink(slot: string): void {
  const lab = labOfSlot(slot);
  const combination = slot.startsWith(MATRIX) ? `#matrix=${encodeURIComponent(slot.slice(MATRIX.length))}` : '';
  const hash = lab ? `#lab=${encodeURIComponent(lab.name)}` : combination;
  history.replaceState(null, '', hash || location.pathname + location.search);
}
