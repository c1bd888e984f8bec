/** System registers that instructions need no machine for. */
import type { Builder } from '../../builder.ts';
import type { Execute } from '../../execute.ts';
import { and, constant, extendU, ne, wrap, type Expr } from '../../expr.ts';
import { FPSR_BITS } from './float/format.ts';

const NZCV = 0xf0000000;
const DAIF = 0x3c0;
const EL = 0xc;
const SP = 1;

const bits = (value: Expr, mask: number) => and(value, constant(32, mask));
/** No bit of it: the machine says what such an access does at this level. */
const needs = (b: Builder, mask: number) => b.leaveUnless(ne(bits(b.pstate(), mask), constant(32, 0)), 'system');
const read = (b: Builder, value: Expr) => b.set('rd', extendU(value));
const written = (b: Builder, mask: number) => bits(b.get('rn', 32), mask);

export const readNzcv: Execute = (b) => read(b, b.nzcv());
export const writeNzcv: Execute = (b) => b.setNzcv(written(b, NZCV));

export const readFpcr: Execute = (b) => {
  b.checkFp();
  read(b, b.fpcr());
};
export const writeFpcr: Execute = (b) => {
  b.checkFp();
  b.setFpcr(and(b.get('rn', 32), wrap(b.control('fpcrBits'))));
};

export const readFpsr: Execute = (b) => {
  b.checkFp();
  read(b, b.fpsr());
};
export const writeFpsr: Execute = (b) => {
  b.checkFp();
  b.setFpsr(written(b, FPSR_BITS));
};

/** EL0 has it where SCTLR_EL1.UMA says so. */
export const readDaif: Execute = (b) => {
  needs(b, EL);
  read(b, bits(b.pstate(), DAIF));
};

/** UNDEFINED at EL0 and where it is SP. */
export const readSpEl0: Execute = (b) => {
  needs(b, SP);
  b.set('rd', b.spEl0());
};
export const writeSpEl0: Execute = (b) => {
  needs(b, SP);
  b.setSpEl0(b.get('rn', 64));
};
