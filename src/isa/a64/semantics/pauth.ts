/** FEAT_PAuth: DDI 0487 D8.8, AddPAC(), Auth() and Strip() without FEAT_EPAC, FEAT_PAuth2 and FEAT_FPAC. */
import type { Builder } from '../../builder.ts';
import type { Execute } from '../../execute.ts';
import {
  add,
  and,
  call,
  choose,
  constant,
  eqz,
  extendU,
  ne,
  not,
  or,
  select,
  shl,
  shrU,
  sub,
  wrap,
  xor,
  type Expr,
} from '../../expr.ts';
import { libraryFunction, type ControlWord, type Statements } from '../../library.ts';
import { CALL_TYPE, jumpType } from './branch.ts';
import { base, spec, transferOf } from './memory.ts';
import { computePac } from './qarma.ts';

/**
 * The control word `pointers`, bits by what they say: what SCTLR_EL1 and TCR_EL1 make of pointers at EL1 and EL0, for the
 * lower and the upper half of the addresses.
 */
export const POINTERS = {
  /** CalculateBottomPACBit(), where the code begins: six bits from here on, for each half. */
  bottom: [0, 6],
  /** EffectiveTBI() of data and of instructions. */
  ignored: { data: [12, 13], instruction: [14, 15] },
  /** SCTLR_EL1.EnIA, EnIB, EnDA, EnDB. */
  enabled: { IA: 16, IB: 17, DA: 18, DB: 19 },
  /** HCR_EL2.API = 0: EL2 has what uses a key. */
  trapped: 20,
} as const;

type Key = keyof typeof POINTERS.enabled;
const KEY_WORDS: Readonly<Record<Key | 'GA', readonly [ControlWord, ControlWord]>> = {
  IA: ['APIAKeyLo', 'APIAKeyHi'],
  IB: ['APIBKeyLo', 'APIBKeyHi'],
  DA: ['APDAKeyLo', 'APDAKeyHi'],
  DB: ['APDBKeyLo', 'APDBKeyHi'],
  GA: ['APGAKeyLo', 'APGAKeyHi'],
};

const c64 = (value: bigint | number) => constant(64, value);
const c32 = (value: number) => constant(32, value);
const bitOf = (word: Expr, bit: Expr) => and(shrU(word, bit), constant(word.width, 1));
/** All ones where the bit is 1. */
const spread = (bit: Expr) => sub(c64(0), bit);
const merged = (mask: Expr, ones: Expr, zeros: Expr) => or(and(ones, mask), and(zeros, not(mask)));

const BIT55 = c64(1n << 55n);
const TAG = c64(0xff00_0000_0000_0000n);

const pointersWord = (b: Statements) => b.let(wrap(b.control('pointers')));

/** A mask of the bits of an address of this half (0 or 1), up to where a code begins. */
function addressMask(b: Statements, pointers: Expr, half: Expr): Expr {
  const at = select(wrap(half), c32(POINTERS.bottom[1]), c32(POINTERS.bottom[0]));
  return b.let(sub(shl(c64(1), extendU(and(shrU(pointers, at), c32(63)))), c64(1)));
}

/** A mask of bits 63:56 where they are ignored for this pointer, else 0. `ignoredAt`: POINTERS.ignored of the lower half. */
function tagMask(b: Statements, pointers: Expr, pointer: Expr, ignoredAt: Expr): Expr {
  const ignored = bitOf(pointers, add(ignoredAt, wrap(bitOf(pointer, c64(55)))));
  return b.let(and(spread(extendU(ignored)), TAG));
}

/** AddPAC(). */
const addPac = libraryFunction(
  'addPac',
  [64, 64, 64, 64, 32],
  64,
  (b, pointer, modifier, keyLow, keyHigh, ignoredAt) => {
    const pointers = pointersWord(b);
    const ignoredAnywhere = and(shrU(pointers, ignoredAt), c32(3));
    const half = b.let(bitOf(pointer, select(ignoredAnywhere, c64(55), c64(63))));
    const tag = tagMask(b, pointers, pointer, ignoredAt);
    const kept = b.let(or(addressMask(b, pointers, half), tag));
    const extended = merged(kept, pointer, spread(half));
    const code = b.let(call(computePac, extended, modifier, keyLow, keyHigh));
    const extension = b.let(not(kept));
    const found = b.let(and(pointer, extension));
    const bad = extendU(and(ne(found, c64(0)), ne(found, extension)));
    const flipped = shl(bad, select(wrap(bitOf(tag, c64(63))), c64(54), c64(62)));
    return merged(BIT55, spread(half), merged(kept, pointer, xor(code, flipped)));
  },
);

/** Strip(). */
const strip = libraryFunction('stripPac', [64, 32], 64, (b, pointer, ignoredAt) => {
  const pointers = pointersWord(b);
  const half = b.let(bitOf(pointer, c64(55)));
  const kept = or(addressMask(b, pointers, half), tagMask(b, pointers, pointer, ignoredAt));
  return merged(b.let(kept), pointer, spread(half));
});

/** Auth(). `error`: what stands in the pointer's upper bits where the code is wrong. */
export const authenticate = libraryFunction(
  'authenticate',
  [64, 64, 64, 64, 32, 64],
  64,
  (b, pointer, modifier, keyLow, keyHigh, ignoredAt, error) => {
    const pointers = pointersWord(b);
    const half = b.let(bitOf(pointer, c64(55)));
    const tag = tagMask(b, pointers, pointer, ignoredAt);
    const kept = b.let(or(addressMask(b, pointers, half), tag));
    const original = b.let(merged(kept, pointer, spread(half)));
    const code = call(computePac, original, modifier, keyLow, keyHigh);
    const differs = ne(and(xor(code, pointer), not(or(kept, BIT55))), c64(0));
    const errorAt = b.let(select(wrap(bitOf(tag, c64(63))), c64(53), c64(61)));
    return select(differs, merged(shl(c64(3), errorAt), shl(error, errorAt), original), original);
  },
);

const keyOf = (b: Statements, key: Key | 'GA') => {
  const [low, high] = KEY_WORDS[key];
  return [b.control(low), b.control(high)] as const;
};
const ignoredAt = (key: Key) => c32(POINTERS.ignored[key.startsWith('D') ? 'data' : 'instruction'][0]);

/** What Auth() puts into the upper bits of a pointer that it refuses. */
export const authenticationError = (key: Key): bigint => (key.endsWith('A') ? 1n : 2n);

/** What a key makes of a pointer: nothing where SCTLR_EL1 has it disabled; EL2 may have the instruction. */
function withKey(b: Builder, key: Key, pointer: Expr, made: Expr): Expr {
  const pointers = pointersWord(b);
  const enabled = b.let(bitOf(pointers, c32(POINTERS.enabled[key])));
  trap(b, and(enabled, bitOf(pointers, c32(POINTERS.trapped))));
  return b.let(choose(enabled, made, pointer));
}

/** HCR_EL2.API: the machine takes the exception. */
function trap(b: Builder, condition: Expr): void {
  b.leaveUnless(eqz(condition), 'system');
}

type Modifier = (b: Builder) => Expr;
const zero: Modifier = () => c64(0);
const register: Modifier = (b) => b.get('rn', 64);

const signed = (b: Builder, key: Key, pointer: Expr, modifier: Expr) =>
  withKey(b, key, pointer, call(addPac, pointer, modifier, ...keyOf(b, key), ignoredAt(key)));
const authenticated = (b: Builder, key: Key, pointer: Expr, modifier: Expr) =>
  withKey(
    b,
    key,
    pointer,
    call(authenticate, pointer, modifier, ...keyOf(b, key), ignoredAt(key), c64(authenticationError(key))),
  );

const OPERATIONS = { pac: signed, aut: authenticated } as const;

/** PACIA and its kin: of `ra` into `rd`, with `rn` or 0. */
export const pointerCode =
  (operation: keyof typeof OPERATIONS, key: Key, modified: boolean): Execute =>
  (b) => {
    const modifier = modified ? register : zero;
    b.set('rd', OPERATIONS[operation](b, key, b.let(b.get('ra', 64)), modifier(b)));
  };

export const stripCode =
  (data: boolean): Execute =>
  (b) =>
    b.set('rd', call(strip, b.get('ra', 64), ignoredAt(data ? 'DA' : 'IA')));

/** PACGA. */
export const genericCode: Execute = (b) => {
  trap(b, bitOf(pointersWord(b), c32(POINTERS.trapped)));
  const code = call(computePac, b.get('rn', 64), b.get('rm', 64), ...keyOf(b, 'GA'));
  b.set('rd', and(code, c64(0xffff_ffff_0000_0000n)));
};

/** To `rn` authenticated with `rm` or 0. */
export const authenticatedJump =
  (key: Key, modified: boolean, kind: 'jump' | 'call' | 'return'): Execute =>
  (b) => {
    const target = authenticated(b, key, b.let(b.get('rn', 64)), modified ? b.get('rm', 64) : c64(0));
    if (kind === 'call') b.set('rd', add(b.pc(), c64(4)));
    if (kind === 'return') b.jump(target);
    else b.jump(target, kind === 'call' ? CALL_TYPE : jumpType(b));
  };

export const authenticatedLoad =
  (key: Key): Execute =>
  (b) => {
    const t = transferOf(b);
    const from = authenticated(b, key, b.let(base(b)), c64(0));
    const address = b.let(b.isZero('imm') ? from : add(from, b.immediate('imm', 64)));
    const place = b.access(address, spec(t, 'read'));
    const value = b.let(b.load(place, 0, 8, false, 64));
    if (t.writeback) b.set('wb', address);
    b.set('rd', value);
  };
