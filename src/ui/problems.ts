import { useMemo } from 'react';
import type { Diagnostic } from '../session/messages.ts';
import { useSandbox } from './store.ts';

/** What the worker found, and what the editor's type checker found on other lines. */
export function joinProblems(
  diagnostics: readonly Diagnostic[],
  typeErrors: readonly Diagnostic[],
): readonly Diagnostic[] {
  const lines = new Set(diagnostics.filter(({ source }) => source === 'script').map(({ line }) => line));
  return [...diagnostics, ...typeErrors.filter(({ line }) => !lines.has(line))];
}

export function useProblems(): readonly Diagnostic[] {
  const diagnostics = useSandbox((state) => state.diagnostics);
  const typeErrors = useSandbox((state) => state.typeErrors);
  return useMemo(() => joinProblems(diagnostics, typeErrors), [diagnostics, typeErrors]);
}
