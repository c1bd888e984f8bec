/**
 * What one script may take. Work is counted, never timed, so that the same script ends at the same place everywhere.
 * QuickJS cannot be left in the middle of a computation, so work between two ioctls is also what bounds how long a
 * pause of a script (not of a guest) takes: the limit is some 25 ms of an ordinary loop.
 */
export const SCRIPT_LIMITS = {
  /** Bytes of QuickJS's memory: the engine's own and all objects of the script. */
  memory: 48 << 20,
  /**
   * Bytes of QuickJS's stack, some 200 calls deep. Its recursion is also the host engine's recursion, whose stack is 1 MB
   * in a worker: QuickJS has to be the first to notice.
   */
  stack: 32 << 10,
  /** Loop turns and calls between two ioctls. */
  work: 500_000,
  /** Work that a call out of the script counts for, and the bytes that count as one more. */
  hostCallWork: 40,
  bytesPerWork: 32,
  /** Work that one turn of the queue of promises counts for. */
  jobWork: 8,
  /** Ioctls that a script may have called without waiting for one. */
  pendingIoctls: 1000,
  /** Characters of a script's source. */
  source: 1 << 20,
  /** Bytes that one call may read or write. */
  transfer: 16 << 20,
} as const;

/** QuickJS asks its interrupt handler once in so many turns and calls (JS_INTERRUPT_COUNTER_INIT). */
export const WORK_PER_INTERRUPT = 10_000;
