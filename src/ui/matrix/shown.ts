/** What of the matrix is shown: kept while the panel is closed. */
import { createStore } from 'zustand/vanilla';
import { useWhileVisible } from '../panel-visible.ts';
import { SETS } from '../../labs/matrix/axes.ts';
import type { MatrixCell } from './grid.ts';
import type { Outcome } from './matrix-run.ts';

/** All of the cells, those in a state, or those that break the rule of this name: the others are faint. */
export type Filter = 'all' | CellState | `rule:${string}`;

interface Shown {
  readonly set: string;
  /** The guest kernel chosen, by set. */
  readonly guests: Readonly<Record<string, string>>;
  readonly filter: Filter;
  /** Where the keyboard is, by the combination's key. */
  readonly active: string | null;
}

export const shownStore = createStore<Shown>(() => ({ set: SETS[0]!.name, guests: {}, filter: 'all', active: null }));

export function useShown<T>(select: (shown: Shown) => T): T {
  return useWhileVisible(shownStore, select);
}

export type CellState = 'invalid' | 'idle' | 'running' | 'passed' | 'failed';

export const STATES: Readonly<Record<CellState, { readonly mark: string; readonly text: string }>> = {
  invalid: { mark: '', text: 'can’t be' },
  idle: { mark: '', text: 'not booted yet' },
  running: { mark: '…', text: 'boots now' },
  passed: { mark: '✓', text: 'booted, wrote, read and stopped as it must' },
  failed: { mark: '✕', text: 'did not do as it must' },
};

export function stateOf({ rule }: MatrixCell, outcome: Outcome | undefined): CellState {
  return rule === null ? (outcome?.state ?? 'idle') : 'invalid';
}

export function isMeant(filter: Filter, { rule }: MatrixCell, state: CellState): boolean {
  return filter === 'all' || filter === state || (rule !== null && filter === `rule:${rule.name}`);
}
