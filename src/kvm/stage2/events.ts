/**
 * What KVM did to a VM's stage 2, in the order in which it did it: a bounded record, of which the oldest is dropped.
 * A row is a number in each of a few typed arrays; recording allocates nothing once the record has its full size.
 */

/** What was done. The kernel's function is in brackets. */
export const OPERATIONS = [
  /** A page or block where nothing was (stage2_map_walker_try_leaf). */
  'map',
  /** An empty table where nothing was (stage2_map_walk_leaf). */
  'table',
  /** A table that nothing points to yet gets a block's mapping in smaller pieces (kvm_pgtable_stage2_create_unlinked). */
  'fill',
  /** First step of break-before-make: a valid entry becomes invalid, and locked (stage2_try_break_pte). */
  'break',
  /** Last step: the new entry in its place (stage2_make_pte). */
  'make',
  /** A page or block is taken out (stage2_unmap_put_pte). */
  'unmap',
  /** A table without entries is taken out, and freed (stage2_unmap_walker after it). */
  'unlink',
  /** Write permission is taken away (kvm_pgtable_stage2_wrprotect). */
  'write-protect',
  /** Permissions are added (kvm_pgtable_stage2_relax_perms). */
  'relax',
  /** The Access flag is set after an Access flag fault (kvm_pgtable_stage2_mkyoung). */
  'make-young',
  /** The Access flag is cleared (kvm_pgtable_stage2_test_clear_young). */
  'age',
  /** TLB maintenance that is no part of an entry's change. */
  'flush',
  /** All tables are freed; nothing is written (kvm_pgtable_stage2_destroy). */
  'destroy',
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Why: what KVM was asked to do, or what happened to it. */
export const REASONS = [
  'translation fault',
  'permission fault',
  'access flag fault',
  'slot deleted',
  'slot moved',
  'logging enabled',
  'dirty log read',
  'dirty log cleared',
  'dirty ring reset',
  'host memory changed',
  'host memory aged',
  'vCPU initialized',
  'VM destroyed',
] as const;
export type Reason = (typeof REASONS)[number];

/** The TLB maintenance that comes with a row, after its entry was written. */
export const FLUSHES = ['none', 'ipa', 'ipa local', 'range', 'parts', 'vmid'] as const;
/**
 * ipa: __kvm_tlb_flush_vmid_ipa; ipa local: __kvm_tlb_flush_vmid_ipa_nsh; range: kvm_tlb_flush_vmid_range on a CPU
 * with FEAT_TLBIRANGE; parts: the same for each part of a range that stage2_apply_range takes; vmid: __kvm_tlb_flush_vmid.
 */
export type Flush = (typeof FLUSHES)[number];

/** What else was done for a row: before a new entry is written, but for an unmapped one's data, which is cleaned after it; the barrier comes last. */
export const MAINTENANCE = { cleanData: 1, invalidateInstructions: 2, barrier: 4 } as const;

/** TLBI_TTL_UNKNOWN: no level is told. */
export const NO_LEVEL = 127;

export interface Stage2Event {
  /** Counts from 0; a record that dropped some begins later. */
  readonly seq: number;
  /** Guest instructions before it. */
  readonly time: number;
  readonly operation: Operation;
  readonly reason: Reason;
  /** The faulting IPA, or the host's address that changed; -1: none. */
  readonly about: number;
  /** Input addresses that it is about, in bytes; of a `flush` those that the TLB forgets. */
  readonly ipa: number;
  readonly size: number;
  /** Of the entry; -1: none. */
  readonly level: number;
  /** Where the descriptor lies, or the filled table; -1: none. */
  readonly at: number;
  /** The descriptor before and after; of `fill` the first entry is after. */
  readonly before: bigint;
  readonly after: bigint;
  readonly flush: Flush;
  /** What a TLBI by IPA names: where the walk was, which may be within the entry. */
  readonly flushIpa: number;
  /** The level that the TLBI tells the CPU; NO_LEVEL: none. */
  readonly flushLevel: number;
  /** Bits of MAINTENANCE. */
  readonly maintenance: number;
}

/** Rows kept; 70 bytes each. */
export const MOST_EVENTS = 65536;
const BREAK = OPERATIONS.indexOf('break');
/** By operation: neighbours are the same done again. */
const MERGED = OPERATIONS.map((operation) =>
  ['map', 'unmap', 'write-protect', 'relax', 'make-young', 'age'].includes(operation),
);
const FIRST_CAPACITY = 256;
const [NUMBERS, HALVES, CODES] = [6, 4, 6];

export class Stage2Events {
  /** Rows that were recorded, kept or not. */
  count = 0;
  /** Told with every row: why it is. */
  reason: Reason = 'translation fault';
  about = -1;
  readonly #now: () => number;
  #capacity = FIRST_CAPACITY;
  /** time, about, ipa, size, at, IPA of the flush. */
  #numbers = new Float64Array(FIRST_CAPACITY * NUMBERS);
  /** before and after, low half first. */
  #halves = new Uint32Array(FIRST_CAPACITY * HALVES);
  /** operation, reason, level, flush, level of the flush, maintenance. */
  #codes = new Int8Array(FIRST_CAPACITY * CODES);

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Rows that were recorded and are not kept any more. */
  get dropped(): number {
    return Math.max(0, this.count - this.#capacity);
  }

  record(
    operation: Operation,
    ipa: number,
    size: number,
    level: number,
    at: number,
    oldLow: number,
    oldHigh: number,
    newLow: number,
    newHigh: number,
    flush: Flush,
    flushLevel: number,
    maintenance: number,
    flushIpa = ipa,
  ): void {
    if (this.count === this.#capacity && this.#capacity < MOST_EVENTS) this.#grow();
    const row = this.count++ % this.#capacity;
    const numbers = row * NUMBERS;
    this.#numbers[numbers] = this.#now();
    this.#numbers[numbers + 1] = this.about;
    this.#numbers[numbers + 2] = ipa;
    this.#numbers[numbers + 3] = size;
    this.#numbers[numbers + 4] = at;
    this.#numbers[numbers + 5] = flushIpa;
    const halves = row * HALVES;
    this.#halves[halves] = oldLow;
    this.#halves[halves + 1] = oldHigh;
    this.#halves[halves + 2] = newLow;
    this.#halves[halves + 3] = newHigh;
    const codes = row * CODES;
    this.#codes[codes] = OPERATIONS.indexOf(operation);
    this.#codes[codes + 1] = REASONS.indexOf(this.reason);
    this.#codes[codes + 2] = level;
    this.#codes[codes + 3] = FLUSHES.indexOf(flush);
    this.#codes[codes + 4] = flushLevel;
    this.#codes[codes + 5] = maintenance;
  }

  /** Adds to the maintenance of the row recorded last: a barrier at the end of a walk. */
  finish(maintenance: number): void {
    this.#codes[((this.count - 1) % this.#capacity) * CODES + 5]! |= maintenance;
  }

  /** A row by its number, null if it is not kept (any more). */
  at(seq: number): Stage2Event | null {
    if (!(seq >= this.dropped && seq < this.count)) return null;
    const row = seq % this.#capacity;
    const [numbers, halves, codes] = [row * NUMBERS, row * HALVES, row * CODES];
    const value = (at: number): bigint => (BigInt(this.#halves[at + 1]!) << 32n) | BigInt(this.#halves[at]!);
    return {
      seq,
      time: this.#numbers[numbers]!,
      about: this.#numbers[numbers + 1]!,
      ipa: this.#numbers[numbers + 2]!,
      size: this.#numbers[numbers + 3]!,
      at: this.#numbers[numbers + 4]!,
      before: value(halves),
      after: value(halves + 2),
      operation: OPERATIONS[this.#codes[codes]!]!,
      reason: REASONS[this.#codes[codes + 1]!]!,
      level: this.#codes[codes + 2]!,
      flush: FLUSHES[this.#codes[codes + 3]!]!,
      flushIpa: this.#numbers[numbers + 5]!,
      flushLevel: this.#codes[codes + 4]!,
      maintenance: this.#codes[codes + 5]!,
    };
  }

  /** Whether a row is of these operations and touches [start, end): without making an object of it. */
  matches(seq: number, operations: number, start: number, end: number): boolean {
    const row = seq % this.#capacity;
    if (((operations >>> this.#codes[row * CODES]!) & 1) === 0) return false;
    const ipa = this.#numbers[row * NUMBERS + 2]!;
    return ipa < end && ipa + this.#numbers[row * NUMBERS + 3]! > start;
  }

  isBreak(seq: number): boolean {
    return this.#codes[(seq % this.#capacity) * CODES] === BREAK;
  }

  /** Whether a row is `before` once more, at the next IPA: all but the address and the descriptors is the same. */
  continues(seq: number, before: number): boolean {
    if (seq !== before + 1) return false;
    const [row, last] = [seq % this.#capacity, before % this.#capacity];
    for (let code = 0; code < CODES; code++) {
      if (this.#codes[row * CODES + code] !== this.#codes[last * CODES + code]) return false;
    }
    if (!MERGED[this.#codes[row * CODES]!]) return false;
    const [ipa, size] = [row * NUMBERS + 2, row * NUMBERS + 3];
    const [lastIpa, lastSize] = [last * NUMBERS + 2, last * NUMBERS + 3];
    const follows = this.#numbers[ipa] === this.#numbers[lastIpa]! + this.#numbers[lastSize]!;
    return follows && this.#numbers[size] === this.#numbers[lastSize];
  }

  /** Only while nothing was dropped, so rows lie in order. */
  #grow(): void {
    this.#capacity *= 4;
    const numbers = new Float64Array(this.#capacity * NUMBERS);
    const halves = new Uint32Array(this.#capacity * HALVES);
    const codes = new Int8Array(this.#capacity * CODES);
    numbers.set(this.#numbers);
    halves.set(this.#halves);
    codes.set(this.#codes);
    [this.#numbers, this.#halves, this.#codes] = [numbers, halves, codes];
  }
}
