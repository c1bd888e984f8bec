/**
 * Expressions with constants worked out: semantics are written for operands of any value, an instruction has them fixed.
 * Only what its constants allow; what WebAssembly's compilers do themselves is left to them.
 */
import {
  add,
  and,
  constant,
  extend16S,
  extend32S,
  extend8S,
  or,
  rotr,
  select,
  shl,
  shrU,
  type ArithmeticOp,
  type Binary,
  type CompareOp,
  type Constant,
  type Expr,
  type Unary,
  type Value,
  type Width,
} from '../../isa/expr.ts';

const ones = (width: Width) => (1n << BigInt(width)) - 1n;
const unsigned = (e: Constant) => BigInt.asUintN(e.width, e.value);
const isConstant = (e: Expr, value?: bigint): e is Constant =>
  e.op === 'const' && (value === undefined || e.value === value);

export function fold(e: Expr): Expr;
export function fold(e: Value): Value;
export function fold(e: Value): Value {
  switch (e.op) {
    case 'const':
    case 'leaf':
      return e;
    case 'native':
    case 'call': {
      const operands = e.operands.map((operand) => fold(operand));
      return operands.every((operand, index) => operand === e.operands[index]) ? e : ({ ...e, operands } as Value);
    }
    case 'select':
    case 'choose': {
      const condition = fold(e.condition);
      if (condition.op === 'const') return fold(condition.value === 0n ? e.b : e.a);
      const [a, b] = [fold(e.a), fold(e.b)];
      return { ...e, condition, a, b } as Value;
    }
    case 'eqz':
    case 'clz':
    case 'ctz':
    case 'popcnt':
    case 'wrap':
    case 'extendU':
    case 'extendS':
    case 'extend8S':
    case 'extend16S':
    case 'extend32S':
      return foldUnary(e, fold(e.a));
    default:
      return foldBinary(e, fold(e.a), fold(e.b));
  }
}

function foldUnary(e: Unary, a: Expr): Expr {
  if (a.op === 'const') {
    const value = unaryValue(e.op, a);
    if (value !== undefined) return constant(e.width, value);
  }
  if (e.op === 'wrap' && (a.op === 'extendU' || a.op === 'extendS')) return a.a;
  if (e.op === 'eqz' && a.op === 'extendU') return { ...e, a: a.a };
  if (e.op === 'eqz' && a.op === 'extendS') return { ...e, a: a.a };
  return a === e.a ? e : { ...e, a };
}

function unaryValue(op: Unary['op'], a: Constant): bigint | undefined {
  switch (op) {
    case 'eqz':
      return a.value === 0n ? 1n : 0n;
    case 'wrap':
      return a.value;
    case 'extendU':
      return BigInt.asUintN(32, a.value);
    case 'extendS':
    case 'extend32S':
      return BigInt.asIntN(32, a.value);
    case 'extend8S':
      return BigInt.asIntN(8, a.value);
    case 'extend16S':
      return BigInt.asIntN(16, a.value);
    default:
      return undefined;
  }
}

function foldBinary(e: Binary, a: Expr, b: Expr): Expr {
  if (a.op === 'const' && b.op === 'const') {
    const value = binaryValue(e.op, a, b);
    if (value !== undefined) return constant(e.width, value);
  }
  const simpler = SIMPLER[e.op]?.(a, b);
  if (simpler) return simpler;
  return a === e.a && b === e.b ? e : { ...e, a, b };
}

function binaryValue(op: ArithmeticOp | CompareOp, a: Constant, b: Constant): bigint | undefined {
  const [x, y] = [a.value, b.value];
  const [ux, uy] = [unsigned(a), unsigned(b)];
  const width = BigInt(a.width);
  const by = uy % width;
  const bit = (holds: boolean) => (holds ? 1n : 0n);
  switch (op) {
    case 'add':
      return x + y;
    case 'sub':
      return x - y;
    case 'mul':
      return x * y;
    case 'and':
      return x & y;
    case 'or':
      return x | y;
    case 'xor':
      return x ^ y;
    case 'shl':
      return x << by;
    case 'shrS':
      return x >> by;
    case 'shrU':
      return ux >> by;
    case 'rotr':
      return (ux >> by) | (ux << (width - by));
    case 'rotl':
      return (ux << by) | (ux >> (width - by));
    case 'eq':
      return bit(x === y);
    case 'ne':
      return bit(x !== y);
    case 'ltS':
      return bit(x < y);
    case 'ltU':
      return bit(ux < uy);
    case 'gtS':
      return bit(x > y);
    case 'gtU':
      return bit(ux > uy);
    case 'leS':
      return bit(x <= y);
    case 'leU':
      return bit(ux <= uy);
    case 'geS':
      return bit(x >= y);
    case 'geU':
      return bit(ux >= uy);
    default:
      return undefined;
  }
}

type Rule = (a: Expr, b: Expr) => Expr | undefined;
const unchangedBy =
  (value: bigint): Rule =>
  (a, b) =>
    isConstant(b, value) ? a : undefined;

/** A comparison with zero does not need the extension of what is compared. */
const narrowed =
  (op: CompareOp): Rule =>
  (a, b) =>
    isConstant(b, 0n) && a.op === 'extendS' ? { op, width: 32, a: a.a, b: constant(32, 0) } : undefined;

const SIMPLER: { readonly [op in ArithmeticOp | CompareOp]?: Rule } = {
  add: (a, b) => {
    if (isConstant(a)) return isConstant(a, 0n) ? b : add(b, a);
    if (!isConstant(b)) return undefined;
    if (b.value === 0n) return a;
    return a.op === 'add' && a.b.op === 'const'
      ? foldBinary(add(a.a, b) as Binary, a.a, constant(a.width, a.b.value + b.value))
      : undefined;
  },
  sub: (a, b) => (isConstant(b) ? (b.value === 0n ? a : add(a, constant(b.width, -b.value))) : undefined),
  or: (a, b) => {
    if (isConstant(a, 0n)) return b;
    if (isConstant(b, 0n)) return a;
    return rotation(a, b);
  },
  xor: (a, b) => {
    if (isConstant(a, 0n)) return b;
    if (isConstant(b, 0n)) return a;
    if (a.op === 'extendS' && b.op === 'extendS')
      return { op: 'extendS', width: 64, a: fold({ op: 'xor', width: 32, a: a.a, b: b.a }) };
    return undefined;
  },
  and: (a, b) => {
    if (isConstant(a) && !isConstant(b)) return SIMPLER.and!(b, a) ?? and(b, a);
    if (!isConstant(b)) return undefined;
    if (b.value === 0n) return b;
    if (b.value === -1n) return a;
    if (a.op === 'rotr' && a.b.op === 'const')
      return bitfield(a.a, Number(unsigned(a.b) % BigInt(a.width)), unsigned(b));
    return undefined;
  },
  shl: (a, b) => {
    if (!isConstant(b)) return undefined;
    const by = unsigned(b) % BigInt(b.width);
    if (by === 0n) return a;
    if (a.op !== 'shl' || a.b.op !== 'const') return undefined;
    const sum = by + unsigned(a.b);
    return sum < BigInt(a.width) ? shl(a.a, constant(a.width, sum)) : undefined;
  },
  shrU: (a, b) => (isConstant(b) && unsigned(b) % BigInt(b.width) === 0n ? a : undefined),
  shrS: (a, b) => {
    if (!isConstant(b)) return undefined;
    const by = Number(unsigned(b) % BigInt(b.width));
    if (by === 0) return a;
    if (a.op !== 'shl' || a.b.op !== 'const' || a.b.value !== BigInt(by)) return undefined;
    if (by === a.width - 8) return extend8S(a.a);
    if (by === a.width - 16) return extend16S(a.a);
    return by === 32 ? extend32S(a.a) : undefined;
  },
  rotr: (a, b) => (isConstant(b) && unsigned(b) % BigInt(b.width) === 0n ? a : undefined),
  eq: (a, b) => (isConstant(b, 0n) ? { op: 'eqz', width: 32, a: a.op === 'extendS' ? a.a : a } : undefined),
  ne: (a, b) => narrowed('ne')(a, b),
  ltS: (a, b) => narrowed('ltS')(a, b),
  geS: (a, b) => narrowed('geS')(a, b),
  mul: unchangedBy(1n),
};

/** UBFM: the rotated source's bits under a mask, as the shift that they are where none come round the end. */
function bitfield(source: Expr, by: number, mask: bigint): Expr {
  const { width } = source;
  const high = ones(width) ^ (ones(width) >> BigInt(by));
  if ((mask & high) === 0n) {
    const shifted = by === 0 ? source : shrU(source, constant(width, by));
    return mask === ones(width) >> BigInt(by) ? shifted : and(shifted, constant(width, mask));
  }
  if ((mask & ~high) === 0n) {
    const shifted = shl(source, constant(width, width - by));
    return mask === high ? shifted : and(shifted, constant(width, mask));
  }
  return and(rotr(source, constant(width, by)), constant(width, mask));
}

/** EXTR of one register. */
function rotation(a: Expr, b: Expr): Expr | undefined {
  if (a.op !== 'shrU' || b.op !== 'shl' || a.b.op !== 'const' || b.b.op !== 'const') return undefined;
  if (a.a.op !== 'leaf' || b.a.op !== 'leaf' || a.a.id !== b.a.id) return undefined;
  const right = unsigned(a.b);
  return right + unsigned(b.b) === BigInt(a.width) ? rotr(a.a, constant(a.width, right)) : undefined;
}

/** `condition` (0 or 1) chooses between two of 0 or 1. */
export function chooseBit(condition: Expr, a: Expr, b: Expr): Expr {
  if (isConstant(b, 0n)) return isConstant(a, 1n) ? condition : and(condition, a);
  if (isConstant(b, 1n)) return or({ op: 'eqz', width: 32, a: condition }, a);
  if (isConstant(a, 0n)) return and({ op: 'eqz', width: 32, a: condition }, b);
  if (isConstant(a, 1n)) return or(condition, b);
  return select(condition, a, b);
}
