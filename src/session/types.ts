import type { Sandbox, Stage2Operation } from './messages.ts';

/** A value within bounds. */
export interface Range {
  readonly from: bigint;
  readonly below: bigint;
}

/** VMs and their vCPUs are counted in the order in which they were made, from 1; absent: the one that ran last. */
interface Which {
  readonly vm?: number;
  readonly vcpu?: number;
}

/** One thing that must be seen. Data, so that a page can show it and a runner check it. */
type Seeable =
  /** Text somewhere in what the host's kernel, the guest or the script printed. */
  | { readonly see: 'output'; readonly stream: 'bootlog' | 'console' | 'script'; readonly text: string }
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
  | ({ readonly see: 'register'; readonly name: string; readonly value: bigint } & Which)
  /** Where the walk of a stage begins: the level, and how many entries the tables there have in all; for stage 1 TTBR0's. */
  | ({ readonly see: 'start'; readonly stage: 1 | 2; readonly level: number; readonly entries: number } & Which)
  /** A register that governs a stage, or a field of it: VTCR_EL2's or TCR_EL1's. */
  | ({ readonly see: 'control'; readonly stage: 1 | 2; readonly name: string; readonly value: bigint } & Which)
  /** The descriptor that decides about an input address of a stage. */
  | ({
      readonly see: 'entry';
      readonly stage: 1 | 2;
      readonly address: bigint;
      readonly kind: 'invalid' | 'block' | 'page';
      readonly level?: number;
      /** Where the block or page begins in the output address space. */
      readonly output?: Range;
      /** What some of its bits are, counted from `lo`. */
      readonly bits?: readonly { readonly hi: number; readonly lo: number; readonly value: bigint }[];
    } & Which)
  /**
   * The walk of a virtual address for a read through both stages: where it ends, how many descriptors were read, and the
   * 64-bit value that lies there.
   */
  | ({
      readonly see: 'walk';
      readonly va: bigint;
      readonly ipa: bigint;
      readonly reads?: number;
      readonly pa?: Range;
      readonly value?: bigint;
    } & Which)
  /** The walk of a virtual address that ends in a fault: its name with stage and level. */
  | ({
      readonly see: 'fault';
      readonly va: bigint;
      readonly access: 'read' | 'write' | 'execute';
      readonly fault: string;
      readonly reads?: number;
    } & Which)
  /**
   * The last rows of what KVM did to the stage 2 entries of an IPA, in order. `is`: what the entry allows then, or what it is;
   * `tlbi`: an instruction that the row has, without its operand.
   */
  | ({
      readonly see: 'events';
      readonly address: bigint;
      readonly last: readonly { readonly operation: Stage2Operation; readonly is?: string; readonly tlbi?: string }[];
    } & Pick<Which, 'vm'>);

/** `after`: to be seen when the nth call of an ioctl has returned, and before the next ioctl; absent: at the program's end. */
export type Expectation = Seeable & { readonly after?: { readonly ioctl: string; readonly nth: number } };

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
