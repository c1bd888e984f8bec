/** What rows of floating point and Advanced SIMD have in common. */
import { bySz, half, type Which } from './semantics/float/lanes.ts';
import { v, type A64Field, type A64Fields } from './operands.ts';

export const HALF = 'FEAT_FP16';
export const COMPLEX = 'FEAT_FCMA';
export const ROUNDING_DOUBLING = 'FEAT_RDM';

export const UNARY = { rd: v('Rd'), rn: v('Rn') };
export const BINARY = { ...UNARY, rm: v('Rm') };
/** The destination is read too: accumulated into, or kept in part. */
export const INTO = { ra: v('Rd') };

/** Precisions of a scalar instruction: single or double as `sz` says, and half, which is an extension. */
export interface Precision {
  readonly title: string;
  readonly ftype: string;
  readonly register: (field: 'd' | 'n' | 'm' | 'a') => string;
  readonly extra: { readonly feature?: string; readonly variant?: readonly A64Field[] };
  readonly which: Which;
}
const SINGLE_DOUBLE: Precision = {
  title: '',
  ftype: '0 sz',
  register: (field) => `<F${field}:sz>`,
  extra: { variant: ['sz'] },
  which: bySz,
};
const HALF_PRECISION: Precision = {
  title: ', half',
  ftype: '11',
  register: (field) => `<H${field}>`,
  extra: { feature: HALF },
  which: half,
};
export const PRECISIONS = [SINGLE_DOUBLE, HALF_PRECISION];

export const title = (mnemonic: string, form: string) => `${mnemonic.toUpperCase()} (${form})`;

type Variant = readonly A64Field[];
export const BY_Q: Variant = ['Q'];
export const BY_SIZE: Variant = ['size', 'Q'];
export const BY_SZ: Variant = ['sz', 'Q'];

/** Sizes of elements that an instruction has; 64-bit ones make no vector of 64 bits. */
export type Sizes = readonly number[];
export const ALL: Sizes = [0, 1, 2, 3];
export const BHS: Sizes = [0, 1, 2];
export const HS: Sizes = [1, 2];

export const hasVector =
  (sizes: Sizes) =>
  ({ size, Q }: A64Fields) =>
    sizes.includes(size) && (size !== 3 || Q === 1);
export const hasScalar =
  (sizes: Sizes) =>
  ({ size }: A64Fields) =>
    sizes.includes(size);
export const hasFloatVector = ({ sz, Q }: A64Fields) => sz === 0 || Q === 1;
