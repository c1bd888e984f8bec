/**
 * Physical addresses of host and guest are different types, so that none is taken for the other. Both are numbers: the
 * architecture ends them at 52 bits (FEAT_LPA), below 2^53. Virtual addresses have 64 bits and are bigint.
 */
declare const space: unique symbol;

/** Host physical address. */
export type Pa = number & { readonly [space]: 'PA' };
/** Guest physical (intermediate physical) address. */
export type Ipa = number & { readonly [space]: 'IPA' };

/** Names the space of a number already known to be an address there (0 ≤ value < 2^53); checks nothing. */
export const pa = (value: number): Pa => value as Pa;
export const ipa = (value: number): Ipa => value as Ipa;
