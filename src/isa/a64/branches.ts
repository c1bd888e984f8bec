/** Branches and exception generation: DDI 0487 C4.1, "Branches, Exception Generating and System instructions". */
import { field, read, scaled, testedBit } from './operands.ts';
import { accepts, as, type A64Row } from './row.ts';

export const BRANCHES: readonly A64Row[] = [
  {
    name: 'B',
    encoding: '0 00101 imm26:s26',
    syntax: 'b <label:imm26>',
    operands: { imm: scaled('imm26', 2) },
    flow: 'branch',
  },
  {
    name: 'BL',
    encoding: '1 00101 imm26:s26',
    syntax: 'bl <label:imm26>',
    operands: { rd: () => 30, imm: scaled('imm26', 2) },
    flow: 'call',
  },
  {
    name: 'B.cond',
    encoding: '0101010 0 imm19:s19 0 cond:4',
    syntax: 'b.<cond> <label:cond>',
    aliases: [accepts('b<cond> <label:cond>')],
    operands: { imm: scaled('imm19', 2) },
    variant: ['cond'],
    flow: 'conditional',
  },
  {
    name: 'CBZ',
    encoding: 'sf 011010 0 imm19:s19 Rt:5',
    syntax: 'cbz <Rt>, <label:imm19>',
    operands: { rn: read('Rt'), imm: scaled('imm19', 2) },
    variant: ['sf'],
    flow: 'conditional',
  },
  {
    name: 'CBNZ',
    encoding: 'sf 011010 1 imm19:s19 Rt:5',
    syntax: 'cbnz <Rt>, <label:imm19>',
    operands: { rn: read('Rt'), imm: scaled('imm19', 2) },
    variant: ['sf'],
    flow: 'conditional',
  },
  {
    name: 'TBZ',
    encoding: 'b5 011011 0 b40:5 imm14:s14 Rt:5',
    syntax: 'tbz <Rt:b5>, <bit>, <label:imm14>',
    /* imm2 is the number of the bit. */
    operands: { rn: read('Rt'), imm: scaled('imm14', 2), imm2: testedBit },
    flow: 'conditional',
  },
  {
    name: 'TBNZ',
    encoding: 'b5 011011 1 b40:5 imm14:s14 Rt:5',
    syntax: 'tbnz <Rt:b5>, <bit>, <label:imm14>',
    operands: { rn: read('Rt'), imm: scaled('imm14', 2), imm2: testedBit },
    flow: 'conditional',
  },
  {
    name: 'BR',
    encoding: '1101011 0 0 00 11111 0000 0 0 Rn:5 00000',
    syntax: 'br <Xn>',
    operands: { rn: read('Rn') },
    flow: 'indirect',
  },
  {
    name: 'BLR',
    encoding: '1101011 0 0 01 11111 0000 0 0 Rn:5 00000',
    syntax: 'blr <Xn>',
    operands: { rd: () => 30, rn: read('Rn') },
    flow: 'indirectCall',
  },
  {
    name: 'RET',
    encoding: '1101011 0 0 10 11111 0000 0 0 Rn:5 00000',
    syntax: 'ret <Xn>',
    aliases: [as('ret', { Rn: 30 })],
    operands: { rn: read('Rn') },
    flow: 'return',
  },
  {
    name: 'ERET',
    encoding: '1101011 0 100 11111 0000 0 0 11111 00000',
    syntax: 'eret',
    operands: {},
    flow: 'exceptionReturn',
  },
  ...(
    [
      ['SVC', '000', '00001'],
      ['HVC', '000', '00010'],
      ['SMC', '000', '00011'],
      ['BRK', '001', '00000'],
      ['HLT', '010', '00000'],
    ] as const
  ).map(([name, opc, low]): A64Row => ({
    name,
    encoding: `11010100 ${opc} imm16:16 ${low}`,
    syntax: `${name.toLowerCase()} <imm16>`,
    operands: { imm: field('imm16') },
    flow: 'exception',
  })),
  ...(['01', '10', '11'] as const).map((level, index): A64Row => ({
    name: `DCPS${index + 1}`,
    encoding: `11010100 101 imm16:16 000${level}`,
    syntax: `dcps${index + 1} <imm16>`,
    aliases: [as(`dcps${index + 1}`, { imm16: 0 })],
    operands: { imm: field('imm16') },
    flow: 'exception',
  })),
  {
    name: 'UDF',
    encoding: '0000000000000000 imm16:16',
    syntax: 'udf <imm16:decimal>',
    operands: { imm: field('imm16') },
    flow: 'exception',
  },
];
