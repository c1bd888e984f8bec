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

describe('registers that instructions read and write without the machine', () => {
  const run = (
    source: string,
    pstate: number,
    prepare: (state: Guest['engine']['state']) => void = () => undefined,
  ) => {
    const guest = new Guest(`${source}\n hlt #0`);
    const { state } = guest.engine;
    state.pstate = pstate;
    prepare(state);
    return { state, ...guest.run() };
  };

  test('SP_EL0 at EL1 while SP is another, the machine says what it is elsewhere', () => {
    const source = 'mrs x0, sp_el0\n add x0, x0, #16\n msr sp_el0, x0';
    const { state, exit } = run(source, EL1H, (s) => s.setSp(0, 0x1234_5678_9000n));
    expect(exit).toMatchObject({ kind: 'exception' });
    expect([state.x(0), state.sp(0)]).toEqual([0x1234_5678_9010n, 0x1234_5678_9010n]);
    for (const mode of [EL0, EL1T]) expect(run(source, mode)).toMatchObject({ exit: { kind: 'system' }, executed: 0 });
  });

  test('DAIF above EL0', () => {
    const { state, exit } = run('mrs x0, daif', 0xf1c0_0285);
    expect(exit).toMatchObject({ kind: 'exception' });
    expect(state.x(0)).toBe(0x280n);
    expect(run('mrs x0, daif', EL0)).toMatchObject({ exit: { kind: 'system' }, executed: 0 });
  });

  test('FPCR and FPSR keep the bits that there are, unless floating point is trapped', () => {
    const source = 'msr fpcr, x1\n msr fpsr, x1\n mrs x2, fpcr\n mrs x3, fpsr';
    const { state } = run(source, EL0, (s) => s.setX(1, 2n ** 64n - 1n));
    expect([state.fpcr, state.fpsr, state.x(2), state.x(3)]).toEqual([0x7c80000n, 0x800009fn, 0x7c80000n, 0x800009fn]);
    const trapped = run(source, EL0, (s) => (s.fpTrapped = true));
    expect(trapped).toMatchObject({ exit: { kind: 'fp' }, executed: 0 });
  });

  test('FPCR.FZ16 is RES0 without FEAT_FP16, whoever writes it', () => {
    const guest = new Guest('msr fpcr, x1\n mrs x2, fpcr\n hlt #0', undefined, undefined, ['FEAT_FP16']);
    const { state } = guest.engine;
    state.setX(1, 2n ** 64n - 1n);
    guest.run();
    expect([state.fpcr, state.x(2)]).toEqual([0x7c00000n, 0x7c00000n]);
    state.fpcr = 0x0108_0000n;
    expect(state.fpcr).toBe(0x0100_0000n);
  });
});
