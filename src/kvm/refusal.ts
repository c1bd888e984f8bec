import type { Errno } from '../abi/errno.ts';

/** Why a call was refused. */
export interface Refusal {
  readonly errno: Errno;
  /** Stable identifier of the rule, for programs and tests. */
  readonly rule: string;
  /** The rule with this call's operands in it, for a person. */
  readonly message: string;
  /** The kernel function that has the rule. */
  readonly kernel: string;
}

/** What an ioctl returns; a refusal is errno with -1. */
export type IoctlResult = { readonly ret: number } | Refusal;

export function refuse(errno: Errno, rule: string, message: string, kernel: string): Refusal {
  return { errno, rule, message, kernel };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'errno' in value;
}

export const DONE: IoctlResult = { ret: 0 };
