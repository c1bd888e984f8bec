import type { Event, IoctlEntry } from './messages.ts';

/** While the sandbox runs, output and log entries leave this often, in milliseconds. */
const INTERVAL = 50;
/** Characters and log entries that one batch may have; what came before is left out, and said. */
const MOST_TEXT = 65536;
const MOST_ENTRIES = 500;
/** Changes between the streams that a batch keeps in order. */
const MOST_PIECES = 100;

type Stream = 'console' | 'script';

interface Piece {
  readonly stream: Stream;
  text: string;
}

/**
 * Gathers what a run pours out, so that a guest which prints for ever does not flood the page. The last of what came is
 * what stays; a gap is said in its place.
 */
export class Outbox {
  readonly #emit: (event: Event) => void;
  /** In the order in which it was printed. */
  #pieces: Piece[] = [];
  #length = 0;
  readonly #dropped: Record<Stream, number> = { console: 0, script: 0 };
  /** By seq: a call that returned within the batch replaces its own start. */
  readonly #entries = new Map<number, IoctlEntry>();
  #sent = 0;

  constructor(emit: (event: Event) => void) {
    this.#emit = emit;
  }

  print(stream: Stream, text: string): void {
    const last = this.#pieces.at(-1);
    const into = last?.stream === stream || this.#pieces.length < MOST_PIECES ? last : this.#lastOf(stream);
    if (into?.stream === stream) into.text += text;
    else this.#pieces.push({ stream, text });
    this.#length += text.length;
    if (this.#length > 2 * MOST_TEXT) this.#cut();
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
    this.#cut();
    for (const { stream, text } of this.#pieces) {
      const gap = this.#dropped[stream] > 0 ? `\n[… ${this.#dropped[stream]} characters left out …]\n` : '';
      this.#dropped[stream] = 0;
      this.#emit({ type: 'output', stream, text: gap + text });
    }
    this.#pieces = [];
    this.#length = 0;
  }

  /** What waits belongs to a run that is over. */
  clear(): void {
    this.#entries.clear();
    this.#pieces = [];
    this.#length = this.#dropped.console = this.#dropped.script = 0;
  }

  #lastOf(stream: Stream): Piece | undefined {
    return this.#pieces.findLast((piece) => piece.stream === stream);
  }

  /** Takes away the oldest text beyond the limit. */
  #cut(): void {
    let over = this.#length - MOST_TEXT;
    while (over > 0 && this.#pieces[0]) {
      const [first] = this.#pieces;
      const taken = Math.min(over, first.text.length);
      first.text = first.text.slice(taken);
      this.#dropped[first.stream] += taken;
      if (first.text === '') this.#pieces.shift();
      this.#length -= taken;
      over -= taken;
    }
  }
}
