/** Scalar floating point: DDI 0487 C4.1, "Data Processing -- Scalar Floating-Point and Advanced SIMD". */
import { expandFloat, field, floatBits, read, v, write, type A64Fields } from './operands.ts';
import type { A64Row } from './row.ts';
import { bySz } from './semantics/float/lanes.ts';
import * as float from './semantics/float/scalar.ts';
import { BINARY, PRECISIONS, UNARY, type Precision } from './simd-row.ts';

const PREFIX = '0 0 0 11110';

/** Mnemonic, opcode, feature. */
const ONE_SOURCE = [
  ['fmov', '000000'],
  ['fabs', '000001'],
  ['fneg', '000010'],
  ['fsqrt', '000011'],
  ['frintn', '001000'],
  ['frintp', '001001'],
  ['frintm', '001010'],
  ['frintz', '001011'],
  ['frinta', '001100'],
  ['frintx', '001110'],
  ['frinti', '001111'],
] as const;

/** Their half precision doesn't exist. */
const ROUND_TO_SIZE = [
  ['frint32z', '010000'],
  ['frint32x', '010001'],
  ['frint64z', '010010'],
  ['frint64x', '010011'],
] as const;

const TWO_SOURCES = [
  ['fmul', '0000'],
  ['fdiv', '0001'],
  ['fadd', '0010'],
  ['fsub', '0011'],
  ['fmax', '0100'],
  ['fmin', '0101'],
  ['fmaxnm', '0110'],
  ['fminnm', '0111'],
  ['fnmul', '1000'],
] as const;

/** o1 and o0. */
const THREE_SOURCES = [
  ['fmadd', '0', '0'],
  ['fmsub', '0', '1'],
  ['fnmadd', '1', '0'],
  ['fnmsub', '1', '1'],
] as const;

const name = (mnemonic: string, kind: string, { title }: Precision) => `${mnemonic.toUpperCase()} (${kind}${title})`;

function precisionRows(p: Precision): A64Row[] {
  const [d, n, m, a] = (['d', 'n', 'm', 'a'] as const).map(p.register);
  const unary = ([mnemonic, opcode]: (typeof ONE_SOURCE)[number]): A64Row => ({
    name: name(mnemonic, mnemonic === 'fmov' ? 'register' : 'scalar', p),
    encoding: `${PREFIX} ${p.ftype} 1 ${opcode} 10000 Rn:5 Rd:5`,
    ...p.extra,
    syntax: `${mnemonic} ${d}, ${n}`,
    operands: UNARY,
    execute: float.unary(mnemonic, p.which),
  });
  const compare = (mnemonic: string, high: string): A64Row[] => [
    {
      name: name(mnemonic, 'register', p),
      encoding: `${PREFIX} ${p.ftype} 1 Rm:5 00 1000 Rn:5 ${high} 0 000`,
      ...p.extra,
      syntax: `${mnemonic} ${n}, ${m}`,
      operands: { rn: v('Rn'), rm: v('Rm') },
      execute: float.compare(p.which, mnemonic === 'fcmpe', false),
    },
    {
      name: name(mnemonic, 'zero', p),
      encoding: `${PREFIX} ${p.ftype} 1 (00000) 00 1000 Rn:5 ${high} 1 000`,
      ...p.extra,
      syntax: `${mnemonic} ${n}, <#0.0>`,
      operands: { rn: v('Rn') },
      execute: float.compare(p.which, mnemonic === 'fcmpe', true),
    },
  ];
  return [
    ...ONE_SOURCE.map(unary),
    ...compare('fcmp', '0'),
    ...compare('fcmpe', '1'),
    ...TWO_SOURCES.map(([mnemonic, opcode]): A64Row => ({
      name: name(mnemonic, 'scalar', p),
      encoding: `${PREFIX} ${p.ftype} 1 Rm:5 ${opcode} 10 Rn:5 Rd:5`,
      ...p.extra,
      syntax: `${mnemonic} ${d}, ${n}, ${m}`,
      operands: BINARY,
      execute: float.binary(mnemonic, p.which),
    })),
    ...THREE_SOURCES.map(([mnemonic, o1, o0]): A64Row => ({
      name: name(mnemonic, 'scalar', p),
      encoding: `0 0 0 11111 ${p.ftype} ${o1} Rm:5 ${o0} Ra:5 Rn:5 Rd:5`,
      ...p.extra,
      syntax: `${mnemonic} ${d}, ${n}, ${m}, ${a}`,
      operands: { ...BINARY, ra: v('Ra') },
      execute: float.ternary(mnemonic, p.which),
    })),
    {
      name: name('fmov', 'immediate, scalar', p),
      encoding: `${PREFIX} ${p.ftype} 1 i8:8 100 00000 Rd:5`,
      ...p.extra,
      syntax: `fmov ${d}, <float:i8>`,
      operands: { rd: v('Rd'), imm: (f) => floatBits(expandFloat(f.i8), p.title ? 16 : f.sz ? 64 : 32) },
      execute: float.moveImmediate,
    },
    ...(['fccmp', 'fccmpe'] as const).map((mnemonic, op): A64Row => ({
      name: name(mnemonic, 'scalar', p),
      encoding: `${PREFIX} ${p.ftype} 1 Rm:5 cond:4 01 Rn:5 ${op} nzcv:4`,
      ...p.extra,
      syntax: `${mnemonic} ${n}, ${m}, <nzcv>, <cond>`,
      operands: { rn: v('Rn'), rm: v('Rm'), imm: field('nzcv') },
      variant: [...(p.extra.variant ?? []), 'cond'],
      execute: float.conditionalCompare(p.which, mnemonic === 'fccmpe'),
    })),
    {
      name: name('fcsel', 'scalar', p),
      encoding: `${PREFIX} ${p.ftype} 1 Rm:5 cond:4 11 Rn:5 Rd:5`,
      ...p.extra,
      syntax: `fcsel ${d}, ${n}, ${m}, <cond>`,
      operands: BINARY,
      variant: [...(p.extra.variant ?? []), 'cond'],
      execute: float.conditionalSelect(p.which),
    },
    ...conversions(p),
  ];
}

/** To integers, rmode:opcode; then from integers. */
const TO_INTEGER = [
  ['fcvtns', '00 000'],
  ['fcvtnu', '00 001'],
  ['fcvtas', '00 100'],
  ['fcvtau', '00 101'],
  ['fcvtps', '01 000'],
  ['fcvtpu', '01 001'],
  ['fcvtms', '10 000'],
  ['fcvtmu', '10 001'],
  ['fcvtzs', '11 000'],
  ['fcvtzu', '11 001'],
] as const;
const FROM_INTEGER = [
  ['scvtf', '00 010'],
  ['ucvtf', '00 011'],
] as const;

type Conversion = (typeof TO_INTEGER | typeof FROM_INTEGER)[number];
const isFromInteger = (mnemonic: Conversion[0]): mnemonic is 'scvtf' | 'ucvtf' =>
  mnemonic === 'scvtf' || mnemonic === 'ucvtf';

/** Fixed-point numbers have as many fraction bits as their register at most. */
const WIDTHS = [
  { sf: 0, width: 32, letter: 'W', scale: '1 i5:5', fraction: '<fbits:32>', bits: (f: A64Fields) => BigInt(32 - f.i5) },
  { sf: 1, width: 64, letter: 'X', scale: 'i6:6', fraction: '<fbits:64>', bits: (f: A64Fields) => BigInt(64 - f.i6) },
] as const;

function conversions(p: Precision): A64Row[] {
  const sized = { ...p.extra, variant: ['sf', ...(p.extra.variant ?? [])] } as const;
  const [fd, fn] = [p.register('d'), p.register('n')];
  const to = { rd: write('Rd'), rn: v('Rn') };
  const from = { rd: v('Rd'), rn: read('Rn') };
  const execute = (mnemonic: Conversion[0], fixed?: 32 | 64) =>
    isFromInteger(mnemonic) ? float.fromGeneral(mnemonic, p.which, fixed) : float.toGeneral(mnemonic, p.which, fixed);
  const fixed = ([mnemonic, opcode]: Conversion): A64Row[] =>
    WIDTHS.map(({ sf, width, letter, scale, fraction, bits }) => ({
      name: name(mnemonic, `scalar, fixed-point, ${sf ? 64 : 32}-bit`, p),
      encoding: `${sf} 0 0 11110 ${p.ftype} 0 ${opcode} ${scale} Rn:5 Rd:5`,
      ...p.extra,
      syntax: isFromInteger(mnemonic)
        ? `${mnemonic} ${fd}, <${letter}n>, ${fraction}`
        : `${mnemonic} <${letter}d>, ${fn}, ${fraction}`,
      operands: { ...(isFromInteger(mnemonic) ? from : to), imm: bits },
      execute: execute(mnemonic, width),
    }));
  const integer = ([mnemonic, opcode]: Conversion): A64Row => ({
    name: name(mnemonic, 'scalar, integer', p),
    encoding: `sf 0 0 11110 ${p.ftype} 1 ${opcode} 000000 Rn:5 Rd:5`,
    ...sized,
    syntax: isFromInteger(mnemonic) ? `${mnemonic} ${fd}, <Rn>` : `${mnemonic} <Rd>, ${fn}`,
    operands: isFromInteger(mnemonic) ? from : to,
    execute: execute(mnemonic),
  });
  return [
    ...TO_INTEGER.map(integer),
    ...FROM_INTEGER.map(integer),
    ...TO_INTEGER.filter(([mnemonic]) => mnemonic.startsWith('fcvtz')).flatMap(fixed),
    ...FROM_INTEGER.flatMap(fixed),
  ];
}

/** FMOV between register files: sf, ftype, general register, SIMD&FP register, opcode, its precision, feature. */
const MOVES = [
  ['32-bit to single', '0', '00', 'W', '<S#>', '00 11', 'single'],
  ['64-bit to double', '1', '01', 'X', '<D#>', '00 11', 'double'],
  ['64-bit to top half', '1', '10', 'X', '<V#.d[1]>', '01 11', null],
  ['32-bit to half', '0', '11', 'W', '<H#>', '00 11', 'half', 'FEAT_FP16'],
  ['64-bit to half', '1', '11', 'X', '<H#>', '00 11', 'half', 'FEAT_FP16'],
] as const;

function moveRows([title, sf, ftype, letter, register, opcode, precision, feature]: (typeof MOVES)[number]): A64Row[] {
  const extra = feature ? { feature } : {};
  const intoHalf = precision === null ? { ra: v('Rd') } : {};
  return [
    {
      name: `FMOV (general, ${title})`,
      encoding: `${sf} 0 0 11110 ${ftype} 1 ${opcode} 1 000000 Rn:5 Rd:5`,
      ...extra,
      syntax: `fmov ${register.replace('#', 'd')}, <${letter}n>`,
      operands: { rd: v('Rd'), rn: read('Rn'), ...intoHalf },
      execute: precision === null ? float.moveFromGeneralToTop : float.moveFromGeneral(precision),
    },
    {
      name: `FMOV (general, ${title.split(' to ').reverse().join(' to ')})`,
      encoding: `${sf} 0 0 11110 ${ftype} 1 ${opcode} 0 000000 Rn:5 Rd:5`,
      ...extra,
      syntax: `fmov <${letter}d>, ${register.replace('#', 'n')}`,
      operands: { rd: write('Rd'), rn: v('Rn') },
      execute: precision === null ? float.moveTopToGeneral : float.moveToGeneral(precision),
    },
  ];
}

/** FCVT: letters and codes of the precisions. */
const CONVERTED = [
  ['S', '00'],
  ['D', '01'],
  ['H', '11'],
] as const;
const NAMES = { S: 'single', D: 'double', H: 'half' } as const;

export const FP_SCALAR: readonly A64Row[] = [
  ...PRECISIONS.flatMap(precisionRows),
  ...ROUND_TO_SIZE.map(([mnemonic, opcode]): A64Row => ({
    name: `${mnemonic.toUpperCase()} (scalar)`,
    encoding: `${PREFIX} 0 sz 1 ${opcode} 10000 Rn:5 Rd:5`,
    feature: 'FEAT_FRINTTS',
    syntax: `${mnemonic} <Fd:sz>, <Fn:sz>`,
    operands: UNARY,
    variant: ['sz'],
    execute: float.unary(mnemonic, bySz),
  })),
  ...CONVERTED.flatMap(([from, ftype]) =>
    CONVERTED.filter(([to]) => to !== from).map(([to, opc]): A64Row => ({
      name: `FCVT (${NAMES[from]} to ${NAMES[to]})`,
      encoding: `${PREFIX} ${ftype} 1 0001 ${opc} 10000 Rn:5 Rd:5`,
      syntax: `fcvt <${to}d>, <${from}n>`,
      operands: UNARY,
      execute: float.convert(NAMES[from], NAMES[to]),
    })),
  ),
  ...MOVES.flatMap(moveRows),
  {
    name: 'FJCVTZS',
    encoding: `${PREFIX} 01 1 11 110 000000 Rn:5 Rd:5`,
    feature: 'FEAT_JSCVT',
    syntax: 'fjcvtzs <Wd>, <Dn>',
    operands: { rd: write('Rd'), rn: v('Rn') },
    execute: float.toJavaScript,
  },
];
