/**
 * NZCV inside a region: not four values but the rule that they follow from and its operands. A condition becomes a
 * comparison of the operands; the values themselves are worked out where someone outside wants them (see runtime.ts).
 */
import type { FlagRule } from '../../isa/builder.ts';
import {
  and,
  constant,
  eq,
  geS,
  geU,
  gtS,
  gtU,
  ltS,
  ltU,
  ne,
  sub,
  type Constant,
  type Expr,
  type Width,
} from '../../isa/expr.ts';
import { conditionHolds, flagValues, joinFlags, splitFlags } from '../interpreter/flags.ts';
import { chooseBit, fold } from './fold.ts';

/** What a rule works on: a constant, or a local that keeps its value as long as the flags are these. */
export type Operand = Constant | { readonly op: 'local'; readonly width: Width; readonly local: number };

export type Flags =
  /** As they are in memory. */
  | { readonly kind: 'memory' }
  /** Of one of several rules, as the region's flag locals say. */
  | { readonly kind: 'dynamic' }
  | Rule
  | { readonly kind: 'nzcv'; readonly value: Operand }
  /** `condition` is 0 or 1. */
  | { readonly kind: 'choice'; readonly condition: Operand; readonly then: Flags; readonly otherwise: Flags };

export interface Rule {
  readonly kind: 'rule';
  readonly rule: FlagRule;
  readonly a: Operand;
  readonly b: Operand;
  readonly carry: Operand;
}

export const MEMORY: Flags = { kind: 'memory' };
export const DYNAMIC: Flags = { kind: 'dynamic' };

/** How a rule is called in memory and in the flag locals: 0 stands for none, and for memory. */
export const FLAG_KINDS = [
  'none',
  'nzcv',
  'add32',
  'add64',
  'sub32',
  'sub64',
  'addCarry32',
  'addCarry64',
  'logic32',
  'logic64',
] as const;
export type FlagKind = (typeof FLAG_KINDS)[number];

export const flagKind = ({ rule, a }: Rule): FlagKind => `${rule}${a.width}`;
export const kindNumber = (kind: FlagKind): number => FLAG_KINDS.indexOf(kind);

/** The locals that the flags need to stay as they are. */
export function localsOf(flags: Flags): number[] {
  const of = (...operands: Operand[]) => operands.flatMap((operand) => (operand.op === 'local' ? [operand.local] : []));
  switch (flags.kind) {
    case 'memory':
    case 'dynamic':
      return [];
    case 'nzcv':
      return of(flags.value);
    case 'rule':
      return of(flags.a, flags.b, flags.carry);
    case 'choice':
      return [...of(flags.condition), ...localsOf(flags.then), ...localsOf(flags.otherwise)];
  }
}

export function sameFlags(one: Flags, other: Flags): boolean {
  return one === other || (one.kind === other.kind && (one.kind === 'memory' || one.kind === 'dynamic'));
}

/** Their rule is known where they are used. */
export function isKnown(flags: Flags): boolean {
  switch (flags.kind) {
    case 'memory':
    case 'dynamic':
      return false;
    case 'choice':
      return isKnown(flags.then) && isKnown(flags.otherwise);
    default:
      return true;
  }
}

type Read = (operand: Operand) => Expr;

/** 0 or 1: ConditionHolds() of `cond`. */
export function knownCondition(cond: number, flags: Flags, read: Read): Expr {
  switch (flags.kind) {
    case 'rule': {
      if (flags.rule === 'sub') return fold(compared(cond, read(flags.a), read(flags.b)));
      return fold(conditionHolds(cond, values(flags, read)));
    }
    case 'nzcv':
      return fold(conditionHolds(cond, splitFlags(read(flags.value))));
    case 'choice':
      return chooseBit(
        read(flags.condition),
        knownCondition(cond, flags.then, read),
        knownCondition(cond, flags.otherwise, read),
      );
    default:
      throw new Error('these flags are not known here');
  }
}

/** C as 0 or 1, of 64 bits. */
export function knownCarry(flags: Flags, read: Read): Expr {
  const CS = 2;
  return fold({ op: 'extendU', width: 64, a: knownCondition(CS, flags, read) });
}

/** NZCV in bits 31:28 of 32. */
export function knownNzcv(flags: Flags, read: Read): Expr {
  switch (flags.kind) {
    case 'rule':
      return fold(joinFlags(values(flags, read)));
    case 'nzcv':
      return read(flags.value);
    case 'choice':
      return fold({
        op: 'select',
        width: 32,
        condition: read(flags.condition),
        a: knownNzcv(flags.then, read),
        b: knownNzcv(flags.otherwise, read),
      });
    default:
      throw new Error('these flags are not known here');
  }
}

function values({ rule, a, b, carry }: Rule, read: Read) {
  return flagValues(rule, (value) => value, read(a), read(b), read(carry));
}

/** Conditions of a difference are comparisons. */
function compared(cond: number, a: Expr, b: Expr): Expr {
  const zero = constant(a.width, 0);
  const difference = sub(a, b);
  const overflow = and({ op: 'xor', width: a.width, a, b }, { op: 'xor', width: a.width, a, b: difference });
  const leS: Expr = { op: 'leS', width: 32, a, b };
  const leU: Expr = { op: 'leU', width: 32, a, b };
  const [all, same] = [constant(32, 1), eq(a, b)];
  const holds = [
    same,
    ne(a, b),
    geU(a, b),
    ltU(a, b),
    ltS(difference, zero),
    geS(difference, zero),
    ltS(overflow, zero),
    geS(overflow, zero),
    gtU(a, b),
    leU,
    geS(a, b),
    ltS(a, b),
    gtS(a, b),
    leS,
    all,
    all,
  ];
  return holds[cond]!;
}

/** 0 or 1 of a 32-bit value that may be anything. */
export function asBit(value: Expr): Expr {
  return isBit(value) ? value : ne(value, constant(32, 0));
}

const COMPARES = new Set(['eq', 'ne', 'ltS', 'ltU', 'gtS', 'gtU', 'leS', 'leU', 'geS', 'geU', 'eqz']);
function isBit(value: Expr): boolean {
  if (COMPARES.has(value.op)) return true;
  if (value.op === 'and' || value.op === 'or') return isBit(value.a) && isBit(value.b);
  return value.op === 'const' && (value.value === 0n || value.value === 1n);
}
