/** The programs that are timed: kernels/*.c, chosen by `number` in the image, repeated so often that a target takes seconds. */
export interface Kernel {
  readonly name: string;
  readonly number: number;
  readonly what: string;
  readonly repeats: number;
  /** For the interpreter, and for all with --quick. */
  readonly few: number;
}

export const KERNELS: readonly Kernel[] = [
  { name: 'K0', number: 0, what: 'like CoreMark: list, matrix, state machine, CRC', repeats: 9000, few: 900 },
  { name: 'K1', number: 1, what: '16 MiB filled, sorted, accessed at random; TLBIs', repeats: 6, few: 2 },
  { name: 'K2', number: 2, what: 'recursion, calls through a table', repeats: 1200, few: 120 },
  { name: 'K3', number: 3, what: 'memory copied, lengths of strings', repeats: 20000, few: 2000 },
  { name: 'F0', number: 4, what: 'doubles: bodies, Fourier transform, Gauss', repeats: 3000, few: 300 },
  { name: 'F1', number: 5, what: 'vectors: text, hexadecimal, images of bytes and floats', repeats: 3000, few: 300 },
];

/** One load from each of `PAGES` pages, `repeats` times. */
export const PAGES_KERNEL = 6;
export const PAGES = 16384;
