/** Addresses that cases use, the same in the engine and in harness.c, and the layout of a case's state. */

/** Two pages of code: the case's words start at slot ENTRY, all other slots end the case and say which they were. */
export const CODE_PAGES = 0x1000000;
export const SLOTS = 0x1000fc0;
export const SLOT_COUNT = 32;
export const ENTRY = 14;
export const MAX_WORDS = 4;

/** Two pages of data; the window lies across their border. */
export const DATA_PAGES = 0x1010000;
export const WINDOW = 0x1010f80;
export const WINDOW_BYTES = 256;

/** State as u64: X0–X30, SP, NZCV, the slot where the case ended, FPCR, FPSR, V0–V31 as pairs, the window. */
export const SP = 31;
export const NZCV = 32;
export const END = 33;
export const FPCR = 34;
export const FPSR = 35;
export const V = 36;
export const MEMORY = V + 64;
export const STATE_WORDS = MEMORY + WINDOW_BYTES / 8;
