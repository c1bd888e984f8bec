import { createStore } from 'zustand/vanilla';
import { useWhileVisible } from '../panel-visible.ts';
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
  readonly failed: number;
  readonly running: boolean;
  readonly seconds: number;
  /** Why it ended early. */
  readonly problem: string | null;
}

const NO_RUN = { total: 0, done: 0, failed: 0, running: false, seconds: 0, problem: null } as const;

export const matrixStore = createStore<MatrixRun>(() => ({ ...NO_RUN, outcomes: new Map() }));

export function useMatrix<T>(select: (run: MatrixRun) => T): T {
  return useWhileVisible(matrixStore, select);
}

/** Workers at once: each takes some 150 MB, for a host's memory, two of QuickJS and the code of the interpreter. */
const MOST_WORKERS = 4;
/** Combinations that a worker has been given: one that runs and the next, so that it never waits for the page. */
const AHEAD = 2;
/** Milliseconds from an answer until the page shows it, together with all that came since. */
const SHOWN_AFTER = 50;

/** What is going on, while it is. */
interface Job {
  readonly workers: readonly Worker[];
  readonly start: number;
  readonly news: Map<string, Outcome>;
  done: number;
  failed: number;
  timer: number | null;
}

let current: Job | null = null;

/** Ends the run; what has come of it stays. */
export function stopMatrix(problem: string | null = null): void {
  const job = current;
  if (!job) return;
  for (const worker of job.workers) worker.terminate();
  show(job);
  current = null;
  const { outcomes } = matrixStore.getState();
  const ended = new Map([...outcomes].filter(([, outcome]) => outcome.state !== 'running'));
  matrixStore.setState({ running: false, outcomes: ended, problem });
}

/** All that is new goes to the page in one go. */
function show(job: Job): void {
  if (job.timer !== null) window.clearTimeout(job.timer);
  job.timer = null;
  const { outcomes } = matrixStore.getState();
  matrixStore.setState({
    outcomes: new Map([...outcomes, ...job.news]),
    done: job.done,
    failed: job.failed,
    seconds: (performance.now() - job.start) / 1000,
  });
  job.news.clear();
}

function note(job: Job, key: string, outcome: Outcome): void {
  job.news.set(key, outcome);
  job.timer ??= window.setTimeout(() => show(job), SHOWN_AFTER);
}

/** Boots the combinations, in workers of their own: the sandbox that is open goes on. */
export function runMatrix(combinations: readonly Combination[]): void {
  stopMatrix();
  const keys = combinations.map(combinationKey);
  const outcomes = new Map(matrixStore.getState().outcomes);
  for (const key of keys) outcomes.delete(key);
  matrixStore.setState({ ...NO_RUN, outcomes, total: keys.length, running: keys.length > 0 });
  const count = Math.min(MOST_WORKERS, Math.max(1, navigator.hardwareConcurrency), keys.length);
  if (count === 0) return;
  const workers = Array.from(
    { length: count },
    () =>
      new Worker(new URL('../../session/checked-worker.ts', import.meta.url), {
        type: 'module',
        name: 'stage2 matrix',
      }),
  );
  const job: Job = { workers, start: performance.now(), news: new Map(), done: 0, failed: 0, timer: null };
  current = job;

  let next = 0;
  const give = (worker: Worker): void => {
    const id = next++;
    const combination = combinations[id];
    if (!combination) return;
    note(job, keys[id]!, { state: 'running' });
    worker.postMessage({ id, checked: sandboxOf(combination) } satisfies CheckRequest);
  };
  for (const worker of workers) {
    worker.onmessage = ({ data }: MessageEvent<CheckAnswer>) => {
      if (current !== job) return;
      const passed = data.failure === null;
      note(job, keys[data.id]!, { state: passed ? 'passed' : 'failed', ...data });
      job.done++;
      if (!passed) job.failed++;
      if (job.done === keys.length) stopMatrix();
      else give(worker);
    };
    worker.onerror = (error) => {
      error.preventDefault();
      if (current === job) stopMatrix(`a worker failed: ${error.message || 'it can’t be started'}`);
    };
  }
  for (let ahead = 0; ahead < AHEAD; ahead++) for (const worker of workers) give(worker);
}
