/** What rows of floating point and Advanced SIMD have in common. */
import { v, type A64Field } from './operands.ts';

export const HALF = 'FEAT_FP16';
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
}
export const SINGLE_DOUBLE: Precision = {
  title: '',
  ftype: '0 sz',
  register: (field) => `<F${field}:sz>`,
  extra: { variant: ['sz'] },
};
export const HALF_PRECISION: Precision = {
  title: ', half',
  ftype: '11',
  register: (field) => `<H${field}>`,
  extra: { feature: HALF },
};
export const PRECISIONS = [SINGLE_DOUBLE, HALF_PRECISION];
