import type { Breakpoint, HostConfig } from '../session/messages.ts';

/** What a person has typed and set in one place: a lab's copy, or their own sandbox. */
export interface Draft {
  readonly host: HostConfig;
  readonly script: string;
  readonly guest: string;
  readonly breakpoints: readonly Breakpoint[];
}

/** Line breakpoints of the guest's source and address breakpoints, as the worker is told them. */
const MAX_BREAKPOINTS = 500;

export function toggled(breakpoints: readonly Breakpoint[], breakpoint: Breakpoint): readonly Breakpoint[] {
  const rest = breakpoints.filter((other) => !sameBreakpoint(other, breakpoint));
  return rest.length < breakpoints.length ? rest : [...rest.slice(-MAX_BREAKPOINTS + 1), breakpoint];
}

export function sameBreakpoint(a: Breakpoint, b: Breakpoint): boolean {
  return a.kind === 'line' ? b.kind === 'line' && a.line === b.line : b.kind === 'address' && a.address === b.address;
}
