import type { RunState, Status, StopReason } from '../session/messages.ts';
import { prose } from './prose.ts';
import type { SandboxState } from './store.ts';

const REASONS: Readonly<Record<StopReason, string>> = {
  loaded: 'before the first ioctl',
  pause: 'on request',
  step: 'after a step',
  breakpoint: 'at a breakpoint',
  'kvm-exit': 'after a KVM exit',
  ioctl: 'before the next ioctl',
  finished: 'the script came to its end',
  failed: 'the script failed',
  stopped: 'ended on request',
};

const STATES: Readonly<Record<RunState, { tone: string; text: string }>> = {
  empty: { tone: 'idle', text: 'Booting' },
  running: { tone: 'running', text: 'Running' },
  paused: { tone: 'paused', text: 'Paused' },
  finished: { tone: 'finished', text: 'Finished' },
  failed: { tone: 'failed', text: 'Failed' },
};

export interface StatusText {
  readonly tone: string;
  readonly text: string;
  readonly detail: string | null;
}

/** What the top bar says of the sandbox. */
export function statusText(worker: SandboxState['worker'], status: Status): StatusText {
  if (worker === 'starting') return { tone: 'idle', text: 'Starting', detail: null };
  if (worker === 'dead') return { tone: 'failed', text: 'Not working', detail: 'restart the sandbox' };
  const { tone, text } = STATES[status.state];
  const message = status.message === null ? null : prose(status.message);
  if (status.state === 'failed' && status.reason === 'stopped') return { tone: 'idle', text: 'Stopped', detail: null };
  if (status.state === 'failed') return { tone, text, detail: message };
  return { tone, text, detail: message ?? (status.reason && REASONS[status.reason]) };
}
