import type { Errno } from '../abi/errno.ts';

/** What an ioctl answered; a refusal is -1 with errno, and says its rule. */
export type CallResult =
  | { readonly ret: number }
  | { readonly errno: Errno; readonly rule: string; readonly message: string; readonly kernel: string };

export type Step =
  /** The program waits for this call; it goes on with `resume`. */
  | {
      readonly kind: 'ioctl';
      readonly fd: number;
      readonly request: number;
      readonly arg: bigint;
      /** Line of the program's source that makes the call, from 1; null where it can't be told. */
      readonly line: number | null;
    }
  | { readonly kind: 'done' }
  /** The program can't go on, by its own fault; its process is whole. */
  | { readonly kind: 'failed'; readonly message: string; readonly line: number | null };

/**
 * A userspace program on the host that is driven from outside, so that it can be held before each of its ioctls.
 * open, close, mmap, memory and printing it does itself, on the process and the output that it was made with.
 *
 *     for (let step = program.next(); step.kind === 'ioctl'; step = program.next()) program.resume(call(step));
 *     program.close();
 */
export interface VmmProgram {
  /** Runs up to the next ioctl or the end. Asked again before `resume`, it says the same. Never throws. */
  next(): Step;
  /** Hands back the answer of the ioctl that `next` named last. */
  resume(result: CallResult): void;
  /** Gives back what the program holds outside its process; `next` then says `done`. */
  close(): void;
}
