/** Names in the system instruction space, as the assembler spells them. */

/** PSTATE fields that MSR (immediate) writes: op1 and op2 name the field, CRm is the value. */
export interface PstateField {
  readonly name: string;
  readonly op1: number;
  readonly op2: number;
  readonly feature?: string;
}

export const PSTATE_FIELDS: readonly PstateField[] = [
  { name: 'uao', op1: 0, op2: 3, feature: 'FEAT_UAO' },
  { name: 'pan', op1: 0, op2: 4, feature: 'FEAT_PAN' },
  { name: 'spsel', op1: 0, op2: 5 },
  { name: 'ssbs', op1: 3, op2: 1, feature: 'FEAT_SSBS' },
  { name: 'dit', op1: 3, op2: 2, feature: 'FEAT_DIT' },
  { name: 'tco', op1: 3, op2: 4, feature: 'FEAT_MTE' },
  { name: 'daifset', op1: 3, op2: 6 },
  { name: 'daifclr', op1: 3, op2: 7 },
];
