import type { Event, IoctlEntry } from './messages.ts';

/** While the sandbox runs, output and log entries leave this often, in milliseconds. */
const INTERVAL = 50;
/** Characters of a stream, and log entries, that one batch may have. What is beyond is left out, and said. */
const MOST_TEXT = 65536;
const MOST_ENTRIES = 500;

type Stream = 'console' | 'script';

/**
 * Gathers what a run pours out, so that a guest which prints for ever does not flood the page. The last of what came is
 * what stays; a gap is said in its place.
 */
export class Outbox {
  readonly #emit: (event: Event) => void;
  readonly #text: Record<Stream, string> = { console: '', script: '' };
  readonly #dropped: Record<Stream, number> = { console: 0, script: 0 };
  /** By seq: a call that returned within the batch replaces its own start. */
  readonly #entries = new Map<number, IoctlEntry>();
  #sent = 0;

  constructor(emit: (event: Event) => void) {
    this.#emit = emit;
  }

  print(stream: Stream, text: string): void {
    let kept = this.#text[stream] + text;
    if (kept.length > 2 * MOST_TEXT) {
      this.#dropped[stream] += kept.length - MOST_TEXT;
      kept = kept.slice(-MOST_TEXT);
    }
    this.#text[stream] = kept;
  }

  entry(entry: IoctlEntry): void {
    this.#entries.delete(entry.seq);
    this.#entries.set(entry.seq, entry);
    if (this.#entries.size > MOST_ENTRIES) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
  }

  /** Sends what is due at `now` in milliseconds. */
  tick(now: number): void {
    if (now - this.#sent >= INTERVAL) this.flush(now);
  }

  flush(now: number): void {
    this.#sent = now;
    if (this.#entries.size > 0) {
      this.#emit({ type: 'ioctls', entries: [...this.#entries.values()].sort((a, b) => a.seq - b.seq) });
      this.#entries.clear();
    }
    for (const stream of ['script', 'console'] as const) {
      const text = this.#text[stream];
      if (text === '') continue;
      const over = Math.max(0, text.length - MOST_TEXT);
      const dropped = this.#dropped[stream] + over;
      const gap = dropped > 0 ? `\n[… ${dropped} characters left out …]\n` : '';
      this.#emit({ type: 'output', stream, text: gap + text.slice(over) });
      this.#text[stream] = '';
      this.#dropped[stream] = 0;
    }
  }
}
