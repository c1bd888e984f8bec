import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CODE, Guest, PAGE } from './guest.testing.ts';
import { ENGINE_BYTES, STATE_BYTES } from './engine.ts';
import { SLOT_COUNT } from './layout.ts';

const DATA = 0x50000000;
const TWO_PAGES = [
  [CODE, 0],
  [CODE + PAGE, 3],
  [DATA, 1],
  [DATA + PAGE, 6],
] as const;

const LOOP = `
        mov     x0, #0
        mov     x1, #100
    1:  add     x0, x0, x1
        subs    x1, x1, #1
        b.ne    1b
        hlt     #7
`;
const LOOP_INSTRUCTIONS = 2 + 3 * 100;

describe('the budget', () => {
  test('is counted exactly, and where it ends PC is that of the next instruction', () => {
    const guest = new Guest(LOOP);
    expect(guest.run(4)).toEqual({ exit: { kind: 'budget' }, executed: 4 });
    expect(guest.engine.state.pc).toBe(BigInt(CODE + 16));
    expect(guest.run()).toMatchObject({ exit: { kind: 'exception', cause: 'hlt', immediate: 7 }, executed: 298 });
    expect(guest.engine.state.x(0)).toBe(5050n);
  });

  test('however it is split, the run is the same', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }), (budgets) => {
        const guest = new Guest(LOOP);
        let total = 0;
        for (const budget of budgets) total += guest.run(budget).executed;
        expect(total).toBe(
          Math.min(
            LOOP_INSTRUCTIONS,
            budgets.reduce((a, b) => a + b),
          ),
        );
        total += guest.run().executed;
        expect(total).toBe(LOOP_INSTRUCTIONS);
        expect(guest.engine.state.x(0)).toBe(5050n);
      }),
      { numRuns: 30 },
    );
  });

  test('of nothing runs nothing', () => {
    const guest = new Guest(LOOP);
    guest.run(2);
    expect(guest.run(0)).toEqual({ exit: { kind: 'budget' }, executed: 0 });
  });

  test('ends a loop that never does', () => {
    const guest = new Guest('b .');
    expect(guest.run(100_000)).toEqual({ exit: { kind: 'budget' }, executed: 100_000 });
  });

  test('counts what crosses into the next page', () => {
    const guest = new Guest('b .', TWO_PAGES);
    guest.load(CODE + PAGE - 8, 'add x0, x0, #1\n add x0, x0, #1\n add x0, x0, #1\n hlt #0');
    guest.engine.state.pc = BigInt(CODE + PAGE - 8);
    expect(guest.run(2).executed).toBe(2);
    expect(guest.engine.state.pc).toBe(BigInt(CODE + PAGE));
    expect(guest.run()).toMatchObject({ exit: { kind: 'exception' }, executed: 1 });
    expect(guest.engine.state.x(0)).toBe(3n);
  });
});

describe('a miss', () => {
  test('leaves the instruction undone, writeback included', () => {
    const guest = new Guest('ldp x0, x1, [x2], #16\n hlt #0');
    guest.engine.state.setX(2, 0x1_2345_6ff8n);
    const { exit } = guest.run();
    expect(exit).toMatchObject({ kind: 'miss', access: 'read', lo: 0x23456ff8, hi: 1, bytes: 16, word: 0xa8c10440 });
    expect(guest.engine.state.x(2)).toBe(0x1_2345_6ff8n);
    expect(guest.engine.state.pc).toBe(BigInt(CODE));
  });

  test('of an access in two pages names the page that is missing', () => {
    const guest = new Guest('str x0, [x2, #4]!\n hlt #0', [
      [CODE, 0],
      [DATA, 1],
    ]);
    guest.engine.state.setX(2, BigInt(DATA + PAGE - 9));
    expect(guest.run().exit).toMatchObject({ kind: 'miss', access: 'write', lo: DATA + PAGE, bytes: 8 });
    expect(guest.engine.state.x(2)).toBe(BigInt(DATA + PAGE - 9));
  });

  test('of an atomic asks for reading, then for writing', () => {
    const guest = new Guest('ldadd x0, x1, [x2]\n hlt #0', TWO_PAGES);
    guest.engine.state.setX(2, BigInt(DATA));
    guest.run();
    expect(guest.filled.slice(1)).toEqual([`read ${DATA.toString(16)}`, `write ${DATA.toString(16)}`]);
  });

  test('of a fetch has PC where the jump went', () => {
    const guest = new Guest('br x0');
    guest.engine.state.setX(0, 0xffff_0000_1234_5678n);
    expect(guest.run()).toMatchObject({
      exit: { kind: 'miss', access: 'fetch', lo: 0x12345678, hi: 0xffff0000 },
      executed: 1,
    });
    expect(guest.engine.state.pc).toBe(0xffff_0000_1234_5678n);
  });

  test('comes back after flush, flushPage and for another regime', () => {
    const guest = new Guest('ldr x0, [x2]\n b .-4', TWO_PAGES);
    const { engine } = guest;
    engine.state.setX(2, BigInt(DATA));
    guest.run(10);
    expect(engine.run(10)).toEqual({ kind: 'budget' });
    engine.tlb.flushPage(DATA, 0);
    expect(engine.run(10)).toMatchObject({ kind: 'miss', access: 'read' });
    guest.run(10);
    engine.tlb.flush();
    expect(engine.run(10)).toMatchObject({ kind: 'miss', access: 'fetch' });
    guest.run(10);
    engine.state.regime = 2;
    expect(engine.run(10)).toMatchObject({ kind: 'miss', access: 'fetch', regime: 2 });
    engine.state.regime = 0;
    engine.tlb.flush(1);
    expect(engine.run(10)).toEqual({ kind: 'budget' });
  });

  test('comes back after a flush of more entries than are noted one by one', () => {
    const guest = new Guest('ldr x0, [x2]\n b .-4', TWO_PAGES);
    const { engine } = guest;
    const page = guest.offset(DATA);
    guest.fill('fetch', CODE, 0);
    for (let i = 0; i < 5000; i++) engine.tlb.fill('read', DATA + i * PAGE, 0, page);
    engine.state.setX(2, BigInt(DATA + 4999 * PAGE));
    expect(engine.run(10)).toEqual({ kind: 'budget' });
    engine.tlb.flushRam(page);
    expect(engine.run(10)).toMatchObject({ kind: 'miss', access: 'read' });
    engine.tlb.fill('read', DATA + 4999 * PAGE, 0, page);
    engine.tlb.flush();
    guest.fill('fetch', CODE, 0);
    expect(engine.run(10)).toMatchObject({ kind: 'miss', access: 'read' });
  });

  test('of LDTR is that of regime 0, whatever the current one is', () => {
    const guest = new Guest('ldtr x0, [x2]\n ldr x0, [x2]\n hlt #0', TWO_PAGES);
    guest.engine.state.regime = 1;
    guest.engine.state.setX(2, BigInt(DATA));
    guest.fill('fetch', CODE, 0);
    expect(guest.engine.run(10)).toMatchObject({ kind: 'miss', regime: 0 });
    guest.fill('read', DATA, 0, 0);
    expect(guest.engine.run(10)).toMatchObject({ kind: 'miss', regime: 1 });
    expect(guest.engine.executed).toBe(1);
  });
});

describe('accesses in two pages', () => {
  test('are done by the engine when both are there', () => {
    const guest = new Guest('str x0, [x2]\n ldr x1, [x2]\n ldp x3, x4, [x2, #-8]\n hlt #0', TWO_PAGES);
    const { state } = guest.engine;
    state.setX(0, 0x1122334455667788n);
    state.setX(2, BigInt(DATA + PAGE - 3));
    expect(guest.run()).toMatchObject({ exit: { kind: 'exception' }, executed: 3 });
    expect(state.x(1)).toBe(0x1122334455667788n);
    expect(state.x(4)).toBe(0x1122334455667788n);
    expect(guest.view.getUint8(guest.offset(DATA + PAGE - 3))).toBe(0x88);
    expect(guest.view.getUint8(guest.offset(DATA + PAGE + 4))).toBe(0x11);
  });
});

describe('alignment', () => {
  test('of PC is checked after the branch', () => {
    const guest = new Guest('br x0');
    guest.engine.state.setX(0, BigInt(CODE + 6));
    expect(guest.run()).toMatchObject({ exit: { kind: 'alignment', of: 'pc', lo: CODE + 6, hi: 0 }, executed: 1 });
  });

  test('of SP as a base is checked where the machine says so', () => {
    const guest = new Guest('ldr x0, [sp]\n hlt #0', TWO_PAGES);
    const { state } = guest.engine;
    state.setSp(state.level, BigInt(DATA + 8));
    state.checksSp = true;
    expect(guest.run().exit).toMatchObject({ kind: 'alignment', of: 'sp', lo: DATA + 8 });
    state.checksSp = false;
    expect(guest.run().exit).toMatchObject({ kind: 'exception' });
  });

  test('of ordered accesses is to their size, with FEAT_LSE2 within 16 bytes', () => {
    const guest = new Guest('ldar x0, [x2]\n hlt #0', TWO_PAGES);
    const { state } = guest.engine;
    state.setX(2, BigInt(DATA + 4));
    expect(guest.run().exit).toMatchObject({ kind: 'alignment', of: 'data', access: 'read', bytes: 8, lo: DATA + 4 });
    state.lse2 = true;
    expect(guest.run().exit).toMatchObject({ kind: 'exception' });
    state.setX(2, BigInt(DATA + 12));
    state.pc = BigInt(CODE);
    expect(guest.run().exit).toMatchObject({ kind: 'alignment', of: 'data' });
  });

  test('of every access is checked in a page that asks for it, by the size of a register', () => {
    const guest = new Guest('ldp x0, x1, [x2]\n hlt #0', TWO_PAGES);
    const { engine } = guest;
    engine.tlb.fill('read', DATA, 0, guest.offset(DATA), 0, true);
    engine.state.setX(2, BigInt(DATA + 8));
    expect(guest.run().exit).toMatchObject({ kind: 'exception' });
    engine.state.setX(2, BigInt(DATA + 4));
    engine.state.pc = BigInt(CODE);
    expect(guest.run().exit).toMatchObject({ kind: 'alignment', of: 'data', bytes: 16 });
  });

  test('is that of elements where a register is made of them', () => {
    const guest = new Guest('ld3 {v0.8h-v2.8h}, [x2]\n hlt #0', TWO_PAGES);
    const { engine } = guest;
    engine.tlb.fill('read', DATA, 0, guest.offset(DATA), 0, true);
    engine.state.setX(2, BigInt(DATA + 2));
    expect(guest.run().exit).toMatchObject({ kind: 'exception' });
    engine.state.setX(2, BigInt(DATA + 3));
    engine.state.pc = BigInt(CODE);
    expect(guest.run().exit).toMatchObject({ kind: 'alignment', of: 'data', bytes: 48 });
  });
});

describe('code that is written', () => {
  const PATCH = `
        adr     x1, 1f
        ldr     w0, 2f
        str     w0, [x1]
    1:  mov     x5, #1
        hlt     #0
    2:  mov     x5, #2
  `;

  test('by the guest is what runs next, even right behind the store', () => {
    const guest = new Guest(`mov x5, #9\n nop\n ${PATCH}`);
    expect(guest.run().exit).toMatchObject({ kind: 'exception' });
    expect(guest.engine.state.x(5)).toBe(2n);
  });

  test('by a store in two pages is forgotten in both', () => {
    const guest = new Guest('b .', TWO_PAGES);
    guest.load(CODE + PAGE - 4, 'mov x5, #1\n mov x6, #1\n hlt #0');
    guest.load(CODE, 'str x0, [x2]\n br x2');
    const { state } = guest.engine;
    state.pc = BigInt(CODE + PAGE - 4);
    guest.run();
    expect([state.x(5), state.x(6)]).toEqual([1n, 1n]);
    state.setX(0, 0xd2800046_d2800045n);
    state.setX(2, BigInt(CODE + PAGE - 4));
    state.pc = BigInt(CODE);
    guest.run();
    expect([state.x(5), state.x(6)]).toEqual([2n, 2n]);
  });

  test('from outside is seen once the engine is told', () => {
    const guest = new Guest('mov x5, #1\n hlt #0');
    guest.run();
    guest.load(CODE, 'mov x5, #2\n hlt #0');
    guest.engine.state.pc = BigInt(CODE);
    guest.run();
    expect(guest.engine.state.x(5)).toBe(2n);
  });

  test('a page that was written before it was code is watched too', () => {
    const guest = new Guest('str w0, [x2]\n br x2', TWO_PAGES);
    guest.load(DATA, 'mov x5, #1\n hlt #0');
    const { state } = guest.engine;
    for (const value of [3, 4]) {
      state.setX(0, BigInt(0xd2800005 + (value << 5)));
      state.setX(2, BigInt(DATA));
      state.pc = BigInt(CODE);
      guest.run();
      expect(state.x(5)).toBe(BigInt(value));
    }
  });
});

describe('breakpoints', () => {
  test('stop before their instruction, each time it comes up', () => {
    const guest = new Guest(LOOP);
    guest.engine.setBreakpoints([BigInt(CODE + 8)]);
    expect(guest.run()).toMatchObject({ exit: { kind: 'breakpoint' }, executed: 2 });
    guest.engine.stepOff();
    expect(guest.run()).toMatchObject({ exit: { kind: 'breakpoint' }, executed: 3 });
    expect(guest.run()).toMatchObject({ exit: { kind: 'breakpoint' }, executed: 0 });
    guest.engine.setBreakpoints([]);
    expect(guest.run()).toMatchObject({ exit: { kind: 'exception' }, executed: LOOP_INSTRUCTIONS - 5 });
    expect(guest.engine.state.x(0)).toBe(5050n);
  });

  test('are of a virtual address: the same code elsewhere runs through', () => {
    const guest = new Guest('mov x0, #1\n mov x0, #2\n hlt #0', [
      [CODE, 0],
      [DATA, 0],
    ]);
    guest.engine.setBreakpoints([BigInt(DATA + 4)]);
    expect(guest.run().exit).toMatchObject({ kind: 'exception' });
    guest.engine.state.pc = BigInt(DATA);
    expect(guest.run()).toMatchObject({ exit: { kind: 'breakpoint' }, executed: 1 });
    guest.engine.state.pc = BigInt(CODE);
    expect(guest.run()).toMatchObject({ exit: { kind: 'exception' }, executed: 2 });
  });

  test('stay when their instruction is written over', () => {
    const guest = new Guest('mov x5, #1\n hlt #0');
    guest.engine.setBreakpoints([BigInt(CODE)]);
    guest.run();
    guest.load(CODE, 'mov x5, #2\n hlt #0');
    expect(guest.run().exit).toEqual({ kind: 'breakpoint' });
    guest.engine.stepOff();
    guest.run();
    expect(guest.engine.state.x(5)).toBe(2n);
  });

  test('are passed once even when the instruction misses first', () => {
    const guest = new Guest('ldr x0, [x2]\n b .-4', TWO_PAGES);
    guest.engine.state.setX(2, BigInt(DATA));
    guest.engine.setBreakpoints([BigInt(CODE)]);
    guest.run();
    guest.engine.stepOff();
    expect(guest.run()).toMatchObject({ exit: { kind: 'breakpoint' }, executed: 2 });
    expect(guest.filled).toContain(`read ${DATA.toString(16)}`);
  });
});

describe('the exclusive monitor', () => {
  test('fails a store after it was cleared, and after memory changed', () => {
    const source = 'ldxr x0, [x2]\n nop\n stxr w1, x3, [x2]\n hlt #0';
    const outcomes = (['none', 'clear', 'write'] as const).map((between) => {
      const guest = new Guest(source, TWO_PAGES);
      guest.engine.state.setX(2, BigInt(DATA));
      guest.run(1);
      if (between === 'clear') guest.engine.state.clearExclusive();
      if (between === 'write') guest.view.setUint8(guest.offset(DATA), 1);
      guest.run();
      return guest.engine.state.x(1);
    });
    expect(outcomes).toEqual([0n, 1n, 1n]);
  });
});

describe('what the engine leaves to the machine', () => {
  test.each([
    ['svc #1', { kind: 'exception', cause: 'svc', immediate: 1 }],
    ['hvc #2', { kind: 'exception', cause: 'hvc', immediate: 2 }],
    ['smc #3', { kind: 'exception', cause: 'smc', immediate: 3 }],
    ['brk #4', { kind: 'exception', cause: 'brk', immediate: 4 }],
    ['mrs x0, midr_el1', { kind: 'system', word: 0xd5380000 }],
    ['msr daifset, #2', { kind: 'system', word: 0xd50342df }],
    ['tlbi vmalle1', { kind: 'system', word: 0xd508871f }],
    ['eret', { kind: 'system', word: 0xd69f03e0 }],
    ['wfi', { kind: 'wait', for: 'wfi' }],
    ['wfe', { kind: 'wait', for: 'wfe' }],
    ['.word 0', { kind: 'undefined', word: 0 }],
    ['.word 0xffffffff', { kind: 'undefined', word: 0xffffffff }],
  ])('%s', (source, exit) => {
    const guest = new Guest(`nop\n ${source}`);
    expect(guest.run()).toMatchObject({ exit, executed: 1 });
    expect(guest.engine.state.pc).toBe(BigInt(CODE + 4));
  });

  test('instructions of a feature that the CPU lacks, but no other', () => {
    const source = 'add x0, x0, #1\n swp x1, x2, [x3]';
    const without = new Guest(source, TWO_PAGES, 16, ['FEAT_LSE']);
    expect(without.run()).toMatchObject({ exit: { kind: 'undefined' }, executed: 1 });
    const having = new Guest(`${source}\n hlt #0`, TWO_PAGES, 16, ['FEAT_CRC32']);
    having.engine.state.setX(3, BigInt(DATA));
    expect(having.run()).toMatchObject({ exit: { kind: 'exception', cause: 'hlt' }, executed: 2 });
  });

  test('an instruction that needs two features where one is lacking', () => {
    const run = (...absent: string[]) =>
      new Guest('fcadd v0.4h, v1.4h, v2.4h, #90\n hlt #0', TWO_PAGES, 16, absent).run();
    for (const absent of ['FEAT_FCMA', 'FEAT_FP16']) {
      expect(run(absent)).toMatchObject({ exit: { kind: 'undefined' }, executed: 0 });
    }
    expect(run()).toMatchObject({ exit: { kind: 'exception', cause: 'hlt' }, executed: 1 });
  });

  test('SIMD registers while they are trapped', () => {
    const guest = new Guest('str q1, [x2]\n ldr d3, [x2, #8]\n hlt #0', TWO_PAGES);
    const { state } = guest.engine;
    state.setX(2, BigInt(DATA));
    state.setV(1, 0, 5n);
    state.setV(1, 1, 6n);
    state.setV(3, 1, 7n);
    state.fpTrapped = true;
    expect(guest.run().exit).toMatchObject({ kind: 'fp', word: 0x3d800041 });
    state.fpTrapped = false;
    expect(guest.run().exit).toMatchObject({ kind: 'exception' });
    expect([state.v(3, 0), state.v(3, 1)]).toEqual([6n, 0n]);
  });
});

test('more pages of code than there are slots run all the same', () => {
  const count = SLOT_COUNT + 20;
  const pages = Array.from({ length: count }, (_, i) => [CODE + i * PAGE, i] as const);
  const guest = new Guest('nop', pages, count);
  for (const [address] of pages.slice(0, -1)) guest.load(address, `add x0, x0, #1\n b .+${PAGE - 4}`);
  guest.load(pages.at(-1)![0], 'hlt #0');
  for (let round = 1; round <= 2; round++) {
    guest.engine.state.pc = BigInt(CODE);
    expect(guest.run().exit).toMatchObject({ kind: 'exception' });
    expect(guest.engine.state.x(0)).toBe(BigInt(round * (count - 1)));
  }
});

test('whatever words a guest jumps into, the engine answers with an exit and counts within the budget', () => {
  const words = fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 1, maxLength: 64 });
  const registers = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 31, maxLength: 31 });
  const guest = new Guest('nop', TWO_PAGES);
  fc.assert(
    fc.property(words, registers, (code, values) => {
      code.forEach((word, i) => guest.view.setUint32(guest.offset(CODE + 4 * i), word, true));
      guest.engine.written(guest.offset(CODE), 4 * code.length);
      values.forEach((value, i) => guest.engine.state.setX(i, value));
      guest.engine.state.pc = BigInt(CODE);
      for (let i = 0; i < 70; i++) {
        const { exit, executed } = guest.run(50);
        expect(executed).toBeLessThanOrEqual(50);
        if (exit.kind === 'budget') break;
        guest.engine.state.advance();
      }
    }),
    { numRuns: 200 },
  );
});

test('a state saved and loaded runs on as if it had stayed', () => {
  const guest = new Guest(LOOP);
  guest.run(100);
  const saved = new Uint8Array(STATE_BYTES);
  guest.engine.state.save(saved);
  guest.run();
  const end = guest.engine.state.x(0);
  guest.engine.state.load(saved);
  expect(guest.run()).toMatchObject({ exit: { kind: 'exception' }, executed: LOOP_INSTRUCTIONS - 100 });
  expect(guest.engine.state.x(0)).toBe(end);
});

test('an entry outside RAM is refused', () => {
  const { engine } = new Guest('nop');
  for (const offset of [0, ENGINE_BYTES - 1, 2 ** 31, -1, NaN]) {
    expect(() => engine.tlb.fill('write', DATA, 0, offset)).toThrow(RangeError);
  }
});
