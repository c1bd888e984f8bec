/** Addresses, wide moves, bit fields: operands are as `data-immediate.ts` has them. */
import type { Execute } from '../../execute.ts';
import { add, and, constant, not, or, rotr, shl, shrS, shrU, sub } from '../../expr.ts';
import { registerWidth } from './width.ts';

export const address: Execute = (b) => b.set('rd', add(b.pc(), b.immediate('imm', 64)));
export const pageAddress: Execute = (b) => b.set('rd', add(and(b.pc(), constant(64, -4096)), b.immediate('imm', 64)));

export const moveImmediate: Execute = (b) => b.set('rd', b.immediate('imm', registerWidth(b)));

export const moveKeep: Execute = (b) => {
  const width = registerWidth(b);
  b.set('rd', or(and(b.get('rn', width), b.immediate('imm2', width)), b.immediate('imm', width)));
};

export const signedBitfield: Execute = (b) => {
  const width = registerWidth(b);
  b.set('rd', shrS(shl(b.get('rn', width), b.immediate('imm', width)), b.immediate('imm2', width)));
};

export const unsignedBitfield: Execute = (b) => {
  const width = registerWidth(b);
  b.set('rd', and(rotr(b.get('rn', width), b.immediate('imm', width)), b.immediate('imm2', width)));
};

export const bitfieldInsert: Execute = (b) => {
  const width = registerWidth(b);
  const mask = b.immediate('imm2', width);
  const inserted = and(rotr(b.get('rn', width), b.immediate('imm', width)), mask);
  b.set('rd', or(and(b.get('ra', width), not(mask)), inserted));
};

/** The high part is shifted in two steps, as a shift by the whole width isn't one. */
export const extract: Execute = (b) => {
  const width = registerWidth(b);
  const lsb = b.immediate('imm', width);
  const high = shl(shl(b.get('rn', width), constant(width, 1)), sub(constant(width, width - 1), lsb));
  b.set('rd', or(shrU(b.get('rm', width), lsb), high));
};
