/** How library functions and expressions are run and compared in tests of floating point. */
import fc from 'fast-check';
import { expect } from 'vitest';
import * as at from './layout.ts';
import { Library } from './library.ts';
import type { Expr } from '../isa/expr.ts';
import { libraryFunction, type FunctionBody, type LibraryFunction } from '../isa/library.ts';
import { IXC, ORACLE, SHAPES, type Answer, type Shape } from '../isa/a64/semantics/float/oracle.testing.ts';
import type { Precision } from '../isa/a64/semantics/float/format.ts';

const memory = new WebAssembly.Memory({ initial: 1 });
const state = new DataView(memory.buffer);
const library = new Library(memory);
let made = 0;

type Call = (...operands: bigint[]) => bigint;

/** What is written with statements, as a function of the host; its FPCR and FPSR are those given, its flags those it adds. */
export function runner(count: 1 | 2 | 3, body: (b: FunctionBody, operands: readonly Expr[]) => Expr) {
  const name = `test float ${++made}`;
  const bound = (b: FunctionBody, ...operands: Expr[]) =>
    body(
      b,
      operands.map((op) => b.let(op)),
    );
  const fn: LibraryFunction = {
    1: libraryFunction(name, [64], 64, bound),
    2: libraryFunction(name, [64, 64], 64, bound),
    3: libraryFunction(name, [64, 64, 64], 64, bound),
  }[count];
  const answer = library.importOf(fn) as Call;
  return (operands: readonly bigint[], fpcr: number, fpsr: number): Answer => {
    state.setUint32(at.FPCR, fpcr, true);
    state.setUint32(at.FPSR, fpsr, true);
    const value = BigInt.asUintN(64, answer(...operands.map((op) => BigInt.asIntN(64, op))));
    return { value, flags: state.getUint32(at.FPSR, true) };
  };
}

export const PRECISIONS = ['half', 'single', 'double'] as const;
const fpcrs = fc
  .tuple(fc.nat(3), fc.boolean(), fc.boolean(), fc.boolean())
  .map(([mode, fz, fz16, dn]) => (mode << 22) | (fz ? 1 << 24 : 0) | (fz16 ? 1 << 19 : 0) | (dn ? 1 << 25 : 0));
/* Half of them as programs mostly have it. */
export const controls = fc.oneof(fc.constant(0), fpcrs);
export const statuses = fc.constantFrom(0, IXC);

/** Numbers of a format: all bits at random, at the borders of exponents, of few bits, near one another. */
export function numbers(s: Shape): fc.Arbitrary<bigint> {
  const all = (1n << BigInt(s.bits)) - 1n;
  const any = fc.bigInt({ min: 0n, max: all });
  const field = (1n << BigInt(s.bits - 1 - s.fraction)) - 1n;
  const exponents = fc.oneof(
    fc.bigInt({ min: 0n, max: field }),
    fc.constantFrom(0n, 1n, 2n, field - 2n, field - 1n, field),
    fc.bigInt({ min: field / 2n - 3n, max: field / 2n + 3n }),
  );
  const most = (1n << BigInt(s.fraction)) - 1n;
  const fractions = fc.oneof(
    fc.bigInt({ min: 0n, max: most }),
    fc.nat(s.fraction).map((bit) => (1n << BigInt(bit)) & most),
    fc.nat(s.fraction).map((bit) => most ^ ((1n << BigInt(bit)) - 1n)),
    fc.constantFrom(0n, 1n, most, most - 1n),
  );
  const parts = fc
    .tuple(fc.boolean(), exponents, fractions)
    .map(([sign, e, f]) => (sign ? 1n << BigInt(s.bits - 1) : 0n) | (e << BigInt(s.fraction)) | f);
  return fc.oneof({ weight: 1, arbitrary: any }, { weight: 4, arbitrary: parts });
}

const hex = ({ value, flags }: Answer) => `${value.toString(16)} flags ${flags.toString(2)}`;
export function agree(expected: Answer, found: Answer, before: number, what: string): void {
  const wanted = { value: expected.value, flags: expected.flags | before };
  if (wanted.value !== found.value || wanted.flags !== found.flags) {
    expect.fail(`${what}: should be ${hex(wanted)}, is ${hex(found)}`);
  }
}
export const RUNS = { numRuns: 3000 };

/** An operation, run with any of these operands, FPCR and FPSR, is what the oracle says. */
export function check(
  name: keyof typeof ORACLE,
  p: Precision,
  operands: fc.Arbitrary<readonly bigint[]>,
  run: ReturnType<typeof runner>,
): void {
  fc.assert(
    fc.property(operands, controls, statuses, (given, fpcr, fpsr) => {
      const what = `${name} ${given.map((op) => op.toString(16)).join(' ')} fpcr ${fpcr.toString(16)}`;
      agree(ORACLE[name](SHAPES[p], given, fpcr), run(given, fpcr, fpsr), fpsr, what);
    }),
    RUNS,
  );
}

/** Addend and factors whose sum cancels, or almost, or is almost halfway between two numbers. */
export function nearlyCancelling(p: Precision): fc.Arbitrary<readonly bigint[]> {
  const s = SHAPES[p];
  const operand = numbers(s);
  return fc
    .tuple(operand, operand, fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 60 }))
    .map(([n, m, by, down]) => {
      const product = ORACLE.fmul(s, [n, m], 0).value;
      const moved = BigInt.asUintN(s.bits, (product ^ (1n << BigInt(s.bits - 1))) + BigInt(by));
      const shifted = moved - (BigInt(Math.max(0, down)) << BigInt(s.fraction));
      return [down > 0 && shifted > 0n ? shifted : moved, n, m] as const;
    });
}
