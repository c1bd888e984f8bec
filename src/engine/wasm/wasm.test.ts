import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from './bytes.ts';
import { Code } from './code.ts';
import { encodeModule, type FunctionSpec } from './module.ts';
import { I32, I64, OP, OPERATORS } from './opcodes.ts';

function instantiate(spec: Omit<FunctionSpec, 'export'>): (...args: (number | bigint)[]) => number | bigint {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(encodeModule([{ ...spec, export: 'f' }]));
  return new WebAssembly.Instance(module, { engine: { memory } }).exports['f'] as ReturnType<typeof instantiate>;
}

function decodeUnsigned(bytes: Uint8Array): number {
  return bytes.reduce((value, byte, index) => value + (byte & 0x7f) * 2 ** (7 * index), 0);
}

describe('integers', () => {
  test('unsigned ones read back, as short as can be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
        const out = new ByteWriter();
        out.unsigned(value);
        expect(decodeUnsigned(out.bytes())).toBe(value);
        expect(out.length).toBe(Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7)));
      }),
    );
  });

  test('constants of 64 bits come out of a module as they went in', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const code = new Code();
        code.i64(value);
        expect(instantiate({ parameters: [], results: [I64], locals: [], code })()).toBe(value);
      }),
      { numRuns: 40 },
    );
  });

  test('a patched one has its place whatever it is, up to 14 bits', () => {
    const out = new ByteWriter();
    out.patchable(0);
    out.patch(0, 0x3fff);
    expect(decodeUnsigned(out.bytes())).toBe(0x3fff);
    expect(() => out.patch(0, 0x4000)).toThrow(RangeError);
  });
});

describe('branches', () => {
  test('a fragment reaches the blocks that it is appended in, from any depth of its own', () => {
    for (const inner of [0, 1, 5]) {
      for (const outer of [0, 3, 200]) {
        const fragment = new Code();
        for (let i = 0; i < inner; i++) fragment.open(OP.block);
        fragment.i32(7);
        fragment.set(0);
        fragment.brOut(OP.br, 'out');
        for (let i = 0; i < inner; i++) fragment.end();
        const code = new Code();
        const out = code.open(OP.block);
        for (let i = 0; i < outer; i++) code.open(OP.block);
        code.append(fragment, { out });
        for (let i = 0; i < outer; i++) code.end();
        code.i32(1);
        code.op(OP.return);
        code.end();
        code.get(0);
        expect(instantiate({ parameters: [], results: [I32], locals: [I32], code })()).toBe(7);
      }
    }
  });

  test('a fragment with a name that nobody answers to is refused', () => {
    const fragment = new Code();
    fragment.brOut(OP.br, 'nowhere');
    expect(() => new Code().append(fragment, {})).toThrow(/nowhere/);
  });

  test('a table goes to the block of its number, and to the last one beyond', () => {
    const code = new Code();
    const blocks = [0, 1, 2].map(() => code.open(OP.block)).reverse();
    code.get(0);
    code.brTable(blocks);
    for (const answer of [10, 11, 12]) {
      code.end();
      code.i32(answer);
      code.op(OP.return);
    }
    code.op(OP.unreachable);
    const f = instantiate({ parameters: [I32], results: [I32], locals: [], code });
    expect([0, 1, 2, 3, 99].map((index) => f(index))).toEqual([10, 11, 12, 12, 12]);
  });
});

test('operators are those of their names', () => {
  const results: Record<string, number | bigint> = {};
  for (const name of ['add', 'sub', 'mul', 'shl', 'shrS', 'shrU', 'rotr', 'ltS', 'ltU', 'geU'] as const) {
    const code = new Code();
    code.get(0);
    code.get(1);
    code.op(OPERATORS[name][32]);
    results[name] = instantiate({ parameters: [I32, I32], results: [I32], locals: [], code })(-8, 1);
  }
  expect(results).toEqual({
    add: -7,
    sub: -9,
    mul: -8,
    shl: -16,
    shrS: -4,
    shrU: 0x7ffffffc,
    rotr: 0x7ffffffc,
    ltS: 1,
    ltU: 0,
    geU: 1,
  });
});
