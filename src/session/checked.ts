/** Runs a sandbox to its end without a page, and checks what must be seen: what the command line does with a lab. */
import { callOf, check, type Check, type Scene } from './expectations.ts';
import type { Event, IoctlEntry, RunState } from './messages.ts';
import { Session, type SessionOptions } from './session.ts';
import type { CheckedResult, CheckedSandbox } from './types.ts';

/**
 * `timeout` in milliseconds ends a program that does not end by itself.
 * Loading, running and every look at the result go through the session's own messages.
 */
export async function runChecked(
  { sandbox, expect }: CheckedSandbox,
  options: SessionOptions & { readonly timeout?: number } = {},
): Promise<CheckedResult> {
  const clock = options.clock ?? (() => performance.now());
  const output = { bootlog: '', console: '', script: '' };
  const entries = new Map<number, IoctlEntry>();
  const problems: string[] = [];
  const session = await Session.create((event: Event) => {
    if (event.type === 'output') output[event.stream] += event.text;
    else if (event.type === 'bootlog') output.bootlog = event.lines.map(({ text }) => `${text}\n`).join('');
    else if (event.type === 'ioctls') for (const entry of event.entries) entries.set(entry.seq, entry);
    else if (event.type === 'refused') problems.push(`${event.command}: ${event.message}`);
  }, options);
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

  const end = clock() + (options.timeout ?? 60_000);
  const isNow = (state: RunState): boolean => session.status.state === state;
  session.handle({ type: 'load', sandbox, breakpoints: [] });
  while (isNow('paused')) {
    session.handle({ type: look() ? 'stepIoctl' : 'run' });
    while (session.slice() && clock() < end);
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

/** What is not as it must be, in one line; null: nothing. */
export function failureOf({ passed, end, checks }: CheckedResult): string | null {
  if (passed) return null;
  const missing = checks.filter(({ ok }) => !ok).map(({ text, seen }) => `${text}, but seen: ${seen}`);
  return [end, ...missing].join('; ');
}
