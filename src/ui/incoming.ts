import { patched } from '../session/messages.ts';
import type { Event, SentEvent, View } from '../session/messages.ts';
import { receive, sandboxStore, stateAfter } from './store.ts';
import type { SandboxState } from './store.ts';

/** Events are taken in with the next frames; where none is drawn (a page out of sight), after so many milliseconds. */
const AT_LATEST_MS = 100;

/** The latest answer to each watch, as the worker sent it. */
const answers = new Map<string, View>();

let waiting: Event[] = [];
let frame = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Takes an event, to be drawn together with what else comes before the next frame. */
export function takeIn(sent: SentEvent): void {
  const event = wholeOf(sent);
  if (!event) return;
  if (waiting.push(event) > 1) return;
  frame = requestAnimationFrame(drawViews);
  timer = setTimeout(drawWaiting, AT_LATEST_MS);
}

/**
 * Of what a stop changes, views are drawn in a frame of their own and all else in the next: state, log and the lines pointed
 * at are as much work again.
 */
const drawViews = (): void => drawOnly((event) => event.type === 'view', drawOthers);
const drawOthers = (): void => drawOnly((event) => event.type !== 'view', drawViews);

function drawOnly(wanted: (event: Event) => boolean, next: () => void): void {
  const now = waiting.filter(wanted);
  if (now.length === 0 || now.length === waiting.length) return drawWaiting();
  waiting = waiting.filter((event) => !wanted(event));
  frame = requestAnimationFrame(next);
  receive(now);
}

/** A watch has ended: changes of its answer that are under way are nobody's. */
export function forgetAnswer(id: string): void {
  answers.delete(id);
}

/** The state with what has come of the worker's own state and waits to be drawn. */
export function stateArrived(): SandboxState {
  const news = waiting.filter(({ type }) => type === 'status' || type === 'refused');
  return stateAfter(sandboxStore.getState(), news);
}

/** What has come is drawn now. */
export function drawWaiting(): void {
  if (waiting.length === 0) return;
  const events = waiting;
  forgetWaiting();
  receive(events);
}

/** The worker is gone, and what it said with it. */
export function forgetIncoming(): void {
  if (waiting.length > 0) forgetWaiting();
  answers.clear();
}

function forgetWaiting(): void {
  waiting = [];
  cancelAnimationFrame(frame);
  clearTimeout(timer);
}

function wholeOf(sent: SentEvent): Event | null {
  if (sent.type !== 'view' && sent.type !== 'viewChange') return sent;
  const { id } = sent;
  let view: View;
  if (sent.type === 'view') view = sent.view;
  else {
    const known = answers.get(id);
    if (!known) return null;
    view = patched(known, sent.difference);
  }
  answers.set(id, view);
  return { type: 'view', id, view };
}
