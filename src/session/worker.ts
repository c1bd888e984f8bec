/** The worker's entry: a session, driven in slices with a turn for messages between them. */
import wasmLocation from '@jitl/quickjs-wasmfile-release-sync/wasm?url';
import type { Event } from './messages.ts';
import { Session } from './session.ts';

/** A worker's global scope, as far as this one uses it. */
interface WorkerScope {
  onmessage: ((message: { readonly data: unknown }) => void) | null;
  postMessage(event: Event): void;
}

declare const self: WorkerScope;

const early: unknown[] = [];
self.onmessage = ({ data }) => early.push(data);

const session = await Session.create((event) => self.postMessage(event), { wasmLocation });

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
  session.handle(message);
  schedule();
}

for (const message of early) receive(message);
self.onmessage = ({ data }) => receive(data);
