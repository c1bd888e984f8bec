/** The worker's entry: a session, driven in slices with a turn for messages between them. */
import wasmLocation from '@jitl/quickjs-wasmfile-release-sync/wasm?url';
import { Answers } from './answers.ts';
import type { Event, SentEvent } from './messages.ts';
import { Session } from './session.ts';

/** A worker's global scope, as far as this one uses it. */
interface WorkerScope {
  onmessage: ((message: { readonly data: unknown }) => void) | null;
  postMessage(event: SentEvent): void;
}

declare const self: WorkerScope;

const early: unknown[] = [];
self.onmessage = ({ data }) => early.push(data);

const answers = new Answers();

function emit(event: Event): void {
  const sent = answers.sent(event);
  if (sent) self.postMessage(sent);
}

const session = await Session.create(emit, { wasmLocation });

// A message port's turn comes after messages that are there already, and without the delay that timers get.
const turn = new MessageChannel();
let scheduled = false;

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  turn.port2.postMessage(null);
}

turn.port1.onmessage = () => {
  scheduled = false;
  if (session.slice()) schedule();
};

function receive(message: unknown): void {
  answers.received(message);
  session.handle(message);
  schedule();
}

for (const message of early) receive(message);
self.onmessage = ({ data }) => receive(data);
