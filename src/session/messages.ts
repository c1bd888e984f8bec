/**
 * Everything that passes between a page (or the command line) and a sandbox. One discriminated union each way, versioned;
 * all values survive a structured clone. Addresses and 64-bit values are bigint here and nowhere on a hot path.
 */
import type { DecodedStruct } from '../abi/decode.ts';
import type { Difference } from './difference.ts';
import type { AddressSpace, Query, View } from './queries.ts';

export type { DecodedField, DecodedStruct } from '../abi/decode.ts';
export * from './difference.ts';
export * from './queries.ts';

export const MESSAGE_VERSION = 2;

/* ---------------------------------------------------------------- configuration */

export type CpuPreset = 'max' | 'cortex-a53' | 'cortex-a57' | 'cortex-a72' | 'neoverse-n1';
export type KvmMode = 'vhe' | 'nvhe' | 'protected';
export type PageSize = 4096 | 16384 | 65536;

export type GranuleName = '4K' | '16K' | '64K';
export type RegScopeEncoding = 'arm64-bit' | 'neutral-nibble';

/** The host as one value: its hardware, its kernel's configuration and where its RAM lies. */
export interface HostConfig {
  readonly cpu: CpuPreset;
  /** ID_AA64MMFR0_EL1.PARange in bits; absent: what the preset has. */
  readonly paBits?: 32 | 36 | 40 | 42 | 44 | 48 | 52;
  /** FEAT_LPA2 at the stages the granule allows; absent: what the preset has. */
  readonly lpa2?: boolean;
  /** FEAT_LVA: 52 bits of virtual address with 64K pages; absent: what the preset has. */
  readonly lva?: boolean;
  /** The granules of each stage; absent: what the preset has. */
  readonly stage1Granules?: readonly GranuleName[];
  readonly stage2Granules?: readonly GranuleName[];
  /** The interrupt controller; absent: a GICv3. */
  readonly gic?: 'v2' | 'v3';
  /** KVM's latest PSCI: 1.1 is Linux 6.12's, 1.3 that of 6.13; absent: 1.1. */
  readonly psci?: '1.1' | '1.3';
  /** What was proposed for KVM and this host's kernel has: KVM_CAP_ARM_REG_SCOPE with arm64's bit, or with a nibble for all. */
  readonly proposals?: { readonly regScope?: RegScopeEncoding };
  /** CONFIG_ARM64_PA_BITS and CONFIG_ARM64_VA_BITS; absent: 52 and 52. */
  readonly kernel?: { readonly paBits: 48 | 52; readonly vaBits: 48 | 52 };
  readonly pageSize: PageSize;
  readonly mode: KvmMode;
  /** Size in bytes and start of RAM as the host's memory node says. */
  readonly ram: readonly { readonly base: bigint; readonly size: bigint }[];
}

export interface HostPreset {
  readonly name: string;
  readonly title: string;
  readonly config: HostConfig;
}

/** A guest built elsewhere: a linked AArch64 ELF. */
export interface GuestElf {
  /** The file's name, for messages. */
  readonly name: string;
  /** The file. */
  readonly base64: string;
}

/** What a person edits; it is what a link or a lab carries. */
export interface Sandbox {
  readonly host: HostConfig;
  /** The VMM program, TypeScript. */
  readonly script: string;
  /** The guest program, A64 assembly; assembled and given to the script as `guest`. */
  readonly guest: string;
  /** Taken as the guest instead of `guest`. */
  readonly elf?: GuestElf;
}

/** A breakpoint, by the line of the guest's source or by the guest's virtual address. */
export type Breakpoint =
  { readonly kind: 'line'; readonly line: number } | { readonly kind: 'address'; readonly address: bigint };

/* ---------------------------------------------------------------- page → worker */

export type Command =
  /** Checks script and guest without running them; answered by `diagnostics`. */
  | { readonly type: 'check'; readonly script: string; readonly guest: string }
  /** Boots the host, loads the programs, stops before the script's first ioctl. Ends what ran before. */
  | { readonly type: 'load'; readonly sandbox: Sandbox; readonly breakpoints: readonly Breakpoint[] }
  | { readonly type: 'run' }
  | { readonly type: 'pause' }
  /** Ends the program; the host and its memory stay to be looked at. */
  | { readonly type: 'stop' }
  /** One guest instruction. Outside KVM_RUN: runs the script until a vCPU is about to execute one. */
  | { readonly type: 'stepInstruction' }
  /** Until KVM_RUN returns to the script the next time. */
  | { readonly type: 'stepExit' }
  /** Until the script is about to make its next ioctl; inside KVM_RUN that is after its exit. */
  | { readonly type: 'stepIoctl' }
  | { readonly type: 'setBreakpoints'; readonly breakpoints: readonly Breakpoint[] }
  | { readonly type: 'consoleInput'; readonly text: string }
  /** Keeps a view up to date: answered by `view` at once, at every stop, and a few times a second while running. */
  | { readonly type: 'watch'; readonly id: string; readonly query: Query }
  | { readonly type: 'unwatch'; readonly id: string }
  /** Remembers all tables as they are now, for `since: 'kept'`; `keep` false forgets them. */
  | { readonly type: 'keepTables'; readonly keep: boolean }
  /**
   * Writes bytes as a debugger does: `data` to an address of a space. Answered by `refused` where it can't be.
   * `vm` for ipa, `vcpu` for va; absent: the first there is.
   */
  | {
      readonly type: 'poke';
      readonly space: AddressSpace;
      readonly vm?: number;
      readonly vcpu?: number;
      readonly address: bigint;
      readonly data: Uint8Array;
    };

export type CommandType = Command['type'];

/* ---------------------------------------------------------------- worker → page */

export type Event =
  | {
      readonly type: 'ready';
      readonly version: number;
      readonly presets: readonly HostPreset[];
      readonly scriptTypes: string;
    }
  | { readonly type: 'status'; readonly status: Status }
  | { readonly type: 'bootlog'; readonly lines: readonly BootLine[] }
  /** Labels and constants of the guest that is loaded, for addresses that a person types; of very many the first. */
  | { readonly type: 'symbols'; readonly symbols: readonly (readonly [name: string, value: bigint])[] }
  /** New or updated entries, by `seq`; a call in progress is sent when it starts and again when it returns. */
  | { readonly type: 'ioctls'; readonly entries: readonly IoctlEntry[] }
  /** Bytes that the VMM printed; `stream` tells the guest's console from the script's own output. */
  | { readonly type: 'output'; readonly stream: 'console' | 'script'; readonly text: string }
  | { readonly type: 'diagnostics'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly type: 'view'; readonly id: string; readonly view: View }
  /** A command that could not be carried out, and why; nothing changed. */
  | { readonly type: 'refused'; readonly command: CommandType | 'unknown'; readonly message: string };

/** An event as a worker sends it: of a watch's answer, once the page has one, what became of it; nothing where it is the same. */
export type SentEvent = Event | { readonly type: 'viewChange'; readonly id: string; readonly difference: Difference };

export type RunState =
  /** Nothing loaded. */
  | 'empty'
  | 'running'
  | 'paused'
  /** The script came to its end. */
  | 'finished'
  /** The script failed or was ended; `message` says why. */
  | 'failed';

export type StopReason =
  'loaded' | 'pause' | 'step' | 'breakpoint' | 'kvm-exit' | 'ioctl' | 'finished' | 'failed' | 'stopped';

export interface Status {
  readonly state: RunState;
  readonly reason: StopReason | null;
  readonly message: string | null;
  /** Counts up with each `load`; views of an earlier load are stale. */
  readonly generation: number;
  /** Guest instructions executed since `load`: the sandbox's virtual time. */
  readonly instructions: bigint;
  readonly ioctls: number;
  /** KVM_RUN in progress or last: which vCPU of which VM, by descriptor. */
  readonly vcpu: VcpuRef | null;
  readonly pc: bigint | null;
  /** Line of the guest's source at `pc`, from 1. */
  readonly guestLine: number | null;
  /** Line of the script that waits for its ioctl, from 1. */
  readonly scriptLine: number | null;
  /** All VMs and vCPUs there are now. */
  readonly vms: readonly {
    readonly fd: number;
    readonly ipaBits: number;
    readonly vcpus: readonly { readonly fd: number; readonly id: number }[];
  }[];
}

export interface VcpuRef {
  readonly vm: number;
  readonly vcpu: number;
}

export interface BootLine {
  /** Seconds as dmesg prints them. */
  readonly time: number;
  readonly text: string;
  /** Why the kernel says it: the rule behind a line about KVM's limits. */
  readonly because?: string;
}

export interface Diagnostic {
  readonly source: 'script' | 'guest' | 'host';
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** From 1; column and end for the squiggle. Absent for a fault that has no line. */
  readonly line?: number;
  readonly column?: number;
  readonly endColumn?: number;
}

/** Why the kernel refused, with its operands put in; `rule` is stable, `kernel` names the function that has the rule. */
export interface Explanation {
  readonly rule: string;
  readonly message: string;
  readonly kernel: string;
}

export interface IoctlEntry {
  readonly seq: number;
  readonly fd: number;
  readonly fdKind: 'system' | 'vm' | 'vcpu' | 'device' | 'unknown';
  /** `KVM_SET_USER_MEMORY_REGION`, or null for a request the table does not have. */
  readonly name: string | null;
  readonly request: number;
  /** The argument as the table says it is: a number, or a pointer to the structure in `argStruct`. */
  readonly arg: bigint;
  readonly argText: string;
  readonly argStruct: DecodedStruct | null;
  /** Set once the call has returned. `ret` is -1 where `errno` is set. */
  readonly result: {
    readonly ret: number;
    readonly errno: string | null;
    readonly explanation: Explanation | null;
    /** The structure after the call, where the kernel writes it. */
    readonly outStruct: DecodedStruct | null;
    /** For KVM_RUN: the exit, as one line (`KVM_EXIT_MMIO write 4 bytes at 0x9000000: 0x48`). */
    readonly exitText: string | null;
  } | null;
  /** Line of the script that made the call, from 1. */
  readonly scriptLine: number | null;
  /** Virtual time at which it was made. */
  readonly instructions: bigint;
}
