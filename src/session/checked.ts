/** Runs a sandbox to its end without a page, and checks what must be seen: what the command line does with a lab. */
import { callOf, check, type Check, type Scene } from './expectations.ts';
import type { Event, IoctlEntry, RunState } from './messages.ts';
import { Session, type SessionOptions } from './session.ts';
import type { CheckedResult, CheckedSandbox } from './types.ts';

export interface CheckOptions extends SessionOptions {
  /** Milliseconds after which a program that does not end by itself is ended. */
  readonly timeout?: number;
}

/**
 * One session that loads one sandbox after the other, as a page's does.
 * Loading, running and every look at the result go through the session's own messages.
 */
export class Checker {
  readonly #session: Session;
  readonly #clock: () => number;
  readonly #timeout: number;
  readonly #hear: { emit: (event: Event) => void };

  private constructor(session: Session, hear: { emit: (event: Event) => void }, options: CheckOptions) {
    this.#session = session;
    this.#hear = hear;
    this.#clock = options.clock ?? (() => performance.now());
    this.#timeout = options.timeout ?? 60_000;
  }

  static async create(options: CheckOptions = {}): Promise<Checker> {
    const hear = { emit: (_event: Event): void => undefined };
    const session = await Session.create((event) => hear.emit(event), options);
    return new Checker(session, hear, options);
  }

  /** Boots the sandbox's host anew, runs its program to the end, and checks each expectation at its moment. */
  run({ sandbox, expect }: CheckedSandbox): CheckedResult {
    const session = this.#session;
    const output = { bootlog: '', console: '', script: '' };
    const entries = new Map<number, IoctlEntry>();
    const problems: string[] = [];
    this.#hear.emit = (event) => {
      if (event.type === 'output') output[event.stream] += event.text;
      else if (event.type === 'bootlog') output.bootlog = event.lines.map(({ text }) => `${text}\n`).join('');
      else if (event.type === 'ioctls') for (const entry of event.entries) entries.set(entry.seq, entry);
      else if (event.type === 'refused') problems.push(`${event.command}: ${event.message}`);
    };
    const scene = (): Scene => ({ session, output, ioctls: [...entries.values()].sort((a, b) => a.seq - b.seq) });

    const checks: (Check | null)[] = expect.map(() => null);
    /** Checks what has its moment now; true: the moments of others are still to come. */
    const look = (): boolean => {
      const now = scene();
      expect.forEach((expectation, index) => {
        const { after } = expectation;
        if (after && callOf(now, after.ioctl, after.nth)?.result) checks[index] ??= check(now, expectation);
      });
      return expect.some(({ after }, index) => after !== undefined && checks[index] === null);
    };

    const end = this.#clock() + this.#timeout;
    const isNow = (state: RunState): boolean => session.status.state === state;
    session.handle({ type: 'load', sandbox, breakpoints: [] });
    while (isNow('paused')) {
      session.handle({ type: look() ? 'stepIoctl' : 'run' });
      while (session.slice() && this.#clock() < end);
      if (isNow('running')) session.handle({ type: 'stop' });
    }
    look();

    const last = scene();
    const { state, message, instructions } = session.status;
    const results = expect.map((expectation, index) => ({
      expectation,
      ...(checks[index] ??
        (expectation.after
          ? { text: check(last, expectation).text, ok: false, seen: 'it did not come to that call' }
          : check(last, expectation))),
    }));
    return {
      passed: state === 'finished' && problems.length === 0 && results.every(({ ok }) => ok),
      end: [state, message, ...problems].filter(Boolean).join(': '),
      checks: results,
      console: output.console,
      script: output.script,
      instructions,
    };
  }
}

/** One sandbox in a session of its own. */
export async function runChecked(checked: CheckedSandbox, options: CheckOptions = {}): Promise<CheckedResult> {
  return (await Checker.create(options)).run(checked);
}

/** What is not as it must be, in one line; null: nothing. */
export function failureOf({ passed, end, checks }: CheckedResult): string | null {
  if (passed) return null;
  const missing = checks.filter(({ ok }) => !ok).map(({ text, seen }) => `${text}, but seen: ${seen}`);
  return [end, ...missing].join('; ');
}
