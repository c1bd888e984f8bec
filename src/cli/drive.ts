import type { Event, Sandbox, Status } from '../session/messages.ts';
import { Session } from '../session/session.ts';

/**
 * Loads a sandbox and runs it until it ends, or stands still because nothing can wake its vCPU; `emit` sees all events.
 * A guest that never ends never returns.
 */
export async function drive(sandbox: Sandbox, emit: (event: Event) => void): Promise<Status> {
  let last: Status | null = null;
  const session = await Session.create((event) => {
    if (event.type === 'status') last = event.status;
    emit(event);
  });
  const status = (): Status => {
    if (!last) throw new Error('the session has sent no status');
    return last;
  };
  session.handle({ type: 'load', sandbox, breakpoints: [] });
  if (status().state === 'paused') session.handle({ type: 'run' });
  while (session.slice());
  return status();
}
