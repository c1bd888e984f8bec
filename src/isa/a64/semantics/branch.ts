/** Branches; rows' `imm` is the distance from the instruction. */
import type { BranchType, Builder, Leave } from '../../builder.ts';
import type { Execute } from '../../execute.ts';
import { add, and, constant, eqz, ne, shrU, type Expr } from '../../expr.ts';
import { registerWidth } from './width.ts';

const FOUR = constant(64, 4);

export const branch: Execute = (b) => b.branch();

export const call: Execute = (b) => {
  b.set('rd', add(b.pc(), FOUR));
  b.branch();
};

const branchIf = (b: Builder, condition: Expr) => b.when(condition, () => b.branch());

export const conditionalBranch: Execute = (b) => branchIf(b, b.condition(b.field('cond')));

export const compareBranch =
  (nonzero: boolean): Execute =>
  (b) => {
    const value = b.get('rn', registerWidth(b));
    branchIf(b, nonzero ? ne(value, constant(value.width, 0)) : eqz(value));
  };

export const testBranch =
  (nonzero: boolean): Execute =>
  (b) => {
    const bit = and(shrU(b.get('rn', 64), b.immediate('imm2', 64)), constant(64, 1));
    branchIf(b, nonzero ? ne(bit, constant(64, 0)) : eqz(bit));
  };

export const returnJump: Execute = (b) => b.jump(b.get('rn', 64));

/** BTypeNext of BR and its kin: X16 and X17 are what a linker's veneers use. `Rn` is a variant field. */
export const jumpType = (b: Builder): BranchType => (b.field('Rn') === 16 || b.field('Rn') === 17 ? 1 : 3);
export const CALL_TYPE: BranchType = 2;

export const jump: Execute = (b) => b.jump(b.get('rn', 64), jumpType(b));

export const jumpCall: Execute = (b) => {
  const target = b.let(b.get('rn', 64));
  b.set('rd', add(b.pc(), FOUR));
  b.jump(target, CALL_TYPE);
};

/** What the machine does, or what it takes an exception for. */
export const leave =
  (kind: Leave): Execute =>
  (b) =>
    b.leave(kind);

export const nothing: Execute = () => undefined;

export const clearExclusive: Execute = (b) => b.clearMonitor();
