/** Compares and selects by condition: DDI 0487 C4.1, "Data Processing -- Register". */
import { add, constant, negate, not } from '../expr.ts';
import { field, read, write, type A64Fields } from './operands.ts';
import { as, type A64Row } from './row.ts';
import { conditionalCompare, conditionalSelect, immediate, register } from './semantics/arithmetic.ts';

const COMPARE = { rn: read('Rn'), rm: read('Rm') };
const THREE = { rd: write('Rd'), rn: read('Rn'), rm: read('Rm') };

const isRealCondition = (f: A64Fields) => f.cond < 14;
const sameSource = (f: A64Fields) => f.Rn === f.Rm;

/** In compares `imm2` is the NZCV that a false condition sets. */
export const CONDITIONAL: readonly A64Row[] = [
  {
    name: 'CCMN (register)',
    encoding: 'sf 0 1 11010010 Rm:5 cond:4 0 0 Rn:5 0 nzcv:4',
    syntax: 'ccmn <Rn>, <Rm>, <nzcv>, <cond>',
    operands: { ...COMPARE, imm2: field('nzcv') },
    variant: ['sf', 'cond'],
    execute: conditionalCompare('add', register),
  },
  {
    name: 'CCMP (register)',
    encoding: 'sf 1 1 11010010 Rm:5 cond:4 0 0 Rn:5 0 nzcv:4',
    syntax: 'ccmp <Rn>, <Rm>, <nzcv>, <cond>',
    operands: { ...COMPARE, imm2: field('nzcv') },
    variant: ['sf', 'cond'],
    execute: conditionalCompare('sub', register),
  },
  {
    name: 'CCMN (immediate)',
    encoding: 'sf 0 1 11010010 imm5:5 cond:4 1 0 Rn:5 0 nzcv:4',
    syntax: 'ccmn <Rn>, <imm5>, <nzcv>, <cond>',
    operands: { rn: read('Rn'), imm: field('imm5'), imm2: field('nzcv') },
    variant: ['sf', 'cond'],
    execute: conditionalCompare('add', immediate),
  },
  {
    name: 'CCMP (immediate)',
    encoding: 'sf 1 1 11010010 imm5:5 cond:4 1 0 Rn:5 0 nzcv:4',
    syntax: 'ccmp <Rn>, <imm5>, <nzcv>, <cond>',
    operands: { rn: read('Rn'), imm: field('imm5'), imm2: field('nzcv') },
    variant: ['sf', 'cond'],
    execute: conditionalCompare('sub', immediate),
  },
  {
    name: 'CSEL',
    encoding: 'sf 0 0 11010100 Rm:5 cond:4 0 0 Rn:5 Rd:5',
    syntax: 'csel <Rd>, <Rn>, <Rm>, <cond>',
    operands: THREE,
    variant: ['sf', 'cond'],
    execute: conditionalSelect((value) => value),
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
    execute: conditionalSelect((value) => add(value, constant(value.width, 1))),
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
    execute: conditionalSelect(not),
  },
  {
    name: 'CSNEG',
    encoding: 'sf 1 0 11010100 Rm:5 cond:4 0 1 Rn:5 Rd:5',
    syntax: 'csneg <Rd>, <Rn>, <Rm>, <cond>',
    aliases: [as('cneg <Rd>, <Rn=m>, <invcond>', {}, (f) => isRealCondition(f) && sameSource(f))],
    operands: THREE,
    variant: ['sf', 'cond'],
    execute: conditionalSelect(negate),
  },
];
