/** What FPCR and FPSR say of whether WebAssembly's own arithmetic will do (fast.ts): 0 or 1. */
import { and, eqz, not, or } from '../../../expr.ts';
import type { Statements } from '../../../library.ts';
import { FPCR, FPSR } from './format.ts';
import { word } from './integer.ts';

/** No operand is flushed. */
export const unflushed = (b: Statements) => eqz(and(b.fpcr(), word(FPCR.FZ)));
const newlyInexact = (b: Statements) => and(not(b.fpsr()), word(FPSR.IXC));
/** Also, inexact is nothing new. */
export const quiet = (b: Statements) => eqz(or(and(b.fpcr(), word(FPCR.FZ)), newlyInexact(b)));
/** Also, rounding is to nearest. */
export const nearest = (b: Statements) => eqz(or(and(b.fpcr(), word(FPCR.RMode | FPCR.FZ)), newlyInexact(b)));
