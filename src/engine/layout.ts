/**
 * Where the engine keeps what in the low part of the WebAssembly memory. Generated code has these as constants.
 *
 *     0         CPU state (saved and restored as one block), the exit's report, scratch
 *     TLB         software TLBs: for each space a read, a write and a fetch table for each regime, and what is known of them
 *     PAGE_SLOTS  which page of RAM has predecoded instructions
 *     SLOTS       predecoded instructions, one slot per physical page of code
 */

/** Register slots of 8 bytes, in the order of `SLOT` in isa/a64/operands.ts. */
export const X = 0x000;
export const SP = 0x0f8;
export const ZERO = 0x100;
export const DISCARD = 0x108;
/** NZCV, each in a form of its own: N is the sign of the i64, Z is set where it is 0, C is 0 or 1, V is the sign. */
export const FLAG_N = 0x110;
export const FLAG_Z = 0x118;
export const FLAG_C = 0x120;
export const FLAG_V = 0x128;
export const PC = 0x130;
/** SPSR's format without NZCV. */
export const PSTATE = 0x138;
/** The set of TLBs in use. */
export const REGIME = 0x13c;
/** SP_ELn of the levels whose stack pointer isn't the current one. */
export const SP_BANK = 0x140;
export const FPCR = 0x160;
export const FPSR = 0x168;
/** Exclusive monitor: the place in this memory or 0, bytes, and what was there (two u64). */
export const MONITOR_ADDRESS = 0x170;
export const MONITOR_BYTES = 0x174;
export const MONITOR_VALUE = 0x178;
/** 15 where SP is checked for alignment, else 0; an i64. */
export const SP_ALIGNMENT = 0x188;
/** 1 where FP and SIMD instructions are trapped. */
export const FP_TRAPPED = 0x190;
/** 1 where ordered, exclusive and atomic accesses may be unaligned within 16 bytes (FEAT_LSE2). */
export const LSE2 = 0x198;
/** The regime that LDTR and STTR use. */
export const UNPRIVILEGED = 0x19c;
/** CONTROL_WORDS of isa/library.ts, 8 bytes each. */
export const CONTROL = 0x1a0;
export const V = 0x200;
export const STATE_BYTES = 0x400;

/** The exit's report, not part of the state: code, bytes and address of the access, offset of the tables that missed. */
export const EXIT_CODE = 0x400;
export const EXIT_BYTES = 0x404;
export const EXIT_VA = 0x408;
export const EXIT_TABLES = 0x410;
export const REMAINING = 0x414;
/** The record of the instruction at PC. */
export const EXIT_RECORD = 0x418;
/** The last indirect branch: 4 * COUNT after it, and its PSTATE.BTYPE, which holds as long as nothing else is executed. */
export const BRANCHED = 0x41c;
/** The pieces of a careful access: place, bytes and code slot of the first and the second; 0 bytes where there is none. */
export const PIECES = 0x420;
export const PIECE_BYTES = 12;
/** Where a branch of type 3 was: the virtual address of its page. */
export const BRANCHED_FROM = 0x438;
/** Stands for memory in an access that lies in two pages. */
export const SCRATCH = 0x440;

/** Tables of 256 u32 for crc32 and crc32c. */
export const CRC = 0x1000;

/** Beside the state: the offset from TLB of the current space, and of the tables that LDTR and STTR use. */
export const SPACE = 0x600;
export const UNPRIVILEGED_TABLES = 0x604;
/** Accesses (1 reads, 2 writes, 4 fetches) whose misses a refill function may fill. */
export const REFILLED = 0x608;
/** Misses that a refill function has filled: u32 for reads, writes, fetches. */
export const REFILLS = 0x60c;

/** NZCV as a rule and its operands (FLAG_KINDS of jit/flags.ts): 0 outside of regions, where FLAG_N and the others have it. */
export const LAZY_KIND = 0x640;
export const LAZY_A = 0x648;
export const LAZY_B = 0x650;
export const LAZY_C = 0x658;
/** The last indirect branch of a region: 4 * the instructions left after it, and its PSTATE.BTYPE. */
export const LAST_BRANCH = 0x660;
/** Instructions that may be done beyond REMAINING: how often `run` comes back is chosen by whoever looks for hot code. */
export const REST = 0x664;
/** 1: a store has changed instructions of a region; PIECES say which. */
export const MODIFIED = 0x668;
/** Counts down how often regions came to where there is none: at 0 `run` answers that. */
export const EXITS = 0x66c;
/** The record of the last indirect branch of a region. */
export const LAST_BRANCH_RECORD = 0x670;

/** Handler numbers from here on are regions of compiled code (see jit/). */
export const FIRST_REGION = 0x8000;
export const REGION_COUNT = 2048;
/** For each region a u16: the handler of the record that it took the place of. */
export const REGION_HANDLERS = 0x2000;

/** Where a refill function finds RAM, by physical address: its own format. */
export const REFILL_BANKS = 0xc000;
export const REFILL_BANKS_BYTES = 0x1000;

export const TLB = 0x10000;
export const TLB_ENTRIES = 8192;
/** Tag (i64), addend (i32): the offset of the page less the low half of its address; in a fetch table the slot. Then the code slot or 0 (i32). */
export const TLB_ENTRY_BYTES = 16;
export const TLB_BYTES = TLB_ENTRIES * TLB_ENTRY_BYTES;
export const ACCESSES = ['read', 'write', 'fetch'] as const;
export const READ_TABLE = 0;
export const WRITE_TABLE = TLB_BYTES;
export const FETCH_TABLE = 2 * TLB_BYTES;
export const REGIME_BYTES = 3 * TLB_BYTES;
export const REGIMES = 3;
/** Sets of tables that outlive one another: one for each of the address spaces used last. */
export const SPACES = 8;
/** Tables go from a space's begin, then what is known of them (see tlb.ts), then what a refill function keeps there. */
export const SPACE_NOTES = REGIMES * REGIME_BYTES;
export const NOTE = {
  /** Entries filled since the last flush; beyond NOTED of them, any may be. */
  count: 0,
  /** Bit n: pages or blocks of 2^(12 + n) bytes, n > 0, are among what was filled from. */
  sizes: 4,
  /** A filter of where those are: a bit for each of 2^LARGE_BITS hashes. */
  large: 0x100,
  /** Offsets of the entries filled. */
  list: 0x1000,
} as const;
/** As many entries as are still cleared faster one by one. */
export const NOTED = 4096;
export const LARGE_BITS = 11;
/** From SPACE_NOTES on: for the machine's refill function. */
export const REFILL = 0x200;
export const REFILL_BYTES = NOTE.list - REFILL;
export const SPACE_BYTES = SPACE_NOTES + 0x8000;

export const PAGE_BYTES = 4096;
export const RECORD_BYTES = 32;
export const PAGE_RECORDS = PAGE_BYTES / 4;
/** Bits of a tag that keep an entry from the short path: it holds predecoded code; accesses have to be aligned. */
export const TAG_CODE = 1;
export const TAG_ALIGNED = 2;
/** In a fetch table: an indirect branch into the page needs a landing pad (BTI). The entry has the page's offset as its last word. */
export const TAG_GUARDED = 4;

/** For each page of the memory, by its number, a u16: 1 + the number of its slot, 0 where it has none. */
export const PAGE_SLOTS = TLB + SPACES * SPACE_BYTES;
const MOST_PAGES = 2 ** 32 / PAGE_BYTES;

export const SLOTS = PAGE_SLOTS + 2 * MOST_PAGES;
/** In a slot, behind a page's records and one more, which goes on in the next page: a bit for each instruction in a region. */
export const COVERED = (PAGE_RECORDS + 2) * RECORD_BYTES;
export const SLOT_BYTES = COVERED + PAGE_RECORDS / 8;
export const SLOT_COUNT = 1024;

export const ENGINE_BYTES = Math.ceil((SLOTS + SLOT_COUNT * SLOT_BYTES) / 0x10000) * 0x10000;
