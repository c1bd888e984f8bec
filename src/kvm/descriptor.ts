import type { Pa } from '../abi/address.ts';
import type { IoctlResult, Refusal } from './refusal.ts';
import type { Vcpu } from './vcpu.ts';

/** What copy_from_user and copy_to_user are: null and false are EFAULT. Nothing is written when the range is not all writable. */
export interface UserMemory {
  read(hva: bigint, length: number): Uint8Array | null;
  write(hva: bigint, bytes: Uint8Array): boolean;
}

/** A page of the process as get_user_pages finds it. */
export interface UserPage {
  readonly pa: Pa;
  readonly writable: boolean;
  /** Bytes of naturally aligned, physically contiguous host memory around the page that one host mapping covers. */
  readonly mappingSize: number;
}

/** Pages of a process are going away or change permissions: an MMU notifier. */
export interface AddressSpaceListener {
  invalidate(start: bigint, end: bigint): void;
  /** Whether pages were used since this was asked for the last time; `flush`: what TLBs hide is seen from now on. */
  age(start: bigint, end: bigint, flush: boolean): boolean;
}

/** The process' address space (current->mm) as KVM uses it. */
export interface UserAddressSpace extends UserMemory {
  /** First address above user space. */
  readonly taskSize: bigint;
  /** Walks the process' page tables; absent pages of a mapping that allows it are made present. null: no such memory, or not so accessible. */
  getPage(hva: bigint, write: boolean): UserPage | null;
  /** Why `getPage` has none for such an access, as the end of a sentence about the address. */
  whyNoPage(hva: bigint, write: boolean): string;
  /** A mapping of memory that has no struct page (VM_PFNMAP) touches [start, end). */
  hasPfnMapping(start: bigint, end: bigint): boolean;
  addListener(listener: AddressSpaceListener): void;
  removeListener(listener: AddressSpaceListener): void;
}

/** The task that makes the call. */
export interface Caller {
  readonly pid: number;
  readonly memory: UserAddressSpace;
  /** A descriptor number is free. */
  readonly canInstall: boolean;
  /** Makes a descriptor for an object: the lowest free number, or EMFILE. */
  install(descriptor: Descriptor): number | Refusal;
  /** The object behind a descriptor number that is an operand of an ioctl. */
  descriptor(fd: number): Descriptor | null;
  readonly control: RunControl;
}

/** Handed in by whoever drives KVM_RUN; read anew at every slice. */
export interface RunControl {
  /** Guest instructions until KVM_RUN yields the next time; 0: before the next one. */
  budget: number;
  /**
   * Where a vCPU waits for a timer, the host's counter goes on to this count without instructions, and KVM_RUN yields if that
   * does not wake it: other threads can run meanwhile. null: as far as the timer needs, for nothing else can run.
   */
  idleUntil: bigint | null;
  /** The set of signals that are pending for the task: KVM_RUN returns EINTR unless the vCPU's mask blocks them all. */
  signals: bigint;
}

/** KVM_RUN gave the thread back between two guest instructions; resuming goes on as if nothing was. */
export type GuestPause =
  | { readonly why: 'budget' | 'breakpoint'; readonly vcpu: Vcpu }
  /** The vCPU waits for an event. `wakes`: its timer brings one at this count of the host's; null: only other calls or a signal can. */
  | { readonly why: 'idle'; readonly vcpu: Vcpu; readonly wakes: bigint | null };

export type IoctlRun = Generator<GuestPause, IoctlResult, void>;

/** `file`: one that is not KVM's own, or has no ioctls. */
export type DescriptorKind = 'system' | 'vm' | 'vcpu' | 'device' | 'file';

/** An event that can be signalled (eventfd_signal). */
export interface EventSource {
  signal(count: bigint): void;
}

/** An open file. */
export interface Descriptor {
  readonly kind: DescriptorKind;
  /** `arg` is the register as userspace passed it; pointers are read through the caller's memory. */
  ioctl(request: number, arg: bigint, caller: Caller): IoctlRun;
  /** Why these pages of the descriptor can't be mapped so, or null; absent: they can. */
  mayMap?(pageOffset: number, pages: number, how: { shared: boolean; executable: boolean }): Refusal | null;
  /** Physical page behind a page of the descriptor's mapping; null is SIGBUS. Absent: mmap is ENODEV. */
  pageAt?(pageOffset: number): Pa | null;
  /** An event descriptor's event. */
  readonly event?: EventSource;
  /** read(2), or pread(2) with an offset; the bytes that were there, at most so many. Absent: EINVAL. */
  read?(length: number, offset: number | null): Uint8Array | Refusal;
  /** write(2), or pwrite(2) with an offset; how many bytes were taken. Absent: EINVAL. */
  write?(bytes: Uint8Array, offset: number | null): number | Refusal;
  /** The last reference, descriptor or mapping, is gone. */
  release(): void;
}
