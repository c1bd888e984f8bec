/** NZCV manipulated as bits: FEAT_FlagM and FEAT_FlagM2. */
import type { Builder } from '../../builder.ts';
import type { Execute } from '../../execute.ts';
import { and, constant, eqz, not, or, rotr, shl, shrU, toWidth, xor, type Expr } from '../../expr.ts';

/** Places in NZCV's own format. */
const BIT = { N: 31, Z: 30, C: 29, V: 28 } as const;
type Flag = keyof typeof BIT;

/** NZCV of the flags named, each 0 or 1 in 32 bits; the others are 0. */
const joined = (flags: Partial<Record<Flag, Expr>>): Expr =>
  (Object.keys(BIT) as Flag[]).reduce(
    (sum: Expr, name) => {
      const flag = flags[name];
      return flag ? or(sum, shl(flag, constant(32, BIT[name]))) : sum;
    },
    constant(32, 0),
  );

/** The flags as they are, each 0 or 1. */
function flagsOf(b: Builder): Record<Flag, Expr> {
  const nzcv = b.let(b.nzcv());
  const bit = (flag: Flag) => b.let(and(shrU(nzcv, constant(32, BIT[flag])), constant(32, 1)));
  return { N: bit('N'), Z: bit('Z'), C: bit('C'), V: bit('V') };
}

const inverse = (flag: Expr) => xor(flag, constant(32, 1));

export const invertCarry: Execute = (b) => b.setNzcv(xor(b.nzcv(), constant(32, 1n << 29n)));

/** From an alternative floating-point comparison's flags to those of Arm's: "unordered" is Z with C = 0 there. */
export const externalToArm: Execute = (b) => {
  const { Z, C } = flagsOf(b);
  b.setNzcv(joined({ N: and(inverse(C), inverse(Z)), Z: and(Z, C), C: or(C, Z), V: and(inverse(C), Z) }));
};

export const armToExternal: Execute = (b) => {
  const { Z, C, V } = flagsOf(b);
  b.setNzcv(joined({ Z: or(Z, V), C: and(C, inverse(V)) }));
};

/** RMIF: `imm2` says which flags are taken from the low bits of the rotated register. */
export const rotateMaskInsert: Execute = (b) => {
  const up = (value: Expr) => shl(value, constant(32, 28));
  const mask = b.let(up(b.immediate('imm2', 32)));
  const bits = up(toWidth(32, rotr(b.get('rn', 64), b.immediate('imm', 64))));
  b.setNzcv(or(and(b.nzcv(), not(mask)), and(bits, mask)));
};

/** SETF8, SETF16: C stays. */
export const evaluate =
  (bits: 8 | 16): Execute =>
  (b) => {
    const value = b.let(b.get('rn', 32));
    const bit = (n: number) => and(shrU(value, constant(32, n)), constant(32, 1));
    const C = b.let(b.carry(32));
    const Z = eqz(shl(value, constant(32, 32 - bits)));
    b.setNzcv(joined({ N: bit(bits - 1), Z, C, V: xor(bit(bits), bit(bits - 1)) }));
  };
