/** Data processing on registers: DDI 0487 C4.1, "Data Processing -- Register". */
import { field, read, registerBits, sp, write, type A64Field, type A64Fields } from './operands.ts';
import { as, type A64Row } from './row.ts';

const THREE = { rd: write('Rd'), rn: read('Rn'), rm: read('Rm') };
const COMPARE = { rn: read('Rn'), rm: read('Rm') };
const SHIFTED = { ...THREE, imm: field('imm6') };
const SHIFTED_VARIANT: readonly A64Field[] = ['sf', 'shift'];
const EXTENDED_VARIANT: readonly A64Field[] = ['sf', 'option'];

const isShift = (f: A64Fields) => f.imm6 < registerBits(f);
const isAddShift = (f: A64Fields) => isShift(f) && f.shift !== 3;
const isExtend = (f: A64Fields) => f.imm3 <= 4;
const isRealCondition = (f: A64Fields) => f.cond < 14;
const sameSource = (f: A64Fields) => f.Rn === f.Rm;

const SHIFTED_ROWS: readonly A64Row[] = [
  {
    name: 'AND (shifted register)',
    encoding: 'sf 00 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'and <Rd>, <Rn>, <Rm>{, <shift>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'BIC (shifted register)',
    encoding: 'sf 00 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'bic <Rd>, <Rn>, <Rm>{, <shift>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'ORR (shifted register)',
    encoding: 'sf 01 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'orr <Rd>, <Rn>, <Rm>{, <shift>}',
    aliases: [as('mov <Rd>, <Rm>', { Rn: 31, shift: 0, imm6: 0 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'ORN (shifted register)',
    encoding: 'sf 01 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'orn <Rd>, <Rn>, <Rm>{, <shift>}',
    aliases: [as('mvn <Rd>, <Rm>{, <shift>}', { Rn: 31 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'EOR (shifted register)',
    encoding: 'sf 10 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'eor <Rd>, <Rn>, <Rm>{, <shift>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'EON (shifted register)',
    encoding: 'sf 10 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'eon <Rd>, <Rn>, <Rm>{, <shift>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'ANDS (shifted register)',
    encoding: 'sf 11 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'ands <Rd>, <Rn>, <Rm>{, <shift>}',
    aliases: [as('tst <Rn>, <Rm>{, <shift>}', { Rd: 31 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'BICS (shifted register)',
    encoding: 'sf 11 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'bics <Rd>, <Rn>, <Rm>{, <shift>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'ADD (shifted register)',
    encoding: 'sf 0 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isAddShift,
    syntax: 'add <Rd>, <Rn>, <Rm>{, <shift:add>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'ADDS (shifted register)',
    encoding: 'sf 0 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isAddShift,
    syntax: 'adds <Rd>, <Rn>, <Rm>{, <shift:add>}',
    aliases: [as('cmn <Rn>, <Rm>{, <shift:add>}', { Rd: 31 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'SUB (shifted register)',
    encoding: 'sf 1 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isAddShift,
    syntax: 'sub <Rd>, <Rn>, <Rm>{, <shift:add>}',
    aliases: [as('neg <Rd>, <Rm>{, <shift:add>}', { Rn: 31 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
  {
    name: 'SUBS (shifted register)',
    encoding: 'sf 1 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isAddShift,
    syntax: 'subs <Rd>, <Rn>, <Rm>{, <shift:add>}',
    aliases: [as('cmp <Rn>, <Rm>{, <shift:add>}', { Rd: 31 }), as('negs <Rd>, <Rm>{, <shift:add>}', { Rn: 31 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
  },
];

const EXTENDED_ROWS: readonly A64Row[] = [
  {
    name: 'ADD (extended register)',
    encoding: 'sf 0 0 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5',
    valid: isExtend,
    syntax: 'add <Rd|SP>, <Rn|SP>, <extended:dn>',
    operands: { rd: sp('Rd'), rn: sp('Rn'), rm: read('Rm'), imm: field('imm3') },
    variant: EXTENDED_VARIANT,
  },
  {
    name: 'ADDS (extended register)',
    encoding: 'sf 0 1 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5',
    valid: isExtend,
    syntax: 'adds <Rd>, <Rn|SP>, <extended>',
    aliases: [as('cmn <Rn|SP>, <extended>', { Rd: 31 })],
    operands: { rd: write('Rd'), rn: sp('Rn'), rm: read('Rm'), imm: field('imm3') },
    variant: EXTENDED_VARIANT,
  },
  {
    name: 'SUB (extended register)',
    encoding: 'sf 1 0 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5',
    valid: isExtend,
    syntax: 'sub <Rd|SP>, <Rn|SP>, <extended:dn>',
    operands: { rd: sp('Rd'), rn: sp('Rn'), rm: read('Rm'), imm: field('imm3') },
    variant: EXTENDED_VARIANT,
  },
  {
    name: 'SUBS (extended register)',
    encoding: 'sf 1 1 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5',
    valid: isExtend,
    syntax: 'subs <Rd>, <Rn|SP>, <extended>',
    aliases: [as('cmp <Rn|SP>, <extended>', { Rd: 31 })],
    operands: { rd: write('Rd'), rn: sp('Rn'), rm: read('Rm'), imm: field('imm3') },
    variant: EXTENDED_VARIANT,
  },
];

const CARRY_ROWS: readonly A64Row[] = [
  {
    name: 'ADC',
    encoding: 'sf 0 0 11010000 Rm:5 000000 Rn:5 Rd:5',
    syntax: 'adc <Rd>, <Rn>, <Rm>',
    operands: THREE,
    variant: ['sf'],
  },
  {
    name: 'ADCS',
    encoding: 'sf 0 1 11010000 Rm:5 000000 Rn:5 Rd:5',
    syntax: 'adcs <Rd>, <Rn>, <Rm>',
    operands: THREE,
    variant: ['sf'],
  },
  {
    name: 'SBC',
    encoding: 'sf 1 0 11010000 Rm:5 000000 Rn:5 Rd:5',
    syntax: 'sbc <Rd>, <Rn>, <Rm>',
    aliases: [as('ngc <Rd>, <Rm>', { Rn: 31 })],
    operands: THREE,
    variant: ['sf'],
  },
  {
    name: 'SBCS',
    encoding: 'sf 1 1 11010000 Rm:5 000000 Rn:5 Rd:5',
    syntax: 'sbcs <Rd>, <Rn>, <Rm>',
    aliases: [as('ngcs <Rd>, <Rm>', { Rn: 31 })],
    operands: THREE,
    variant: ['sf'],
  },
];

/** In compares `imm2` is the NZCV that a false condition sets. */
const CONDITIONAL_ROWS: readonly A64Row[] = [
  {
    name: 'CCMN (register)',
    encoding: 'sf 0 1 11010010 Rm:5 cond:4 0 0 Rn:5 0 nzcv:4',
    syntax: 'ccmn <Rn>, <Rm>, <nzcv>, <cond>',
    operands: { ...COMPARE, imm2: field('nzcv') },
    variant: ['sf', 'cond'],
  },
  {
    name: 'CCMP (register)',
    encoding: 'sf 1 1 11010010 Rm:5 cond:4 0 0 Rn:5 0 nzcv:4',
    syntax: 'ccmp <Rn>, <Rm>, <nzcv>, <cond>',
    operands: { ...COMPARE, imm2: field('nzcv') },
    variant: ['sf', 'cond'],
  },
  {
    name: 'CCMN (immediate)',
    encoding: 'sf 0 1 11010010 imm5:5 cond:4 1 0 Rn:5 0 nzcv:4',
    syntax: 'ccmn <Rn>, <imm5>, <nzcv>, <cond>',
    operands: { rn: read('Rn'), imm: field('imm5'), imm2: field('nzcv') },
    variant: ['sf', 'cond'],
  },
  {
    name: 'CCMP (immediate)',
    encoding: 'sf 1 1 11010010 imm5:5 cond:4 1 0 Rn:5 0 nzcv:4',
    syntax: 'ccmp <Rn>, <imm5>, <nzcv>, <cond>',
    operands: { rn: read('Rn'), imm: field('imm5'), imm2: field('nzcv') },
    variant: ['sf', 'cond'],
  },
  {
    name: 'CSEL',
    encoding: 'sf 0 0 11010100 Rm:5 cond:4 0 0 Rn:5 Rd:5',
    syntax: 'csel <Rd>, <Rn>, <Rm>, <cond>',
    operands: THREE,
    variant: ['sf', 'cond'],
  },
  {
    name: 'CSINC',
    encoding: 'sf 0 0 11010100 Rm:5 cond:4 0 1 Rn:5 Rd:5',
    syntax: 'csinc <Rd>, <Rn>, <Rm>, <cond>',
    aliases: [
      as('cset <Rd>, <invcond>', { Rn: 31, Rm: 31 }, isRealCondition),
      as('cinc <Rd>, <Rn=m>, <invcond>', {}, (f) => isRealCondition(f) && sameSource(f)),
    ],
    operands: THREE,
    variant: ['sf', 'cond'],
  },
  {
    name: 'CSINV',
    encoding: 'sf 1 0 11010100 Rm:5 cond:4 0 0 Rn:5 Rd:5',
    syntax: 'csinv <Rd>, <Rn>, <Rm>, <cond>',
    aliases: [
      as('csetm <Rd>, <invcond>', { Rn: 31, Rm: 31 }, isRealCondition),
      as('cinv <Rd>, <Rn=m>, <invcond>', {}, (f) => isRealCondition(f) && sameSource(f)),
    ],
    operands: THREE,
    variant: ['sf', 'cond'],
  },
  {
    name: 'CSNEG',
    encoding: 'sf 1 0 11010100 Rm:5 cond:4 0 1 Rn:5 Rd:5',
    syntax: 'csneg <Rd>, <Rn>, <Rm>, <cond>',
    aliases: [as('cneg <Rd>, <Rn=m>, <invcond>', {}, (f) => isRealCondition(f) && sameSource(f))],
    operands: THREE,
    variant: ['sf', 'cond'],
  },
];

const TWO_SOURCE_ROWS: readonly A64Row[] = [
  {
    name: 'UDIV',
    encoding: 'sf 0 0 11010110 Rm:5 000010 Rn:5 Rd:5',
    syntax: 'udiv <Rd>, <Rn>, <Rm>',
    operands: THREE,
    variant: ['sf'],
  },
  {
    name: 'SDIV',
    encoding: 'sf 0 0 11010110 Rm:5 000011 Rn:5 Rd:5',
    syntax: 'sdiv <Rd>, <Rn>, <Rm>',
    operands: THREE,
    variant: ['sf'],
  },
  {
    name: 'LSLV',
    encoding: 'sf 0 0 11010110 Rm:5 001000 Rn:5 Rd:5',
    syntax: 'lslv <Rd>, <Rn>, <Rm>',
    aliases: [as('lsl <Rd>, <Rn>, <Rm>', {})],
    operands: THREE,
    variant: ['sf'],
  },
  {
    name: 'LSRV',
    encoding: 'sf 0 0 11010110 Rm:5 001001 Rn:5 Rd:5',
    syntax: 'lsrv <Rd>, <Rn>, <Rm>',
    aliases: [as('lsr <Rd>, <Rn>, <Rm>', {})],
    operands: THREE,
    variant: ['sf'],
  },
  {
    name: 'ASRV',
    encoding: 'sf 0 0 11010110 Rm:5 001010 Rn:5 Rd:5',
    syntax: 'asrv <Rd>, <Rn>, <Rm>',
    aliases: [as('asr <Rd>, <Rn>, <Rm>', {})],
    operands: THREE,
    variant: ['sf'],
  },
  {
    name: 'RORV',
    encoding: 'sf 0 0 11010110 Rm:5 001011 Rn:5 Rd:5',
    syntax: 'rorv <Rd>, <Rn>, <Rm>',
    aliases: [as('ror <Rd>, <Rn>, <Rm>', {})],
    operands: THREE,
    variant: ['sf'],
  },
  {
    name: 'CRC32B',
    encoding: '0 0 0 11010110 Rm:5 010000 Rn:5 Rd:5',
    feature: 'FEAT_CRC32',
    syntax: 'crc32b <Wd>, <Wn>, <Wm>',
    operands: THREE,
  },
  {
    name: 'CRC32H',
    encoding: '0 0 0 11010110 Rm:5 010001 Rn:5 Rd:5',
    feature: 'FEAT_CRC32',
    syntax: 'crc32h <Wd>, <Wn>, <Wm>',
    operands: THREE,
  },
  {
    name: 'CRC32W',
    encoding: '0 0 0 11010110 Rm:5 010010 Rn:5 Rd:5',
    feature: 'FEAT_CRC32',
    syntax: 'crc32w <Wd>, <Wn>, <Wm>',
    operands: THREE,
  },
  {
    name: 'CRC32X',
    encoding: '1 0 0 11010110 Rm:5 010011 Rn:5 Rd:5',
    feature: 'FEAT_CRC32',
    syntax: 'crc32x <Wd>, <Wn>, <Xm>',
    operands: THREE,
  },
  {
    name: 'CRC32CB',
    encoding: '0 0 0 11010110 Rm:5 010100 Rn:5 Rd:5',
    feature: 'FEAT_CRC32',
    syntax: 'crc32cb <Wd>, <Wn>, <Wm>',
    operands: THREE,
  },
  {
    name: 'CRC32CH',
    encoding: '0 0 0 11010110 Rm:5 010101 Rn:5 Rd:5',
    feature: 'FEAT_CRC32',
    syntax: 'crc32ch <Wd>, <Wn>, <Wm>',
    operands: THREE,
  },
  {
    name: 'CRC32CW',
    encoding: '0 0 0 11010110 Rm:5 010110 Rn:5 Rd:5',
    feature: 'FEAT_CRC32',
    syntax: 'crc32cw <Wd>, <Wn>, <Wm>',
    operands: THREE,
  },
  {
    name: 'CRC32CX',
    encoding: '1 0 0 11010110 Rm:5 010111 Rn:5 Rd:5',
    feature: 'FEAT_CRC32',
    syntax: 'crc32cx <Wd>, <Wn>, <Xm>',
    operands: THREE,
  },
];

const TWO = { rd: write('Rd'), rn: read('Rn') };

const ONE_SOURCE_ROWS: readonly A64Row[] = [
  {
    name: 'RBIT',
    encoding: 'sf 1 0 11010110 00000 000000 Rn:5 Rd:5',
    syntax: 'rbit <Rd>, <Rn>',
    operands: TWO,
    variant: ['sf'],
  },
  {
    name: 'REV16',
    encoding: 'sf 1 0 11010110 00000 000001 Rn:5 Rd:5',
    syntax: 'rev16 <Rd>, <Rn>',
    operands: TWO,
    variant: ['sf'],
  },
  {
    name: 'REV (32-bit)',
    encoding: '0 1 0 11010110 00000 000010 Rn:5 Rd:5',
    syntax: 'rev <Wd>, <Wn>',
    operands: TWO,
  },
  {
    name: 'REV32',
    encoding: '1 1 0 11010110 00000 000010 Rn:5 Rd:5',
    syntax: 'rev32 <Xd>, <Xn>',
    operands: TWO,
  },
  {
    name: 'REV (64-bit)',
    encoding: '1 1 0 11010110 00000 000011 Rn:5 Rd:5',
    syntax: 'rev <Xd>, <Xn>',
    operands: TWO,
  },
  {
    name: 'CLZ',
    encoding: 'sf 1 0 11010110 00000 000100 Rn:5 Rd:5',
    syntax: 'clz <Rd>, <Rn>',
    operands: TWO,
    variant: ['sf'],
  },
  {
    name: 'CLS',
    encoding: 'sf 1 0 11010110 00000 000101 Rn:5 Rd:5',
    syntax: 'cls <Rd>, <Rn>',
    operands: TWO,
    variant: ['sf'],
  },
];

const FOUR = { ...THREE, ra: read('Ra') };

const THREE_SOURCE_ROWS: readonly A64Row[] = [
  {
    name: 'MADD',
    encoding: 'sf 00 11011 000 Rm:5 0 Ra:5 Rn:5 Rd:5',
    syntax: 'madd <Rd>, <Rn>, <Rm>, <Ra>',
    aliases: [as('mul <Rd>, <Rn>, <Rm>', { Ra: 31 })],
    operands: FOUR,
    variant: ['sf'],
  },
  {
    name: 'MSUB',
    encoding: 'sf 00 11011 000 Rm:5 1 Ra:5 Rn:5 Rd:5',
    syntax: 'msub <Rd>, <Rn>, <Rm>, <Ra>',
    aliases: [as('mneg <Rd>, <Rn>, <Rm>', { Ra: 31 })],
    operands: FOUR,
    variant: ['sf'],
  },
  {
    name: 'SMADDL',
    encoding: '1 00 11011 001 Rm:5 0 Ra:5 Rn:5 Rd:5',
    syntax: 'smaddl <Xd>, <Wn>, <Wm>, <Xa>',
    aliases: [as('smull <Xd>, <Wn>, <Wm>', { Ra: 31 })],
    operands: FOUR,
  },
  {
    name: 'SMSUBL',
    encoding: '1 00 11011 001 Rm:5 1 Ra:5 Rn:5 Rd:5',
    syntax: 'smsubl <Xd>, <Wn>, <Wm>, <Xa>',
    aliases: [as('smnegl <Xd>, <Wn>, <Wm>', { Ra: 31 })],
    operands: FOUR,
  },
  {
    name: 'SMULH',
    encoding: '1 00 11011 010 Rm:5 0 (11111) Rn:5 Rd:5',
    syntax: 'smulh <Xd>, <Xn>, <Xm>',
    operands: THREE,
  },
  {
    name: 'UMADDL',
    encoding: '1 00 11011 101 Rm:5 0 Ra:5 Rn:5 Rd:5',
    syntax: 'umaddl <Xd>, <Wn>, <Wm>, <Xa>',
    aliases: [as('umull <Xd>, <Wn>, <Wm>', { Ra: 31 })],
    operands: FOUR,
  },
  {
    name: 'UMSUBL',
    encoding: '1 00 11011 101 Rm:5 1 Ra:5 Rn:5 Rd:5',
    syntax: 'umsubl <Xd>, <Wn>, <Wm>, <Xa>',
    aliases: [as('umnegl <Xd>, <Wn>, <Wm>', { Ra: 31 })],
    operands: FOUR,
  },
  {
    name: 'UMULH',
    encoding: '1 00 11011 110 Rm:5 0 (11111) Rn:5 Rd:5',
    syntax: 'umulh <Xd>, <Xn>, <Xm>',
    operands: THREE,
  },
];

export const DATA_REGISTER: readonly A64Row[] = [
  ...SHIFTED_ROWS,
  ...EXTENDED_ROWS,
  ...CARRY_ROWS,
  ...CONDITIONAL_ROWS,
  ...TWO_SOURCE_ROWS,
  ...ONE_SOURCE_ROWS,
  ...THREE_SOURCE_ROWS,
];
