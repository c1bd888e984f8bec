/** Plays the traces of a file on one booted host, each in a process of its own. */
import type { CallResult } from '../program.ts';
import type { Trace } from './parse.ts';
import { TracePlayer } from './player.ts';
import type { TraceProcess } from './player.ts';

/** What is needed of a host; `boot` of src/host gives one. */
export interface TraceHost {
  readonly control: { budget: number };
  createProcess(): TraceProcess & {
    ioctl(fd: number, request: number, arg: bigint): Generator<{ readonly why: string }, CallResult, void>;
    /** Ends the process: nothing of it stays in the host. */
    exit(): void;
  };
}

/**
 * The recorded executor gives a trace three seconds. Here it is guest instructions: many times what a recorded guest that
 * comes to an end executes, and a fraction of a second to emulate.
 */
export const TRACE_INSTRUCTIONS = 4_000_000;
const SLICE = 100_000;

export interface TraceEvents {
  /** A line of the output, without its end. */
  print(line: string): void;
  /** A call was refused, after its line was printed. */
  refused?(refusal: Extract<CallResult, { errno: unknown }>, trace: Trace): void;
  /** A line of the trace file is wrong; `line` counts from 1 in the file. */
  problem?(line: number | null, message: string): void;
}

/** Plays all traces, each up to `limit` guest instructions; prints what the recorded executor prints for the file. */
export function playTraces(
  traces: readonly Trace[],
  host: TraceHost,
  events: TraceEvents,
  limit: number = TRACE_INSTRUCTIONS,
): void {
  events.print('@@BEGIN');
  for (const trace of traces) playTrace(trace, host, events, limit);
  events.print('@@END');
}

/** One trace, from its `@@trace` line on. */
export function playTrace(trace: Trace, host: TraceHost, events: TraceEvents, limit: number): void {
  events.print(`@@trace ${trace.name}`);
  const process = host.createProcess();
  const player = new TracePlayer(trace, process, events.print);
  let left = limit;
  try {
    let step = player.next();
    while (step.kind === 'ioctl') {
      const call = process.ioctl(step.fd, step.request, step.arg);
      host.control.budget = Math.min(left, SLICE);
      let turn = call.next();
      while (!turn.done) {
        left -= SLICE;
        if (turn.value.why === 'idle' || left <= 0) {
          call.return({ ret: 0 });
          player.signal('timeout');
          return;
        }
        host.control.budget = Math.min(left, SLICE);
        turn = call.next();
      }
      player.resume(step, turn.value);
      if ('errno' in turn.value) events.refused?.(turn.value, trace);
      step = player.next();
    }
    if (step.kind === 'failed') events.problem?.(step.line, step.message);
  } finally {
    player.close();
    process.exit();
  }
}
