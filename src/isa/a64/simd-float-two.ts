/** Floating point in Advanced SIMD with two registers, scalar and vector: DDI 0487 C4.1, "two-register miscellaneous", "across lanes", "pairwise". */
import type { Execute } from '../execute.ts';
import type { A64Row } from './row.ts';
import { arrangement, bySz, FOUR_SINGLES, half, type Which } from './semantics/float/lanes.ts';
import * as scalar from './semantics/float/scalar.ts';
import * as vector from './semantics/float/vector.ts';
import { BY_Q, BY_SZ, HALF, hasFloatVector, INTO, title, UNARY } from './simd-row.ts';

type Kind = 'vector' | 'both' | 'scalar';

/** Mnemonic, U, a, opcode, vector and scalar forms, the last operand if it is zero. */
const FLOAT = [
  ['frintn', '0', '0', '11000', 'vector'],
  ['frintm', '0', '0', '11001', 'vector'],
  ['fcvtns', '0', '0', '11010', 'both'],
  ['fcvtms', '0', '0', '11011', 'both'],
  ['fcvtas', '0', '0', '11100', 'both'],
  ['scvtf', '0', '0', '11101', 'both'],
  ['fcmgt', '0', '1', '01100', 'both', '#0.0'],
  ['fcmeq', '0', '1', '01101', 'both', '#0.0'],
  ['fcmlt', '0', '1', '01110', 'both', '#0.0'],
  ['fabs', '0', '1', '01111', 'vector'],
  ['frintp', '0', '1', '11000', 'vector'],
  ['frintz', '0', '1', '11001', 'vector'],
  ['fcvtps', '0', '1', '11010', 'both'],
  ['fcvtzs', '0', '1', '11011', 'both'],
  ['frecpe', '0', '1', '11101', 'both'],
  ['frecpx', '0', '1', '11111', 'scalar'],
  ['frinta', '1', '0', '11000', 'vector'],
  ['frintx', '1', '0', '11001', 'vector'],
  ['fcvtnu', '1', '0', '11010', 'both'],
  ['fcvtmu', '1', '0', '11011', 'both'],
  ['fcvtau', '1', '0', '11100', 'both'],
  ['ucvtf', '1', '0', '11101', 'both'],
  ['fcmge', '1', '1', '01100', 'both', '#0.0'],
  ['fcmle', '1', '1', '01101', 'both', '#0.0'],
  ['fneg', '1', '1', '01111', 'vector'],
  ['frinti', '1', '1', '11001', 'vector'],
  ['fcvtpu', '1', '1', '11010', 'both'],
  ['fcvtzu', '1', '1', '11011', 'both'],
  ['frsqrte', '1', '1', '11101', 'both'],
  ['fsqrt', '1', '1', '11111', 'vector'],
] as const satisfies readonly (readonly [string, string, string, string, Kind, '#0.0'?])[];
type Row = (typeof FLOAT)[number];

/** Conversions to and from integers have namesakes in fixed point and with general registers. */
const INTEGER_FORM = /^(fcvt|[su]cvtf)/;

function execute(mnemonic: Row[0], form: Exclude<Kind, 'both'>, which: Which): Execute {
  const does = { scalar, vector }[form];
  if (mnemonic === 'scvtf' || mnemonic === 'ucvtf') return FROM_INTEGER[form](mnemonic, which);
  return isConversion(mnemonic) ? TO_INTEGER[form](mnemonic, which) : does.unary(mnemonic, which);
}
const FROM_INTEGER = { scalar: scalar.fromVectorInteger, vector: vector.fromInteger };
const TO_INTEGER = { scalar: scalar.toVectorInteger, vector: vector.toInteger };
const isConversion = (mnemonic: Row[0]): mnemonic is Extract<Row[0], `fcvt${string}`> => mnemonic.startsWith('fcvt');

function floatRows(row: Row): A64Row[] {
  const [mnemonic, U, a, opcode, kind, last] = row;
  const zero = last === undefined ? '' : `, <${last}>`;
  const name = (form: Kind, rest: string) => {
    const what = zero ? ', zero' : '';
    const simd = form === 'scalar' && INTEGER_FORM.test(mnemonic) ? ', SIMD' : '';
    return title(mnemonic, `${form}${simd}${what}${rest}`);
  };
  const vectors: A64Row[] = [
    {
      name: name('vector', ''),
      encoding: `0 Q ${U} 01110 ${a} sz 10000 ${opcode} 10 Rn:5 Rd:5`,
      valid: hasFloatVector,
      syntax: `${mnemonic} <Vd.fp>, <Vn.fp>${zero}`,
      operands: UNARY,
      variant: BY_SZ,
      execute: execute(mnemonic, 'vector', bySz),
    },
    {
      name: name('vector', ', half'),
      encoding: `0 Q ${U} 01110 ${a} 111100 ${opcode} 10 Rn:5 Rd:5`,
      feature: HALF,
      syntax: `${mnemonic} <Vd.Q16>, <Vn.Q16>${zero}`,
      operands: UNARY,
      variant: BY_Q,
      execute: execute(mnemonic, 'vector', half),
    },
  ];
  const scalars: A64Row[] = [
    {
      name: name('scalar', ''),
      encoding: `01 ${U} 11110 ${a} sz 10000 ${opcode} 10 Rn:5 Rd:5`,
      syntax: `${mnemonic} <Fd:sz>, <Fn:sz>${zero}`,
      operands: UNARY,
      variant: ['sz'],
      execute: execute(mnemonic, 'scalar', bySz),
    },
    {
      name: name('scalar', ', half'),
      encoding: `01 ${U} 11110 ${a} 111100 ${opcode} 10 Rn:5 Rd:5`,
      feature: HALF,
      syntax: `${mnemonic} <Hd>, <Hn>${zero}`,
      operands: UNARY,
      execute: execute(mnemonic, 'scalar', half),
    },
  ];
  return [...(kind === 'scalar' ? [] : vectors), ...(kind === 'vector' ? [] : scalars)];
}

const PRECISION_CHANGES: readonly A64Row[] = [
  {
    name: 'FCVTL',
    encoding: '0 Q 0 01110 0 sz 10000 10111 10 Rn:5 Rd:5',
    syntax: 'fcvtl<2> <Vd.fpwide>, <Vn.fpnarrow>',
    operands: UNARY,
    variant: BY_SZ,
    execute: vector.lengthen,
  },
  {
    name: 'FCVTN',
    encoding: '0 Q 0 01110 0 sz 10000 10110 10 Rn:5 Rd:5',
    syntax: 'fcvtn<2> <Vd.fpnarrow>, <Vn.fpwide>',
    operands: { ...UNARY, ...INTO },
    variant: BY_SZ,
    execute: vector.narrow,
  },
  {
    name: 'FCVTXN (vector)',
    encoding: '0 Q 1 01110 01 10000 10110 10 Rn:5 Rd:5',
    syntax: 'fcvtxn<2> <Vd.Q32>, <Vn.2d>',
    operands: { ...UNARY, ...INTO },
    variant: BY_Q,
    execute: vector.narrowToOdd,
  },
  {
    name: 'FCVTXN (scalar)',
    encoding: '01 1 11110 01 10000 10110 10 Rn:5 Rd:5',
    syntax: 'fcvtxn <Sd>, <Dn>',
    operands: UNARY,
    execute: scalar.convertToOdd,
  },
  ...(['frint32z', 'frint32x', 'frint64z', 'frint64x'] as const).map((mnemonic, index): A64Row => ({
    name: title(mnemonic, 'vector'),
    encoding: `0 Q ${index & 1} 01110 0 sz 10000 1111${index >> 1} 10 Rn:5 Rd:5`,
    valid: hasFloatVector,
    feature: 'FEAT_FRINTTS',
    syntax: `${mnemonic} <Vd.fp>, <Vn.fp>`,
    operands: UNARY,
    variant: BY_SZ,
    execute: vector.unary(mnemonic, bySz),
  })),
];

/** Mnemonic without its ending, a, opcode across lanes, opcode of pairs. */
const FLOAT_ACROSS = [
  ['fmaxnm', '0', '01100', '01100'],
  ['fminnm', '1', '01100', '01100'],
  ['fmax', '0', '01111', '01111'],
  ['fmin', '1', '01111', '01111'],
  ['fadd', '0', null, '01101'],
] as const;

const REDUCTIONS: readonly A64Row[] = FLOAT_ACROSS.flatMap(([stem, a, across, pair]): A64Row[] => [
  ...(across === null
    ? []
    : [
        {
          name: `${stem}v`.toUpperCase(),
          encoding: `0 1 1 01110 ${a} 0 11000 ${across} 10 Rn:5 Rd:5`,
          syntax: `${stem}v <Sd>, <Vn.4s>`,
          operands: UNARY,
          execute: vector.across(stem, () => FOUR_SINGLES),
        },
        {
          name: title(`${stem}v`, 'half'),
          encoding: `0 Q 0 01110 ${a} 0 11000 ${across} 10 Rn:5 Rd:5`,
          feature: HALF,
          syntax: `${stem}v <Hd>, <Vn.Q16>`,
          operands: UNARY,
          variant: BY_Q,
          execute: vector.across(stem, (b) => arrangement(b, half)),
        },
      ]),
  {
    name: title(`${stem}p`, 'scalar'),
    encoding: `01 1 11110 ${a} sz 11000 ${pair} 10 Rn:5 Rd:5`,
    syntax: `${stem}p <Fd:sz>, <Vn.fppair>`,
    operands: UNARY,
    variant: ['sz'],
    execute: vector.pair(stem, bySz),
  },
  {
    name: title(`${stem}p`, 'scalar, half'),
    encoding: `01 0 11110 ${a} 0 11000 ${pair} 10 Rn:5 Rd:5`,
    feature: HALF,
    syntax: `${stem}p <Hd>, <Vn.2h>`,
    operands: UNARY,
    execute: vector.pair(stem, half),
  },
]);

/** Estimates of unsigned fixed-point numbers. */
const FIXED_ESTIMATES: readonly A64Row[] = (['urecpe', 'ursqrte'] as const).map((mnemonic, U): A64Row => ({
  name: mnemonic.toUpperCase(),
  encoding: `0 Q ${U} 01110 10 10000 11100 10 Rn:5 Rd:5`,
  syntax: `${mnemonic} <Vd.Q32>, <Vn.Q32>`,
  operands: UNARY,
  variant: BY_Q,
  execute: vector.fixedEstimate(mnemonic),
}));

export const SIMD_FLOAT_TWO: readonly A64Row[] = [
  ...FLOAT.flatMap(floatRows),
  ...PRECISION_CHANGES,
  ...REDUCTIONS,
  ...FIXED_ESTIMATES,
];
