/** The leaves of A64 templates by name. */
import { encoder, disassembler, type Leaf, type Spelling, type Syntax } from '../../syntax.ts';
import type { A64Field, RegisterField } from '../operands.ts';
import { A64 } from '../table.ts';
import * as immediate from './immediates.ts';
import * as modifier from './modifiers.ts';
import * as register from './registers.ts';
import * as system from './system.ts';
import * as vector from './vectors.ts';

type A64Leaf = Leaf<A64Field>;

const hex = (value: number) => `0x${value.toString(16)}`;
const decimal = (value: number) => value.toString();

const LEAVES: Readonly<Record<string, A64Leaf>> = {
  'Rn=m': register.sizedRegisterLeaf('Rn', false, ['Rm']),
  'Wn:N': register.extendedByte,
  'Rt:b5': register.testedRegister,
  'Xt:optional': register.optionalRegister,
  'Ws+1': register.partnerLeaf('w', 'Rs'),
  'Wt+1': register.partnerLeaf('w', 'Rt'),
  'Xs+1': register.partnerLeaf('x', 'Rs'),
  'Xt+1': register.partnerLeaf('x', 'Rt'),
  shift: modifier.shiftLeaf(true),
  'shift:add': modifier.shiftLeaf(false),
  hw: modifier.wideShift,
  extended: modifier.extendedLeaf(false),
  'extended:dn': modifier.extendedLeaf(true),
  cond: modifier.condition,
  invcond: modifier.invertedCondition,
  aimm: immediate.addLeaf(false),
  'aimm:negated': immediate.addLeaf(true),
  bitmask: immediate.bitmaskLeaf('plain'),
  'bitmask:mov': immediate.bitmaskLeaf('mov'),
  'bitmask:inverted': immediate.bitmaskLeaf('inverted'),
  movz: immediate.moveLeaf(false),
  movn: immediate.moveLeaf(true),
  immr: immediate.positionLeaf('immr'),
  imms: immediate.positionLeaf('imms'),
  shiftright: immediate.shiftRight,
  shiftleft: immediate.shiftLeft,
  bfx: immediate.bitfieldLeaf(false),
  bfiz: immediate.bitfieldLeaf(true),
  imm16: immediate.plainLeaf('imm16', 0, 0xffff, hex),
  'imm16:move': immediate.moveHalf,
  'imm16:decimal': immediate.plainLeaf('imm16', 0, 0xffff, decimal),
  imm5: immediate.plainLeaf('imm5', 0, 31, hex),
  nzcv: immediate.plainLeaf('nzcv', 0, 15, hex),
  CRm: immediate.plainLeaf('CRm', 0, 15, hex),
  op1: immediate.plainLeaf('op1', 0, 7, decimal),
  op2: immediate.plainLeaf('op2', 0, 7, decimal),
  bit: immediate.testedBit,
  imm6: immediate.plainLeaf('imm6', 0, 63, decimal),
  mask: immediate.plainLeaf('mask', 0, 15, decimal),
  imm9: immediate.offsetLeaf('imm9', 9, 1),
  'imm10*8': immediate.authenticatedOffset,
  'label:imm26': immediate.labelLeaf('imm26', 26),
  'label:imm19': immediate.labelLeaf('imm19', 19),
  'label:imm14': immediate.labelLeaf('imm14', 14),
  'label:cond': immediate.labelLeaf('imm19', 19, (f) => modifier.conditionComment(f.cond, 'b.')),
  'label:adr': immediate.adrLabel,
  'label:adrp': immediate.adrpLabel,
  'sysreg:read': system.sysregLeaf('read'),
  'sysreg:write': system.sysregLeaf('write'),
  pstatefield: system.pstateLeaf,
  'pstatefield:generic': system.genericPstateLeaf,
  Cn: system.controlLeaf('CRn'),
  Cm: system.controlLeaf('CRm'),
  barrier: system.barrierLeaf,
  'barrier:isb': system.isbLeaf,
  prfop: system.prefetchLeaf,
  hint: system.hintLeaf,
  'float:i8': vector.floatLeaf('i8'),
  'float:i3:i5': vector.floatLeaf('i3:i5'),
  bytemask: vector.byteMask,
  byte: vector.byteLeaf(false),
  sbyte: vector.byteLeaf(true),
  'lsl:i1': vector.byteShiftLeaf('lsl', 'i1', 0),
  'lsl:i2': vector.byteShiftLeaf('lsl', 'i2', 0),
  'msl:i1': vector.byteShiftLeaf('msl', 'i1', 8),
  'fbits:32': vector.amountLeaf('number of fraction bits', 'i5', { low: 1, from: 32 }),
  'fbits:64': vector.amountLeaf('number of fraction bits', 'i6', { low: 1, from: 64 }),
  i4: vector.amountLeaf('index', 'i4', { low: 0 }),
  '#0.0': vector.floatZero,
};

const SPELLINGS: Readonly<Record<string, readonly Spelling<A64Field>[]>> = {
  cond: modifier.CONDITION_SPELLINGS,
  AR: ['', 'a', 'l', 'al'].map((text, order) => ({ text, fields: { A: order & 1, R: order >> 1 } })),
  /* The upper half of the narrow registers. */
  2: ['', '2'].map((text, Q) => ({ text, fields: { Q } })),
  R: ['', 'l'].map((text, R) => ({ text, fields: { R } })),
  sysop: system.operationSpellings(false),
  'sysop:register': system.operationSpellings(true),
  bti: system.BTI_SPELLINGS,
  hintname: system.HINT_SPELLINGS,
};

const REGISTER = /^([RWXBHSDQ])(d|n|m|a|t|t2|s)(\|W?SP)?$/;
const SCALED = /^imm(12|7)\*(\d+)$/;
const OFFSET = /^offset:(\d)$/;
/** `Vd.T`, `Vn=m.Q8`, `Vm:4.h[H:L:M]`, `Vt.T64*3`, `Vt.b*2[Q:S:i2]`. */
const VECTOR = /^V([dnmat])(=m)?(:4)?\.(\w+?)(?:\*(\d))?(?:\[([\w:]+)\])?$/;
const SCALAR = /^F([dnma]):(\w+)$/;
const NUMBER = /^#(\w+)$/;
const SHIFT = /^sh([lr]):(\d)$/;

function vectorLeaf(name: string): A64Leaf | null {
  const [, letter, copy, low, arrangement, count, index] = VECTOR.exec(name) ?? [];
  if (letter === undefined) return null;
  const field = `R${letter}` as RegisterField;
  if (count !== undefined) return vector.listLeaf(field, arrangement!, Number(count), index);
  const leaf = vector.vectorLeaf(field, arrangement!, low === undefined ? 31 : 15, copy === undefined ? [] : ['Rm']);
  return index === undefined ? leaf : vector.laneLeaf(leaf, index);
}

function vectorParameterLeaf(name: string): A64Leaf | null {
  const [, letter, size] = SCALAR.exec(name) ?? [];
  if (letter !== undefined) return vector.scalarLeaf(`R${letter}` as RegisterField, size!);
  const [, number] = NUMBER.exec(name) ?? [];
  if (number !== undefined) return vector.numberLeaf(number);
  const [, direction, bits] = SHIFT.exec(name) ?? [];
  if (bits === undefined) return vectorLeaf(name);
  const range = direction === 'l' ? { low: 0 } : { low: 1, from: 2 ** Number(bits) };
  return vector.amountLeaf('shift', `i${bits}`, range);
}

function parameterLeaf(name: string): A64Leaf | null {
  const [, letter, field, sp] = REGISTER.exec(name) ?? [];
  if (letter !== undefined) {
    const number = `R${field}` as Parameters<typeof register.sizedRegisterLeaf>[0];
    if (letter === 'R') return register.sizedRegisterLeaf(number, sp !== undefined);
    const lower = letter.toLowerCase() as Parameters<typeof register.registerLeaf>[0];
    return register.registerLeaf(lower, number, sp !== undefined);
  }
  const [, bits, scale] = SCALED.exec(name) ?? [];
  if (bits !== undefined) return immediate.offsetLeaf(bits === '12' ? 'imm12' : 'imm7', Number(bits), Number(scale));
  const [, shift] = OFFSET.exec(name) ?? [];
  return shift === undefined ? null : modifier.offsetLeaf(Number(shift));
}

function required<T>(value: T | null | undefined, name: string): T {
  if (value === null || value === undefined) throw new Error(`no leaf <${name}>`);
  return value;
}

const SYNTAX: Syntax<A64Field> = {
  leaf: (name) => required(LEAVES[name] ?? parameterLeaf(name) ?? vectorParameterLeaf(name), name),
  spellings: (name) => required(SPELLINGS[name], name),
};

export const A64_DISASSEMBLER = disassembler(A64, SYNTAX);
export const A64_ENCODER = encoder(A64, SYNTAX);
