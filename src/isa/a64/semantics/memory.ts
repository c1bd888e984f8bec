/** Loads and stores, from what the row says of its transfer. */
import type { AccessSpec, Builder } from '../../builder.ts';
import type { Execute } from '../../execute.ts';
import type { Transfer } from '../../row.ts';
import { add, constant, eqz, shl, type Expr, type Width } from '../../expr.ts';
import { extendRegister } from './arithmetic.ts';

type Address = (b: Builder) => Expr;

export const base: Address = (b) => {
  b.checkSpAlignment();
  return b.get('rn', 64);
};
const offsetAddress: Address = (b) => {
  const start = base(b);
  return b.isZero('imm') ? start : add(start, b.immediate('imm', 64));
};
const registerAddress: Address = (b) => {
  const start = base(b);
  return add(start, shl(extendRegister(b, 'rx', b.field('option')), b.immediate('imm', 64)));
};
const literal: Address = (b) => add(b.pc(), b.immediate('imm', 64));

export const atOffset = transfer(offsetAddress);
export const registerOffset = transfer(registerAddress);
export const fromLiteral = transfer(literal);
export const preIndex = transfer(offsetAddress, (_b, address) => address);
export const postIndex = transfer(base, (b, address) => add(address, b.immediate('imm', 64)));

/** PRFM: no access, no fault. */
export const prefetch: Execute = () => undefined;

/** A load or store of one or two registers. `after`: what the base is written back with. */
function transfer(address: Address, after?: (b: Builder, address: Expr) => Expr): Execute {
  return (b) => {
    const t = transferOf(b);
    if (t.width === 'v') b.checkFp();
    const at = b.let(address(b));
    const place = b.access(at, spec(t, t.access === 'load' ? 'read' : 'write'));
    for (const index of registers(t)) {
      if (t.access === 'load') loadRegister(b, t, place, index);
      else storeRegister(b, t, place, index);
    }
    if (after) b.set('wb', after(b, at));
  };
}

/** LDAR, LDAPR, STLR, exclusive loads: address without offset. */
export const orderedAccess: Execute = (b) => {
  const t = transferOf(b);
  const place = b.access(base(b), spec(t, t.access === 'load' ? 'read' : 'write'));
  if (t.exclusive) b.setMonitor(place, t.bytes * t.registers, monitored(b, t, place));
  for (const index of registers(t)) {
    if (t.access === 'load') loadRegister(b, t, place, index);
    else storeRegister(b, t, place, index);
  }
};

/** Store-exclusive: `rd` is 0 where it stored. */
export const storeExclusive: Execute = (b) => {
  const t = transferOf(b);
  const place = b.access(base(b), spec(t, 'write'));
  const holds = b.let(b.monitorHolds(place, t.bytes * t.registers, monitored(b, t, place)));
  b.when(holds, () => {
    for (const index of registers(t)) storeRegister(b, t, place, index);
  });
  b.clearMonitor();
  b.set('rd', eqz(holds));
};

export function transferOf(b: Builder): Transfer {
  if (!b.transfer) throw new Error('the row says nothing of its transfer');
  return b.transfer;
}

/** Atomics, exclusives, acquire and release are ordered. */
export function spec(t: Transfer, access: AccessSpec['access']): AccessSpec {
  return {
    access,
    bytes: t.bytes * t.registers,
    unit: t.bytes,
    ordered: t.exclusive || t.acquire || t.release || t.access === 'loadStore',
    unprivileged: t.unprivileged,
  };
}

const registers = (t: Transfer): readonly (0 | 1)[] => (t.registers === 2 ? [0, 1] : [0]);
const dataWidth = (t: Transfer): Width => (t.width === 64 ? 64 : 32);
type Place = ReturnType<Builder['access']>;

function loadRegister(b: Builder, t: Transfer, place: Place, index: 0 | 1): void {
  const operand = index === 0 ? 'rd' : 'rd2';
  const offset = index * t.bytes;
  if (t.width !== 'v') b.set(operand, b.load(place, offset, t.bytes, t.signExtend, dataWidth(t)));
  else if (t.bytes === 16) b.setVector(operand, b.loadVector(place, offset));
  else b.setV(operand, b.load(place, offset, t.bytes, false, 64), constant(64, 0));
}

function storeRegister(b: Builder, t: Transfer, place: Place, index: 0 | 1): void {
  const operand = index === 0 ? 'rm' : 'rm2';
  const offset = index * t.bytes;
  if (t.width !== 'v') b.store(place, offset, t.bytes, b.get(operand, dataWidth(t)));
  else if (t.bytes === 16) b.storeVector(place, offset, b.getVector(operand));
  else b.store(place, offset, t.bytes, b.getV(operand, 0));
}

/** What an exclusive access remembers and compares, as 64-bit values. */
function monitored(b: Builder, t: Transfer, place: Place): Expr[] {
  return registers(t).map((index) => b.load(place, index * t.bytes, t.bytes, false, 64));
}
