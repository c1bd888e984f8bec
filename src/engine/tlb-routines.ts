/** What the TLB's entries are made by: one function for `SoftTlb` and for a machine's refill function. */
import {
  add,
  and,
  constant,
  divU,
  eq,
  eqz,
  gtU,
  ltU,
  mul,
  ne,
  or,
  select,
  shl,
  shrS,
  shrU,
  sub,
  type Expr,
} from '../isa/expr.ts';
import { Routine } from './emit/routine.ts';
import * as at from './layout.ts';
import type { FunctionSpec } from './wasm/module.ts';

const word = (value: number) => constant(32, value);
const PAGE_SHIFT = Math.log2(at.PAGE_BYTES);
const ENTRY_MASK = (at.TLB_ENTRIES - 1) * at.TLB_ENTRY_BYTES;

/** The bit of a page or block of 2^`size` bytes in the filter of large ones, whatever the top byte of its address. */
function largeBit(lo: Expr, hi: Expr, size: Expr): Expr {
  const high = shrS(shl(hi, word(8)), word(8));
  const below = or(shl(high, sub(word(32), size)), shrU(lo, size));
  const above = shrS(high, sub(size, word(32)));
  const number = select(ltU(size, word(32)), below, above);
  const hash = add(mul(number, word(0x9e3779b1)), mul(size, word(0x85ebca6b)));
  return shrU(hash, word(32 - at.LARGE_BITS));
}

const filterBit = (bit: Expr) => shl(word(1), and(bit, word(7)));

/**
 * insert(table, notes, lo, hi, addend, flags, slot, size): an entry for the page of an address (its u32 halves) in the table
 * at TLB + `table`. `notes` is where its space keeps what is known of its tables; `size` log2 of what stage 1 maps as one.
 */
export function insertRoutine(): FunctionSpec {
  const b = new Routine([32, 32, 32, 32, 32, 32, 32, 32]);
  const [table, notes, lo, hi, addend, flags, slot, size] = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => b.parameter(n)) as [
    Expr,
    Expr,
    Expr,
    Expr,
    Expr,
    Expr,
    Expr,
    Expr,
  ];
  const entry = b.let(add(add(table, word(at.TLB)), and(shrU(lo, word(8)), word(ENTRY_MASK))));
  b.when(eq(b.load(64, 8, entry), constant(64, -1)), () => {
    const count = b.let(b.load(32, 4, notes, at.NOTE.count));
    b.when(ltU(count, word(at.NOTED)), () => b.store(4, add(notes, shl(count, word(2))), at.NOTE.list, entry));
    b.when(eqz(gtU(count, word(at.NOTED))), () => b.store(4, notes, at.NOTE.count, add(count, word(1))));
  });
  b.store(4, entry, 0, or(and(lo, word(-at.PAGE_BYTES)), flags));
  b.store(4, entry, 4, hi);
  b.store(4, entry, 8, addend);
  b.store(4, entry, 12, slot);
  b.when(gtU(size, word(PAGE_SHIFT)), () => {
    const sizes = b.load(32, 4, notes, at.NOTE.sizes);
    b.store(4, notes, at.NOTE.sizes, or(sizes, shl(word(1), sub(size, word(PAGE_SHIFT)))));
    const bit = b.let(largeBit(lo, hi, size));
    const byte = b.let(add(notes, shrU(bit, word(3))));
    b.store(1, byte, at.NOTE.large, or(b.load(32, 1, byte, at.NOTE.large), filterBit(bit)));
  });
  return b.spec(null, 'insert');
}

/** extent(notes, lo, hi): log2 of the largest page or block around an address that the space may have entries of. */
export function extentRoutine(): FunctionSpec {
  const b = new Routine([32, 32, 32]);
  const [notes, lo, hi] = [b.parameter(0), b.parameter(1), b.parameter(2)];
  const sizes = b.variable(32, b.load(32, 4, notes, at.NOTE.sizes));
  const largest = b.variable(32, word(PAGE_SHIFT));
  const size = b.variable(32, word(PAGE_SHIFT));
  b.loop(
    () => ne(sizes.value, word(0)),
    () => {
      b.when(and(sizes.value, word(1)), () => {
        const bit = b.let(largeBit(lo, hi, size.value));
        const byte = b.load(32, 1, add(notes, shrU(bit, word(3))), at.NOTE.large);
        b.when(and(byte, filterBit(bit)), () => largest.set(size.value));
      });
      sizes.set(shrU(sizes.value, word(1)));
      size.set(add(size.value, word(1)));
    },
  );
  return b.spec(largest.value, 'extent');
}

/**
 * pageChanged(start, page, oldSlot, newSlot): what an engine's space (its tables begin at `start`) does when the use of a page of
 * RAM changes. With a new slot its write entries become careful, else all of its entries go; fetch entries are those of `oldSlot`.
 */
export function pageChangedRoutine(): FunctionSpec {
  const b = new Routine([32, 32, 32, 32]);
  const [start, page, oldSlot, newSlot] = [b.parameter(0), b.parameter(1), b.parameter(2), b.parameter(3)];
  const lowest = word(-at.PAGE_BYTES);
  const flags = word(~(at.TAG_CODE | at.TAG_ALIGNED | at.TAG_GUARDED | -at.PAGE_BYTES));

  const visit = (entry: Expr, access: Expr) => {
    const tag = b.let(b.load(32, 4, entry));
    const addend = b.let(b.load(32, 4, entry, 8));
    const isFetch = eq(access, word(at.FETCH_TABLE / at.TLB_BYTES));
    const isWrite = eq(access, word(at.WRITE_TABLE / at.TLB_BYTES));
    const mapped = select(isFetch, eq(addend, oldSlot), eq(and(add(addend, and(tag, lowest)), lowest), page));
    b.when(and(eqz(and(tag, flags)), mapped), () =>
      b.when(
        newSlot,
        () =>
          b.when(isWrite, () => {
            b.store(4, entry, 0, or(tag, word(at.TAG_CODE)));
            b.store(4, entry, 12, newSlot);
          }),
        () => {
          b.store(8, entry, 0, constant(64, -1));
          b.store(8, entry, 8, constant(64, -1));
        },
      ),
    );
  };

  const notes = add(start, word(at.SPACE_NOTES));
  const count = b.let(b.load(32, 4, notes, at.NOTE.count));
  b.when(
    gtU(count, word(at.NOTED)),
    () => {
      const table = b.variable(32, word(0));
      const entry = b.variable(32, start);
      b.loop(
        () => ltU(table.value, word(at.REGIMES * at.ACCESSES.length)),
        () => {
          const access = b.let(remainder(table.value, at.ACCESSES.length));
          const end = b.let(add(entry.value, word(at.TLB_BYTES)));
          b.loop(
            () => ltU(entry.value, end),
            () => {
              visit(entry.value, access);
              entry.set(add(entry.value, word(at.TLB_ENTRY_BYTES)));
            },
          );
          table.set(add(table.value, word(1)));
        },
      );
    },
    () => {
      const index = b.variable(32, word(0));
      b.loop(
        () => ltU(index.value, count),
        () => {
          const entry = b.let(b.load(32, 4, add(notes, shl(index.value, word(2))), at.NOTE.list));
          const table = divide(sub(entry, start), at.TLB_BYTES);
          visit(entry, remainder(table, at.ACCESSES.length));
          index.set(add(index.value, word(1)));
        },
      );
    },
  );
  return b.spec(null, 'pageChanged');
}

const divide = (value: Expr, by: number): Expr => divU(value, word(by));
const remainder = (value: Expr, by: number): Expr => sub(value, mul(divide(value, by), word(by)));
