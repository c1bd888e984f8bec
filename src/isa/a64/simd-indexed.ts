/** Advanced SIMD by an element: DDI 0487 C4.1, "vector x indexed element" and its scalar form. A row for each size of element. */
import { joinedField, v, type A64Fields } from './operands.ts';
import type { A64Row } from './row.ts';
import { BINARY, BY_Q, INTO, ROUNDING_DOUBLING, title, UNARY } from './simd-row.ts';

/** Where index and register of the element are: the more bits the index has, the fewer has the register. */
export interface Element {
  readonly bits: 16 | 32 | 64;
  /** size, L, M and Rm; `#` is L. */
  readonly fields: string;
  /** Names of the index's bits, which are behind the register in syntax. */
  readonly index: string;
  readonly operand: string;
  readonly register: (f: A64Fields) => number;
}

/** The register's fifth bit is M, except where M belongs to the index. */
export const low = { fields: 'L M Rm:4', index: 'H:L:M', operand: '<Vm:4.h[H:L:M]>', register: v('Rm') };
const INTEGER_ELEMENTS: readonly Element[] = [
  { ...low, bits: 16, fields: `01 ${low.fields}` },
  { bits: 32, fields: '10 L Rm:5', index: 'H:L', operand: '<Vm.s[H:L]>', register: v('Rm') },
];
export const VECTORS = { 16: ['Q16', '4s', 'H', 'S'], 32: ['Q32', '2d', 'S', 'D'], 64: ['Q64', '', 'D', ''] } as const;

/** imm is the element's index. */
export const operandsOf = (element: Element, into: boolean): A64Row['operands'] => ({
  ...UNARY,
  rm: element.register,
  ...(into && INTO),
  imm: joinedField(element.index),
});

/** Mnemonic, U, opcode, whether into the destination, whether the result is twice as wide, a scalar form, the extension. */
const INTEGER: readonly (readonly [string, string, string, boolean, boolean, boolean, string?])[] = [
  ['smlal', '0', '0010', true, true, false],
  ['sqdmlal', '0', '0011', true, true, true],
  ['smlsl', '0', '0110', true, true, false],
  ['sqdmlsl', '0', '0111', true, true, true],
  ['mul', '0', '1000', false, false, false],
  ['smull', '0', '1010', false, true, false],
  ['sqdmull', '0', '1011', false, true, true],
  ['sqdmulh', '0', '1100', false, false, true],
  ['sqrdmulh', '0', '1101', false, false, true],
  ['mla', '1', '0000', true, false, false],
  ['umlal', '1', '0010', true, true, false],
  ['mls', '1', '0100', true, false, false],
  ['umlsl', '1', '0110', true, true, false],
  ['umull', '1', '1010', false, true, false],
  ['sqrdmlah', '1', '1101', true, false, true, ROUNDING_DOUBLING],
  ['sqrdmlsh', '1', '1111', true, false, true, ROUNDING_DOUBLING],
];

function integerRows([mnemonic, U, opcode, into, long, scalar, feature]: (typeof INTEGER)[number]): A64Row[] {
  const extra = feature === undefined ? {} : { feature };
  return INTEGER_ELEMENTS.flatMap((element): A64Row[] => {
    const [same, wide, letter, wideLetter] = VECTORS[element.bits];
    const operands = operandsOf(element, into);
    const vector: A64Row = {
      name: title(mnemonic, `by element, vector, ${element.bits}-bit`),
      encoding: `0 Q ${U} 01111 ${element.fields} ${opcode} H 0 Rn:5 Rd:5`,
      ...extra,
      syntax: `${mnemonic}${long ? '<2>' : ''} <Vd.${long ? wide : same}>, <Vn.${same}>, ${element.operand}`,
      operands,
      variant: BY_Q,
    };
    if (!scalar) return [vector];
    return [
      vector,
      {
        name: title(mnemonic, `by element, scalar, ${element.bits}-bit`),
        encoding: `01 ${U} 11111 ${element.fields} ${opcode} H 0 Rn:5 Rd:5`,
        ...extra,
        syntax: `${mnemonic} <${long ? wideLetter : letter}d>, <${letter}n>, ${element.operand}`,
        operands,
      },
    ];
  });
}

export const SIMD_INDEXED: readonly A64Row[] = [
  ...INTEGER.flatMap(integerRows),
  ...(['sdot', 'udot'] as const).map((mnemonic, U): A64Row => ({
    name: title(mnemonic, 'by element'),
    encoding: `0 Q ${U} 01111 10 L Rm:5 1110 H 0 Rn:5 Rd:5`,
    feature: 'FEAT_DotProd',
    syntax: `${mnemonic} <Vd.Q32>, <Vn.Q8>, <Vm.4b[H:L]>`,
    operands: { ...BINARY, ...INTO, imm: joinedField('H:L') },
    variant: BY_Q,
  })),
];
