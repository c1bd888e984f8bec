import type { Event, Query, Sandbox, Status, View } from '../session/messages.ts';
import { Session } from '../session/session.ts';

/** What a view shows now. */
export type Ask = (query: Query) => View;

/**
 * Loads a sandbox and runs it until it ends, or stands still because nothing can wake its vCPU; `emit` sees all events.
 * A guest that never ends never returns. At the end `after` may ask what the views show.
 */
export async function drive(
  sandbox: Sandbox,
  emit: (event: Event) => void,
  after?: (status: Status, ask: Ask) => void,
): Promise<Status> {
  let last: Status | null = null;
  let answer: View = { view: 'nothing', why: 'nothing was asked' };
  const session = await Session.create((event) => {
    if (event.type === 'status') last = event.status;
    if (event.type === 'view') answer = event.view;
    emit(event);
  });
  const status = (): Status => {
    if (!last) throw new Error('the session has sent no status');
    return last;
  };
  session.handle({ type: 'load', sandbox, breakpoints: [] });
  if (status().state === 'paused') session.handle({ type: 'run' });
  while (session.slice());
  after?.(status(), (query) => {
    session.handle({ type: 'watch', id: 'asked', query });
    session.handle({ type: 'unwatch', id: 'asked' });
    return answer;
  });
  return status();
}
