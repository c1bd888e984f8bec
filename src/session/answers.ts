import { differenceOf } from './difference.ts';
import type { Event, SentEvent, View } from './messages.ts';

/**
 * What the page has of each watch, so that it is sent only what is new of the next answer: nothing where nothing is. A watch that
 * begins is answered in full; one that asks something else goes on from the answer that it had.
 */
export class Answers {
  readonly #last = new Map<string, View>();

  /** What to send for an event; null: the page has it. */
  sent(event: Event): SentEvent | null {
    if (event.type !== 'view') return event;
    const { id, view } = event;
    const last = this.#last.get(id);
    this.#last.set(id, view);
    if (last?.view !== view.view) return event;
    const difference = differenceOf(last, view);
    return difference && { type: 'viewChange', id, difference };
  }

  /** A message is about to be carried out: where it ends a watch, the page has nothing of it any more. */
  received(message: unknown): void {
    if (typeof message !== 'object' || message === null || !('type' in message) || !('id' in message)) return;
    if (message.type === 'unwatch') this.#last.delete(String(message.id));
  }
}
