/** Logical operations, addition and subtraction on registers: DDI 0487 C4.1, "Data Processing -- Register". */
import { field, read, registerBits, sp, write, type A64Field, type A64Fields } from './operands.ts';
import { accepts, as, type A64Row } from './row.ts';
import {
  addition,
  extended,
  flagged,
  logic,
  logicFlags,
  shifted,
  subtraction,
  withCarry,
} from './semantics/arithmetic.ts';

const THREE = { rd: write('Rd'), rn: read('Rn'), rm: read('Rm') };
const SHIFTED = { ...THREE, imm: field('imm6') };
const SHIFTED_VARIANT: readonly A64Field[] = ['sf', 'shift'];
const EXTENDED_VARIANT: readonly A64Field[] = ['sf', 'option'];

const isShift = (f: A64Fields) => f.imm6 < registerBits(f);
const isAddShift = (f: A64Fields) => isShift(f) && f.shift !== 3;
const isExtend = (f: A64Fields) => f.imm3 <= 4;

const SHIFTED_ROWS: readonly A64Row[] = [
  {
    name: 'AND (shifted register)',
    encoding: 'sf 00 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'and <Rd>, <Rn>, <Rm>{, <shift>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: logic('and', shifted),
  },
  {
    name: 'BIC (shifted register)',
    encoding: 'sf 00 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'bic <Rd>, <Rn>, <Rm>{, <shift>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: logic('and', shifted, true),
  },
  {
    name: 'ORR (shifted register)',
    encoding: 'sf 01 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'orr <Rd>, <Rn>, <Rm>{, <shift>}',
    aliases: [
      as('mov <Rd>, <Rm>', { Rn: 31, shift: 0, imm6: 0 }),
      accepts('uxtw <Xd>, <Wm>', { sf: 0, Rn: 31, shift: 0, imm6: 0 }),
    ],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: logic('orr', shifted),
  },
  {
    name: 'ORN (shifted register)',
    encoding: 'sf 01 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'orn <Rd>, <Rn>, <Rm>{, <shift>}',
    aliases: [as('mvn <Rd>, <Rm>{, <shift>}', { Rn: 31 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: logic('orr', shifted, true),
  },
  {
    name: 'EOR (shifted register)',
    encoding: 'sf 10 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'eor <Rd>, <Rn>, <Rm>{, <shift>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: logic('eor', shifted),
  },
  {
    name: 'EON (shifted register)',
    encoding: 'sf 10 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'eon <Rd>, <Rn>, <Rm>{, <shift>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: logic('eor', shifted, true),
  },
  {
    name: 'ANDS (shifted register)',
    encoding: 'sf 11 01010 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'ands <Rd>, <Rn>, <Rm>{, <shift>}',
    aliases: [as('tst <Rn>, <Rm>{, <shift>}', { Rd: 31 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: logicFlags(shifted),
  },
  {
    name: 'BICS (shifted register)',
    encoding: 'sf 11 01010 shift:2 1 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isShift,
    syntax: 'bics <Rd>, <Rn>, <Rm>{, <shift>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: logicFlags(shifted, true),
  },
  {
    name: 'ADD (shifted register)',
    encoding: 'sf 0 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isAddShift,
    syntax: 'add <Rd>, <Rn>, <Rm>{, <shift:add>}',
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: addition(shifted),
  },
  {
    name: 'ADDS (shifted register)',
    encoding: 'sf 0 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isAddShift,
    syntax: 'adds <Rd>, <Rn>, <Rm>{, <shift:add>}',
    aliases: [as('cmn <Rn>, <Rm>{, <shift:add>}', { Rd: 31 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: flagged('add', shifted),
  },
  {
    name: 'SUB (shifted register)',
    encoding: 'sf 1 0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isAddShift,
    syntax: 'sub <Rd>, <Rn>, <Rm>{, <shift:add>}',
    aliases: [as('neg <Rd>, <Rm>{, <shift:add>}', { Rn: 31 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: subtraction(shifted),
  },
  {
    name: 'SUBS (shifted register)',
    encoding: 'sf 1 1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
    valid: isAddShift,
    syntax: 'subs <Rd>, <Rn>, <Rm>{, <shift:add>}',
    aliases: [as('cmp <Rn>, <Rm>{, <shift:add>}', { Rd: 31 }), as('negs <Rd>, <Rm>{, <shift:add>}', { Rn: 31 })],
    operands: SHIFTED,
    variant: SHIFTED_VARIANT,
    execute: flagged('sub', shifted),
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
    execute: addition(extended),
  },
  {
    name: 'ADDS (extended register)',
    encoding: 'sf 0 1 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5',
    valid: isExtend,
    syntax: 'adds <Rd>, <Rn|SP>, <extended>',
    aliases: [as('cmn <Rn|SP>, <extended>', { Rd: 31 })],
    operands: { rd: write('Rd'), rn: sp('Rn'), rm: read('Rm'), imm: field('imm3') },
    variant: EXTENDED_VARIANT,
    execute: flagged('add', extended),
  },
  {
    name: 'SUB (extended register)',
    encoding: 'sf 1 0 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5',
    valid: isExtend,
    syntax: 'sub <Rd|SP>, <Rn|SP>, <extended:dn>',
    operands: { rd: sp('Rd'), rn: sp('Rn'), rm: read('Rm'), imm: field('imm3') },
    variant: EXTENDED_VARIANT,
    execute: subtraction(extended),
  },
  {
    name: 'SUBS (extended register)',
    encoding: 'sf 1 1 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5',
    valid: isExtend,
    syntax: 'subs <Rd>, <Rn|SP>, <extended>',
    aliases: [as('cmp <Rn|SP>, <extended>', { Rd: 31 })],
    operands: { rd: write('Rd'), rn: sp('Rn'), rm: read('Rm'), imm: field('imm3') },
    variant: EXTENDED_VARIANT,
    execute: flagged('sub', extended),
  },
];

const CARRY_ROWS: readonly A64Row[] = [
  {
    name: 'ADC',
    encoding: 'sf 0 0 11010000 Rm:5 000000 Rn:5 Rd:5',
    syntax: 'adc <Rd>, <Rn>, <Rm>',
    operands: THREE,
    variant: ['sf'],
    execute: withCarry(false, false),
  },
  {
    name: 'ADCS',
    encoding: 'sf 0 1 11010000 Rm:5 000000 Rn:5 Rd:5',
    syntax: 'adcs <Rd>, <Rn>, <Rm>',
    operands: THREE,
    variant: ['sf'],
    execute: withCarry(false, true),
  },
  {
    name: 'SBC',
    encoding: 'sf 1 0 11010000 Rm:5 000000 Rn:5 Rd:5',
    syntax: 'sbc <Rd>, <Rn>, <Rm>',
    aliases: [as('ngc <Rd>, <Rm>', { Rn: 31 })],
    operands: THREE,
    variant: ['sf'],
    execute: withCarry(true, false),
  },
  {
    name: 'SBCS',
    encoding: 'sf 1 1 11010000 Rm:5 000000 Rn:5 Rd:5',
    syntax: 'sbcs <Rd>, <Rn>, <Rm>',
    aliases: [as('ngcs <Rd>, <Rm>', { Rn: 31 })],
    operands: THREE,
    variant: ['sf'],
    execute: withCarry(true, true),
  },
];

export const DATA_REGISTER: readonly A64Row[] = [...SHIFTED_ROWS, ...EXTENDED_ROWS, ...CARRY_ROWS];
