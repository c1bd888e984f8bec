import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as e from '../isa/expr.ts';
import { call, native } from '../isa/expr.ts';
import { libraryFunction, type LibraryFunction } from '../isa/library.ts';
import { NATIVE } from '../isa/native.ts';
import * as at from './layout.ts';
import { Library } from './library.ts';

const c32 = (value: number) => e.constant(32, value);
const c64 = (value: bigint) => e.constant(64, value);
const memory = new WebAssembly.Memory({ initial: 1 });
const state = new DataView(memory.buffer);
const library = new Library(memory);

function callable(fn: LibraryFunction): (...operands: (number | bigint)[]) => number | bigint {
  return library.importOf(fn) as ReturnType<typeof callable>;
}
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

test('loops, variables, branches and calls: the greatest common divisor, by subtraction of the remainder', () => {
  const remainder = libraryFunction('test remainder', [64, 64], 64, (_b, x, y) => e.sub(x, e.mul(e.divU(x, y), y)));
  const divisor = libraryFunction('test divisor', [64, 64], 64, (b, x, y) => {
    const [great, small] = [b.variable(64, x), b.variable(64, y)];
    b.when(e.eq(x, c64(0n)), () => b.return(y));
    b.loop(
      () => e.ne(small.value, c64(0n)),
      () => {
        const rest = b.let(call(remainder, great.value, small.value));
        great.set(small.value);
        small.set(rest);
      },
    );
    return great.value;
  });
  const reference = (x: bigint, y: bigint): bigint => (y === 0n ? x : reference(y, x % y));
  fc.assert(
    fc.property(u64, u64, (x, y) => {
      expect(BigInt.asUintN(64, BigInt(callable(divisor)(x, y)))).toBe(reference(x, y));
    }),
  );
});

test('FPCR is read, FPSR gathers what is raised', () => {
  const raise = libraryFunction('test raise', [32], 32, (b, flags) => {
    b.raise(flags);
    return e.or(b.fpcr(), e.shl(b.fpsr(), c32(8)));
  });
  state.setUint32(at.FPCR, 5, true);
  state.setUint32(at.FPSR, 0, true);
  expect([1, 16, 1].map((flag) => callable(raise)(flag))).toEqual([0x105, 0x1105, 0x1105]);
});

test('values of every type are bound, chosen, and handed to functions', () => {
  const half = libraryFunction('test half', ['f32', 'f64', 'v128'], 'v128', (b, single, double, vector) => {
    const sum = b.let(native('f64.add', native('f64.promote_f32', single), double));
    return native('f64x2.add', vector, native('f64x2.splat', sum));
  });
  const whole = libraryFunction('test types', [32, 64, 32], 64, (b, x, y, which) => {
    const single = b.let(native('f32.convert_i32_s', x));
    const double = b.variable('f64', native('f64.convert_i64_s', y));
    double.set(native('f64.mul', double.value, double.value));
    const vector = b.let(native('f64x2.splat', native('f64.reinterpret_i64', c64(0x3ff0000000000000n))));
    const chosen = e.selectVector(which, call(half, single, double.value, vector), vector);
    return native('i64.trunc_sat_f64_s', native('f64x2.extract_lane', 1, chosen));
  });
  const f = callable(whole);
  fc.assert(
    fc.property(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: -1000, max: 1000 }), (x, y) => {
      expect(f(x, BigInt(y), 1)).toBe(BigInt(x + y * y + 1));
      expect(f(x, BigInt(y), 0)).toBe(1n);
    }),
  );
});

/** Every operation that works on two vectors lane by lane, by what it does to a lane. */
const LANES: readonly [suffix: string, (a: bigint, b: bigint, bits: number) => bigint][] = [
  ['add', (a, b) => a + b],
  ['sub', (a, b) => a - b],
  ['mul', (a, b) => a * b],
  ['min_u', (a, b) => (a < b ? a : b)],
  ['max_u', (a, b) => (a > b ? a : b)],
  ['eq', (a, b) => (a === b ? -1n : 0n)],
  ['min_s', (a, b, n) => (BigInt.asIntN(n, a) < BigInt.asIntN(n, b) ? a : b)],
  ['gt_s', (a, b, n) => (BigInt.asIntN(n, a) > BigInt.asIntN(n, b) ? -1n : 0n)],
  ['avgr_u', (a, b) => (a + b + 1n) >> 1n],
];

test('vector operations have the numbers of their names', () => {
  for (const [shape, bits] of [
    ['i8x16', 8],
    ['i16x8', 16],
    ['i32x4', 32],
    ['i64x2', 64],
  ] as const) {
    for (const [suffix, model] of LANES) {
      const name = `${shape}.${suffix}`;
      if (!isBinary(name)) continue;
      const fn = libraryFunction(`test ${name}`, [64, 64], 64, (_b, x, y) => {
        const vectors = [native('i64x2.splat', x), native('i64x2.splat', y)] as const;
        return native('i64x2.extract_lane', 1, native(name, ...vectors));
      });
      fc.assert(
        fc.property(u64, u64, (x, y) => {
          let expected = 0n;
          for (let at = 0; at < 64; at += bits) {
            const lane = (value: bigint) => BigInt.asUintN(bits, value >> BigInt(at));
            expected |= BigInt.asUintN(bits, model(lane(x), lane(y), bits)) << BigInt(at);
          }
          expect(BigInt.asUintN(64, BigInt(callable(fn)(x, y)))).toBe(expected);
        }),
        { numRuns: 20 },
      );
    }
  }
});

type BinaryVector = 'i8x16.add';
function isBinary(name: string): name is BinaryVector {
  return name in NATIVE;
}

test('lanes and bytes that follow an operation are those given', () => {
  const reversed = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
  const swap = libraryFunction('test swap', [64], 64, (_b, x) => {
    const ordered = native('i64x2.replace_lane', 1, native('v128.const', Array<number>(16).fill(7)), x);
    return native('i64x2.extract_lane', 0, native('i8x16.shuffle', reversed, ordered, ordered));
  });
  expect(callable(swap)(0x0102030405060708n)).toBe(0x0807060504030201n);
  const byte = libraryFunction('test byte', [32], 32, (_b, x) =>
    native('i8x16.extract_lane_s', 5, native('i8x16.replace_lane', 5, native('i8x16.splat', c32(1)), x)),
  );
  fc.assert(
    fc.property(i32, (x) => {
      expect(callable(byte)(x)).toBe((x << 24) >> 24);
    }),
  );
});

test('two functions of one name are refused', () => {
  const make = () => libraryFunction('test twice', [], 32, () => c32(1));
  const first = make();
  library.importOf(first);
  library.importOf(first);
  expect(() => library.importOf(make())).toThrow(/twice/);
});

test('each engine has instances of its own', () => {
  const fpcr = libraryFunction('test fpcr', [], 32, (b) => b.fpcr());
  const other = new WebAssembly.Memory({ initial: 1 });
  new DataView(other.buffer).setUint32(at.FPCR, 77, true);
  state.setUint32(at.FPCR, 5, true);
  const read = (of: Library) => (of.importOf(fpcr) as () => number)();
  expect([read(library), read(new Library(other))]).toEqual([5, 77]);
});
