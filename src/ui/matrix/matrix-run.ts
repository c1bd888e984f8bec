import { createStore } from 'zustand/vanilla';
import { useStore } from 'zustand';
import { combinationKey, type Combination } from '../../labs/matrix/axes.ts';
import { sandboxOf } from '../../labs/matrix/sandbox.ts';
import type { CheckAnswer, CheckRequest } from '../../session/types.ts';

export type Outcome = { readonly state: 'running' } | ({ readonly state: 'passed' | 'failed' } & CheckAnswer);

interface MatrixRun {
  /** By the combination's key. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Of the run in progress or the last one. */
  readonly total: number;
  readonly done: number;
  readonly running: boolean;
  readonly seconds: number;
}

export const matrixStore = createStore<MatrixRun>(() => ({
  outcomes: new Map(),
  total: 0,
  done: 0,
  running: false,
  seconds: 0,
}));

export function useMatrix<T>(select: (run: MatrixRun) => T): T {
  return useStore(matrixStore, select);
}

/** Workers at once: each has a host's memory. */
const MOST_WORKERS = 2;

let workers: Worker[] = [];

/** Ends the run; what has come of it stays. */
export function stopMatrix(): void {
  for (const worker of workers) worker.terminate();
  workers = [];
  const { outcomes } = matrixStore.getState();
  const ended = new Map([...outcomes].filter(([, outcome]) => outcome.state !== 'running'));
  matrixStore.setState({ running: false, outcomes: ended });
}

function note(key: string, outcome: Outcome): void {
  matrixStore.setState(({ outcomes }) => ({ outcomes: new Map(outcomes).set(key, outcome) }));
}

/** Boots the combinations, in workers of their own: the sandbox that is open goes on. */
export function runMatrix(combinations: readonly Combination[]): void {
  stopMatrix();
  const keys = combinations.map(combinationKey);
  const fresh = new Map(matrixStore.getState().outcomes);
  for (const key of keys) fresh.delete(key);
  matrixStore.setState({ outcomes: fresh, total: keys.length, done: 0, running: keys.length > 0, seconds: 0 });
  const start = performance.now();
  let next = 0;

  const give = (worker: Worker): void => {
    const id = next++;
    const combination = combinations[id];
    if (!combination) return;
    note(keys[id]!, { state: 'running' });
    worker.postMessage({ id, checked: sandboxOf(combination) } satisfies CheckRequest);
  };
  const hear = (worker: Worker, answer: CheckAnswer): void => {
    if (!workers.includes(worker)) return;
    note(keys[answer.id]!, { state: answer.failure === null ? 'passed' : 'failed', ...answer });
    const done = matrixStore.getState().done + 1;
    matrixStore.setState({ done, seconds: (performance.now() - start) / 1000 });
    if (done === keys.length) stopMatrix();
    else give(worker);
  };

  const count = Math.min(MOST_WORKERS, Math.max(1, navigator.hardwareConcurrency), keys.length);
  workers = Array.from({ length: count }, () => {
    const worker = new Worker(new URL('../../session/checked-worker.ts', import.meta.url), {
      type: 'module',
      name: 'stage2 matrix',
    });
    worker.onmessage = ({ data }: MessageEvent<CheckAnswer>) => hear(worker, data);
    worker.onerror = (error) => {
      error.preventDefault();
      stopMatrix();
    };
    return worker;
  });
  for (const worker of workers) give(worker);
}
