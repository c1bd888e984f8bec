/** Register contents that matter: near borders of integers and of floating point, and related to one another. */
import { FPCR, FPSR_BITS } from '../../isa/a64/semantics/float/format.ts';
import * as at from './place.ts';
import { Random } from './random.ts';

/** A value of up to 64 bits as its u32 halves. */
export type Halves = readonly [low: number, high: number];

function shifted(value: number, by: number): Halves {
  if (by >= 32) return [0, (value << (by - 32)) >>> 0];
  return [(value << by) >>> 0, by === 0 ? (value < 0 ? 0xffffffff : 0) : (value >> (32 - by)) >>> 0];
}
const negated = ([low, high]: Halves): Halves => [-low >>> 0, (~high + (low === 0 ? 1 : 0)) >>> 0];
const plus = ([low, high]: Halves, small: number): Halves => {
  const sum = low + small;
  return [sum >>> 0, (high + Math.floor(sum / 2 ** 32)) >>> 0];
};
const anything = (random: Random): Halves => [random.u32(), random.u32()];

/** Any value, and more often one near a border. */
export function integer(random: Random): Halves {
  switch (random.below(8)) {
    case 0:
    case 1:
      return anything(random);
    case 2:
      return [random.u32(), 0];
    case 3:
      return plus([0, 0], random.below(5) - 2);
    case 4:
      return plus(shifted(1, random.pick([7, 8, 15, 16, 31, 32, 63])), random.below(5) - 2);
    case 5:
      return plus(shifted(1, random.below(64)), random.below(5) - 2);
    case 6:
      return [random.below(256), 0];
    default:
      return negated([random.below(2 ** 24) << random.below(8), 0]);
  }
}

interface Format {
  readonly exponent: number;
  readonly fraction: number;
}
const FORMATS = {
  16: { exponent: 5, fraction: 10 },
  32: { exponent: 8, fraction: 23 },
  64: { exponent: 11, fraction: 52 },
} as const satisfies Record<number, Format>;
export type FloatBits = keyof typeof FORMATS;

function exponentOf(random: Random, { exponent, fraction }: Format): number {
  const most = 2 ** exponent - 1;
  const bias = most >> 1;
  const inside = (value: number) => Math.max(0, Math.min(most, value));
  switch (random.below(10)) {
    case 0:
      return 0;
    case 1:
      return most;
    case 2:
      return most - 1 - random.below(2);
    case 3:
      return 1 + random.below(2);
    case 4:
    case 5:
      return bias + random.below(5) - 2;
    case 6:
      return inside(bias + random.below(fraction + 3));
    case 7:
      return inside(bias + random.pick([7, 8, 15, 16, 31, 32, 63, 64]) + random.below(3) - 2);
    case 8:
      /* Half's and single's borders in the wider formats, and where products underflow. */
      return inside(bias + random.pick([-149, -126, -25, -24, -15, -14, 15, 16, 127, 128, -(bias >> 1), bias >> 1]));
    default:
      return random.below(most + 1);
  }
}

function fractionOf(random: Random, bits: number): Halves {
  const single = shifted(1, random.below(bits));
  switch (random.below(8)) {
    case 0:
    case 1:
      return [0, 0];
    case 2:
      return [0xffffffff, 0xffffffff];
    case 3:
      return single;
    case 4:
      return shifted(1, bits - 1);
    case 5:
      return negated(single);
    case 6: {
      const [low, high] = negated(single);
      return [low & random.u32(), high & random.u32()];
    }
    default:
      return anything(random);
  }
}

/** Zeros, denormals, integers, halves, borders of the format and of narrower ones, infinities, NaNs of both kinds. */
export function float(random: Random, bits: FloatBits): Halves {
  const format = FORMATS[bits];
  const { fraction } = format;
  const top = ((random.below(2) << format.exponent) | exponentOf(random, format)) >>> 0;
  const [low, high] = fractionOf(random, fraction);
  if (bits === 64) return [low, ((top << 20) | (high & 0xfffff)) >>> 0];
  return [((top << fraction) | (low & (2 ** fraction - 1))) >>> 0, 0];
}

export type LaneBits = 8 | FloatBits;
/** Of the V registers, by the seed's low three bits. */
const LANE_BITS: readonly LaneBits[] = [8, 16, 16, 32, 32, 32, 64, 64];

/** Such a seed that V registers have lanes of that size. */
export function seedFor(bits: LaneBits, random: Random): number {
  for (;;) {
    const seed = random.u32();
    if (LANE_BITS[seed & 7] === bits) return seed;
  }
}

/** Fills 128-bit registers with lanes of one size; many are of a few values, or differ from them by the sign or the last bit. */
function fillLanes(random: Random, bits: LaneBits, into: DataView, from: number, bytes: number): void {
  const floats = bits !== 8 && !random.once(3);
  const fresh = (): Halves => (floats ? float(random, bits) : integer(random));
  const palette = Array.from({ length: 2 + random.below(6) }, fresh);
  const sign = shifted(1, bits - 1);
  for (let place = from; place < from + bytes; place += bits / 8) {
    let [low, high] = random.pick(palette);
    const how = random.below(8);
    if (how === 0) [low, high] = [low ^ sign[0], high ^ sign[1]];
    else if (how === 1) [low, high] = plus([low, high], random.pick([1, -1]));
    else if (how < 5) [low, high] = fresh();
    if (bits === 8) into.setUint8(place, low);
    else if (bits === 16) into.setUint16(place, low, true);
    else {
      into.setUint32(place, low, true);
      if (bits === 64) into.setUint32(place + 4, high, true);
    }
  }
}

const RMODE = 22;
const FLUSH = [FPCR.FZ16, FPCR.FZ, FPCR.DN, FPCR.AHP] as const;

/** Most often 0: round to nearest, nothing flushed, NaNs kept. */
function fpcr(random: Random): number {
  if (random.below(8) < 5) return 0;
  let value = random.below(4) << RMODE;
  for (const bit of FLUSH) if (random.once(4)) value |= bit;
  return value;
}

/** What a seed stands for: a record need only have the seed. */
export function stateOf(seed: number): BigUint64Array {
  const random = new Random(seed);
  const state = new BigUint64Array(at.STATE_WORDS);
  const view = new DataView(state.buffer);
  const set = (index: number, [low, high]: Halves) => {
    view.setUint32(8 * index, low, true);
    view.setUint32(8 * index + 4, high, true);
  };
  for (let i = 0; i < at.SP; i++) set(i, random.once(4) ? float(random, random.pick([32, 64])) : integer(random));
  const [low, high] = anything(random);
  set(at.SP, [(low & ~15) >>> 0, high]);
  set(at.NZCV, [(random.below(16) << 28) >>> 0, 0]);
  set(at.FPCR, [fpcr(random), 0]);
  set(at.FPSR, [random.once(2) ? random.u32() & FPSR_BITS : 0, 0]);
  const bits = LANE_BITS[seed & 7]!;
  fillLanes(random, bits, view, 8 * at.V, 512);
  if (random.once(2)) fillLanes(random, bits, view, 8 * at.MEMORY, at.WINDOW_BYTES);
  else for (let i = 0; i < at.WINDOW_BYTES / 8; i++) set(at.MEMORY + i, anything(random));
  return state;
}
