/** Immediate operands and labels. */
import { isMismatch, type Mismatch, type OperandReader } from '../../assembly/reader.ts';
import type { PrintContext } from '../../syntax.ts';
import {
  bitmaskImmediate,
  encodeBitmask,
  moveWide,
  moveWideNot,
  registerBits,
  type A64Field,
  type A64Fields,
} from '../operands.ts';
import { readAmount } from './modifiers.ts';
import type { A64Leaf, A64Partial } from './registers.ts';

const hex = (value: bigint | number) => `0x${value.toString(16)}`;

/** Numbers of an error message: small ones in decimal. */
function show(value: bigint): string {
  if (value > -1_000_000n && value < 1_000_000n) return value.toString();
  return value < 0n ? `-${hex(-value)}` : hex(value);
}

/** A number that a field holds as it is. */
export function plainLeaf(field: A64Field, low: number, high: number, print: (value: number) => string): A64Leaf {
  return {
    print: (f) => `#${print(f[field])}`,
    omit: (f) => f[field] === 0,
    parse(reader, fields) {
      const value = readAmount(reader, 'immediate', low, high);
      if (typeof value !== 'number') return value;
      fields[field] = value;
      return null;
    },
  };
}

/** A byte offset that a field holds in units of `scale`. */
export function offsetLeaf(field: A64Field, bits: number, scale: number): A64Leaf {
  const signed = field !== 'imm12';
  const low = signed ? -scale * 2 ** (bits - 1) : 0;
  const high = scale * (signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1);
  return {
    print: (f) => `#${f[field] * scale}`,
    omit: (f) => f[field] === 0,
    parse(reader, fields) {
      const from = reader.position;
      const value = reader.immediate();
      if (isMismatch(value)) return value;
      const unit = BigInt(scale);
      if (value < BigInt(low) || value > BigInt(high) || value % unit !== 0n) {
        const multiple = scale > 1 ? `, a multiple of ${scale}` : '';
        return reader.mismatch(`offset ${show(value)} is out of range: ${low} to ${high}${multiple}`, from);
      }
      fields[field] = Number(value / unit);
      return null;
    },
  };
}

/** LDRAA's offset: ten bits in units of 8, the sign in S. */
export const authenticatedOffset: A64Leaf = {
  print: (f) => `#${8 * (f.i9 - 512 * f.S)}`,
  omit: (f) => f.S === 0 && f.i9 === 0,
  parse(reader, fields) {
    const from = reader.position;
    const value = readAmount(reader, 'offset', -4096, 4088);
    if (typeof value !== 'number') return value;
    if (value % 8 !== 0) return reader.mismatch(`offset ${value} is no multiple of 8`, from);
    fields.S = value < 0 ? 1 : 0;
    fields.i9 = (value / 8) & 511;
    return null;
  },
};

/** ADD's immediate: 12 bits, or 12 bits shifted left by 12. `negated` serves SUB for ADD of a negative value. */
export function addLeaf(negated: boolean): A64Leaf {
  return {
    print: (f) => `#${hex(f.imm12)}${f.sh ? ', lsl #12' : ''}`,
    parse(reader, fields) {
      const from = reader.position;
      const written = reader.immediate();
      if (isMismatch(written)) return written;
      const value = negated ? -written : written;
      const range = `immediate ${show(written)} is out of range: 0 to 4095, or a multiple of 4096 up to 0xfff000`;
      if (value < 0n || (negated && value === 0n)) return reader.mismatch(range, from);
      if (reader.take(',')) return shifted(reader, fields, value, from);
      const high = value > 4095n;
      if (value > 0xfff000n || (high && value % 4096n !== 0n)) return reader.mismatch(range, from);
      fields.sh = high ? 1 : 0;
      fields.imm12 = Number(high ? value / 4096n : value);
      return null;
    },
  };
}

function shifted(reader: OperandReader, fields: A64Partial, value: bigint, from: number): Mismatch | null {
  if (value > 4095n) return reader.mismatch(`immediate ${show(value)} is out of range: 0 to 4095`, from);
  if (!reader.take('lsl')) return reader.expected('lsl #12');
  const at = reader.position;
  const amount = readAmount(reader, 'shift', 0, 12);
  if (typeof amount !== 'number') return amount;
  if (amount !== 0 && amount !== 12) return reader.mismatch(`shift ${amount} is not possible here: 0 or 12`, at);
  fields.sh = amount ? 1 : 0;
  fields.imm12 = Number(value);
  return null;
}

/** The comment of MOV: its value in decimal. */
function moved(value: bigint, f: A64Fields, context: PrintContext): string {
  context.comment = `#${BigInt.asIntN(registerBits(f), value)}`;
  return `#${hex(value).padEnd(22)}`;
}

/** A value as wide as the register; one of 32 bits may be written signed or not. */
function readValue(reader: OperandReader, fields: A64Partial): bigint | Mismatch {
  const from = reader.position;
  const value = reader.immediate();
  if (isMismatch(value) || fields.sf) return isMismatch(value) ? value : BigInt.asUintN(64, value);
  if (value >= -(1n << 31n) && value < 1n << 32n) return BigInt.asUintN(32, value);
  return reader.mismatch(`immediate ${show(value)} is wider than the 32-bit register`, from);
}

/** `mov`: with MOV's comment; `inverted`: BIC, which is AND with the other bits. */
export function bitmaskLeaf(use: 'plain' | 'mov' | 'inverted'): A64Leaf {
  const inMove = use === 'mov';
  return {
    print: (f, context) => (inMove ? moved(bitmaskImmediate(f), f, context) : `#${hex(bitmaskImmediate(f))}`),
    parse(reader, fields) {
      const from = reader.position;
      const value = readValue(reader, fields);
      if (typeof value !== 'bigint') return value;
      const plain = use === 'inverted' ? BigInt.asUintN(bitsOf(fields), ~value) : value;
      const encoded = encodeBitmask(plain, fields.sf ?? 0);
      if (!encoded) return reader.mismatch(inMove ? noMove(value) : noBitmask(value), from);
      Object.assign(fields, encoded);
      return null;
    },
  };
}

const noBitmask = (value: bigint) =>
  `immediate ${show(value)} is no bitmask: one run of ones, repeated in elements of 2, 4, 8, 16, 32 or 64 bits`;
const noMove = (value: bigint) => `one mov can't make ${show(value)}: use movz and movk, or ldr with =${show(value)}`;

/** MOV's immediate as MOVZ and MOVN have it: 16 bits at a multiple of 16, all others clear or set. */
export function moveLeaf(inverted: boolean): A64Leaf {
  return {
    print: (f, context) => moved(inverted ? moveWideNot(f) : moveWide(f), f, context),
    parse(reader, fields) {
      const from = reader.position;
      const value = readValue(reader, fields);
      if (typeof value !== 'bigint') return value;
      const bits = fields.sf ? 64 : 32;
      const plain = inverted ? BigInt.asUintN(bits, ~value) : value;
      for (let hw = 0; hw < bits / 16; hw++) {
        const shift = BigInt(16 * hw);
        if ((plain & ~(0xffffn << shift)) !== 0n) continue;
        fields.hw = hw;
        fields.imm16 = Number(plain >> shift);
        return null;
      }
      return reader.mismatch(noMove(value), from);
    },
  };
}

const half = plainLeaf('imm16', 0, 0xffff, hex);

/** MOVZ's, MOVN's and MOVK's immediate; `:abs_g1:` and the like say its place too. */
export const moveHalf: A64Leaf = {
  ...half,
  parse(reader, fields) {
    const mismatch = half.parse(reader, fields);
    if (reader.group !== null) fields.hw = reader.group;
    return mismatch;
  },
};

const bitsOf = (fields: A64Partial) => (fields.sf ? 64 : 32);

/** A bit position in a bitfield's own field; its N is always sf. */
export function positionLeaf(field: 'immr' | 'imms'): A64Leaf {
  return {
    print: (f) => `#${f[field]}`,
    parse(reader, fields) {
      const value = readAmount(reader, 'bit number', 0, bitsOf(fields) - 1);
      if (typeof value !== 'number') return value;
      fields[field] = value;
      fields.N = fields.sf ?? 0;
      return null;
    },
  };
}

/** LSR and ASR by an immediate. */
export const shiftRight: A64Leaf = {
  print: (f) => `#${f.immr}`,
  parse(reader, fields) {
    const value = readAmount(reader, 'shift', 0, bitsOf(fields) - 1);
    if (typeof value !== 'number') return value;
    fields.immr = value;
    fields.imms = bitsOf(fields) - 1;
    fields.N = fields.sf ?? 0;
    return null;
  },
};

/** LSL by an immediate; by 0 it is written LSR in the encoding. */
export const shiftLeft: A64Leaf = {
  print: (f) => `#${registerBits(f) - 1 - f.imms}`,
  parse(reader, fields) {
    const bits = bitsOf(fields);
    const value = readAmount(reader, 'shift', 0, bits - 1);
    if (typeof value !== 'number') return value;
    fields.immr = (bits - value) % bits;
    fields.imms = bits - 1 - value;
    fields.N = fields.sf ?? 0;
    return null;
  },
};

/** Lowest bit and width: of the source (`insert` false: UBFX) or of the destination (UBFIZ). */
export function bitfieldLeaf(insert: boolean): A64Leaf {
  return {
    print(f) {
      const low = insert ? (registerBits(f) - f.immr) % registerBits(f) : f.immr;
      return `#${low}, #${insert ? f.imms + 1 : f.imms - f.immr + 1}`;
    },
    parse(reader, fields) {
      const bits = bitsOf(fields);
      const low = readAmount(reader, 'lowest bit', 0, bits - 1);
      if (typeof low !== 'number') return low;
      if (!reader.take(',')) return reader.expected('"," and a width');
      const width = readAmount(reader, 'width', 1, bits - low);
      if (typeof width !== 'number') return width;
      fields.immr = insert ? (bits - low) % bits : low;
      fields.imms = insert ? width - 1 : low + width - 1;
      fields.N = fields.sf ?? 0;
      return null;
    },
  };
}

/** The bit that TBZ tests. */
export const testedBit: A64Leaf = {
  print: (f) => `#${f.b5 * 32 + f.b40}`,
  parse(reader, fields) {
    const value = readAmount(reader, 'bit number', 0, bitsOf(fields) - 1);
    if (typeof value !== 'number') return value;
    fields.b5 = value >> 5;
    fields.b40 = value & 31;
    return null;
  },
};

const at = (address: bigint) => hex(BigInt.asUintN(64, address));

/** A code or literal address, as a word offset of `bits` in `field`. */
export function labelLeaf(
  field: 'imm26' | 'imm19' | 'imm14',
  bits: number,
  comment?: (f: A64Fields) => string | null,
): A64Leaf {
  const reach = 2n ** BigInt(bits + 1);
  return {
    print(f, context) {
      const text = comment?.(f) ?? null;
      return at(context.address + BigInt(f[field] * 4)) + (text === null ? '' : `  // ${text}`);
    },
    parse(reader, fields) {
      const from = reader.position;
      const target = reader.immediate();
      if (isMismatch(target)) return target;
      const offset = target - reader.environment.here;
      if (offset % 4n !== 0n) return reader.mismatch(`${at(target)} is not aligned to 4 bytes`, from);
      if (offset < -reach || offset >= reach) return reader.mismatch(tooFar(target, offset, reach), from);
      fields[field] = Number(offset / 4n);
      return null;
    },
  };
}

const tooFar = (target: bigint, offset: bigint, reach: bigint) =>
  `${at(target)} is ${offset < 0n ? -offset : offset} bytes away; it must be within ${reach} bytes`;

export const adrLabel: A64Leaf = {
  print: (f, context) => at(context.address + BigInt(f.immhi * 4 + f.immlo)),
  parse(reader, fields) {
    const from = reader.position;
    const target = reader.immediate();
    if (isMismatch(target)) return target;
    return setPcOffset(reader, fields, target - reader.environment.here, 1n, target, from);
  },
};

const pageOf = (address: bigint) => address & ~0xfffn;

export const adrpLabel: A64Leaf = {
  print: (f, context) => at(pageOf(context.address) + BigInt(f.immhi * 4 + f.immlo) * 4096n),
  parse(reader, fields) {
    const from = reader.position;
    const target = reader.immediate();
    if (isMismatch(target)) return target;
    return setPcOffset(reader, fields, pageOf(target) - pageOf(reader.environment.here), 4096n, target, from);
  },
};

function setPcOffset(
  reader: OperandReader,
  fields: A64Partial,
  offset: bigint,
  unit: bigint,
  target: bigint,
  from: number,
): Mismatch | null {
  const reach = unit << 20n;
  if (offset < -reach || offset >= reach) return reader.mismatch(tooFar(target, offset, reach), from);
  const value = Number(offset / unit);
  fields.immlo = value & 3;
  fields.immhi = value >> 2;
  return null;
}
