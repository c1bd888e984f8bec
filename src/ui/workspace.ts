import { createStore } from 'zustand/vanilla';
import { useWhileVisible } from './panel-visible.ts';
import type { Breakpoint, GuestElf, HostConfig, Sandbox } from '../session/messages.ts';
import { readHost, sameHost } from './host-options.ts';
import { mapLine } from './line-map.ts';
import { forget, isRecord, load, readBig, readList, readNumber, readText, save } from './storage.ts';

/** What a person has typed and set in one place: in a lab, or in the sandbox of their own. */
export interface Draft {
  readonly host: HostConfig;
  readonly script: string;
  readonly guest: string;
  /** A file that is the guest as long as it is there; the assembly is kept. */
  readonly elf: GuestElf | null;
  readonly breakpoints: readonly Breakpoint[];
}

/** A place to work in: each has a draft of its own, so that going to another loses nothing. */
export interface Slot {
  readonly id: string;
  readonly title: string;
  /** What the place holds before anything is typed. */
  readonly original: Sandbox;
}

export interface Workspace {
  readonly slots: readonly Slot[];
  readonly slot: string;
  readonly draft: Draft;
  /** The draft that was put away when the person started over; it can be taken back. */
  readonly putAway: Draft | null;
  /** What was sent with the last `load`: lines in messages are lines of this. */
  readonly loaded: Sandbox | null;
  /** Storage refused the last change: it lives in this tab only. */
  readonly unsaved: boolean;
}

const MAX_BREAKPOINTS = 500;

function untouched({ host, script, guest, elf }: Sandbox): Draft {
  return { host, script, guest, elf: elf ?? null, breakpoints: [] };
}

/** What a load sends of a draft. */
export function sandboxOf({ host, script, guest, elf }: Draft): Sandbox {
  return { host, script, guest, ...(elf ? { elf } : {}) };
}

function sameSandbox(a: Omit<Draft, 'breakpoints'>, b: Sandbox): boolean {
  const sameElf = a.elf?.name === b.elf?.name && a.elf?.base64 === b.elf?.base64;
  return a.script === b.script && a.guest === b.guest && sameElf && sameHost(a.host, b.host);
}

/** A draft from storage; undefined where there is no text. A host or breakpoints that can't be read don't cost the text. */
function readDraft(value: unknown, { host }: Sandbox): Draft | undefined {
  if (!isRecord(value)) return undefined;
  const script = readText(value['script']);
  const guest = readText(value['guest']);
  if (script === undefined || guest === undefined) return undefined;
  const breakpoints = readList(value['breakpoints'], MAX_BREAKPOINTS, readBreakpoint) ?? [];
  return { host: readHost(value['host']) ?? host, script, guest, elf: readElf(value['elf']) ?? null, breakpoints };
}

function readElf(value: unknown): GuestElf | undefined {
  if (!isRecord(value)) return undefined;
  const name = readText(value['name']);
  const base64 = readText(value['base64']);
  return name === undefined || base64 === undefined ? undefined : { name, base64 };
}

function readBreakpoint(value: unknown): Breakpoint | undefined {
  if (!isRecord(value)) return undefined;
  const line = readNumber(value['line'], 1, 1_000_000);
  const address = readBig(value['address']);
  if (value['kind'] === 'line' && line !== undefined) return { kind: 'line', line };
  if (value['kind'] === 'address' && address !== undefined) return { kind: 'address', address };
  return undefined;
}

const EMPTY: Sandbox = {
  host: { cpu: 'max', pageSize: 4096, mode: 'nvhe', ram: [{ base: 0x4000_0000n, size: 0x1000_0000n }] },
  script: '',
  guest: '',
};

export const workspaceStore = createStore<Workspace>(() => ({
  slots: [],
  slot: '',
  draft: untouched(EMPTY),
  putAway: null,
  loaded: null,
  unsaved: false,
}));

export function useWorkspace<T>(select: (workspace: Workspace) => T): T {
  return useWhileVisible(workspaceStore, select);
}

function original(workspace: Workspace): Sandbox {
  return workspace.slots.find((slot) => slot.id === workspace.slot)?.original ?? EMPTY;
}

/** Whether script, guest or host differ from what the place began with. */
export function isEdited(workspace: Workspace): boolean {
  return !sameSandbox(workspace.draft, original(workspace));
}

/** Whether what runs is no longer what the editors say. */
export function differsFromLoaded({ draft, loaded }: Workspace): boolean {
  return loaded !== null && !sameSandbox(draft, loaded);
}

/* ---------------------------------------------------------------- places */

/** The place that the person left. */
export function lastSlot(): string | null {
  return readText(load('slot')) ?? null;
}

/** Opens the workspace on the place the person left, or on `wanted`. */
export function openWorkspace(slots: readonly Slot[], wanted: string | null): void {
  const slot = [wanted, lastSlot()].find((id) => slots.some((other) => other.id === id)) ?? slots[0]?.id ?? '';
  unstored.clear();
  workspaceStore.setState({ slots });
  enter(slot);
}

/** Drafts that storage refused, while the person works elsewhere. */
const unstored = new Map<string, Draft>();

function enter(id: string): void {
  const slot = workspaceStore.getState().slots.find((other) => other.id === id);
  if (!slot) return;
  const draft = unstored.get(id) ?? readDraft(load(`draft/${id}`), slot.original);
  workspaceStore.setState({
    slot: id,
    draft: draft ?? untouched(slot.original),
    putAway: readDraft(load(`put-away/${id}`), slot.original) ?? null,
    loaded: null,
    unsaved: unstored.has(id),
  });
  save('slot', id);
}

/** Goes to another place. What was typed here stays here. */
export function goTo(id: string): void {
  flush();
  enter(id);
}

/** Back to what the place began with. The text that was there is put away. */
export function startOver(): void {
  const workspace = workspaceStore.getState();
  const putAway = isEdited(workspace) ? workspace.draft : workspace.putAway;
  workspaceStore.setState({ draft: untouched(original(workspace)), putAway });
  save(`put-away/${workspace.slot}`, putAway);
  flush();
}

/** Takes back what `startOver` put away; what is there now is put away in turn. */
export function takeBack(): void {
  const workspace = workspaceStore.getState();
  if (!workspace.putAway) return;
  const putAway = isEdited(workspace) ? workspace.draft : null;
  workspaceStore.setState({ draft: workspace.putAway, putAway });
  if (putAway) save(`put-away/${workspace.slot}`, putAway);
  else forget(`put-away/${workspace.slot}`);
  flush();
}

/* ---------------------------------------------------------------- edits */

let timer: ReturnType<typeof setTimeout> | undefined;

/** Stores the draft now. */
export function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  const workspace = workspaceStore.getState();
  if (!workspace.slot) return;
  const key = `draft/${workspace.slot}`;
  const keep = isEdited(workspace) || workspace.draft.breakpoints.length > 0;
  if (!keep) forget(key);
  const unsaved = keep && !save(key, workspace.draft);
  if (unsaved) unstored.set(workspace.slot, workspace.draft);
  else unstored.delete(workspace.slot);
  if (unsaved !== workspace.unsaved) workspaceStore.setState({ unsaved });
}

export function edit(change: Partial<Draft>): void {
  workspaceStore.setState(({ draft }) => ({ draft: { ...draft, ...change } }));
  timer ??= setTimeout(flush, 400);
}

export function markLoaded(sandbox: Sandbox): void {
  workspaceStore.setState({ loaded: sandbox });
}

/* ---------------------------------------------------------------- breakpoints */

export function sameBreakpoint(a: Breakpoint, b: Breakpoint): boolean {
  return a.kind === 'line' ? b.kind === 'line' && a.line === b.line : b.kind === 'address' && a.address === b.address;
}

/** The list with the breakpoint taken out if it is in, else put in. */
export function toggled(breakpoints: readonly Breakpoint[], breakpoint: Breakpoint): readonly Breakpoint[] {
  const rest = breakpoints.filter((other) => !sameBreakpoint(other, breakpoint));
  return rest.length < breakpoints.length ? rest : [...rest.slice(-MAX_BREAKPOINTS + 1), breakpoint];
}

export function toggleBreakpoint(breakpoint: Breakpoint): void {
  edit({ breakpoints: toggled(workspaceStore.getState().draft.breakpoints, breakpoint) });
}

/** The breakpoints as lines of the guest's source that is loaded; those on lines edited since wait for the next load. */
export function loadedBreakpoints({ draft, loaded }: Workspace): readonly Breakpoint[] {
  if (!loaded) return draft.breakpoints;
  return draft.breakpoints.flatMap((breakpoint): readonly Breakpoint[] => {
    if (breakpoint.kind === 'address') return [breakpoint];
    const line = mapLine(draft.guest, loaded.guest, breakpoint.line);
    return line === null ? [] : [{ kind: 'line', line }];
  });
}

/** A line that a message named, as a line of the text in the editor. */
export function draftLine(workspace: Workspace, source: 'script' | 'guest', line: number | null): number | null {
  if (line === null || !workspace.loaded) return null;
  return mapLine(workspace.loaded[source], workspace.draft[source], line);
}
