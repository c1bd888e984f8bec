/**
 * The walk of a TLB miss in WebAssembly, both stages: from the same formats, fields and permissions as the one in TypeScript
 * (mmu.ts), with a configuration's values read from memory (parameters.ts). It fills the engine's TLB where all that
 * it takes is a look at tables in RAM; what ends in a fault, changes a descriptor or is not RAM it leaves to TypeScript.
 */
import { Routine } from '../../engine/emit/routine.ts';
import type { Refill } from '../../engine/engine.ts';
import * as at from '../../engine/layout.ts';
import { insertRoutine } from '../../engine/tlb-routines.ts';
import { encodeModule, type FunctionSpec } from '../../engine/wasm/module.ts';
import {
  add,
  and,
  constant,
  eq,
  eqz,
  extendU,
  geU,
  ltS,
  ltU,
  ne,
  not,
  or,
  select,
  shl,
  shrS,
  shrU,
  sub,
  wrap,
  xor,
  type Expr,
  type Width,
} from '../../isa/expr.ts';
import type { PhysicalMemory } from '../memory.ts';
import { STAGE1, STAGE2, type DescriptorField } from './descriptor.ts';
import {
  BANK,
  BANK_BYTES,
  BLOCK,
  BLOCK_AT,
  BLOCK_FLAG,
  FLAT_DATA,
  NO_STAGE2,
  RIGHT,
  WALK,
  WALK_FLAG,
  writeBanks,
} from './parameters.ts';

const FUNCTION = { insert: 0, locate: 1, walk: 2, stage2: 3 } as const;

const w32 = (value: number) => constant(32, value);
const w64 = (value: number | bigint) => constant(64, value);
const NONE = w64(-1);
const VALID = 1;
const TABLE_OR_PAGE = 2;
const HIGHEST_VA_BIT = 55;
const DESCRIPTOR_SHIFT = 3;

/** A field of a descriptor, as 32 bits. */
function fieldOf(field: DescriptorField, descriptor: Expr): Expr {
  const [part, ...others] = field.parts;
  if (!part || others.length > 0) throw new Error(`${field.name} is not in one piece`);
  return and(wrap(shrU(descriptor, w64(part.lo))), w32(2 ** (part.hi - part.lo + 1) - 1));
}

const isSet = (value: Expr, bits: number) => and(value, w32(bits));
const maskBit = (mask: Expr, bit: Expr) => and(shrU(mask, bit), w32(1));
/** `value & (2^count − 1)`, 64 bits. */
const lowBits = (value: Expr, count: Expr) => and(value, not(shl(NONE, extendU(count))));

/** locate(pa): its offset in the memory; 0 where there is no RAM. */
function locateRoutine(): FunctionSpec {
  const b = new Routine([64]);
  const pa = b.parameter(0);
  const bank = b.variable(32, w32(at.REFILL_BANKS));
  b.loop(
    () => ne(b.load(64, 8, bank.value, BANK.size), w64(0)),
    () => {
      const within = b.let(sub(pa, b.load(64, 8, bank.value, BANK.base)));
      b.when(eqz(geU(within, b.load(64, 8, bank.value, BANK.size))), () =>
        b.return(add(wrap(within), b.load(32, 4, bank.value, BANK.offset))),
      );
      bank.set(add(bank.value, w32(BANK_BYTES)));
    },
  );
  return b.spec(w32(0));
}

/** The same, at once where it is in the first bank. */
function locate(b: Routine, pa: Expr): Expr {
  const first = w32(at.REFILL_BANKS);
  const within = b.let(sub(pa, b.load(64, 8, first, BANK.base)));
  const offset = b.variable(32, w32(0));
  b.when(
    ltU(within, b.load(64, 8, first, BANK.size)),
    () => offset.set(add(wrap(within), b.load(32, 4, first, BANK.offset))),
    () => offset.set(b.call(32, FUNCTION.locate, pa)),
  );
  return offset.value;
}

/**
 * walk(tables, input, nested): what the input address is mapped to, by the WALK record at `tables`, which takes the leaf; −1 where
 * there is none. `nested`: the block whose stage 2 the descriptors' addresses go through, or 0.
 */
function walkRoutine(): FunctionSpec {
  const b = new Routine([32, 64, 32]);
  const [tables, input, nested] = [b.parameter(0), b.parameter(1), b.parameter(2)];
  const parameter = (width: Width, offset: number) => b.load(width, width / 8, tables, offset);
  const shift = b.variable(32, parameter(32, WALK.startShift));
  const height = b.variable(32, parameter(32, WALK.height));
  const table = b.variable(64, parameter(64, WALK.root));
  const index = b.variable(64, shrU(input, extendU(shift.value)));
  const above = b.variable(64, w64(0));
  const addressMask = b.let(parameter(64, WALK.address));
  const movedMask = b.let(parameter(64, WALK.moved));
  const movedBy = b.let(extendU(parameter(32, WALK.movedBy)));
  const outputLimit = b.let(parameter(64, WALK.outputLimit));
  const bitsPerLevel = b.let(parameter(32, WALK.bitsPerLevel));
  b.loop(
    () => w32(1),
    () => {
      const place = b.variable(64, add(table.value, shl(index.value, w64(DESCRIPTOR_SHIFT))));
      b.when(nested, () => {
        const permits = b.load(32, 2, nested, BLOCK.permits2 + 2 * at.REGIMES * at.ACCESSES.length);
        place.set(b.call(64, FUNCTION.stage2, nested, place.value, permits, w32(1)));
        b.when(ltS(place.value, w64(0)), () => b.return(NONE));
      });
      const offset = locate(b, place.value);
      b.when(eqz(offset), () => b.return(NONE));
      const descriptor = b.let(b.load(64, 8, offset));
      const type = b.let(wrap(descriptor));
      b.when(eqz(isSet(type, VALID)), () => b.return(NONE));
      const moved = shl(and(descriptor, movedMask), movedBy);
      const address = b.let(or(and(descriptor, addressMask), moved));
      const isTable = b.let(and(ne(height.value, w32(0)), ne(isSet(type, TABLE_OR_PAGE), w32(0))));
      b.when(
        isTable,
        () => {
          b.when(ne(and(address, outputLimit), w64(0)), () => b.return(NONE));
          above.set(or(above.value, descriptor));
          table.set(address);
          height.set(sub(height.value, w32(1)));
          shift.set(sub(shift.value, bitsPerLevel));
          index.set(lowBits(shrU(input, extendU(shift.value)), bitsPerLevel));
        },
        () => {
          const isPage = ne(isSet(type, TABLE_OR_PAGE), w32(0));
          const isBlock = maskBit(parameter(32, WALK.blocks), height.value);
          b.when(eqz(select(eqz(height.value), isPage, isBlock)), () => b.return(NONE));
          const output = b.let(and(address, shl(NONE, extendU(shift.value))));
          b.when(ne(and(output, outputLimit), w64(0)), () => b.return(NONE));
          b.store(8, tables, WALK.leaf, descriptor);
          b.store(8, tables, WALK.tables, above.value);
          b.store(4, tables, WALK.size, shift.value);
          b.return(or(output, lowBits(input, shift.value)));
        },
      );
    },
  );
  return b.spec(NONE);
}

/** stage2(block, ipa, permits, tables): the physical address, or −1; `tables` is 1 for the read of a stage 1 descriptor. */
function stage2Routine(): FunctionSpec {
  const b = new Routine([32, 64, 32, 32]);
  const [block, ipa, permits, forTables] = [b.parameter(0), b.parameter(1), b.parameter(2), b.parameter(3)];
  b.when(isSet(b.load(32, 4, block, BLOCK.stage2 + WALK.flags), WALK_FLAG.refused), () => b.return(NONE));
  const inputBits = extendU(b.load(32, 4, block, BLOCK.stage2 + WALK.inputBits));
  b.when(ne(shrU(ipa, inputBits), w64(0)), () => b.return(NONE));
  const pa = b.let(b.call(64, FUNCTION.walk, add(block, w32(BLOCK.stage2)), ipa, w32(0)));
  b.when(ltS(pa, w64(0)), () => b.return(NONE));
  const leaf = b.let(b.load(64, 8, block, BLOCK.stage2 + WALK.leaf));
  const rights = or(fieldOf(STAGE2.S2AP, leaf), shl(fieldOf(STAGE2.XN, leaf), w32(2)));
  b.when(eqz(and(fieldOf(STAGE2.AF, leaf), maskBit(permits, rights))), () => b.return(NONE));
  const forbidden = maskBit(b.load(32, 2, block, BLOCK.noTables), fieldOf(STAGE2.MemAttr, leaf));
  b.when(and(forTables, forbidden), () => b.return(NONE));
  return b.spec(pa);
}

/** refill(va, table): see Refill. */
function refillRoutine(): FunctionSpec {
  const b = new Routine([64, 32]);
  const [va, table] = [b.parameter(0), b.parameter(1)];
  const space = b.let(times(divide(table, at.SPACE_BYTES), at.SPACE_BYTES));
  const which = b.let(divide(sub(table, space), at.TLB_BYTES));
  const access = b.let(remainder(which, at.ACCESSES.length));
  const isAccess = (name: (typeof at.ACCESSES)[number]) => eq(access, w32(at.ACCESSES.indexOf(name)));
  const refuse = () => b.return(w32(0));
  b.when(eqz(maskBit(b.load(32, 4, w32(at.REFILLED)), access)), refuse);
  const block = b.let(add(space, w32(at.TLB + BLOCK_AT)));
  const flags = b.let(b.load(32, 4, block, BLOCK.flags));
  const half = b.let(and(wrap(shrU(va, w64(HIGHEST_VA_BIT))), w32(1)));
  const permits = (offset: number) => b.load(32, 2, add(block, shl(which, w32(1))), offset);
  const ipa = b.variable(64, w64(0));
  const attribute = b.variable(32, w32(0));
  const size = b.variable(32, w32(Math.log2(at.PAGE_BYTES)));

  b.when(
    isSet(flags, BLOCK_FLAG.stage1),
    () => {
      const tables = b.let(select(half, add(block, w32(BLOCK.half1)), add(block, w32(BLOCK.half0))));
      const control = b.let(b.load(32, 4, tables, WALK.flags));
      b.when(isSet(control, WALK_FLAG.refused), refuse);
      b.when(and(eqz(divide(which, at.ACCESSES.length)), ne(isSet(control, WALK_FLAG.el0Faults), w32(0))), refuse);
      const inputBits = b.let(b.load(32, 4, tables, WALK.inputBits));
      const untagged = shrS(shl(va, w64(8)), w64(8));
      // A branch takes an ignored top byte off PC first: not a matter of the tables.
      const ignored = and(ne(isSet(control, WALK_FLAG.topByteIgnored), w32(0)), eqz(isAccess('fetch')));
      const extended = b.let(select(ignored, untagged, va));
      const sign = sub(w64(0), extendU(half));
      b.when(ne(shrS(extended, extendU(inputBits)), sign), refuse);
      const nested = select(isSet(flags, BLOCK_FLAG.stage2), block, w32(0));
      ipa.set(b.call(64, FUNCTION.walk, tables, lowBits(va, inputBits), nested));
      b.when(ltS(ipa.value, w64(0)), refuse);
      const leaf = b.let(b.load(64, 8, tables, WALK.leaf));
      b.when(eqz(fieldOf(STAGE1.AF, leaf)), refuse);
      // What an indirect branch has to find in a guarded page is not looked for here.
      const guarded = and(ne(isSet(flags, BLOCK_FLAG.guarded), w32(0)), fieldOf(STAGE1.GP, leaf));
      b.when(and(isAccess('fetch'), guarded), refuse);
      const hierarchical = isSet(control, WALK_FLAG.hierarchical);
      const above = b.let(select(hierarchical, b.load(64, 8, tables, WALK.tables), w64(0)));
      const ap = b.let(fieldOf(STAGE1.AP, leaf));
      const apTable = b.let(fieldOf(STAGE1.APTable, above));
      const readOnly = b.let(shrU(ap, w32(1)));
      const dirtyable = b.let(and(ne(isSet(control, WALK_FLAG.dirty), w32(0)), fieldOf(STAGE1.DBM, leaf)));
      // Hardware would have to write the descriptor.
      b.when(and(and(readOnly, dirtyable), isAccess('write')), refuse);
      const writable = and(or(xor(readOnly, w32(1)), dirtyable), eqz(shrU(apTable, w32(1))));
      const rights = [
        [RIGHT.el0, and(and(ap, w32(1)), eqz(and(apTable, w32(1))))],
        [RIGHT.writable, writable],
        [RIGHT.privilegedNever, or(fieldOf(STAGE1.PXN, leaf), fieldOf(STAGE1.PXNTable, above))],
        [RIGHT.unprivilegedNever, or(fieldOf(STAGE1.UXN, leaf), fieldOf(STAGE1.UXNTable, above))],
      ] as const;
      const together = rights.map(([bit, held]) => shl(held, w32(Math.log2(bit)))).reduce(or);
      b.when(eqz(maskBit(permits(BLOCK.permits1), together)), refuse);
      attribute.set(fieldOf(STAGE1.AttrIndx, leaf));
      size.set(b.load(32, 4, tables, WALK.size));
    },
    () => {
      const bit = select(half, w32(BLOCK_FLAG.topByte1Ignored), w32(BLOCK_FLAG.topByte0Ignored));
      const ignored = and(ne(and(flags, bit), w32(0)), eqz(isAccess('fetch')));
      ipa.set(select(ignored, and(va, w64((1n << 56n) - 1n)), va));
      b.when(ne(shrU(ipa.value, extendU(b.load(32, 4, block, BLOCK.flatBits))), w64(0)), refuse);
      attribute.set(add(isAccess('fetch'), w32(FLAT_DATA)));
    },
  );

  const pa = b.variable(64, ipa.value);
  const memAttr = b.variable(32, w32(NO_STAGE2));
  b.when(isSet(flags, BLOCK_FLAG.stage2), () => {
    pa.set(b.call(64, FUNCTION.stage2, block, ipa.value, permits(BLOCK.permits2), w32(0)));
    b.when(ltS(pa.value, w64(0)), refuse);
    memAttr.set(fieldOf(STAGE2.MemAttr, b.load(64, 8, block, BLOCK.stage2 + WALK.leaf)));
  });

  const offset = locate(b, pa.value);
  b.when(eqz(offset), refuse);
  const page = b.let(and(offset, w32(-at.PAGE_BYTES)));
  const pageNumber = shrU(page, w32(Math.log2(at.PAGE_BYTES)));
  const slotNumber = b.let(b.load(32, 2, shl(pageNumber, w32(1)), at.PAGE_SLOTS));
  const slotAt = add(w32(at.SLOTS - at.SLOT_BYTES), times(slotNumber, at.SLOT_BYTES));
  const slot = b.let(select(slotNumber, slotAt, w32(0)));
  const device = maskBit(b.load(32, 4, add(block, shl(attribute.value, w32(2))), BLOCK.device), memAttr.value);
  const aligned = or(device, ne(isSet(flags, BLOCK_FLAG.aligned), w32(0)));
  const entryFlags = b.variable(32, w32(0));
  const addend = b.variable(32, slot);
  b.when(
    isAccess('fetch'),
    () => b.when(eqz(slot), refuse),
    () => {
      addend.set(sub(page, and(wrap(va), w32(-at.PAGE_BYTES))));
      const code = and(isAccess('write'), ne(slot, w32(0)));
      entryFlags.set(or(times(aligned, at.TAG_ALIGNED), times(code, at.TAG_CODE)));
    },
  );
  const notes = add(space, w32(at.TLB + at.SPACE_NOTES));
  const [lo, hi] = [wrap(va), wrap(shrU(va, w64(32)))];
  b.run(FUNCTION.insert, table, notes, lo, hi, addend.value, entryFlags.value, slot, size.value);
  const counter = shl(access, w32(2));
  b.store(4, counter, at.REFILLS, add(b.load(32, 4, counter, at.REFILLS), w32(1)));
  return b.spec(w32(1), 'refill');
}

const divide = (value: Expr, by: number): Expr => ({ op: 'divU', width: 32, a: value, b: w32(by) });
const times = (value: Expr, by: number): Expr => ({ op: 'mul', width: 32, a: value, b: w32(by) });
const remainder = (value: Expr, by: number) => sub(value, times(divide(value, by), by));

let compiled: WebAssembly.Module | undefined;

/** The refill function over a memory, for the engine that runs in it. It knows the memory's banks; configurations are written by `writeConfiguration`. */
export function instantiateRefill({ memory, banks }: PhysicalMemory): Refill {
  const room = at.REFILL_BANKS_BYTES / BANK_BYTES - 1;
  if (banks.length > room) throw new RangeError(`${banks.length} banks of RAM are more than ${room}`);
  writeBanks(new DataView(memory.buffer), at.REFILL_BANKS, banks);
  compiled ??= new WebAssembly.Module(
    encodeModule([insertRoutine(), locateRoutine(), walkRoutine(), stage2Routine(), refillRoutine()]),
  );
  const { refill } = new WebAssembly.Instance(compiled, { engine: { memory } }).exports;
  if (!isRefill(refill)) throw new Error('the module does not export refill');
  return refill;
}

function isRefill(value: unknown): value is Refill {
  return typeof value === 'function';
}
