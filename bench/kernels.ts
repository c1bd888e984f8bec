/** The programs that are timed: kernels/*.c, chosen by `number` in the image, repeated so often that a target takes seconds. */
export interface Kernel {
  readonly name: string;
  readonly number: number;
  readonly what: string;
  /** What the bar for the interpreter is about: the others' instructions are functions that it calls. */
  readonly integer: boolean;
  readonly repeats: number;
  /** For the interpreter, and for all with --quick. */
  readonly few: number;
}

export const KERNELS: readonly Kernel[] = [
  {
    name: 'K0',
    integer: true,
    number: 0,
    what: 'like CoreMark: list, matrix, state machine, CRC',
    repeats: 40000,
    few: 3000,
  },
  {
    name: 'K1',
    integer: true,
    number: 1,
    what: '16 MiB filled, sorted, accessed at random; TLBIs',
    repeats: 20,
    few: 5,
  },
  { name: 'K2', integer: true, number: 2, what: 'recursion, calls through a table', repeats: 4000, few: 700 },
  { name: 'K3', integer: true, number: 3, what: 'memory copied, lengths of strings', repeats: 16000, few: 1800 },
  {
    name: 'F0',
    integer: false,
    number: 4,
    what: 'doubles: bodies, Fourier transform, Gauss',
    repeats: 15000,
    few: 500,
  },
  {
    name: 'F1',
    integer: false,
    number: 5,
    what: 'vectors: text, hexadecimal, images of bytes and floats',
    repeats: 10000,
    few: 400,
  },
];

/** Calls the program of cold.ts, `repeats` times. */
export const LOADED_KERNEL = 7;

/** One load from each of `PAGES` pages, `repeats` times. */
export const PAGES_KERNEL = 6;
export const PAGES = 16384;
