/** LSE atomics: the register named `rd` takes what was in memory. */
import type { Execute } from '../../execute.ts';
import { add, and, eq, gtS, gtU, ltS, ltU, not, or, select, xor, type Expr, type Width } from '../../expr.ts';
import { base, spec, transferOf } from './memory.ts';

const pick =
  (compare: (a: Expr, b: Expr) => Expr) =>
  (memory: Expr, operand: Expr): Expr =>
    select(compare(memory, operand), memory, operand);

const OPERATIONS = {
  add: { combine: add, signed: false },
  clr: { combine: (memory: Expr, operand: Expr) => and(memory, not(operand)), signed: false },
  eor: { combine: xor, signed: false },
  set: { combine: or, signed: false },
  smax: { combine: pick(gtS), signed: true },
  smin: { combine: pick(ltS), signed: true },
  umax: { combine: pick(gtU), signed: false },
  umin: { combine: pick(ltU), signed: false },
  swp: { combine: (_memory: Expr, operand: Expr) => operand, signed: false },
} as const;
export type AtomicOperation = keyof typeof OPERATIONS;

/** The low `bytes` of a value, extended to its width. */
function narrow(value: Expr, bytes: number, signed: boolean): Expr {
  if (bytes * 8 >= value.width) return value;
  if (signed) return { op: bytes === 1 ? 'extend8S' : 'extend16S', width: value.width, a: value };
  return and(value, { op: 'const', width: value.width, value: (1n << BigInt(8 * bytes)) - 1n });
}

export const atomic =
  (name: AtomicOperation): Execute =>
  (b) => {
    const t = transferOf(b);
    const { combine, signed } = OPERATIONS[name];
    const width: Width = t.width === 64 ? 64 : 32;
    const place = b.access(base(b), spec(t, 'readWrite'));
    const before = b.let(b.load(place, 0, t.bytes, false, width));
    const operand = b.let(narrow(b.get('rm', width), t.bytes, signed));
    b.store(place, 0, t.bytes, combine(narrow(before, t.bytes, signed), operand));
    b.set('rd', before);
  };

/** CAS and CASP: memory is compared with `ra`, replaced by `rm`. */
export const compareAndSwap: Execute = (b) => {
  const t = transferOf(b);
  const width: Width = t.width === 64 ? 64 : 32;
  const place = b.access(base(b), spec(t, 'readWrite'));
  const parts = (t.registers === 2 ? [0, 1] : [0]).map((index) => ({
    offset: index * t.bytes,
    before: b.let(b.load(place, index * t.bytes, t.bytes, false, width)),
    expected: b.get(index ? 'ra2' : 'ra', width),
    wanted: b.get(index ? 'rm2' : 'rm', width),
    result: index ? ('rd2' as const) : ('rd' as const),
  }));
  const same = parts.map(({ before, expected }) => eq(before, narrow(expected, t.bytes, false)));
  b.when(
    same.reduce((all, one) => and(all, one)),
    () => parts.forEach(({ offset, wanted }) => b.store(place, offset, t.bytes, wanted)),
  );
  for (const { before, result } of parts) b.set(result, before);
};
