/** Data processing with one, two and three sources: DDI 0487 C4.1, "Data Processing -- Register". */
import { read, write } from './operands.ts';
import { accepts, as, type A64Row } from './row.ts';
import {
  checksum,
  countLeadingSigns,
  countLeadingZeros,
  reverse16,
  reverse32,
  reverseBits,
  reverseDoubleword,
  reverseWord,
  variableShift,
} from './semantics/bits.ts';
import { divide, multiplyAdd, multiplyHigh, multiplyLong, multiplySubtract } from './semantics/multiply.ts';

const TWO = { rd: write('Rd'), rn: read('Rn') };
const THREE = { ...TWO, rm: read('Rm') };
const FOUR = { ...THREE, ra: read('Ra') };

const CHECKED = [
  ['b', 1],
  ['h', 2],
  ['w', 4],
  ['x', 8],
] as const;
const CHECKSUMS = (['crc32', 'crc32c'] as const).flatMap((polynomial, C) =>
  CHECKED.map(([letter, bytes], sz): A64Row => {
    const isDoubleword = bytes === 8;
    return {
      name: `${polynomial}${letter}`.toUpperCase(),
      encoding: `${isDoubleword ? 1 : 0} 0 0 11010110 Rm:5 010 ${C} ${sz.toString(2).padStart(2, '0')} Rn:5 Rd:5`,
      feature: 'FEAT_CRC32',
      syntax: `${polynomial}${letter} <Wd>, <Wn>, <${isDoubleword ? 'X' : 'W'}m>`,
      operands: THREE,
      execute: checksum(polynomial, bytes),
    };
  }),
);

const TWO_SOURCE_ROWS: readonly A64Row[] = [
  {
    name: 'UDIV',
    encoding: 'sf 0 0 11010110 Rm:5 000010 Rn:5 Rd:5',
    syntax: 'udiv <Rd>, <Rn>, <Rm>',
    operands: THREE,
    variant: ['sf'],
    execute: divide(false),
  },
  {
    name: 'SDIV',
    encoding: 'sf 0 0 11010110 Rm:5 000011 Rn:5 Rd:5',
    syntax: 'sdiv <Rd>, <Rn>, <Rm>',
    operands: THREE,
    variant: ['sf'],
    execute: divide(true),
  },
  {
    name: 'LSLV',
    encoding: 'sf 0 0 11010110 Rm:5 001000 Rn:5 Rd:5',
    syntax: 'lslv <Rd>, <Rn>, <Rm>',
    aliases: [as('lsl <Rd>, <Rn>, <Rm>', {})],
    operands: THREE,
    variant: ['sf'],
    execute: variableShift('lsl'),
  },
  {
    name: 'LSRV',
    encoding: 'sf 0 0 11010110 Rm:5 001001 Rn:5 Rd:5',
    syntax: 'lsrv <Rd>, <Rn>, <Rm>',
    aliases: [as('lsr <Rd>, <Rn>, <Rm>', {})],
    operands: THREE,
    variant: ['sf'],
    execute: variableShift('lsr'),
  },
  {
    name: 'ASRV',
    encoding: 'sf 0 0 11010110 Rm:5 001010 Rn:5 Rd:5',
    syntax: 'asrv <Rd>, <Rn>, <Rm>',
    aliases: [as('asr <Rd>, <Rn>, <Rm>', {})],
    operands: THREE,
    variant: ['sf'],
    execute: variableShift('asr'),
  },
  {
    name: 'RORV',
    encoding: 'sf 0 0 11010110 Rm:5 001011 Rn:5 Rd:5',
    syntax: 'rorv <Rd>, <Rn>, <Rm>',
    aliases: [as('ror <Rd>, <Rn>, <Rm>', {})],
    operands: THREE,
    variant: ['sf'],
    execute: variableShift('ror'),
  },
  ...CHECKSUMS,
];

const ONE_SOURCE_ROWS: readonly A64Row[] = [
  {
    name: 'RBIT',
    encoding: 'sf 1 0 11010110 00000 000000 Rn:5 Rd:5',
    syntax: 'rbit <Rd>, <Rn>',
    operands: TWO,
    variant: ['sf'],
    execute: reverseBits,
  },
  {
    name: 'REV16',
    encoding: 'sf 1 0 11010110 00000 000001 Rn:5 Rd:5',
    syntax: 'rev16 <Rd>, <Rn>',
    operands: TWO,
    variant: ['sf'],
    execute: reverse16,
  },
  {
    name: 'REV (32-bit)',
    encoding: '0 1 0 11010110 00000 000010 Rn:5 Rd:5',
    syntax: 'rev <Wd>, <Wn>',
    operands: TWO,
    execute: reverseWord,
  },
  {
    name: 'REV32',
    encoding: '1 1 0 11010110 00000 000010 Rn:5 Rd:5',
    syntax: 'rev32 <Xd>, <Xn>',
    operands: TWO,
    execute: reverse32,
  },
  {
    name: 'REV (64-bit)',
    encoding: '1 1 0 11010110 00000 000011 Rn:5 Rd:5',
    syntax: 'rev <Xd>, <Xn>',
    aliases: [accepts('rev64 <Xd>, <Xn>')],
    operands: TWO,
    execute: reverseDoubleword,
  },
  {
    name: 'CLZ',
    encoding: 'sf 1 0 11010110 00000 000100 Rn:5 Rd:5',
    syntax: 'clz <Rd>, <Rn>',
    operands: TWO,
    variant: ['sf'],
    execute: countLeadingZeros,
  },
  {
    name: 'CLS',
    encoding: 'sf 1 0 11010110 00000 000101 Rn:5 Rd:5',
    syntax: 'cls <Rd>, <Rn>',
    operands: TWO,
    variant: ['sf'],
    execute: countLeadingSigns,
  },
];

const THREE_SOURCE_ROWS: readonly A64Row[] = [
  {
    name: 'MADD',
    encoding: 'sf 00 11011 000 Rm:5 0 Ra:5 Rn:5 Rd:5',
    syntax: 'madd <Rd>, <Rn>, <Rm>, <Ra>',
    aliases: [as('mul <Rd>, <Rn>, <Rm>', { Ra: 31 })],
    operands: FOUR,
    variant: ['sf'],
    execute: multiplyAdd,
  },
  {
    name: 'MSUB',
    encoding: 'sf 00 11011 000 Rm:5 1 Ra:5 Rn:5 Rd:5',
    syntax: 'msub <Rd>, <Rn>, <Rm>, <Ra>',
    aliases: [as('mneg <Rd>, <Rn>, <Rm>', { Ra: 31 })],
    operands: FOUR,
    variant: ['sf'],
    execute: multiplySubtract,
  },
  {
    name: 'SMADDL',
    encoding: '1 00 11011 001 Rm:5 0 Ra:5 Rn:5 Rd:5',
    syntax: 'smaddl <Xd>, <Wn>, <Wm>, <Xa>',
    aliases: [as('smull <Xd>, <Wn>, <Wm>', { Ra: 31 })],
    operands: FOUR,
    execute: multiplyLong(true, false),
  },
  {
    name: 'SMSUBL',
    encoding: '1 00 11011 001 Rm:5 1 Ra:5 Rn:5 Rd:5',
    syntax: 'smsubl <Xd>, <Wn>, <Wm>, <Xa>',
    aliases: [as('smnegl <Xd>, <Wn>, <Wm>', { Ra: 31 })],
    operands: FOUR,
    execute: multiplyLong(true, true),
  },
  {
    name: 'SMULH',
    encoding: '1 00 11011 010 Rm:5 0 (11111) Rn:5 Rd:5',
    syntax: 'smulh <Xd>, <Xn>, <Xm>',
    operands: THREE,
    execute: multiplyHigh(true),
  },
  {
    name: 'UMADDL',
    encoding: '1 00 11011 101 Rm:5 0 Ra:5 Rn:5 Rd:5',
    syntax: 'umaddl <Xd>, <Wn>, <Wm>, <Xa>',
    aliases: [as('umull <Xd>, <Wn>, <Wm>', { Ra: 31 })],
    operands: FOUR,
    execute: multiplyLong(false, false),
  },
  {
    name: 'UMSUBL',
    encoding: '1 00 11011 101 Rm:5 1 Ra:5 Rn:5 Rd:5',
    syntax: 'umsubl <Xd>, <Wn>, <Wm>, <Xa>',
    aliases: [as('umnegl <Xd>, <Wn>, <Wm>', { Ra: 31 })],
    operands: FOUR,
    execute: multiplyLong(false, true),
  },
  {
    name: 'UMULH',
    encoding: '1 00 11011 110 Rm:5 0 (11111) Rn:5 Rd:5',
    syntax: 'umulh <Xd>, <Xn>, <Xm>',
    operands: THREE,
    execute: multiplyHigh(false),
  },
];

export const DATA_SOURCE: readonly A64Row[] = [...TWO_SOURCE_ROWS, ...ONE_SOURCE_ROWS, ...THREE_SOURCE_ROWS];
