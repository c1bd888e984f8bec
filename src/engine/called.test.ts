/** Handlers that the hot function calls: all that holds of the others holds of them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SLOT } from '../isa/a64/operands.ts';
import { A64 } from '../isa/a64/table.ts';
import { insertFields, REGISTER_OPERANDS, type Fields } from '../isa/row.ts';
import { a64Program, STATE_BYTES, type Engine } from './engine.ts';
import { CODE, Guest, PAGE } from './guest.testing.ts';

const DATA = 0x50000000;
const TWO_PAGES = [
  [CODE, 0],
  [CODE + PAGE, 3],
  [DATA, 1],
  [DATA + PAGE, 6],
] as const;
type TableRow = (typeof A64.rows)[number];

function saved({ state }: Engine): Uint8Array {
  const block = new Uint8Array(STATE_BYTES);
  state.save(block);
  return block;
}

/** A word of the row with fields from `from`, and those given; null: there is none. */
function wordOf({ row, diagram }: TableRow, from: readonly number[], given: Readonly<Record<string, number>>) {
  const fields: Fields = Object.fromEntries(
    diagram.fields.map(({ name }, i) => [name, given[name] ?? from[i % from.length]!]),
  );
  const word = insertFields(diagram, fields);
  return A64.decode(word)?.row === row ? word : null;
}

const numbers = fc.array(fc.nat({ max: 0xffff }), { minLength: 12, maxLength: 12 });

function usesV({ row, diagram }: TableRow): boolean {
  const zeros: Fields = Object.fromEntries(diagram.fields.map(({ name }) => [name, 0]));
  return REGISTER_OPERANDS.some((name) => (row.operands[name]?.(zeros) ?? 0) >= SLOT.V0);
}

test('rows of V registers are called, none of the others but those that call library functions', () => {
  const { handlers } = a64Program();
  const isCalled = ({ index }: (typeof A64.rows)[number]) => handlers.trees[index] === null;
  const ought = (row: (typeof A64.rows)[number]) => usesV(row) || row.row.feature === 'FEAT_PAuth';
  expect(A64.rows.filter((row) => isCalled(row) !== ought(row)).map(({ row }) => row.name)).toEqual([]);
});

describe('while floating point is trapped', () => {
  test('every instruction of a V register leaves with nothing done', () => {
    const guest = new Guest('nop', TWO_PAGES);
    const { engine } = guest;
    guest.run(1);
    engine.state.fpTrapped = true;
    for (let i = 0; i < 31; i++) engine.state.setX(i, BigInt(DATA + 64));
    const wrong = A64.rows.filter(usesV).flatMap((row) => {
      const word = [0, 1, 2, 0x5555].map((value) => wordOf(row, [value], {})).find((found) => found !== null);
      if (word === undefined) return [];
      guest.load(CODE, `.inst ${word}`);
      engine.state.pc = BigInt(CODE);
      const before = saved(engine);
      const exit = engine.run(1);
      const untouched = Buffer.compare(before, saved(engine)) === 0;
      return exit.kind === 'fp' && engine.executed === 0 && untouched ? [] : [row.row.name];
    });
    expect(wrong).toEqual([]);
  });
});

describe('a load or store in two pages', () => {
  const rows = A64.rows.filter(({ row: { transfer, operands } }) => {
    if (!transfer || !operands.rn || transfer.access === 'prefetch' || transfer.access === 'loadStore') return false;
    if (transfer.exclusive || transfer.acquire || transfer.release) return false;
    return transfer.bytes * transfer.registers > 1;
  });
  const given = { Rn: 2, Rm: 3, Rt: 8, Rt2: 12, imm12: 0, imm9: 0, imm7: 0, imm19: 0, S: 0, i9: 0 };
  const target = DATA + PAGE;

  const [whole, parted] = [new Guest('nop', TWO_PAGES), new Guest('nop', TWO_PAGES)];

  /** Makes the guest ready to run the word at CODE, with registers and memory from a seed. */
  function prepare(guest: Guest, word: number, address: number, seed: number): void {
    const { state, tlb } = guest.engine;
    guest.load(CODE, `.inst ${word}\n hlt #0`);
    for (let i = 0; i < 64; i++) state.setV(i >> 1, i & 1 ? 1 : 0, BigInt.asUintN(64, BigInt(seed + i) ** 5n));
    for (let i = 0; i < 128; i++) guest.view.setUint8(guest.offset(target - 64 + i), (seed * 31 + i * 7) & 255);
    for (let i = 0; i < 31; i++) state.setX(i, BigInt(seed + i) ** 3n);
    state.setX(2, BigInt(address));
    state.setX(3, 0n);
    state.pc = BigInt(CODE);
    tlb.flush();
    guest.fill('fetch', CODE, 0);
  }
  const windowOf = (guest: Guest) =>
    Array.from({ length: 128 }, (_, i) => guest.view.getUint8(guest.offset(target - 64 + i)));

  test.each([
    { present: DATA, missing: DATA + PAGE, without: 'second' },
    { present: DATA + PAGE, missing: DATA, without: 'first' },
  ])('is undone without the $without page, and done once it is there', ({ present, missing }) => {
    let tried = 0;
    fc.assert(
      fc.property(fc.constantFrom(...rows), numbers, fc.nat(), fc.nat({ max: 0xffff }), (row, from, cut, seed) => {
        const word = wordOf(row, from, given);
        if (word === null) return;
        tried++;
        const { bytes, registers, access } = row.row.transfer!;
        const kind = access === 'load' ? 'read' : 'write';
        const address = target - 1 - (cut % (bytes * registers - 1));
        prepare(whole, word, address, seed);
        expect(whole.run().exit).toMatchObject({ kind: 'exception' });

        prepare(parted, word, address, seed);
        parted.fill(kind, present, 0);
        const [state, memory] = [saved(parted.engine), windowOf(parted)];
        const exit = parted.engine.run(10);
        const lo = missing === DATA ? address : DATA + PAGE;
        expect(exit).toMatchObject({ kind: 'miss', access: kind, bytes: bytes * registers, lo });
        expect(parted.engine.executed).toBe(0);
        expect(saved(parted.engine)).toEqual(state);
        expect(windowOf(parted)).toEqual(memory);
        parted.fill(kind, missing, 0);
        expect(parted.engine.run(10)).toMatchObject({ kind: 'exception' });
        expect(parted.engine.executed).toBe(1);
        expect(saved(parted.engine)).toEqual(saved(whole.engine));
        expect(windowOf(parted)).toEqual(windowOf(whole));
      }),
      { numRuns: 200 },
    );
    expect(tried).toBeGreaterThan(100);
  });
});

describe('code that a called handler writes', () => {
  test('is what runs next, in both pages that it lies in', () => {
    for (const place of [CODE + 8, CODE + PAGE - 16]) {
      const guest = new Guest(`st1 {v0.16b, v1.16b}, [x2]\n br x2`, TWO_PAGES);
      const { state } = guest.engine;
      guest.load(place, 'mov x5, #1\n mov x6, #1\n nop\n nop\n mov x7, #1\n nop\n nop\n hlt #0');
      state.setX(2, BigInt(place));
      state.pc = BigInt(place);
      guest.run();
      expect([5, 6, 7].map((i) => state.x(i))).toEqual([1n, 1n, 1n]);
      /* mov x5, #2; mov x6, #2; nop; nop; mov x7, #2; nop; nop; hlt #0 */
      state.setV(0, 0, 0xd2800046_d2800045n);
      state.setV(0, 1, 0xd503201f_d503201fn);
      state.setV(1, 0, 0xd503201f_d2800047n);
      state.setV(1, 1, 0xd4400000_d503201fn);
      state.pc = BigInt(CODE);
      guest.run();
      expect([5, 6, 7].map((i) => state.x(i))).toEqual([2n, 2n, 2n]);
    }
  });
});

const SUM = `
        fmov    d0, xzr
        mov     x1, #200
    1:  scvtf   d1, x1
        fadd    d0, d0, d1
        st1     {v0.1d}, [x2]
        ld1r    {v3.2d}, [x2]
        subs    x1, x1, #1
        b.ne    1b
        fcvtzs  x0, d3
        hlt     #7
`;
const SUM_INSTRUCTIONS = 2 + 6 * 200 + 1;

describe('a loop of called handlers', () => {
  test('counts exactly, however the budget is split', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 40 }), (budgets) => {
        const guest = new Guest(SUM, TWO_PAGES);
        guest.engine.state.setX(2, BigInt(DATA));
        let total = 0;
        for (const budget of budgets) total += guest.run(budget).executed;
        total += guest.run().executed;
        expect(total).toBe(SUM_INSTRUCTIONS);
        expect(guest.engine.state.x(0)).toBe(20100n);
      }),
      { numRuns: 20 },
    );
  });

  test('stops at a breakpoint on each of them', () => {
    const guest = new Guest(SUM, TWO_PAGES);
    guest.engine.state.setX(2, BigInt(DATA));
    guest.engine.setBreakpoints([8, 12, 16, 20].map((offset) => BigInt(CODE + offset)));
    let stops = 0;
    while (guest.run().exit.kind === 'breakpoint') {
      stops++;
      guest.engine.stepOff();
    }
    expect(stops).toBe(4 * 200);
    expect(guest.engine.state.x(0)).toBe(20100n);
  });

  test("is an engine's own: another runs the same with other registers", () => {
    const guests = [3n, 5n].map((value) => {
      const guest = new Guest('fmul d0, d0, d0\n fcvtzs x0, d0\n hlt #0', TWO_PAGES);
      guest.load(CODE + 64, 'scvtf d0, x1\n b .-68');
      guest.engine.state.setX(1, value);
      guest.engine.state.pc = BigInt(CODE + 64);
      return guest;
    });
    for (const guest of guests) guest.run(1);
    for (const guest of guests) guest.run();
    expect(guests.map(({ engine }) => engine.state.x(0))).toEqual([9n, 25n]);
  });
});

test('a called handler jumps', () => {
  const guest = new Guest('adr x30, 1f\n paciasp\n retaa\n nop\n 1: mov x5, #7\n hlt #0');
  expect(guest.run()).toMatchObject({ exit: { kind: 'exception', cause: 'hlt' }, executed: 4 });
  expect(guest.engine.state.x(5)).toBe(7n);
  const away = new Guest('retaa');
  away.engine.state.setX(30, 0x12345678n);
  expect(away.run()).toMatchObject({ exit: { kind: 'miss', access: 'fetch' }, executed: 1 });
});
