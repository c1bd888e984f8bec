import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Guest } from './guest.testing.ts';

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const EL0 = 0;
const EL1T = 4;
const EL1H = 5;

describe('PSTATE', () => {
  test('every NZCV reads back, and conditions see it', () => {
    const guest = new Guest('cset x0, mi\n cset x1, eq\n cset x2, cs\n cset x3, vs\n hlt #0');
    const { state } = guest.engine;
    const start = state.pc;
    for (let flags = 0; flags < 16; flags++) {
      state.nzcv = flags * 2 ** 28;
      expect(state.nzcv).toBe(flags * 2 ** 28);
      state.pc = start;
      guest.run();
      expect([0, 1, 2, 3].map((i) => state.x(i))).toEqual([3, 2, 1, 0].map((bit) => BigInt((flags >> bit) & 1)));
    }
  });

  test('chooses the stack pointer, and the others keep their values', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(EL0, EL1T, EL1H), u64), { maxLength: 20 }), (steps) => {
        const { state } = new Guest('nop').engine;
        const model = [0n, 0n];
        for (const [mode, value] of steps) {
          state.pstate = mode;
          const level = mode === EL1H ? 1 : 0;
          expect(state.currentSp).toBe(model[level]);
          state.setSp(level, value);
          model[level] = value;
          expect([state.sp(0), state.sp(1)]).toEqual(model);
          expect(state.level).toBe(mode >> 2);
        }
      }),
      { numRuns: 10 },
    );
  });

  test('keeps all its bits', () => {
    const { state } = new Guest('nop').engine;
    state.pstate = 0xf1c0_03c5;
    expect(state.pstate).toBe(0xf1c0_03c5);
  });
});

test('advance carries into the high half', () => {
  const { state } = new Guest('nop').engine;
  for (const pc of [0n, 0xfffffffcn, 0xffff_ffff_ffff_fffcn]) {
    state.pc = pc;
    state.advance();
    expect(state.pc).toBe(BigInt.asUintN(64, pc + 4n));
  }
});

test('registers that there are not are refused', () => {
  const { state } = new Guest('nop').engine;
  expect(() => state.x(31)).toThrow(RangeError);
  expect(() => state.setX(-1, 0n)).toThrow(RangeError);
  expect(() => state.v(32, 0)).toThrow(RangeError);
  expect(() => (state.regime = 9)).toThrow(RangeError);
});
