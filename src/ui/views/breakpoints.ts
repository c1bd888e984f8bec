import type { DisassemblyView } from '../../session/messages.ts';
import { draftLine, sameBreakpoint, toggleBreakpoint, workspaceStore } from '../workspace.ts';

/** Takes out the breakpoint an instruction has, by address or by its line of the source; gives it one by address otherwise. */
export function toggleInstructionBreakpoint({ address, guestLine }: DisassemblyView['lines'][number]): void {
  const workspace = workspaceStore.getState();
  const byAddress = { kind: 'address', address } as const;
  const line = draftLine(workspace, 'guest', guestLine);
  const byLine = line === null ? null : ({ kind: 'line', line } as const);
  const has = (wanted: typeof byAddress | NonNullable<typeof byLine>) =>
    workspace.draft.breakpoints.some((breakpoint) => sameBreakpoint(breakpoint, wanted));
  toggleBreakpoint(byLine && has(byLine) && !has(byAddress) ? byLine : byAddress);
}
