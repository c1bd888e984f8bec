/** System instructions: DDI 0487 C5. */
import { field, read, write, type A64Fields } from './operands.ts';
import { as, type A64Row } from './row.ts';
import { pstateField, sysregKey } from './sysreg-names.ts';
import { clearExclusive, leave, nothing } from './semantics/branch.ts';
import {
  readDaif,
  readFpcr,
  readFpsr,
  readNzcv,
  readSpEl0,
  writeFpcr,
  writeFpsr,
  writeNzcv,
  writeSpEl0,
} from './semantics/system.ts';

/** `o0` is op0's low bit; its high bit is set in MSR and MRS. */
const registerKey = (f: A64Fields) => BigInt(sysregKey(2 + f.o0, f.op1, f.CRn, f.CRm, f.op2));
const instructionKey = (f: A64Fields) => BigInt(sysregKey(1, f.op1, f.CRn, f.CRm, f.op2));

/** One hint's encoding: CRm:op2. */
export const hint = (number: number) =>
  `1101010100 0 00 011 0010 ${number
    .toString(2)
    .padStart(7, '0')
    .replace(/^(....)/, '$1 ')} 11111`;

/** Registers that software uses often, and that no machine has to be asked for: op1, CRn, CRm, op2. */
const PLAIN_REGISTERS = [
  { name: 'nzcv', place: '011 0100 0010 000', read: readNzcv, write: writeNzcv },
  { name: 'fpcr', place: '011 0100 0100 000', read: readFpcr, write: writeFpcr },
  { name: 'fpsr', place: '011 0100 0100 001', read: readFpsr, write: writeFpsr },
  { name: 'sp_el0', place: '000 0100 0001 000', read: readSpEl0, write: writeSpEl0 },
  { name: 'daif', place: '011 0100 0010 001', read: readDaif, write: null },
] as const;

const plainRows = ({ name, place, read: execute, write: executeWrite }: (typeof PLAIN_REGISTERS)[number]): A64Row[] => [
  {
    name: `MRS (${name.toUpperCase()})`,
    encoding: `1101010100 1 1 1 ${place} Rt:5`,
    syntax: `mrs <Xt>, ${name}`,
    operands: { rd: write('Rt') },
    execute,
  },
  ...(executeWrite
    ? [
        {
          name: `MSR (${name.toUpperCase()})`,
          encoding: `1101010100 0 1 1 ${place} Rt:5`,
          syntax: `msr ${name}, <Xt>`,
          operands: { rn: read('Rt') },
          execute: executeWrite,
        },
      ]
    : []),
];

export const SYSTEM: readonly A64Row[] = [
  ...PLAIN_REGISTERS.flatMap(plainRows),
  {
    name: 'MSR (immediate)',
    encoding: '1101010100 0 00 op1:3 0100 CRm:4 op2:3 11111',
    valid: (f) => pstateField(f) !== undefined,
    syntax: 'msr <pstatefield>, <CRm>',
    aliases: [as('msr <pstatefield:generic>, xzr', {}, (f) => f.CRm > pstateField(f)!.max)],
    operands: { imm: field('CRm') },
    variant: ['op1', 'op2'],
    flow: 'system',
    execute: leave('system'),
  },
  {
    name: 'MSR (register)',
    encoding: '1101010100 0 1 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    syntax: 'msr <sysreg:write>, <Xt>',
    operands: { rn: read('Rt'), imm: registerKey },
    flow: 'system',
    execute: leave('system'),
  },
  {
    name: 'MRS',
    encoding: '1101010100 1 1 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    syntax: 'mrs <Xt>, <sysreg:read>',
    operands: { rd: write('Rt'), imm: registerKey },
    flow: 'system',
    execute: leave('system'),
  },
  {
    name: 'SYS',
    encoding: '1101010100 0 01 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    syntax: 'sys <op1>, <Cn>, <Cm>, <op2>{, <Xt:optional>}',
    aliases: [as('<sysop:register>, <Xt>', {}), as('<sysop>', { Rt: 31 })],
    operands: { rn: read('Rt'), imm: instructionKey },
    flow: 'system',
    execute: leave('system'),
  },
  {
    name: 'SYSL',
    encoding: '1101010100 1 01 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    syntax: 'sysl <Xt>, <op1>, <Cn>, <Cm>, <op2>',
    operands: { rd: write('Rt'), imm: instructionKey },
    flow: 'system',
    execute: leave('system'),
  },
  /* The hint space: what no other row names does nothing; nor does a hint whose feature the CPU lacks. */
  {
    name: 'HINT',
    encoding: '1101010100 0 00 011 0010 CRm:4 op2:3 11111',
    syntax: 'hint <hint>',
    aliases: [as('<hintname>', {})],
    operands: {},
    execute: nothing,
  },
  { name: 'YIELD', encoding: hint(1), syntax: 'yield', operands: {}, flow: 'system', execute: nothing },
  { name: 'WFE', encoding: hint(2), syntax: 'wfe', operands: {}, flow: 'system', execute: leave('wfe') },
  { name: 'WFI', encoding: hint(3), syntax: 'wfi', operands: {}, flow: 'system', execute: leave('wfi') },
  { name: 'SEV', encoding: hint(4), syntax: 'sev', operands: {}, flow: 'system', execute: nothing },
  { name: 'SEVL', encoding: hint(5), syntax: 'sevl', operands: {}, flow: 'system', execute: nothing },
  {
    name: 'ESB',
    encoding: hint(16),
    feature: 'FEAT_RAS',
    syntax: 'esb',
    operands: {},
    flow: 'system',
    execute: leave('system'),
  },
  {
    name: 'BTI',
    encoding: '1101010100 0 00 011 0010 0100 i2:2 0 11111',
    feature: 'FEAT_BTI',
    syntax: '<bti>',
    operands: {},
    variant: ['i2'],
    execute: nothing,
  },
  {
    name: 'CLREX',
    encoding: '1101010100 0 00 011 0011 CRm:4 010 11111',
    syntax: 'clrex <CRm>',
    aliases: [as('clrex', { CRm: 15 })],
    operands: {},
    execute: clearExclusive,
  },
  {
    name: 'DSB',
    encoding: '1101010100 0 00 011 0011 CRm:4 100 11111',
    syntax: 'dsb <barrier>',
    aliases: [as('ssbb', { CRm: 0 }), as('pssbb', { CRm: 4 })],
    operands: {},
    flow: 'system',
    execute: nothing,
  },
  {
    name: 'DMB',
    encoding: '1101010100 0 00 011 0011 CRm:4 101 11111',
    syntax: 'dmb <barrier>',
    operands: {},
    execute: nothing,
  },
  {
    name: 'ISB',
    encoding: '1101010100 0 00 011 0011 CRm:4 110 11111',
    syntax: 'isb <barrier:isb>',
    aliases: [as('isb', { CRm: 15 })],
    operands: {},
    flow: 'system',
    execute: nothing,
  },
  {
    name: 'SB',
    encoding: '1101010100 0 00 011 0011 0000 111 11111',
    feature: 'FEAT_SB',
    syntax: 'sb',
    operands: {},
    flow: 'system',
    execute: nothing,
  },
];
