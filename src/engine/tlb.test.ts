import { describe, expect, test } from 'vitest';
import type { Access } from './engine.ts';
import { CODE, Guest, PAGE } from './guest.testing.ts';
import { ACCESSES, NOTED, REGIME_BYTES, SPACES, SPACE_BYTES, TLB_BYTES } from './layout.ts';

const DATA = 0x50000000;
const LOOP = 'ldr x0, [x2]\n b .-4';
const PAGES = [
  [CODE, 0],
  [DATA, 1],
] as const;

function looping() {
  const guest = new Guest(LOOP, PAGES);
  const { engine } = guest;
  guest.fill('fetch', CODE, 0);
  const fill = (address: number, size = PAGE) =>
    engine.tlb.fill('read', address, 0, guest.offset(DATA), 0, false, size);
  const hits = (address: number) => {
    engine.state.setX(2, BigInt(address));
    return engine.run(10).kind === 'budget';
  };
  return { guest, engine, fill, hits };
}
describe('spaces', () => {
  test('have tables of their own that outlive their use', () => {
    const { guest, engine, fill, hits } = looping();
    fill(DATA);
    expect(hits(DATA)).toBe(true);
    engine.tlb.space = SPACES - 1;
    expect(hits(DATA)).toBe(false);
    guest.fill('fetch', CODE, 0);
    expect(hits(DATA)).toBe(false);
    engine.tlb.space = 0;
    expect(hits(DATA)).toBe(true);
    engine.tlb.flush(SPACES - 1);
    expect(hits(DATA)).toBe(true);
    engine.tlb.flush(0);
    expect(hits(DATA)).toBe(false);
    expect(() => (engine.tlb.space = SPACES)).toThrow(RangeError);
  });

  test('a page is forgotten in all of them, by address and by RAM', () => {
    const { guest, engine, fill, hits } = looping();
    const inBoth = (then: () => void) => {
      for (const space of [3, 0]) {
        engine.tlb.space = space;
        guest.fill('fetch', CODE, 0);
        fill(DATA);
      }
      then();
      return [3, 0].map((space) => {
        engine.tlb.space = space;
        return hits(DATA);
      });
    };
    expect(inBoth(() => engine.tlb.flushPage(DATA + PAGE, 0))).toEqual([true, true]);
    expect(inBoth(() => engine.tlb.flushPage(DATA, 0))).toEqual([false, false]);
    expect(inBoth(() => engine.tlb.flushRam(guest.offset(DATA)))).toEqual([false, false]);
  });
});

describe('a page that gets code', () => {
  test.each([1, NOTED + 1])('is written with care by each of the %i entries that may write it', (count) => {
    const guest = new Guest('str w1, [x2]\n mov x0, #1\n hlt #0', [[CODE, 0]]);
    const { engine } = guest;
    engine.tlb.space = 2;
    for (let n = 0; n < count; n++) engine.tlb.fill('write', DATA + n * PAGE, 0, guest.offset(CODE));
    const MOV_X0_2 = 0xd2800040n;
    engine.state.setX(1, MOV_X0_2);
    engine.state.setX(2, BigInt(DATA + (count - 1) * PAGE + 4));
    guest.fill('fetch', CODE, 0);
    expect(engine.run(10)).toMatchObject({ kind: 'exception' });
    expect(engine.state.x(0)).toBe(2n);
  });
});

describe('flushPage', () => {
  test.each([16, 21, 25, 30, 39])('of any address of a block of 2^%i bytes forgets the block, and it alone', (size) => {
    const { fill, hits, engine } = looping();
    const block = 2 ** size;
    const base = size < 31 ? Math.floor(DATA / block) * block : 0;
    const beside = DATA - 2 * PAGE < base ? DATA + PAGE : DATA - 2 * PAGE;
    fill(DATA, block);
    engine.tlb.flushPage((base + block) % 2 ** 32, Math.floor((base + block) / 2 ** 32));
    expect(hits(DATA)).toBe(true);
    fill(beside, block);
    const other = base + 5 * PAGE;
    engine.tlb.flushPage(other, 0xab00_0000);
    expect([hits(DATA), hits(beside)]).toEqual([false, false]);
  });

  test('of a block forgets it when more entries were filled than are noted', () => {
    const { guest, fill, hits, engine } = looping();
    for (let n = 0; n <= NOTED; n++) fill(DATA + n * PAGE, 2 ** 25);
    expect(hits(DATA)).toBe(true);
    engine.tlb.flushPage(DATA + 8 * PAGE, 0);
    guest.fill('fetch', CODE, 0);
    expect(hits(DATA)).toBe(false);
  });
});

describe('a refill function', () => {
  /** Fills what the guest's pages say, where it is asked, and writes down what it was asked for. */
  function refilled(source: string) {
    const asked: string[] = [];
    const guest: Guest = new Guest(source, PAGES, 16, [], (va, table) => {
      const access: Access = ACCESSES[Math.floor((table % REGIME_BYTES) / TLB_BYTES)]!;
      const regime = Math.floor((table % SPACE_BYTES) / REGIME_BYTES);
      const address = Number(BigInt.asUintN(64, va));
      asked.push(`${access} ${address.toString(16)} by ${regime}`);
      return guest.fill(access, address % 2 ** 32, Math.floor(address / 2 ** 32), regime) ? 1 : 0;
    });
    return { guest, asked };
  }

  test('is asked before a miss is an exit, and the instruction goes on', () => {
    const { guest, asked } = refilled('str x1, [x2]\n ldr x3, [x2]\n ldtr x4, [x2]\n ldr x4, [x5]\n hlt #0');
    guest.engine.state.regime = 1;
    guest.engine.state.setX(1, 77n);
    guest.engine.state.setX(2, BigInt(DATA));
    guest.engine.state.setX(5, 0xffff_8000_0000_0000n);
    expect(guest.engine.run(100)).toMatchObject({ kind: 'miss', access: 'read', hi: 0xffff_8000 });
    expect(guest.engine.executed).toBe(3);
    expect(guest.engine.state.x(4)).toBe(77n);
    const data = DATA.toString(16);
    expect(asked).toEqual([
      `fetch ${CODE.toString(16)} by 1`,
      `write ${data} by 1`,
      `read ${data} by 1`,
      `read ${data} by 0`,
      'read ffff800000000000 by 1',
    ]);
  });

  test('is asked for the regime that LDTR and STTR have', () => {
    const { guest, asked } = refilled('ldtr x4, [x2]\n hlt #0');
    guest.engine.state.unprivileged = 2;
    guest.engine.state.setX(2, BigInt(DATA));
    guest.engine.run(10);
    expect(asked.at(-1)).toBe(`read ${DATA.toString(16)} by 2`);
  });

  test('is not asked for a PC that is no multiple of 4', () => {
    const { guest, asked } = refilled('br x0');
    guest.engine.state.setX(0, BigInt(CODE + 2));
    expect(guest.engine.run(10)).toMatchObject({ kind: 'alignment', of: 'pc' });
    expect(asked.length).toBe(1);
  });

  test('that answers 0 leaves every miss an exit', () => {
    const guest = new Guest(LOOP, PAGES, 16, [], () => 0);
    expect(guest.engine.run(10)).toMatchObject({ kind: 'miss', access: 'fetch' });
  });
});
