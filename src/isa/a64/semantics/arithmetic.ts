/** Sums, differences and logic of two sources: DDI 0487 C6.2, AddWithCarry() and the logical operations. */
import type { Builder } from '../../builder.ts';
import type { Execute } from '../../execute.ts';
import {
  add,
  and,
  constant,
  extend16S,
  extend8S,
  not,
  or,
  rotr,
  select,
  shl,
  shrS,
  shrU,
  sub,
  xor,
  extendS,
  extendU,
  type Expr,
  type Width,
} from '../../expr.ts';
import { registerWidth } from './width.ts';

/** The second source operand. */
type Source = (b: Builder, width: Width) => Expr;

export const immediate: Source = (b, width) => b.immediate('imm', width);
export const register: Source = (b, width) => b.get('rm', width);

const SHIFTS = [shl, shrU, shrS, rotr];
/** ShiftReg(): Rm shifted by `imm`. */
export const shifted: Source = (b, width) => {
  const shift = SHIFTS[b.field('shift')]!;
  const value = b.get('rm', width);
  return b.isZero('imm') ? value : shift(value, b.immediate('imm', width));
};

/** ExtendReg() of a register, without the shift. */
export function extendRegister(b: Builder, operand: 'rm' | 'rx', option: number): Expr {
  switch (option) {
    case 0:
      return and(b.get(operand, 64), constant(64, 0xff));
    case 1:
      return and(b.get(operand, 64), constant(64, 0xffff));
    case 2:
      return extendU(b.get(operand, 32));
    case 4:
      return extend8S(b.get(operand, 64));
    case 5:
      return extend16S(b.get(operand, 64));
    case 6:
      return extendS(b.get(operand, 32));
    default:
      return b.get(operand, 64);
  }
}

export const extended: Source = (b, width) => {
  const value = shl(extendRegister(b, 'rm', b.field('option')), b.immediate('imm', 64));
  return width === 64 ? value : { op: 'wrap', width, a: value };
};

export const addition =
  (source: Source): Execute =>
  (b) => {
    const width = registerWidth(b);
    b.set('rd', add(b.get('rn', width), source(b, width)));
  };

export const subtraction =
  (source: Source): Execute =>
  (b) => {
    const width = registerWidth(b);
    b.set('rd', sub(b.get('rn', width), source(b, width)));
  };

export const flagged =
  (rule: 'add' | 'sub', source: Source): Execute =>
  (b) => {
    const width = registerWidth(b);
    const left = b.let(b.get('rn', width));
    const right = b.let(source(b, width));
    b.set('rd', rule === 'add' ? add(left, right) : sub(left, right));
    b.setFlags(rule, left, right);
  };

/** ADC, SBC and their flag-setting forms: SBC adds the complement. */
export const withCarry =
  (subtract: boolean, flags: boolean): Execute =>
  (b) => {
    const width = registerWidth(b);
    const left = b.let(b.get('rn', width));
    const source = b.get('rm', width);
    const right = b.let(subtract ? not(source) : source);
    const carry = b.let(b.carry(width));
    b.set('rd', add(add(left, right), carry));
    if (flags) b.setFlags('addCarry', left, right, carry);
  };

const LOGIC = { and, orr: or, eor: xor } as const;

export const logic =
  (name: keyof typeof LOGIC, source: Source, invert = false): Execute =>
  (b) => {
    const width = registerWidth(b);
    const right = source(b, width);
    const value = invert ? not(right) : right;
    b.set('rd', name === 'orr' && b.isZero('rn') ? value : LOGIC[name](b.get('rn', width), value));
  };

export const logicFlags =
  (source: Source, invert = false): Execute =>
  (b) => {
    const width = registerWidth(b);
    const right = source(b, width);
    const result = b.let(and(b.get('rn', width), invert ? not(right) : right));
    b.set('rd', result);
    b.setFlags('logic', result);
  };

/** CCMP and CCMN: flags of the comparison, or `imm2` where the condition fails. */
export const conditionalCompare =
  (rule: 'add' | 'sub', source: Source): Execute =>
  (b) => {
    const width = registerWidth(b);
    b.when(
      b.condition(b.field('cond')),
      () => b.setFlags(rule, b.let(b.get('rn', width)), b.let(source(b, width))),
      () => b.setNzcv(shl(b.immediate('imm2', 32), constant(32, 28))),
    );
  };

export const conditionalSelect =
  (otherwise: (value: Expr) => Expr): Execute =>
  (b) => {
    const width = registerWidth(b);
    b.set('rd', select(b.condition(b.field('cond')), b.get('rn', width), otherwise(b.get('rm', width))));
  };
