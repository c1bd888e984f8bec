import type { IoctlRow } from '../abi/ioctls.ts';
import type { Descriptor, DescriptorKind, RunControl } from '../kvm/descriptor.ts';
import type { KvmModule } from '../kvm/module.ts';
import type { IoctlResult } from '../kvm/refusal.ts';
import type { HostConfig } from './config.ts';
import type { Process } from './process.ts';

export interface BootLine {
  /** Seconds, as dmesg prints them. */
  readonly time: number;
  readonly text: string;
  /** Why the kernel says it. */
  readonly because?: string;
}

/** One ioctl as the observer sees it. */
export interface IoctlCall {
  readonly process: Process;
  readonly fd: number;
  readonly kind: DescriptorKind | 'unknown';
  readonly descriptor: Descriptor | null;
  readonly request: number;
  readonly arg: bigint;
  /** The table's row for the request; null for one it does not have. */
  readonly row: IoctlRow | null;
  /** The structure at `arg` before the call, where the row says there is one and it can be read. */
  readonly bytesBefore: Uint8Array | null;
}

export interface IoctlObserver {
  before?(call: IoctlCall): void;
  /** `bytesAfter`: the structure as it is after the call. */
  after?(call: IoctlCall, result: IoctlResult, bytesAfter: Uint8Array | null): void;
}

/** A booted host. */
export interface HostApi {
  readonly config: HostConfig;
  readonly bootLog: readonly BootLine[];
  readonly kvm: KvmModule;
  readonly processes: readonly Process[];
  /** Shared by all KVM_RUNs; whoever drives sets the budget. */
  readonly control: RunControl;
  /** At most one observer; null takes it away. */
  onIoctl: IoctlObserver | null;
  createProcess(): Process;
}
