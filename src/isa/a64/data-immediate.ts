/** Data processing with an immediate: DDI 0487 C4.1, "Data Processing -- Immediate". */
import {
  addImmediate,
  bitfieldMask,
  bitmaskImmediate,
  field,
  isBitmask,
  moveWide,
  moveWideKept,
  moveWideNot,
  pcOffset,
  read,
  registerBits,
  signedBitfieldLeft,
  signedBitfieldRight,
  sp,
  write,
  type A64Fields,
} from './operands.ts';
import { accepts, as, type A64Row } from './row.ts';
import { addition, flagged, immediate, logic, logicFlags, subtraction } from './semantics/arithmetic.ts';
import {
  address,
  bitfieldInsert,
  extract,
  moveImmediate,
  moveKeep,
  pageAddress,
  signedBitfield,
  unsignedBitfield,
} from './semantics/moves.ts';

const isMoveWide = (f: A64Fields) => f.sf === 1 || f.hw < 2;
const isBitfield = (f: A64Fields) => f.N === f.sf && f.immr < registerBits(f) && f.imms < registerBits(f);

/** A shifted zero is written MOVZ or MOVN, not MOV. */
const isPlainMove = (f: A64Fields) => f.imm16 !== 0 || f.hw === 0;

/** MoveWidePreferred: a value that MOVZ or MOVN has too; then ORR isn't written MOV. */
function moveWidePreferred(f: A64Fields): boolean {
  const value = bitmaskImmediate(f);
  const bits = registerBits(f);
  const isWide = (x: bigint) => [0n, 16n, 32n, 48n].some((at) => (x & ~(0xffffn << at)) === 0n);
  return isWide(value) || isWide(~value & ((1n << BigInt(bits)) - 1n));
}

const topBit = (f: A64Fields) => f.imms === registerBits(f) - 1;
const wrapsAround = (f: A64Fields) => f.imms < f.immr;

export const DATA_IMMEDIATE: readonly A64Row[] = [
  {
    name: 'ADR',
    encoding: '0 immlo:2 10000 immhi:s19 Rd:5',
    syntax: 'adr <Xd>, <label:adr>',
    operands: { rd: write('Rd'), imm: pcOffset },
    execute: address,
  },
  {
    name: 'ADRP',
    encoding: '1 immlo:2 10000 immhi:s19 Rd:5',
    syntax: 'adrp <Xd>, <label:adrp>',
    /* Pages from the instruction's own page, in bytes. */
    operands: { rd: write('Rd'), imm: (f) => pcOffset(f) * 4096n },
    execute: pageAddress,
  },
  {
    name: 'ADD (immediate)',
    encoding: 'sf 0 0 100010 sh imm12:12 Rn:5 Rd:5',
    syntax: 'add <Rd|SP>, <Rn|SP>, <aimm>',
    aliases: [
      as('mov <Rd|SP>, <Rn|SP>', { imm12: 0, sh: 0 }, (f) => f.Rd === 31 || f.Rn === 31),
      accepts('sub <Rd|SP>, <Rn|SP>, <aimm:negated>'),
    ],
    operands: { rd: sp('Rd'), rn: sp('Rn'), imm: addImmediate },
    variant: ['sf'],
    execute: addition(immediate),
  },
  {
    name: 'ADDS (immediate)',
    encoding: 'sf 0 1 100010 sh imm12:12 Rn:5 Rd:5',
    syntax: 'adds <Rd>, <Rn|SP>, <aimm>',
    aliases: [
      as('cmn <Rn|SP>, <aimm>', { Rd: 31 }),
      accepts('cmp <Rn|SP>, <aimm:negated>', { Rd: 31 }),
      accepts('subs <Rd>, <Rn|SP>, <aimm:negated>'),
    ],
    operands: { rd: write('Rd'), rn: sp('Rn'), imm: addImmediate },
    variant: ['sf'],
    execute: flagged('add', immediate),
  },
  {
    name: 'SUB (immediate)',
    encoding: 'sf 1 0 100010 sh imm12:12 Rn:5 Rd:5',
    syntax: 'sub <Rd|SP>, <Rn|SP>, <aimm>',
    aliases: [accepts('add <Rd|SP>, <Rn|SP>, <aimm:negated>')],
    operands: { rd: sp('Rd'), rn: sp('Rn'), imm: addImmediate },
    variant: ['sf'],
    execute: subtraction(immediate),
  },
  {
    name: 'SUBS (immediate)',
    encoding: 'sf 1 1 100010 sh imm12:12 Rn:5 Rd:5',
    syntax: 'subs <Rd>, <Rn|SP>, <aimm>',
    aliases: [
      as('cmp <Rn|SP>, <aimm>', { Rd: 31 }),
      accepts('cmn <Rn|SP>, <aimm:negated>', { Rd: 31 }),
      accepts('adds <Rd>, <Rn|SP>, <aimm:negated>'),
    ],
    operands: { rd: write('Rd'), rn: sp('Rn'), imm: addImmediate },
    variant: ['sf'],
    execute: flagged('sub', immediate),
  },
  /* Before ORR: the assembler takes the first form of MOV that holds the value. */
  {
    name: 'MOVZ',
    encoding: 'sf 10 100101 hw:2 imm16:16 Rd:5',
    valid: isMoveWide,
    syntax: 'movz <Rd>, <imm16:move>{, <hw>}',
    aliases: [as('mov <Rd>, <movz>', {}, isPlainMove)],
    operands: { rd: write('Rd'), imm: moveWide },
    variant: ['sf'],
    execute: moveImmediate,
  },
  {
    name: 'MOVN',
    encoding: 'sf 00 100101 hw:2 imm16:16 Rd:5',
    valid: isMoveWide,
    syntax: 'movn <Rd>, <imm16:move>{, <hw>}',
    aliases: [as('mov <Rd>, <movn>', {}, (f) => isPlainMove(f) && (f.sf === 1 || f.imm16 !== 0xffff))],
    operands: { rd: write('Rd'), imm: moveWideNot },
    variant: ['sf'],
    execute: moveImmediate,
  },
  {
    name: 'MOVK',
    encoding: 'sf 11 100101 hw:2 imm16:16 Rd:5',
    valid: isMoveWide,
    syntax: 'movk <Rd>, <imm16:move>{, <hw>}',
    /* rd = (rn & imm2) | imm */
    operands: { rd: write('Rd'), rn: read('Rd'), imm: moveWide, imm2: moveWideKept },
    variant: ['sf'],
    execute: moveKeep,
  },
  {
    name: 'AND (immediate)',
    encoding: 'sf 00 100100 N immr:6 imms:6 Rn:5 Rd:5',
    valid: isBitmask,
    syntax: 'and <Rd|SP>, <Rn>, <bitmask>',
    aliases: [accepts('bic <Rd|SP>, <Rn>, <bitmask:inverted>')],
    operands: { rd: sp('Rd'), rn: read('Rn'), imm: bitmaskImmediate },
    variant: ['sf'],
    execute: logic('and', immediate),
  },
  {
    name: 'ORR (immediate)',
    encoding: 'sf 01 100100 N immr:6 imms:6 Rn:5 Rd:5',
    valid: isBitmask,
    syntax: 'orr <Rd|SP>, <Rn>, <bitmask>',
    aliases: [as('mov <Rd|SP>, <bitmask:mov>', { Rn: 31 }, (f) => f.Rd === 31 || !moveWidePreferred(f))],
    operands: { rd: sp('Rd'), rn: read('Rn'), imm: bitmaskImmediate },
    variant: ['sf'],
    execute: logic('orr', immediate),
  },
  {
    name: 'EOR (immediate)',
    encoding: 'sf 10 100100 N immr:6 imms:6 Rn:5 Rd:5',
    valid: isBitmask,
    syntax: 'eor <Rd|SP>, <Rn>, <bitmask>',
    operands: { rd: sp('Rd'), rn: read('Rn'), imm: bitmaskImmediate },
    variant: ['sf'],
    execute: logic('eor', immediate),
  },
  {
    name: 'ANDS (immediate)',
    encoding: 'sf 11 100100 N immr:6 imms:6 Rn:5 Rd:5',
    valid: isBitmask,
    syntax: 'ands <Rd>, <Rn>, <bitmask>',
    aliases: [as('tst <Rn>, <bitmask>', { Rd: 31 })],
    operands: { rd: write('Rd'), rn: read('Rn'), imm: bitmaskImmediate },
    variant: ['sf'],
    execute: logicFlags(immediate),
  },
  {
    name: 'SBFM',
    encoding: 'sf 00 100110 N immr:6 imms:6 Rn:5 Rd:5',
    valid: isBitfield,
    syntax: 'sbfm <Rd>, <Rn>, <immr>, <imms>',
    aliases: [
      as('asr <Rd>, <Rn>, <shiftright>', {}, topBit),
      as('sxtb <Rd>, <Wn:N>', { immr: 0, imms: 7 }),
      as('sxth <Rd>, <Wn:N>', { immr: 0, imms: 15 }),
      as('sxtw <Xd>, <Wn>', { immr: 0, imms: 31, sf: 1, N: 1 }),
      as('sbfiz <Rd>, <Rn>, <bfiz>', {}, wrapsAround),
      accepts('sbfiz <Rd>, <Rn>, <bfiz>'),
      as('sbfx <Rd>, <Rn>, <bfx>', {}, (f) => !wrapsAround(f)),
    ],
    /* rd = (rn << imm) >> imm2, arithmetic */
    operands: { rd: write('Rd'), rn: read('Rn'), imm: signedBitfieldLeft, imm2: signedBitfieldRight },
    variant: ['sf'],
    execute: signedBitfield,
  },
  {
    name: 'BFM',
    encoding: 'sf 01 100110 N immr:6 imms:6 Rn:5 Rd:5',
    valid: isBitfield,
    syntax: 'bfm <Rd>, <Rn>, <immr>, <imms>',
    aliases: [
      as('bfc <Rd>, <bfiz>', { Rn: 31 }, wrapsAround),
      accepts('bfc <Rd>, <bfiz>', { Rn: 31 }),
      as('bfi <Rd>, <Rn>, <bfiz>', {}, wrapsAround),
      accepts('bfi <Rd>, <Rn>, <bfiz>'),
      as('bfxil <Rd>, <Rn>, <bfx>', {}, (f) => !wrapsAround(f)),
    ],
    /* rd = (ra & ~imm2) | (ror(rn, imm) & imm2) */
    operands: { rd: write('Rd'), rn: read('Rn'), ra: read('Rd'), imm: field('immr'), imm2: bitfieldMask },
    variant: ['sf'],
    execute: bitfieldInsert,
  },
  {
    name: 'UBFM',
    encoding: 'sf 10 100110 N immr:6 imms:6 Rn:5 Rd:5',
    valid: isBitfield,
    syntax: 'ubfm <Rd>, <Rn>, <immr>, <imms>',
    aliases: [
      as('lsl <Rd>, <Rn>, <shiftleft>', {}, (f) => !topBit(f) && f.imms + 1 === f.immr),
      as('lsr <Rd>, <Rn>, <shiftright>', {}, topBit),
      as('uxtb <Wd>, <Wn>', { immr: 0, imms: 7, sf: 0, N: 0 }),
      as('uxth <Wd>, <Wn>', { immr: 0, imms: 15, sf: 0, N: 0 }),
      as('ubfiz <Rd>, <Rn>, <bfiz>', {}, wrapsAround),
      accepts('ubfiz <Rd>, <Rn>, <bfiz>'),
      as('ubfx <Rd>, <Rn>, <bfx>', {}, (f) => !wrapsAround(f)),
      accepts('lsl <Rd>, <Rn>, <shiftleft>'),
      accepts('uxtb <Xd>, <Wn>', { immr: 0, imms: 7, sf: 0, N: 0 }),
      accepts('uxth <Xd>, <Wn>', { immr: 0, imms: 15, sf: 0, N: 0 }),
    ],
    /* rd = ror(rn, imm) & imm2 */
    operands: { rd: write('Rd'), rn: read('Rn'), imm: field('immr'), imm2: bitfieldMask },
    variant: ['sf'],
    execute: unsignedBitfield,
  },
  {
    name: 'EXTR',
    encoding: 'sf 00 100111 N 0 Rm:5 imms:6 Rn:5 Rd:5',
    valid: (f) => f.N === f.sf && f.imms < registerBits(f),
    syntax: 'extr <Rd>, <Rn>, <Rm>, <imms>',
    aliases: [as('ror <Rd>, <Rn=m>, <imms>', {}, (f) => f.Rn === f.Rm)],
    operands: { rd: write('Rd'), rn: read('Rn'), rm: read('Rm'), imm: field('imms') },
    variant: ['sf'],
    execute: extract,
  },
];
