import type { Breakpoint, Command, RunState } from '../session/messages.ts';
import { stateArrived } from './incoming.ts';
import { send } from './sandbox-client.ts';
import { sandboxStore } from './store.ts';
import type { SandboxState } from './store.ts';
import { differsFromLoaded, flush, loadedBreakpoints, markLoaded, sandboxOf, workspaceStore } from './workspace.ts';

/** Runs while typing rests, before the programs are checked. */
let checkTimer: ReturnType<typeof setTimeout> | undefined;

const keyOf = (breakpoints: readonly Breakpoint[]) =>
  breakpoints.map((point) => (point.kind === 'line' ? point.line : `*${point.address}`)).join();

/** The breakpoints that the worker has. */
let sentBreakpoints = '';

/** Boots the host of the draft and loads its programs; what runs is ended. */
export function load(): void {
  flush();
  // A load says itself what is wrong, and a check that comes later would take back what a run has found.
  clearTimeout(checkTimer);
  const sandbox = sandboxOf(workspaceStore.getState().draft);
  markLoaded(sandbox);
  afterLoad = null;
  loading = true;
  const breakpoints = loadedBreakpoints(workspaceStore.getState());
  sentBreakpoints = keyOf(breakpoints);
  send({ type: 'load', sandbox, breakpoints });
}

const CAN_GO_ON: ReadonlySet<RunState> = new Set(['running', 'paused']);

type Go = Extract<Command, { type: 'run' | 'stepInstruction' | 'stepExit' | 'stepIoctl' }>['type'];

/** How many answers had come when a command to go on was sent: before the next one, another command would be refused. */
let answersBefore = -1;
/** A load was sent and has not come to its stop; and what to do then. */
let loading = false;
let afterLoad: Go | null = null;

/** The program has begun, so that going on and beginning anew differ. */
export function hasBegun({ status }: SandboxState): boolean {
  return CAN_GO_ON.has(status.state) && status.reason !== 'loaded';
}

/** Goes on, or begins anew where nothing is loaded, the program has ended, or it was edited before it had begun. */
export function go(type: Go): void {
  // The answer to the last command may be here and wait for its frame.
  const state = stateArrived();
  const { status, answers } = state;
  if (answers === answersBefore) return;
  if (loading) {
    afterLoad = type;
    return;
  }
  // A key that was pressed while the page still said that nothing runs.
  if (status.state === 'running') return;
  const stale = !hasBegun(state) && differsFromLoaded(workspaceStore.getState());
  if (status.state === 'paused' && !stale) {
    answersBefore = answers;
    send({ type });
    return;
  }
  load();
  afterLoad = type;
}

/** Does what waited for a load; not if the program could not be loaded. */
function heardStatus(now: SandboxState, before: SandboxState): void {
  const over = now.status.generation !== before.status.generation || now.status.state === 'failed';
  if (!loading || now.status === before.status || !over) return;
  loading = false;
  const type = afterLoad;
  afterLoad = null;
  if (type && now.status.state === 'paused') go(type);
}

export function canGo({ worker, status }: SandboxState): boolean {
  return worker === 'ready' && status.state !== 'running';
}

export function isActive({ worker, status }: SandboxState): boolean {
  return worker === 'ready' && CAN_GO_ON.has(status.state);
}

export function isRunning({ worker, status }: SandboxState): boolean {
  return worker === 'ready' && status.state === 'running';
}

/** How long typing must rest before the programs are checked. */
const CHECK_AFTER_MS = 250;

/** Keeps the worker's idea of drafts and breakpoints up to date. Returns what ends it. */
export function keepInStep(): () => void {
  const check = () => {
    const { script, guest, elf } = workspaceStore.getState().draft;
    send({ type: 'check', script, guest: elf ? '' : guest });
  };
  const stopWorkspace = workspaceStore.subscribe((now, before) => {
    if (now.draft.script !== before.draft.script || now.draft.guest !== before.draft.guest) {
      clearTimeout(checkTimer);
      checkTimer = setTimeout(check, CHECK_AFTER_MS);
    }
    if (!now.loaded || (now.draft.breakpoints === before.draft.breakpoints && now.draft.guest === before.draft.guest)) {
      return;
    }
    const breakpoints = loadedBreakpoints(now);
    const key = keyOf(breakpoints);
    if (key !== sentBreakpoints) send({ type: 'setBreakpoints', breakpoints });
    sentBreakpoints = key;
  });
  const stopSandbox = sandboxStore.subscribe((now, before) => {
    heardStatus(now, before);
    if (now.worker !== 'ready') {
      loading = false;
      answersBefore = -1;
    }
    if (now.worker === 'ready' && before.worker !== 'ready') {
      check();
      load();
    }
  });
  return () => {
    clearTimeout(checkTimer);
    stopWorkspace();
    stopSandbox();
  };
}
