/** Pointer authentication: DDI 0487 C4.1, "Data-processing (1 source)", "Unconditional branch (register)", "Hints". */
import { read, SLOT, sp, write, type A64Fields } from './operands.ts';
import { PLAIN, type A64Row } from './row.ts';
import { hint } from './system.ts';

const FEATURE = 'FEAT_PAuth';
const KEYS = ['a', 'b'] as const;

const OPERATIONS = [
  ['pacia', '000'],
  ['pacib', '001'],
  ['pacda', '010'],
  ['pacdb', '011'],
  ['autia', '100'],
  ['autib', '101'],
  ['autda', '110'],
  ['autdb', '111'],
] as const;

const inPlace = { rd: write('Rd'), ra: read('Rd') };

function operationRows([mnemonic, opcode]: (typeof OPERATIONS)[number]): A64Row[] {
  const zero = `${mnemonic.slice(0, 3)}${mnemonic[3]}z${mnemonic[4]}`;
  return [
    {
      name: mnemonic.toUpperCase(),
      encoding: `1 1 0 11010110 00001 000 ${opcode} Rn:5 Rd:5`,
      feature: FEATURE,
      syntax: `${mnemonic} <Xd>, <Xn|SP>`,
      operands: { ...inPlace, rn: sp('Rn') },
    },
    {
      name: zero.toUpperCase(),
      encoding: `1 1 0 11010110 00001 001 ${opcode} 11111 Rd:5`,
      feature: FEATURE,
      syntax: `${zero} <Xd>`,
      operands: inPlace,
    },
  ];
}

function branchRows(key: (typeof KEYS)[number], M: number): A64Row[] {
  const row = (mnemonic: string, encoding: string, rest: Pick<A64Row, 'syntax' | 'operands' | 'flow'>): A64Row => ({
    name: `${mnemonic}${key}`.toUpperCase(),
    encoding: `1101011 ${encoding.replace('M', M.toString())}`,
    feature: FEATURE,
    ...rest,
  });
  const zero = (mnemonic: string, op: string, flow: 'indirect' | 'indirectCall', operands: A64Row['operands']) => ({
    ...row(mnemonic, `0 0 ${op} 11111 0000 1 M Rn:5 11111`, {
      syntax: `${mnemonic}${key}z <Xn>`,
      operands: { ...operands, rn: read('Rn') },
      flow,
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
    }),
    row('blra', '1 0 01 11111 0000 1 M Rn:5 Rm:5', {
      syntax: `blra${key} <Xn>, <Xm|SP>`,
      operands: { ...target, ...link },
      flow: 'indirectCall',
    }),
    row('reta', '0 0 10 11111 0000 1 M 11111 11111', {
      syntax: `reta${key}`,
      operands: { rn: () => 30, rm: () => SLOT.SP },
      flow: 'return',
    }),
    row('ereta', '0 100 11111 0000 1 M 11111 11111', {
      syntax: `ereta${key}`,
      operands: { rm: () => SLOT.SP },
      flow: 'exceptionReturn',
    }),
  ];
}

/** What they sign or authenticate, with what; where the CPU lacks the feature their words are HINT's. */
const HINTS: readonly (readonly [mnemonic: string, number: number, operands: A64Row['operands']])[] = [
  ['xpaclri', 7, { rd: () => 30, ra: () => 30 }],
  ...(['pac', 'aut'] as const).flatMap((what, second) =>
    KEYS.flatMap((key, M): (readonly [string, number, A64Row['operands']])[] => [
      [`${what}i${key}1716`, 8 + 4 * second + 2 * M, { rd: () => 17, ra: () => 17, rn: () => 16 }],
      [`${what}i${key}z`, 24 + 4 * second + 2 * M, { rd: () => 30, ra: () => 30 }],
      [`${what}i${key}sp`, 25 + 4 * second + 2 * M, { rd: () => 30, ra: () => 30, rn: () => SLOT.SP }],
    ]),
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
  })),
  {
    name: 'PACGA',
    encoding: '1 0 0 11010110 Rm:5 001100 Rn:5 Rd:5',
    feature: FEATURE,
    syntax: 'pacga <Xd>, <Xn>, <Xm|SP>',
    operands: { rd: write('Rd'), rn: read('Rn'), rm: sp('Rm') },
  },
  ...HINTS.map(([mnemonic, number, operands]): A64Row => ({
    name: mnemonic.toUpperCase(),
    encoding: hint(number),
    feature: FEATURE,
    syntax: mnemonic,
    operands,
  })),
  ...KEYS.flatMap(branchRows),
  ...KEYS.flatMap(loadRows),
];
