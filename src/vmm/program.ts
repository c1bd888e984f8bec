import type { Errno } from '../abi/errno.ts';

/** What an ioctl answered; a refusal is -1 with errno, and says its rule. */
export type CallResult =
  | { readonly ret: number }
  | { readonly errno: Errno; readonly rule: string; readonly message: string; readonly kernel: string };

/** An ioctl that the program makes. */
export interface Call {
  readonly kind: 'ioctl';
  readonly fd: number;
  readonly request: number;
  readonly arg: bigint;
  /** Line of the program's source that makes the call, from 1; null where it can't be told. */
  readonly line: number | null;
}

export type Step =
  | Call
  /** Nothing more before one of its calls has returned; `over`: nothing at all, whatever they answer. */
  | { readonly kind: 'waiting'; readonly over: boolean }
  | { readonly kind: 'done' }
  /** The program can't go on, by its own fault; its process is whole. */
  | { readonly kind: 'failed'; readonly message: string; readonly line: number | null };

/**
 * A userspace program on the host that is driven from outside, so that it can be held before each of its ioctls. One that
 * makes a call before another has returned makes it on a thread of its own.
 * open, close, mmap, memory and printing it does itself, on the process and the output that it was made with.
 *
 *     for (let step = program.next(); step.kind === 'ioctl'; step = program.next()) program.resume(step, call(step));
 *     program.close();
 */
export interface VmmProgram {
  /** Runs up to the next ioctl that it has not named yet, to where it waits, or to its end. Never throws. */
  next(): Step;
  /** Hands back the answer of an ioctl that `next` named, once. */
  resume(call: Call, result: CallResult): void;
  /** Gives back what the program holds outside its process; `next` then says `done`. */
  close(): void;
}
