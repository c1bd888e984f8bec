/** Variable shifts, reversals, counts, checksums. */
import type { Execute } from '../../execute.ts';
import { and, clz, constant, or, rotl, rotr, shl, shrS, shrU, sub, wrap, xor, type Expr } from '../../expr.ts';
import { registerWidth } from './width.ts';

const SHIFTS = { lsl: shl, lsr: shrU, asr: shrS, ror: rotr } as const;

export const variableShift =
  (name: keyof typeof SHIFTS): Execute =>
  (b) => {
    const width = registerWidth(b);
    b.set('rd', SHIFTS[name](b.get('rn', width), b.get('rm', width)));
  };

/** Exchanges neighbouring groups of `by` bits; `mask` has the lower group of each pair. */
function exchange(value: Expr, by: number, mask: bigint): Expr {
  const [m, n] = [constant(value.width, mask), constant(value.width, by)];
  return or(and(shrU(value, n), m), shl(and(value, m), n));
}
const BYTES = 0x00ff00ff00ff00ffn;
const HALFWORDS = 0x0000ffff0000ffffn;

export const reverse16: Execute = (b) => {
  b.set('rd', exchange(b.let(b.get('rn', registerWidth(b))), 8, BYTES));
};

export const reverseWord: Execute = (b) => {
  const halves = b.let(exchange(b.let(b.get('rn', 32)), 8, BYTES));
  b.set('rd', rotl(halves, constant(32, 16)));
};

export const reverse32: Execute = (b) => {
  const halves = b.let(exchange(b.let(b.get('rn', 64)), 8, BYTES));
  b.set('rd', exchange(halves, 16, HALFWORDS));
};

export const reverseDoubleword: Execute = (b) => {
  const halves = b.let(exchange(b.let(b.get('rn', 64)), 8, BYTES));
  const words = b.let(exchange(halves, 16, HALFWORDS));
  b.set('rd', rotl(words, constant(64, 32)));
};

export const reverseBits: Execute = (b) => {
  const width = registerWidth(b);
  let value = b.let(b.get('rn', width));
  for (const [by, mask] of [
    [1, 0x5555555555555555n],
    [2, 0x3333333333333333n],
    [4, 0x0f0f0f0f0f0f0f0fn],
    [8, BYTES],
    [16, HALFWORDS],
  ] as const) {
    value = b.let(width === 32 && by === 16 ? rotl(value, constant(32, 16)) : exchange(value, by, mask));
  }
  b.set('rd', width === 64 ? rotl(value, constant(64, 32)) : value);
};

export const countLeadingZeros: Execute = (b) => b.set('rd', clz(b.get('rn', registerWidth(b))));

export const countLeadingSigns: Execute = (b) => {
  const width = registerWidth(b);
  const value = b.let(b.get('rn', width));
  const changes = xor(value, shrS(value, constant(width, width - 1)));
  b.set('rd', sub(clz(changes), constant(width, 1)));
};

/** CRC32 and CRC32C of the low `bytes` of Rm, with the accumulator Rn. */
export const checksum =
  (polynomial: 'crc32' | 'crc32c', bytes: 1 | 2 | 4 | 8): Execute =>
  (b) => {
    const data = b.let(b.get('rm', bytes === 8 ? 64 : 32));
    let crc = b.let(b.get('rn', 32));
    for (let at = 0; at < bytes; at++) {
      const shiftedDown = shrU(data, constant(data.width, 8 * at));
      const byte = data.width === 64 ? wrap(shiftedDown) : shiftedDown;
      const index = and(xor(crc, byte), constant(32, 0xff));
      crc = b.let(xor(b.crcTable(polynomial, index), shrU(crc, constant(32, 8))));
    }
    b.set('rd', crc);
  };
