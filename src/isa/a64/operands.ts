/** From A64 fields to canonical operands: register slots and decoded immediates. */
import type { Fields } from '../row.ts';

/** Every field name of the A64 rows, as the manual spells them. */
export type A64Field =
  | 'sf'
  | 'S'
  | 'sh'
  | 'N'
  | 'hw'
  | 'imm12'
  | 'immr'
  | 'imms'
  | 'imm16'
  | 'immlo'
  | 'immhi'
  | 'imm6'
  | 'imm5'
  | 'imm3'
  | 'imm26'
  | 'imm19'
  | 'imm14'
  | 'b5'
  | 'b40'
  | 'imm9'
  | 'imm7'
  | 'shift'
  | 'option'
  | 'cond'
  | 'nzcv'
  | 'prfop'
  | 'A'
  | 'R'
  | 'o0'
  | 'op1'
  | 'CRn'
  | 'CRm'
  | 'op2'
  | 'Rd'
  | 'Rn'
  | 'Rm'
  | 'Ra'
  | 'Rt'
  | 'Rt2'
  | 'Rs'
  | 'M'
  | 'mask'
  | 'Q'
  | 'size'
  | 'sz'
  | 'rot'
  | 'scale'
  | 'cmode'
  | 'H'
  | 'L'
  /* Parts of values, named by their bits: i3:i5 is an immediate of eight, j4 the second index of INS. */
  | 'i1'
  | 'i2'
  | 'i3'
  | 'i4'
  | 'i5'
  | 'i6'
  | 'i8'
  | 'i9'
  | 'j1'
  | 'j2'
  | 'j3'
  | 'j4';
export type A64Fields = Fields<A64Field>;
export type RegisterField = 'Rd' | 'Rn' | 'Rm' | 'Ra' | 'Rt' | 'Rt2' | 'Rs';

/** Slots: 0–30 are X0–X30, V registers stand from 64 on. */
export const SLOT = { SP: 31, ZERO: 32, DISCARD: 33, V0: 64 } as const;

export const read = (field: RegisterField) => (f: A64Fields) => (f[field] === 31 ? SLOT.ZERO : f[field]);
export const write = (field: RegisterField) => (f: A64Fields) => (f[field] === 31 ? SLOT.DISCARD : f[field]);
/** Register 31 is the current stack pointer, read or written. */
export const sp = (field: RegisterField) => (f: A64Fields) => f[field];
export const v = (field: RegisterField) => (f: A64Fields) => SLOT.V0 + f[field];
/** The odd register of a pair that starts at an even one; X30's partner is XZR. */
export const readPair = (field: RegisterField) => (f: A64Fields) => (f[field] === 30 ? SLOT.ZERO : f[field] + 1);
export const writePair = (field: RegisterField) => (f: A64Fields) => (f[field] === 30 ? SLOT.DISCARD : f[field] + 1);

/** The register that follows `by` behind a list's first; V0 follows V31. */
export const vAfter = (field: RegisterField, by: number) => (f: A64Fields) => SLOT.V0 + ((f[field] + by) % 32);

const FIELD_NAMES = /^[A-Za-z]+(?<width>\d*)$/;

/** A value that lies in several fields, highest first: `H:L:M`, `i3:i5`. A name without a number has one bit. */
export function joined(names: string) {
  const parts = names.split(':').map((name) => ({
    name: name as A64Field,
    width: Number(FIELD_NAMES.exec(name)?.groups?.['width'] ?? '') || 1,
  }));
  const bits = parts.reduce((sum, { width }) => sum + width, 0);
  return {
    bits,
    get: (f: A64Fields) => parts.reduce((value, { name, width }) => value * 2 ** width + f[name], 0),
    set(fields: { [field in A64Field]?: number }, value: number) {
      let left = bits;
      for (const { name, width } of parts) {
        left -= width;
        fields[name] = (value >>> left) & (2 ** width - 1);
      }
    },
  };
}
export const joinedField = (names: string) => {
  const { get } = joined(names);
  return (f: A64Fields) => BigInt(get(f));
};

export const field = (name: A64Field) => (f: A64Fields) => BigInt(f[name]);
/** A signed offset field in units of `2 ** scale` bytes. */
export const scaled = (name: A64Field, scale: number) => (f: A64Fields) => BigInt(f[name] * 2 ** scale);

export const registerBits = (f: A64Fields) => (f.sf ? 64 : 32);

const ones = (count: number) => (1n << BigInt(count)) - 1n;

function rotateRight(value: bigint, by: number, bits: number): bigint {
  return ((value >> BigInt(by)) | (value << BigInt(bits - by))) & ones(bits);
}

function replicate(value: bigint, from: number, to: number): bigint {
  let result = 0n;
  for (let at = 0; at < to; at += from) result |= value << BigInt(at);
  return result;
}

/** Log2 of the element size of a bitmask immediate; below 1 the encoding is reserved. */
const elementLog2 = (N: number, imms: number) => 31 - Math.clz32((N << 6) | (~imms & 63));

/** False: the encoding is reserved. An element of ones alone is. */
export function isBitmask({ sf, N, imms }: A64Fields): boolean {
  const log2 = elementLog2(N, imms);
  const last = (1 << log2) - 1;
  return log2 >= 1 && (sf === 1 || N === 0) && (imms & last) !== last;
}

/** DecodeBitMasks(immN, imms, immr, immediate = TRUE) where `isBitmask`; the 32-bit form has zeros above. */
export function bitmaskImmediate({ sf, N, immr, imms }: A64Fields): bigint {
  const size = 1 << elementLog2(N, imms);
  const last = size - 1;
  return replicate(rotateRight(ones((imms & last) + 1), immr & last, size), size, sf ? 64 : 32);
}

/** The inverse of `bitmaskImmediate`; null: `value` is no bitmask immediate. */
export function encodeBitmask(value: bigint, sf: number): Pick<A64Fields, 'N' | 'immr' | 'imms'> | null {
  const bits = sf ? 64 : 32;
  let size = bits;
  while (size > 2) {
    const half = size / 2;
    if (value !== replicate(value & ones(half), half, bits)) break;
    size = half;
  }
  const element = value & ones(size);
  if (element === 0n || element === ones(size)) return null;
  for (let immr = 0; immr < size; immr++) {
    /* Rotated back left by immr it must be ones from bit 0 up. */
    const plain = rotateRight(element, (size - immr) % size, size);
    if ((plain & (plain + 1n)) !== 0n) continue;
    const length = plain.toString(2).length;
    const imms = ((~(size * 2 - 1) & 63) | (length - 1)) & 63;
    return { N: size === 64 ? 1 : 0, immr, imms };
  }
  return null;
}

/** The bits of the destination that UBFM and BFM take from the rotated source: wmask AND tmask of DecodeBitMasks. */
export function bitfieldMask(f: A64Fields): bigint {
  const bits = registerBits(f);
  const { immr, imms } = f;
  if (imms >= immr) return ones(imms - immr + 1);
  return ones(imms + 1) << BigInt(bits - immr);
}

/** SBFM is a shift left by this, then an arithmetic shift right by `signedBitfieldRight`. */
export const signedBitfieldLeft = (f: A64Fields) => BigInt(registerBits(f) - 1 - f.imms);
export function signedBitfieldRight(f: A64Fields): bigint {
  const bits = registerBits(f);
  return BigInt((bits - 1 - f.imms + f.immr) % bits);
}

const wideShift = (f: A64Fields) => BigInt(16 * f.hw);
export const moveWide = (f: A64Fields) => BigInt(f.imm16) << wideShift(f);
export const moveWideNot = (f: A64Fields) => ~moveWide(f) & ones(registerBits(f));
/** What MOVK keeps of its register. */
export const moveWideKept = (f: A64Fields) => ~(0xffffn << wideShift(f)) & ones(registerBits(f));

export const addImmediate = (f: A64Fields) => BigInt(f.imm12 << (f.sh ? 12 : 0));
export const pcOffset = (f: A64Fields) => BigInt(f.immhi * 4 + f.immlo);
export const testedBit = (f: A64Fields) => BigInt(f.b5 * 32 + f.b40);

/** VFPExpandImm as a number: it has the same value in every precision. */
export function expandFloat(imm8: number): number {
  const exponent = ((imm8 >> 4) & 7) ^ 4;
  const value = (1 + (imm8 & 15) / 16) * 2 ** (exponent - 3);
  return imm8 & 0x80 ? -value : value;
}

/** The bits of such a value in a precision. */
export function floatBits(value: number, bits: 16 | 32 | 64): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (bits === 64) {
    view.setFloat64(0, value);
    return view.getBigUint64(0);
  }
  view.setFloat32(0, value);
  const single = view.getUint32(0);
  if (bits === 32) return BigInt(single);
  /* Exponent and fraction of an immediate fit; the exponent's bias is 15 instead of 127. */
  return BigInt(((single >>> 16) & 0x8000) | ((((single >>> 23) & 0xff) - 112) << 10) | ((single >>> 13) & 0x3ff));
}

/** AdvSIMDExpandImm with cmode 1110 and op 1: each bit becomes a byte. */
export function expandByteMask(imm8: number): bigint {
  let value = 0n;
  for (let byte = 0; byte < 8; byte++) if (imm8 & (1 << byte)) value |= 0xffn << BigInt(8 * byte);
  return value;
}
