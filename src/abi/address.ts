/**
 * Addresses of different spaces are different types, so that none is taken for another. PA, IPA and HVA are numbers: the
 * architecture ends all three at 52 bits (FEAT_LPA, FEAT_LVA), below 2^53. A VA has 64, so it is a bigint.
 */
declare const space: unique symbol;

/** Host physical address. */
export type Pa = number & { readonly [space]: 'PA' };
/** Guest physical (intermediate physical) address. */
export type Ipa = number & { readonly [space]: 'IPA' };
/** Virtual address in the VMM's process on the host. */
export type Hva = number & { readonly [space]: 'HVA' };
/** Guest virtual address. */
export type Va = bigint & { readonly [space]: 'VA' };

/** Names the space of a number already known to be an address there (0 ≤ value < 2^53); checks nothing. */
export const pa = (value: number): Pa => value as Pa;
export const ipa = (value: number): Ipa => value as Ipa;
export const hva = (value: number): Hva => value as Hva;
export const va = (value: bigint): Va => value as Va;
