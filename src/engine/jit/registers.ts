/** Sets of guest registers: X0–X30 and SP, V0–V31, by their slots (isa/a64/operands.ts). */
import { SLOT } from '../../isa/a64/operands.ts';

export interface RegisterSet {
  readonly x: number;
  readonly v: number;
}

export const NONE: RegisterSet = { x: 0, v: 0 };

export const one = (slot: number): RegisterSet =>
  slot >= SLOT.V0 ? { x: 0, v: 1 << (slot - SLOT.V0) } : { x: 1 << slot, v: 0 };
export const union = (a: RegisterSet, b: RegisterSet): RegisterSet => ({ x: a.x | b.x, v: a.v | b.v });
export const without = (a: RegisterSet, b: RegisterSet): RegisterSet => ({ x: a.x & ~b.x, v: a.v & ~b.v });
export const same = (a: RegisterSet, b: RegisterSet): boolean => a.x === b.x && a.v === b.v;
export const has = (set: RegisterSet, slot: number): boolean => {
  const { x, v } = one(slot);
  return (set.x & x) !== 0 || (set.v & v) !== 0;
};

export function slots({ x, v }: RegisterSet): number[] {
  const found: number[] = [];
  for (let n = 0; n < 32; n++) if ((x >>> n) & 1) found.push(n);
  for (let n = 0; n < 32; n++) if ((v >>> n) & 1) found.push(SLOT.V0 + n);
  return found;
}
