/** Advanced SIMD by an element: DDI 0487 C4.1, "vector x indexed element" and its scalar form. A row for each size of element. */
import type { Execute } from '../execute.ts';
import { joinedField, v, type A64Fields } from './operands.ts';
import type { A64Row } from './row.ts';
import { multiply, multiplyAdd, multiplySubtract } from './semantics/simd/arithmetic.ts';
import { dotProduct } from './semantics/simd/dot.ts';
import {
  doublingMultiplyHigh,
  roundingDoublingMultiplyAddHigh,
  roundingDoublingMultiplyHigh,
  roundingDoublingMultiplySubtractHigh,
} from './semantics/simd/doubling.ts';
import { element } from './semantics/simd/element.ts';
import {
  accumulating,
  binary,
  longScalars,
  longVectors,
  scalars,
  vectors,
  type LongLanes,
  type Semantics,
} from './semantics/simd/lanes.ts';
import * as longs from './semantics/simd/long.ts';
import type { Size } from './semantics/simd/vector.ts';
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
const INTEGER_ELEMENTS: readonly (Element & { readonly log2: Size })[] = [
  { ...low, bits: 16, log2: 1, fields: `01 ${low.fields}` },
  { bits: 32, log2: 2, fields: '10 L Rm:5', index: 'H:L', operand: '<Vm.s[H:L]>', register: v('Rm') },
];
export const VECTORS = { 16: ['Q16', '4s', 'H', 'S'], 32: ['Q32', '2d', 'S', 'D'], 64: ['Q64', '', 'D', ''] } as const;

/** imm is the element's index. */
export const operandsOf = (element: Element, into: boolean): A64Row['operands'] => ({
  ...UNARY,
  rm: element.register,
  ...(into && INTO),
  imm: joinedField(element.index),
});

/** What an instruction does with the element in each lane of its second operand. */
interface ByElement {
  readonly into: boolean;
  /** The result is twice as wide. */
  readonly long: boolean;
  readonly vector: (size: Size) => Execute;
  readonly scalar: (size: Size) => Execute;
}
const same = ({ into, on }: Semantics): ByElement => ({
  into,
  long: false,
  vector: (size) => on(vectors(size), element),
  scalar: (size) => on(scalars(size), element),
});
const long = ({ into, on }: Semantics<LongLanes>): ByElement => ({
  into,
  long: true,
  vector: (size) => on(longVectors(size), element),
  scalar: (size) => on(longScalars(size), element),
});

/** Mnemonic, U, opcode, what it does, whether there is a scalar form, the extension. */
const INTEGER: readonly (readonly [string, string, string, ByElement, boolean, string?])[] = [
  ['smlal', '0', '0010', long(accumulating(longs.multiplyAddLong('signed'))), false],
  ['sqdmlal', '0', '0011', long(accumulating(longs.doublingMultiplyAddLong)), true],
  ['smlsl', '0', '0110', long(accumulating(longs.multiplySubtractLong('signed'))), false],
  ['sqdmlsl', '0', '0111', long(accumulating(longs.doublingMultiplySubtractLong)), true],
  ['mul', '0', '1000', same(binary(multiply)), false],
  ['smull', '0', '1010', long(binary(longs.multiplyLong('signed'))), false],
  ['sqdmull', '0', '1011', long(binary(longs.doublingMultiplyLong)), true],
  ['sqdmulh', '0', '1100', same(binary(doublingMultiplyHigh)), true],
  ['sqrdmulh', '0', '1101', same(binary(roundingDoublingMultiplyHigh)), true],
  ['mla', '1', '0000', same(accumulating(multiplyAdd)), false],
  ['umlal', '1', '0010', long(accumulating(longs.multiplyAddLong('unsigned'))), false],
  ['mls', '1', '0100', same(accumulating(multiplySubtract)), false],
  ['umlsl', '1', '0110', long(accumulating(longs.multiplySubtractLong('unsigned'))), false],
  ['umull', '1', '1010', long(binary(longs.multiplyLong('unsigned'))), false],
  ['sqrdmlah', '1', '1101', same(accumulating(roundingDoublingMultiplyAddHigh)), true, ROUNDING_DOUBLING],
  ['sqrdmlsh', '1', '1111', same(accumulating(roundingDoublingMultiplySubtractHigh)), true, ROUNDING_DOUBLING],
];

function integerRows([mnemonic, U, opcode, by, scalar, feature]: (typeof INTEGER)[number]): A64Row[] {
  const extra = feature === undefined ? {} : { feature };
  return INTEGER_ELEMENTS.flatMap((place): A64Row[] => {
    const [narrow, wide, letter, wideLetter] = VECTORS[place.bits];
    const operands = operandsOf(place, by.into);
    const vector: A64Row = {
      name: title(mnemonic, `by element, vector, ${place.bits}-bit`),
      encoding: `0 Q ${U} 01111 ${place.fields} ${opcode} H 0 Rn:5 Rd:5`,
      ...extra,
      syntax: `${mnemonic}${by.long ? '<2>' : ''} <Vd.${by.long ? wide : narrow}>, <Vn.${narrow}>, ${place.operand}`,
      operands,
      variant: BY_Q,
      execute: by.vector(place.log2),
    };
    if (!scalar) return [vector];
    return [
      vector,
      {
        name: title(mnemonic, `by element, scalar, ${place.bits}-bit`),
        encoding: `01 ${U} 11111 ${place.fields} ${opcode} H 0 Rn:5 Rd:5`,
        ...extra,
        syntax: `${mnemonic} <${by.long ? wideLetter : letter}d>, <${letter}n>, ${place.operand}`,
        operands,
        execute: by.scalar(place.log2),
      },
    ];
  });
}

/** Of bytes, into 32 bits, the element being four of them: mnemonic, U, size, opcode, the extension, what it does. */
const PRODUCTS = [
  ['sdot', '0', '10', '1110', 'FEAT_DotProd', accumulating(dotProduct('signed', 'signed'))],
  ['udot', '1', '10', '1110', 'FEAT_DotProd', accumulating(dotProduct('unsigned', 'unsigned'))],
  ['sudot', '0', '00', '1111', 'FEAT_I8MM', accumulating(dotProduct('signed', 'unsigned'))],
  ['usdot', '0', '10', '1111', 'FEAT_I8MM', accumulating(dotProduct('unsigned', 'signed'))],
] as const;

export const SIMD_INDEXED: readonly A64Row[] = [
  ...INTEGER.flatMap(integerRows),
  ...PRODUCTS.map(([mnemonic, U, size, opcode, feature, semantics]): A64Row => ({
    name: title(mnemonic, 'by element'),
    encoding: `0 Q ${U} 01111 ${size} L Rm:5 ${opcode} H 0 Rn:5 Rd:5`,
    feature,
    syntax: `${mnemonic} <Vd.Q32>, <Vn.Q8>, <Vm.4b[H:L]>`,
    operands: { ...BINARY, ...INTO, imm: joinedField('H:L') },
    variant: BY_Q,
    execute: semantics.on(vectors(2), element),
  })),
];
