import { describe, expect, test } from 'vitest';
import { CODE, Guest, PAGE } from '../guest.testing.ts';
import { Engine, ENGINE_BYTES } from '../engine.ts';
import { assemble } from '../../isa/a64/assembler.ts';
import type { JitOptions } from './jit.ts';

const EAGER: JitOptions = { interval: 50, exits: 4, lesson: 100, threshold: 1 };
const DATA = 0x50000000;

/** A guest whose pages are what is needed, on an engine that compiles early. */
class CompilingGuest {
  readonly engine: Engine;
  readonly memory: WebAssembly.Memory;

  constructor(source: string, jit: JitOptions = EAGER) {
    this.memory = new WebAssembly.Memory({ initial: ENGINE_BYTES / 0x10000 + 4 });
    this.engine = new Engine(this.memory, new Set(), undefined, { jit });
    this.load(CODE, source);
    this.engine.state.pc = BigInt(CODE);
  }

  offset(address: number): number {
    return ENGINE_BYTES + (address >= DATA ? 16 * PAGE + (address - DATA) : address - CODE);
  }

  load(address: number, source: string): void {
    const { bytes, errors } = assemble(source, { origin: BigInt(address) });
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
    new Uint8Array(this.memory.buffer).set(bytes, this.offset(address));
    this.engine.written(this.offset(address), bytes.length);
  }

  run(budget = 1_000_000) {
    let executed = 0;
    for (;;) {
      const exit = this.engine.run(budget - executed);
      executed += this.engine.executed;
      if (exit.kind !== 'miss') return { exit, executed };
      this.engine.tlb.fill(exit.access, exit.lo, exit.hi, this.offset(exit.lo), exit.regime);
    }
  }

  get statistics() {
    return this.engine.statistics!;
  }
}

const SUM = `
        mov     x0, #0
        mov     x1, #2000
    1:  add     x0, x0, #1
        subs    x1, x1, #1
        b.ne    1b
        hlt     #0
`;

describe('a region', () => {
  test('is made of a loop that is hot, and counts as the interpreter does', () => {
    const guest = new CompilingGuest(SUM);
    expect(guest.run()).toMatchObject({ exit: { kind: 'exception' }, executed: 2 + 3 * 2000 });
    expect(guest.engine.state.x(0)).toBe(2000n);
    expect(guest.statistics).toMatchObject({ regions: 1, invalidated: 0 });
  });

  test('stops wherever the budget ends', () => {
    const guest = new CompilingGuest(SUM);
    let total = 0;
    for (let budget = 1; ; budget = (budget * 7 + 3) % 61) {
      const { exit, executed } = guest.run(budget);
      total += executed;
      if (exit.kind !== 'budget') break;
      expect(executed).toBe(budget);
    }
    expect(total).toBe(2 + 3 * 2000);
    expect(guest.engine.state.x(0)).toBe(2000n);
  });

  test('ends when the machine writes over its code', () => {
    const guest = new CompilingGuest(SUM);
    guest.run(3000);
    expect(guest.statistics.regions).toBe(1);
    guest.load(CODE + 8, 'add x0, x0, #2');
    expect(guest.statistics).toMatchObject({ regions: 0, invalidated: 1 });
    guest.run();
    expect(guest.engine.state.x(0)).toBe(1000n + 2n * 1000n);
  });

  test('does not run over a breakpoint that is set when it is there', () => {
    const guest = new CompilingGuest(SUM);
    guest.run(3000);
    guest.engine.setBreakpoints([BigInt(CODE + 12)]);
    const { exit } = guest.run();
    expect(exit).toEqual({ kind: 'breakpoint' });
    expect(guest.engine.state.pc).toBe(BigInt(CODE + 12));
    guest.engine.setBreakpoints([]);
    guest.run();
    expect(guest.engine.state.x(0)).toBe(2000n);
  });

  test('is not run by a fetch that the TLB does not have', () => {
    const guest = new CompilingGuest(SUM);
    guest.run(3000);
    guest.engine.tlb.flush();
    expect(guest.engine.run(100)).toMatchObject({ kind: 'miss', access: 'fetch' });
  });

  test('serves every address that its page is mapped at', () => {
    const guest = new CompilingGuest('    adr x2, .\n' + SUM);
    guest.run();
    const compiled = guest.statistics.compiled.regions;
    const elsewhere = CODE + 0x10000000;
    guest.engine.tlb.fill('fetch', elsewhere, 0, guest.offset(CODE));
    guest.engine.state.pc = BigInt(elsewhere);
    expect(guest.engine.run(10_000)).toMatchObject({ kind: 'exception' });
    expect(guest.engine.state.x(0)).toBe(2000n);
    expect(guest.engine.state.x(2)).toBe(BigInt(elsewhere));
    expect(guest.statistics.compiled.regions).toBe(compiled);
  });

  test('leaves FP instructions to whoever traps them', () => {
    const guest = new CompilingGuest(SUM.replace('add     x0, x0, #1', 'add x0, x0, #1\n fmov d0, d1'));
    guest.run(3000);
    guest.engine.state.fpTrapped = true;
    expect(guest.run().exit).toMatchObject({ kind: 'fp' });
  });
});

describe('a guest that writes to the page that it runs in', () => {
  /** Adds one to a word beside the loop, over and over. */
  const COUNTER = `
        adr     x2, counter
        mov     x1, #3000
    1:  ldr     x0, [x2]
        add     x0, x0, #1
        str     x0, [x2]
        subs    x1, x1, #1
        b.ne    1b
        hlt     #0
        .align  4
    counter: .quad 0
  `;

  test('keeps its regions as long as it does not change them', () => {
    const guest = new CompilingGuest(COUNTER);
    guest.run();
    expect(guest.engine.state.x(0)).toBe(3000n);
    expect(guest.statistics.compiled.regions).toBeGreaterThan(0);
    expect(guest.statistics.invalidated).toBe(0);
  });

  test('sees what it has written, and is left to the interpreter when it does so again and again', () => {
    /* Each round changes the immediate of the `add`, and runs it a few hundred times. */
    const guest = new CompilingGuest(`
        adr     x2, patched
        ldr     w3, [x2]
        mov     x4, #0
        mov     x5, #200
    1:  mov     x1, #300
    2:
    patched:
        add     x4, x4, #0
        subs    x1, x1, #1
        b.ne    2b
        add     w3, w3, #(1 << 10)
        str     w3, [x2]
        subs    x5, x5, #1
        b.ne    1b
        hlt     #0
    `);
    guest.run();
    expect(guest.engine.state.x(4)).toBe(300n * ((199n * 200n) / 2n));
    expect(guest.statistics.invalidated).toBeGreaterThan(2);
    expect(guest.statistics.invalidated).toBeLessThan(100);
  });
});

test('calls may go deeper than the stack of the host', () => {
  const guest = new CompilingGuest(`
        mov     x2, #200
    1:  mov     x0, #4000
        bl      down
        subs    x2, x2, #1
        b.ne    1b
        hlt     #0
    down:
        str     x30, [sp, #-16]!
        cbz     x0, 2f
        sub     x0, x0, #1
        bl      down
        add     x1, x1, #1
    2:  ldr     x30, [sp], #16
        ret
  `);
  const { state } = guest.engine;
  state.setSp(state.level, BigInt(DATA + 32 * PAGE));
  expect(guest.run(20_000_000)).toMatchObject({
    exit: { kind: 'exception' },
    executed: 2 + 200 * (4 + 4000 * 7 + 4) - 1,
  });
  expect(state.x(1)).toBe(200n * 4000n);
  expect(guest.statistics.compiled.regions).toBeGreaterThan(0);
});

test.each([
  ['bytes', { mostBytes: 20_000 }, 20_000],
  ['modules', { mostModules: 16 }, 16],
] as const)('code that is made for ever takes no more %s for ever', (what, limit, most) => {
  const guest = new CompilingGuest(SUM, { ...EAGER, ...limit });
  let reached = 0;
  for (let round = 0; round < 60; round++) {
    guest.load(CODE + (round % 4) * PAGE, SUM.replace('#2000', `#${100 + round}`) + '    nop\n'.repeat(round));
    guest.engine.state.pc = BigInt(CODE + (round % 4) * PAGE);
    for (const at of [0, 1, 2, 3]) guest.load(CODE + at * PAGE + 0x800 + 0x40 * (round % 20), SUM);
    for (const at of [0, 1, 2, 3]) {
      guest.engine.state.pc = BigInt(CODE + at * PAGE + 0x800 + 0x40 * (round % 20));
      expect(guest.run().exit).toMatchObject({ kind: 'exception' });
      expect(guest.engine.state.x(0)).toBe(2000n);
    }
    reached = Math.max(reached, guest.statistics[what]);
  }
  expect(reached).toBeLessThanOrEqual(most);
  expect(reached).toBeGreaterThan(most / 2);
  expect(guest.statistics.cleared).toBeGreaterThan(1);
  expect(guest.statistics.compiled[what === 'bytes' ? 'bytes' : 'regions']).toBeGreaterThan(2 * most);
});

test('an engine that was asked not to compile does not', () => {
  expect(new Guest('hlt #0').engine.statistics).not.toBeNull();
  const memory = new WebAssembly.Memory({ initial: ENGINE_BYTES / 0x10000 + 1 });
  expect(new Engine(memory, new Set(), undefined, { jit: false }).statistics).toBeNull();
});
