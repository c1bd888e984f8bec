/** Pointer authentication: DDI 0487 C4.1, "Data-processing (1 source)", "Unconditional branch (register)", "Hints". */
import { read, SLOT, sp, write, type A64Fields } from './operands.ts';
import { PLAIN, type A64Row } from './row.ts';
import { leave } from './semantics/branch.ts';
import { authenticatedJump, authenticatedLoad, genericCode, pointerCode, stripCode } from './semantics/pauth.ts';
import { hint } from './system.ts';

const FEATURE = 'FEAT_PAuth';
const KEYS = ['a', 'b'] as const;
const INSTRUCTION_KEYS = { a: 'IA', b: 'IB' } as const;
const DATA_KEYS = { a: 'DA', b: 'DB' } as const;

const OPERATIONS = [
  ['pac', 'IA', '000'],
  ['pac', 'IB', '001'],
  ['pac', 'DA', '010'],
  ['pac', 'DB', '011'],
  ['aut', 'IA', '100'],
  ['aut', 'IB', '101'],
  ['aut', 'DA', '110'],
  ['aut', 'DB', '111'],
] as const;

/** What jumpType asks for. */
const JUMP: Pick<A64Row, 'variant'> = { variant: ['Rn'] };

const inPlace = { rd: write('Rd'), ra: read('Rd') };

function operationRows([operation, key, opcode]: (typeof OPERATIONS)[number]): A64Row[] {
  const mnemonic = `${operation}${key}`.toLowerCase();
  const zero = `${operation}${key[0]}z${key[1]}`.toLowerCase();
  return [
    {
      name: mnemonic.toUpperCase(),
      encoding: `1 1 0 11010110 00001 000 ${opcode} Rn:5 Rd:5`,
      feature: FEATURE,
      syntax: `${mnemonic} <Xd>, <Xn|SP>`,
      operands: { ...inPlace, rn: sp('Rn') },
      execute: pointerCode(operation, key, true),
    },
    {
      name: zero.toUpperCase(),
      encoding: `1 1 0 11010110 00001 001 ${opcode} 11111 Rd:5`,
      feature: FEATURE,
      syntax: `${zero} <Xd>`,
      operands: inPlace,
      execute: pointerCode(operation, key, false),
    },
  ];
}

function branchRows(key: (typeof KEYS)[number], M: number): A64Row[] {
  const row = (
    mnemonic: string,
    encoding: string,
    rest: Pick<A64Row, 'syntax' | 'operands' | 'variant' | 'flow' | 'execute'>,
  ): A64Row => ({
    name: `${mnemonic}${key}`.toUpperCase(),
    encoding: `1101011 ${encoding.replace('M', M.toString())}`,
    feature: FEATURE,
    ...rest,
  });
  const jump = (modified: boolean, kind: 'jump' | 'call' | 'return') =>
    authenticatedJump(INSTRUCTION_KEYS[key], modified, kind);
  const zero = (
    mnemonic: string,
    op: string,
    flow: 'indirect' | 'indirectCall',
    operands: A64Row['operands'],
  ): A64Row => ({
    ...row(mnemonic, `0 0 ${op} 11111 0000 1 M Rn:5 11111`, {
      syntax: `${mnemonic}${key}z <Xn>`,
      operands: { ...operands, rn: read('Rn') },
      flow,
      ...(flow === 'indirect' && JUMP),
      execute: jump(false, flow === 'indirect' ? 'jump' : 'call'),
    }),
    name: `${mnemonic}${key}z`.toUpperCase(),
  });
  const target = { rn: read('Rn'), rm: sp('Rm') };
  const link = { rd: () => 30 };
  return [
    zero('bra', '00', 'indirect', {}),
    zero('blra', '01', 'indirectCall', link),
    row('bra', '1 0 00 11111 0000 1 M Rn:5 Rm:5', {
      syntax: `bra${key} <Xn>, <Xm|SP>`,
      operands: target,
      flow: 'indirect',
      ...JUMP,
      execute: jump(true, 'jump'),
    }),
    row('blra', '1 0 01 11111 0000 1 M Rn:5 Rm:5', {
      syntax: `blra${key} <Xn>, <Xm|SP>`,
      operands: { ...target, ...link },
      flow: 'indirectCall',
      execute: jump(true, 'call'),
    }),
    row('reta', '0 0 10 11111 0000 1 M 11111 11111', {
      syntax: `reta${key}`,
      operands: { rn: () => 30, rm: () => SLOT.SP },
      flow: 'return',
      execute: jump(true, 'return'),
    }),
    row('ereta', '0 100 11111 0000 1 M 11111 11111', {
      syntax: `ereta${key}`,
      operands: { rm: () => SLOT.SP },
      flow: 'exceptionReturn',
      execute: leave('system'),
    }),
  ];
}

const X17_WITH_X16 = { rd: () => 17, ra: () => 17, rn: () => 16 };

type Hint = readonly [mnemonic: string, number: number, rest: Pick<A64Row, 'operands' | 'execute'>];
/** What they sign or authenticate, with what; where the CPU lacks the feature their words are HINT's. */
const HINTS: readonly Hint[] = [
  ['xpaclri', 7, { operands: { rd: () => 30, ra: () => 30 }, execute: stripCode(false) }],
  ...(['pac', 'aut'] as const).flatMap((what, second) =>
    KEYS.flatMap((letter, M): Hint[] => {
      const number = 8 + 4 * second + 2 * M;
      const execute = (modified: boolean) => pointerCode(what, INSTRUCTION_KEYS[letter], modified);
      const link = { rd: () => 30, ra: () => 30 };
      return [
        [`${what}i${letter}1716`, number, { operands: X17_WITH_X16, execute: execute(true) }],
        [`${what}i${letter}z`, number + 16, { operands: link, execute: execute(false) }],
        [`${what}i${letter}sp`, number + 17, { operands: { ...link, rn: () => SLOT.SP }, execute: execute(true) }],
      ];
    }),
  ),
];

const offset = (f: A64Fields) => BigInt(8 * ((f.S ? -512 : 0) + f.i9));

function loadRows(key: (typeof KEYS)[number], M: number): A64Row[] {
  return [false, true].map((writeback): A64Row => ({
    name: `LDRA${key.toUpperCase()}${writeback ? ' (pre-index)' : ''}`,
    encoding: `11 111 0 00 ${M} S 1 i9:9 ${writeback ? 1 : 0} 1 Rn:5 Rt:5`,
    feature: FEATURE,
    syntax: `ldra${key} <Xt>, [<Xn|SP>{, <imm10*8>}]${writeback ? '!' : ''}`,
    operands: { rd: write('Rt'), rn: sp('Rn'), imm: offset, ...(writeback && { wb: sp('Rn') }) },
    transfer: { ...PLAIN, access: 'load', bytes: 8, width: 64, writeback },
    execute: authenticatedLoad(DATA_KEYS[key]),
  }));
}

export const PAUTH: readonly A64Row[] = [
  ...OPERATIONS.flatMap(operationRows),
  ...(['i', 'd'] as const).map((what, opcode): A64Row => ({
    name: `XPAC${what.toUpperCase()}`,
    encoding: `1 1 0 11010110 00001 01000${opcode} 11111 Rd:5`,
    feature: FEATURE,
    syntax: `xpac${what} <Xd>`,
    operands: inPlace,
    execute: stripCode(what === 'd'),
  })),
  {
    name: 'PACGA',
    encoding: '1 0 0 11010110 Rm:5 001100 Rn:5 Rd:5',
    feature: FEATURE,
    syntax: 'pacga <Xd>, <Xn>, <Xm|SP>',
    operands: { rd: write('Rd'), rn: read('Rn'), rm: sp('Rm') },
    execute: genericCode,
  },
  ...HINTS.map(([mnemonic, number, rest]): A64Row => ({
    name: mnemonic.toUpperCase(),
    encoding: hint(number),
    feature: FEATURE,
    syntax: mnemonic,
    ...rest,
  })),
  ...KEYS.flatMap(branchRows),
  ...KEYS.flatMap(loadRows),
];
