import { createStore } from 'zustand/vanilla';
import { useWhileVisible } from './panel-visible.ts';
import { differenceOf } from '../session/messages.ts';
import type {
  BootLine,
  CommandType,
  Diagnostic,
  Event,
  HostPreset,
  IoctlEntry,
  Status,
  View,
} from '../session/messages.ts';

/** How many ioctls, and how many characters of output, the page keeps; older ones go. */
export const IOCTLS_KEPT = 20_000;
export const OUTPUT_KEPT = 400_000;

/** Text that grows at its end; `dropped` counts the characters that went at its start. */
export interface Transcript {
  readonly text: string;
  readonly dropped: number;
}

export interface Notice {
  readonly id: number;
  readonly tone: 'info' | 'error';
  readonly text: string;
}

/** What the page knows of its sandbox: nothing but what messages said. */
export interface SandboxState {
  /** The worker: `starting` until its `ready`, `dead` once it failed and has to be started anew. */
  readonly worker: 'starting' | 'ready' | 'dead';
  readonly workerError: string | null;
  /** A command has waited long for any answer. */
  readonly silent: boolean;
  readonly presets: readonly HostPreset[];
  /** Declarations of what a VMM script may use, for the editor. */
  readonly scriptTypes: string;
  readonly status: Status;
  /** How many statuses and refusals have come: commands to go on are answered by one. */
  readonly answers: number;
  readonly bootlog: readonly BootLine[];
  /** The guest's labels and constants, by name. */
  readonly symbols: Readonly<Record<string, bigint>>;
  /** Sorted by `seq`, which counts from 1; each call once, in its latest form. Of a fast run not all of them come. */
  readonly ioctls: readonly IoctlEntry[];
  readonly console: Transcript;
  readonly script: Transcript;
  readonly diagnostics: readonly Diagnostic[];
  /** What the editor's TypeScript says of the script as it stands. The script runs all the same. */
  readonly typeErrors: readonly Diagnostic[];
  /** The latest answer to each watched query, by the watch's id. */
  readonly views: Readonly<Record<string, View>>;
  readonly notices: readonly Notice[];
}

const EMPTY_STATUS: Status = {
  state: 'empty',
  reason: null,
  message: null,
  generation: 0,
  instructions: 0n,
  ioctls: 0,
  vcpu: null,
  pc: null,
  guestLine: null,
  scriptLine: null,
  vms: [],
};
const EMPTY_TRANSCRIPT: Transcript = { text: '', dropped: 0 };

/** What a new load starts from: all that belonged to the run before is gone. */
const NEW_RUN = {
  bootlog: [],
  symbols: {},
  ioctls: [],
  console: EMPTY_TRANSCRIPT,
  script: EMPTY_TRANSCRIPT,
} satisfies Partial<SandboxState>;

export const INITIAL_STATE: SandboxState = {
  worker: 'starting',
  workerError: null,
  silent: false,
  presets: [],
  scriptTypes: '',
  status: EMPTY_STATUS,
  answers: 0,
  diagnostics: [],
  typeErrors: [],
  views: {},
  notices: [],
  ...NEW_RUN,
};

export const sandboxStore = createStore<SandboxState>(() => INITIAL_STATE);

export function useSandbox<T>(select: (state: SandboxState) => T): T {
  return useWhileVisible(sandboxStore, select);
}

function append(transcript: Transcript, text: string): Transcript {
  const whole = transcript.text + text;
  const excess = whole.length - OUTPUT_KEPT;
  // Cut a good piece at once, so that a chatty guest does not copy the whole text for every line.
  const cut = excess > 0 ? excess + OUTPUT_KEPT / 4 : 0;
  return { text: whole.slice(cut), dropped: transcript.dropped + Math.min(cut, whole.length) };
}

/** `known` with `news` put in by `seq`; both are nearly always in order already. */
export function mergeIoctls(known: readonly IoctlEntry[], news: readonly IoctlEntry[]): readonly IoctlEntry[] {
  const merged = [...known];
  for (const entry of news) {
    let at = merged.length;
    while (at > 0 && merged[at - 1]!.seq > entry.seq) at--;
    if (at > 0 && merged[at - 1]!.seq === entry.seq) merged[at - 1] = entry;
    else merged.splice(at, 0, entry);
  }
  return merged;
}

/** How many calls of the run the log has not got: those that went when it was full, and those that never came. */
export function missingIoctls({ ioctls }: Pick<SandboxState, 'ioctls'>): number {
  return (ioctls.at(-1)?.seq ?? 0) - ioctls.length;
}

let noticeId = 0;
function withNotice(state: SandboxState, tone: Notice['tone'], text: string): readonly Notice[] {
  const others = state.notices.filter((notice) => notice.text !== text);
  return [...others.slice(-3), { id: ++noticeId, tone, text }];
}

const COMMAND_TITLES: Readonly<Partial<Record<CommandType | 'unknown', string>>> = {
  load: 'Load',
  run: 'Run',
  pause: 'Pause',
  stop: 'Stop',
  stepInstruction: 'Step instruction',
  stepExit: 'Step to KVM exit',
  stepIoctl: 'Step to ioctl',
  setBreakpoints: 'Breakpoints',
  consoleInput: 'Console input',
  poke: 'Write',
};

/** The VMs stay the same object as long as they are the same: most views ask which there are. */
function withKnownVms(status: Status, { vms }: Status): Status {
  return differenceOf(vms, status.vms) === null ? { ...status, vms } : status;
}

function failed({ status }: SandboxState, message: string): Status {
  return { ...EMPTY_STATUS, generation: status.generation, state: 'failed', reason: 'failed', message };
}

/** The state after an event. Pure, so that a recorded run can be replayed in a test. */
export function reduce(state: SandboxState, event: Event): Partial<SandboxState> {
  switch (event.type) {
    case 'ready':
      return { worker: 'ready', workerError: null, presets: event.presets, scriptTypes: event.scriptTypes };
    case 'status':
      return { status: withKnownVms(event.status, state.status), answers: state.answers + 1 };
    case 'bootlog':
      return { bootlog: [...state.bootlog, ...event.lines] };
    case 'symbols':
      return { symbols: Object.fromEntries(event.symbols) };
    case 'ioctls': {
      const merged = mergeIoctls(state.ioctls, event.entries);
      const excess = Math.max(0, merged.length - IOCTLS_KEPT);
      return { ioctls: excess ? merged.slice(excess) : merged };
    }
    case 'output':
      return { [event.stream]: append(state[event.stream], event.text) };
    case 'diagnostics':
      return { diagnostics: event.diagnostics };
    case 'view':
      return { views: { ...state.views, [event.id]: event.view } };
    case 'refused': {
      const title = COMMAND_TITLES[event.command] ?? event.command;
      const told = {
        notices: withNotice(state, 'error', `${title}: ${event.message}`),
        answers: state.answers + 1,
      };
      // What ran before has ended all the same.
      return event.command === 'load' ? { ...told, status: failed(state, event.message) } : told;
    }
  }
}

/** The state once events have been taken in. */
export function stateAfter(state: SandboxState, events: readonly Event[]): SandboxState {
  return events.reduce((so, event) => ({ ...so, ...reduce(so, event) }), state);
}

/** Takes in what came, as one change of the state: the page is drawn once for all of it. */
export function receive(events: readonly Event[]): void {
  sandboxStore.setState((state) => stateAfter(state, events));
}

/** A `load` was sent: what the run before left is cleared; views stay until they are answered anew. */
export function startRun(): void {
  sandboxStore.setState(({ status }) => ({ ...NEW_RUN, status: { ...EMPTY_STATUS, generation: status.generation } }));
}

export function notify(text: string, tone: Notice['tone'] = 'info'): void {
  sandboxStore.setState((state) => ({ notices: withNotice(state, tone, text) }));
}

export function dismissNotice(id: number): void {
  sandboxStore.setState((state) => ({ notices: state.notices.filter((notice) => notice.id !== id) }));
}
