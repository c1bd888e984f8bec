import type { Sandbox } from './messages.ts';

/** One thing that must be seen when a program has come to its end. Data, so that a page can show it and a runner check it. */
export type Expectation =
  /** Text somewhere in what the guest or the script printed. */
  | { readonly see: 'output'; readonly stream: 'console' | 'script'; readonly text: string }
  /** The `nth` call of an ioctl, from 1: refused with an errno, by a rule if one is named; errno null: accepted. */
  | {
      readonly see: 'ioctl';
      readonly name: string;
      readonly nth: number;
      readonly errno: string | null;
      readonly rule?: string;
      /** What the line about KVM_RUN's exit begins with. */
      readonly exit?: string;
    }
  /** A register of the vCPU that ran last. */
  | { readonly see: 'register'; readonly name: string; readonly value: bigint }
  /** What the stage 2 of the VM that ran last has for an address. */
  | {
      readonly see: 'stage2';
      readonly ipa: bigint;
      readonly kind: 'invalid' | 'block' | 'page';
      readonly level?: number;
    }
  /**
   * The walk of a virtual address through both stages: where it ends, how many descriptors were read, and the 64-bit value
   * that lies there.
   */
  | {
      readonly see: 'walk';
      readonly va: bigint;
      readonly ipa: bigint;
      readonly reads?: number;
      readonly pa?: { readonly from: bigint; readonly below: bigint };
      readonly value?: bigint;
    };

/** To a worker that runs sandboxes and checks them, one after the other. */
export interface CheckRequest {
  readonly id: number;
  readonly checked: CheckedSandbox;
}
/** Its answer; `failure` null: all that must be seen was seen. */
export interface CheckAnswer {
  readonly id: number;
  readonly failure: string | null;
  readonly milliseconds: number;
}

/** What is run and checked without a page. */
export interface CheckedSandbox {
  readonly sandbox: Sandbox;
  readonly expect: readonly Expectation[];
}

export interface CheckedResult {
  readonly passed: boolean;
  /** How the program ended, as the page says it. */
  readonly end: string;
  readonly checks: readonly {
    readonly expectation: Expectation;
    /** The expectation as a sentence. */
    readonly text: string;
    readonly ok: boolean;
    /** What was seen instead. */
    readonly seen: string;
  }[];
  readonly console: string;
  readonly script: string;
  readonly instructions: bigint;
}
